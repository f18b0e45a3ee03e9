"""Incentive programmes: exact money, and pages that are turned by another name."""

import pytest

from outcry.domain.errors import Unavailable
from outcry.venue.rest_incentives import Incentive

PROGRAMS = "https://exchange.test/trade-api/v2/incentive_programs"


def test_incentives_in_exact_money_page_by_page(rest, exchange, change):
    tree = change("incentives")
    exchange.get(PROGRAMS, json={"incentive_programs": tree["incentive_programs"][:1], "next_cursor": "more"})
    exchange.get(PROGRAMS, json={"incentive_programs": tree["incentive_programs"][1:]})
    first, second = rest.incentives("active", "liquidity")
    days = (1_795_132_800_000, 1_795_737_600_000)
    assert first == Incentive(
        "i1", "KXBTC15M-26NOV201215-15", "liquidity", *days, 250_000_000, 50_000_000, 30_000, 9_500, False
    )
    assert second == Incentive(
        "i2", "KXETH15M-26NOV201215-15", "margin_taker_volume", *days, 1_000, None, None, None, True
    )
    assert exchange.calls[1].request.url.endswith("?status=active&type=liquidity&limit=1000&cursor=more")


def test_a_next_cursor_that_repeats_is_no_list(rest, exchange, change):
    exchange.get(PROGRAMS, json=change("incentives") | {"next_cursor": "again"})
    with pytest.raises(Unavailable, match="repeats"):
        rest.incentives()
    assert len(exchange.calls) == 2
