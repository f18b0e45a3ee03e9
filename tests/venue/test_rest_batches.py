"""Batches: an outcome for each item, paid for before they are sent, sent once, unknown when the answer is lost."""

import json
from dataclasses import replace

import pytest
import requests

from described_calls import CANCELS, CLIENT_IDS, GROUP_ID, ORDER_ID, ORDERS, TICKER
from outcry.domain.errors import InvariantBroken, RateLimited, Refused, SchemaDrift, Unavailable
from outcry.venue.rest_batches import BatchSize

URL = "https://exchange.test/trade-api/v2/portfolio/events/orders/batched"


def odd(rest, exchange, tree):
    """The outcomes of a batch answered by this."""
    exchange.post(URL, json=tree, status=201)
    return rest.create_orders(ORDERS)


def test_every_item_has_the_outcome_it_would_have_had_alone(rest, exchange, payload):
    exchange.post(URL, body=payload("batch_created"), status=201)
    placed, refused, unknown = rest.create_orders(ORDERS)
    assert (placed.order_id, placed.filled_ch, placed.remaining_ch) == (ORDER_ID, 425, 775)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code, refused.details) == (400, "invalid_order", "post only cross")
    assert isinstance(unknown, Unavailable)
    assert CLIENT_IDS[2] in str(unknown)


def test_the_body_holds_what_each_order_would_have_sent_alone(rest, exchange, payload):
    exchange.post(URL, body=payload("batch_created"), status=201)
    rest.create_orders(ORDERS)
    orders = json.loads(exchange.calls[0].request.body)["orders"]
    assert [order["client_order_id"] for order in orders] == list(CLIENT_IDS)
    assert orders[0] == {
        "ticker": TICKER,
        "client_order_id": CLIENT_IDS[0],
        "side": "bid",
        "count": "12.00",
        "price": "0.4300",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": 2,
        "post_only": True,
        "order_group_id": GROUP_ID,
    }


def test_cancels_go_out_as_a_body_and_tell_what_each_took_off_the_book(rest, exchange, payload):
    exchange.delete(URL, body=payload("batch_canceled"))
    done, refused = rest.cancel_orders(CANCELS)
    assert done == 775
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code) == (404, "not_found")
    assert json.loads(exchange.calls[0].request.body) == {
        "orders": [{"order_id": cancel.order_id, "market_ticker": TICKER, "exchange_index": 2} for cancel in CANCELS]
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout("slow")},
        {"body": requests.ConnectionError("reset")},
        {"body": "", "status": 503},
        {"body": "", "status": 201},
        {"json": {"orders": []}, "status": 201},
        {"json": {"orders": [{}, {}, {}, {}]}, "status": 201},
        {"json": {"results": [1, 2, 3]}, "status": 201},
        {"json": {"error": {"code": "order_already_exists"}}, "status": 409},
    ],
)
def test_a_lost_answer_leaves_all_items_unknown_and_nothing_is_resent(rest, exchange, clock, answer):
    for method in (exchange.post, exchange.delete):
        method(URL, **answer)
    with pytest.raises(Unavailable) as caught:
        rest.create_orders(ORDERS)
    assert not isinstance(caught.value, RateLimited)
    assert len(exchange.calls) == 1
    with pytest.raises((Unavailable, Refused)):
        rest.cancel_orders(CANCELS)
    assert len(exchange.calls) == 2
    assert clock.slept == []


@pytest.mark.parametrize(
    "item",
    [
        {},  # neither an order nor an error
        {"order_id": "", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1},
        {"order_id": "x", "fill_count": None, "remaining_count": "1.00", "ts_ms": 1},
        {"order_id": "x", "fill_count": "0.001", "remaining_count": "1.00", "ts_ms": 1},
        {"order_id": "x", "client_order_id": CLIENT_IDS[1], "fill_count": "0", "remaining_count": "1", "ts_ms": 1},
        {"error": {}},
        {"error": {"code": None, "message": None}},
        {"error": {"code": "internal_server_error"}},
        {"error": {"code": "order_already_exists"}},
        {"error": {"code": "invalid_order"}, "fill_count": "1.00"},
    ],
)
def test_an_item_nobody_can_be_sure_about_is_unknown_and_spoils_no_other(rest, exchange, change, item):
    tree = change("batch_created")
    tree["orders"][0] = item
    first, second, _third = odd(rest, exchange, tree)
    assert isinstance(first, Unavailable)
    assert isinstance(second, Refused)


def test_an_answer_that_is_no_batch_keeps_its_body(rest, exchange):
    with pytest.raises(Unavailable) as caught:
        odd(rest, exchange, {"ticket": "soft reject"})
    assert isinstance(caught.value.__cause__, SchemaDrift)
    assert b"soft reject" in caught.value.__cause__.raw


def test_a_cancel_answered_about_another_order_is_unknown(rest, exchange, change):
    tree = change("batch_canceled")
    tree["orders"].reverse()
    exchange.delete(URL, json=tree)
    assert all(isinstance(outcome, Unavailable) for outcome in rest.cancel_orders(CANCELS))


def test_a_batch_larger_than_the_bucket_is_never_sent(rest, exchange, payload):
    assert rest.largest_batch() == BatchSize(creates=7, cancels=45)  # of 100 tokens 90 are ours, 18 kept for cancels
    many = [replace(ORDERS[0], client_order_id=str(number)) for number in range(8)]
    with pytest.raises(InvariantBroken, match="80 tokens"):
        rest.create_orders(many)
    with pytest.raises(InvariantBroken, match="92 tokens"):
        rest.cancel_orders(CANCELS * 23)
    assert len(exchange.calls) == 0


def test_a_batch_is_billed_for_each_item_from_the_common_bucket_whatever_its_shard(rest, exchange, payload):
    exchange.post(URL, body=payload("batch_created"), status=201)
    exchange.delete(URL, body=payload("batch_canceled"))
    rest._http._wait_s["write"] = 0.0
    for _batch in range(2):  # twice three orders of ten tokens: a third batch does not fit above what is kept
        rest.create_orders(ORDERS)
    with pytest.raises(RateLimited, match="our own write budget"):
        rest.create_orders(ORDERS)
    rest.cancel_orders(CANCELS)
    assert {name for name in rest._budget._states if name.startswith("write")} == {"write"}
    assert rest._budget._states["write"][0] == (90 - 60 - 4) * 1000


def test_a_batch_waits_until_it_fits_as_a_whole(rest, exchange, payload, clock):
    exchange.post(URL, body=payload("batch_created"), status=201)
    for _batch in range(3):
        rest.create_orders(ORDERS)
    assert clock.slept == [pytest.approx(0.2)]  # 18 tokens short at 90 a second


def test_429_refuses_the_whole_batch_and_empties_our_bucket(rest, exchange):
    exchange.post(URL, json={"error": "too many requests"}, status=429)
    with pytest.raises(RateLimited):
        rest.create_orders(ORDERS)
    assert len(exchange.calls) == 1
    assert rest._budget._states["write"][0] == 0


def test_nothing_to_do_asks_nobody(rest, exchange):
    assert (rest.create_orders([]), rest.cancel_orders([])) == ([], [])
    assert len(exchange.calls) == 0
