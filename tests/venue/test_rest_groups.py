"""Order groups: always on an explicit shard; triggering and deleting never wait behind entries."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from described_calls import GROUP_ID, ORDER_ID
from outcry.domain.errors import RateLimited, Unavailable
from outcry.venue.rest_groups import OrderGroup

GROUPS = "https://exchange.test/trade-api/v2/portfolio/order_groups"
ONE = f"{GROUPS}/{GROUP_ID}"


def test_groups_and_what_is_in_one(rest, exchange, payload):
    exchange.get(GROUPS, body=payload("order_groups"))
    exchange.get(ONE, body=payload("order_group"))
    ours = OrderGroup(GROUP_ID, 2, 15_000, True)
    assert rest.order_groups() == [ours, OrderGroup("g2", 0, None, False)]
    group, orders = rest.order_group(GROUP_ID)
    assert (group, orders[0], len(orders)) == (ours, ORDER_ID, 2)


def test_no_groups_at_all(rest, exchange, payload):
    exchange.get(GROUPS, body=payload("empty"))
    assert rest.order_groups() == []


def test_a_new_group_names_its_shard_and_exact_limit(rest, exchange, payload):
    exchange.post(f"{GROUPS}/create", body=payload("order_group_created"), status=201)
    assert rest.create_order_group(5_050, 2) == GROUP_ID
    assert json.loads(exchange.calls[0].request.body) == {"contracts_limit_fp": "50.50", "exchange_index": 2}


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout("slow")},
        {"json": {}, "status": 201},
        {"json": {"order_group_id": "", "subaccount": 0, "exchange_index": 2}, "status": 201},
        {"json": {"order_group_id": "on the wrong shard", "subaccount": 0, "exchange_index": 0}, "status": 201},
    ],
)
def test_a_group_nobody_can_name_is_unknown(rest, exchange, answer):
    exchange.post(f"{GROUPS}/create", **answer)
    with pytest.raises(Unavailable):
        rest.create_order_group(15_000, 2)
    assert len(exchange.calls) == 1


def test_every_change_names_the_shard(rest, exchange, payload):
    for step in ("limit", "reset", "trigger"):
        exchange.put(f"{ONE}/{step}", body=payload("empty"))
    exchange.delete(ONE, status=204)
    rest.limit_order_group(GROUP_ID, 100, 2)
    rest.reset_order_group(GROUP_ID, 2)
    rest.trigger_order_group(GROUP_ID, 2)
    rest.delete_order_group(GROUP_ID, 2)
    requested = [call.request for call in exchange.calls]
    assert [parse_qs(urlsplit(request.url).query) for request in requested] == [{"exchange_index": ["2"]}] * 4
    assert [request.body for request in requested] == [b'{"contracts_limit_fp":"1.00"}', None, None, None]


def test_stopping_a_group_may_use_what_is_kept_for_cancels(rest, exchange, payload):
    for step in ("reset", "trigger"):
        exchange.put(f"{ONE}/{step}", body=payload("empty"))
    exchange.delete(ONE, body=payload("empty"))
    rest._http._wait_s["write"] = 0.0
    with pytest.raises(RateLimited, match="write:2"):
        while len(exchange.calls) < 100:
            rest.reset_order_group(GROUP_ID, 2)
    assert len(exchange.calls) == 7
    rest.trigger_order_group(GROUP_ID, 2)
    rest.delete_order_group(GROUP_ID, 2)
