"""How far our clock is from the exchange's, within what a whole-second header can say."""

import pytest
import responses

from outcry.domain.errors import Unavailable
from outcry.venue.probe import clock_ahead_ms

URL = "http://exchange.test/trade-api/v2"
NOON_MS = 1_795_176_000_000  # 2026-11-20 12:00:00 UTC


@responses.activate
def test_the_clock_s_lead_is_within_a_second_and_the_way():
    responses.get(f"{URL}/exchange/status", headers={"Date": "Fri, 20 Nov 2026 12:00:00 GMT"})
    clock = iter([NOON_MS + 30_000, NOON_MS + 30_120])
    assert clock_ahead_ms(URL, lambda: next(clock)) == (29_000, 30_120)


@responses.activate
@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}])
def test_without_a_date_nothing_is_known(headers):
    responses.get(f"{URL}/exchange/status", status=503, headers=headers)
    with pytest.raises(Unavailable, match="answered 503 without a date"):
        clock_ahead_ms(URL)
