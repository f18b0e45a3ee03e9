"""Subaccounts: a transfer moves once whatever happens, because its caller names it."""

import json

import pytest
import requests

from described_calls import TRANSFER_ID
from outcry.domain.errors import Refused, Unavailable
from outcry.venue.rest_subaccounts import SubaccountBalance, SubaccountTransfer

SUB = "https://exchange.test/trade-api/v2/portfolio/subaccounts"


def test_a_new_subaccount_on_a_shard(rest, exchange, payload):
    exchange.post(SUB, body=payload("subaccount_created"), status=201)
    assert rest.create_subaccount(2) == 1
    assert json.loads(exchange.calls[0].request.body) == {"exchange_index": 2}


@pytest.mark.parametrize("number", [0, 64, "1", None])
def test_a_number_that_is_none_leaves_it_unknown(rest, exchange, number):
    exchange.post(SUB, json={"subaccount_number": number}, status=201)
    with pytest.raises(Unavailable):
        rest.create_subaccount(2)


def test_a_transfer_asked_for_again_by_the_same_name_moves_nothing_twice(rest, exchange):
    exchange.post(f"{SUB}/transfer", body=requests.ReadTimeout("slow"))
    exchange.post(f"{SUB}/transfer", json={"error": {"code": "duplicate_transfer"}}, status=409)
    with pytest.raises(Unavailable):
        rest.move_between_subaccounts(TRANSFER_ID, 0, 1, 2_500, 2)
    assert len(exchange.calls) == 1
    assert rest.move_between_subaccounts(TRANSFER_ID, 0, 1, 2_500, 2) is False
    first, second = (json.loads(call.request.body) for call in exchange.calls)
    assert first == second
    assert first == {
        "client_transfer_id": TRANSFER_ID,
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 2_500,
        "exchange_index": 2,
    }


def test_a_transfer_moves_or_is_refused(rest, exchange):
    exchange.post(f"{SUB}/transfer", json={})
    exchange.post(f"{SUB}/transfer", json={"error": {"code": "available_balance_too_low"}}, status=400)
    assert rest.move_between_subaccounts(TRANSFER_ID, 0, 1, 2_500, 2) is True
    with pytest.raises(Refused, match="available_balance_too_low"):
        rest.move_between_subaccounts(TRANSFER_ID, 0, 1, 2_500, 2)


def test_balances_transfers_and_netting(rest, exchange, payload):
    exchange.get(f"{SUB}/balances", body=payload("subaccount_balances"))
    exchange.get(f"{SUB}/transfers", body=payload("subaccount_transfers"))
    exchange.get(f"{SUB}/netting", body=payload("netting"))
    exchange.put(f"{SUB}/netting")
    assert rest.subaccount_balances() == [
        SubaccountBalance(0, 2, 973_421_900, 1_795_194_192_000),
        SubaccountBalance(1, 2, 25_000_000, 1_795_194_190_000),
    ]
    assert rest.subaccount_transfers() == [SubaccountTransfer("t1", 0, 1, 2, 25_000_000, 1_795_194_190_000)]
    assert rest.netting() == {(0, 2): True, (1, 2): False}
    rest.set_netting(1, True)
    assert json.loads(exchange.calls[3].request.body) == {"subaccount_number": 1, "enabled": True}
