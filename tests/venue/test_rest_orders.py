"""Decreasing an order and its place in the queue; the rest of single orders is in test_rest."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from described_calls import ORDER_ID, TICKER
from outcry.domain.errors import Refused, SchemaDrift, Unavailable

BASE = "https://exchange.test/trade-api/v2"
DECREASE = f"{BASE}/portfolio/events/orders/{ORDER_ID}/decrease"


def test_a_decrease_says_what_shall_remain(rest, exchange, payload):
    exchange.post(DECREASE, body=payload("order_decreased"))
    assert rest.decrease_order(ORDER_ID, TICKER, 2, 300) == 300
    assert json.loads(exchange.calls[0].request.body) == {
        "reduce_to": "3.00",
        "market_ticker": TICKER,
        "exchange_index": 2,
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout("slow")},
        {"body": "", "status": 500},
        {"json": {}},
        {"json": {"order_id": "another", "remaining_count": "3.00", "ts_ms": 1}},
        {"json": {"order_id": ORDER_ID, "remaining_count": "0.001", "ts_ms": 1}},
    ],
)
def test_a_lost_or_odd_answer_leaves_it_unknown(rest, exchange, answer):
    exchange.post(DECREASE, **answer)
    with pytest.raises(Unavailable):
        rest.decrease_order(ORDER_ID, TICKER, 2, 300)
    assert len(exchange.calls) == 1


def test_a_decrease_of_what_is_over_is_refused(rest, exchange):
    exchange.post(DECREASE, json={"error": {"code": "not_found"}}, status=404)
    with pytest.raises(Refused):
        rest.decrease_order(ORDER_ID, TICKER, 2, 300)


def test_what_trades_before_our_orders(rest, exchange, payload):
    exchange.get(f"{BASE}/portfolio/orders/queue_positions", body=payload("queue_positions"))
    exchange.get(f"{BASE}/portfolio/orders/{ORDER_ID}/queue_position", body=payload("queue_position"))
    positions = rest.queue_positions([TICKER])
    assert (positions[ORDER_ID], len(positions)) == (31_000, 2)
    assert rest.queue_position(ORDER_ID) == 2_750


def test_many_markets_are_asked_about_a_hundred_at_a_time(rest, exchange, payload):
    exchange.get(f"{BASE}/portfolio/orders/queue_positions", body=payload("queue_positions"))
    rest.queue_positions([str(number) for number in range(101)])
    asked = [parse_qs(urlsplit(call.request.url).query)["market_tickers"][0] for call in exchange.calls]
    assert [len(tickers.split(",")) for tickers in asked] == [100, 1]


def test_a_queue_position_that_cannot_be_read_is_drift(rest, exchange):
    exchange.get(f"{BASE}/portfolio/orders/{ORDER_ID}/queue_position", json={"queue_position": 27})
    with pytest.raises(SchemaDrift):
        rest.queue_position(ORDER_ID)
