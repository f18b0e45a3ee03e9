"""Calls are counted where they are made: what failed is what the exchange could not answer."""

import time

import pytest
import requests
import responses

from outcry.domain.errors import OutcryError
from outcry.venue.budget import LocalBudget
from outcry.venue.http import Http
from outcry.venue.tally import KEPT, SLICE_MS, Tally

URL = "http://exchange.test/trade-api/v2"


@pytest.mark.parametrize(
    ("status", "failed"),
    [(200, 0), (400, 0), (404, 0), (409, 0), (401, 1), (429, 1), (500, 1), (503, 1), (None, 1)],
)
def test_what_counts_as_failed(status, failed):
    tally = Tally()
    http = Http(URL, None, LocalBudget(), now_ms=lambda: 12_345, tally=tally, tries=1)
    with responses.RequestsMock() as mocked:
        answer = {"body": requests.ConnectionError("gone")} if status is None else {"status": status, "json": {}}
        mocked.add(responses.GET, f"{URL}/exchange/status", **answer)
        try:
            http.get("/exchange/status")
        except OutcryError:
            assert status != 200
    assert tally.slices(0) == [(10_000, 1, failed)]


def test_slices_of_ten_seconds_for_an_hour():
    tally = Tally()
    for at_ms in range(0, (KEPT + 5) * SLICE_MS, SLICE_MS // 2):
        tally.count(at_ms % SLICE_MS != 0, at_ms)
    slices = tally.slices(0)
    assert len(slices) == KEPT
    assert set(slices) == {(5 * SLICE_MS + number * SLICE_MS, 2, 1) for number in range(KEPT)}
    assert tally.failed == KEPT + 5
    assert tally.slices(slices[-1][0]) == slices[-1:]


def test_a_clock_that_was_set_back_loses_no_call():
    tally = Tally()
    for at_ms in (50_000, 20_000, 21_000):
        tally.count(False, at_ms)
    assert tally.slices(0) == [(50_000, 1, 0), (20_000, 2, 0)]


def test_a_heartbeat_tells_how_long_calls_took():
    tally = Tally()
    assert tally.told(0) == {"calls": [], "answer_ms": None}
    for at_ms, took_ms in ((1_000, 900), (20_000, 10), (21_000, 25)):
        tally.count(False, at_ms, took_ms)
    assert tally.told(10_000) == {"calls": [(20_000, 2, 0)], "answer_ms": 17.5}


def test_a_call_is_timed_from_its_request_to_its_answer():
    tally = Tally()
    http = Http(URL, None, LocalBudget(), now_ms=lambda: 12_345, tally=tally, tries=1)

    def slowly(_request):
        time.sleep(0.05)
        return 200, {}, "{}"

    with responses.RequestsMock() as mocked:
        mocked.add_callback(responses.GET, f"{URL}/exchange/status", slowly)
        http.get("/exchange/status")
    assert tally.told(0)["answer_ms"] >= 50
