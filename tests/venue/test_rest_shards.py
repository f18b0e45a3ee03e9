"""Cash between shards: exact amounts in the call's own unit, and never sent twice."""

import json

import pytest
import requests

from described_calls import TRANSFER_ID
from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue.rest_shards import Reservation, ShardTransfer, TargetAllocation, TransferStatus

PORTFOLIO = "https://exchange.test/trade-api/v2/portfolio"
MOVE = f"{PORTFOLIO}/intra_exchange_instance_transfer"
TARGET = f"{PORTFOLIO}/target_balance_allocation"


def test_an_amount_goes_out_in_centicents_and_comes_back_in_dollars(rest, exchange, payload):
    exchange.post(MOVE, body=payload("shard_transfer_created"))
    exchange.get(f"{MOVE}s/{TRANSFER_ID}", body=payload("shard_transfer"))
    assert rest.move_between_shards(2_500_001, 0, 2) == TRANSFER_ID
    assert json.loads(exchange.calls[0].request.body) == {
        "source": "event_contract",
        "destination": "event_contract",
        "amount": 2_500_001,
        "source_exchange_shard": 0,
        "destination_exchange_shard": 2,
    }
    transfer = rest.shard_transfer(TRANSFER_ID)
    assert transfer == ShardTransfer(TRANSFER_ID, 0, 2, 250_000_100, TransferStatus.PENDING, 1_795_194_192_000)


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ConnectionError("reset")},
        {"body": "", "status": 504},
        {"json": {}},
        {"json": {"transfer_id": ""}},
    ],
)
def test_a_lost_answer_is_looked_up_and_not_resent(rest, exchange, payload, answer):
    exchange.post(MOVE, **answer)
    exchange.get(f"{MOVE}s", body=payload("shard_transfers"))
    with pytest.raises(Unavailable):
        rest.move_between_shards(2_500_001, 0, 2)
    assert len(exchange.calls) == 1
    assert [transfer.status for transfer in rest.shard_transfers()] == ["complete", "pending"]


def test_transfers_come_in_pages_of_their_own_size(rest, exchange, change):
    tree = change("shard_transfers")
    exchange.get(f"{MOVE}s", json={**tree, "cursor": "more"})
    exchange.get(f"{MOVE}s", json=tree)
    assert len(rest.shard_transfers()) == 4
    assert exchange.calls[1].request.url.endswith("?limit=500&cursor=more")


@pytest.mark.parametrize("spoil", [{"status": "lost"}, {"amount": "1.0000001"}, {"created_ts": 1_795_194_192_345}])
def test_a_transfer_that_cannot_be_read_is_drift(rest, exchange, change, spoil):
    tree = change("shard_transfer")
    tree["transfer"] |= spoil
    exchange.get(f"{MOVE}s/x", json=tree)
    with pytest.raises(SchemaDrift):
        rest.shard_transfer("x")


def test_the_target_is_read_and_written_in_the_same_words(rest, exchange, payload):
    exchange.get(TARGET, body=payload("target_allocation"))
    exchange.post(TARGET, json={})
    target = rest.target_allocation()
    assert target == TargetAllocation({0: 10, 2: 90}, Reservation.SUM)
    rest.set_target_allocation(target)
    assert json.loads(exchange.calls[1].request.body) == json.loads(payload("target_allocation"))
    rest.set_target_allocation(TargetAllocation({}, Reservation.SUM))
    assert json.loads(exchange.calls[2].request.body)["allocations"] == []
