"""Account reads that lie behind: writes answer at once, lists follow later, and nothing is ever seen out of order."""

import time
from datetime import datetime

import pytest

from local_exchange import DEPOSIT, TICKER, Client, Listener, LocalExchange, market, now_ms
from outcry.paper.events import BookSet, Determined, Settled
from outcry.paper.server.exchange import Terms

LAG_MS = 300


@pytest.fixture
def exchange():
    running = LocalExchange("floor", terms=Terms(read_lag_ms=LAG_MS))
    running.list(market())
    running.feed(BookSet(TICKER, {4000: 5_000}, {4200: 3_000}, now_ms()))
    yield running
    running.stop()


@pytest.fixture
def floor(exchange, specification):
    client = Client(exchange, "floor", specification)
    yield client
    client.close()


def seen(floor: Client) -> tuple[int, int, int, int]:
    """How many orders, fills and positions a read shows, and the balance in cents."""
    return (
        len(floor.get("/portfolio/orders")["orders"]),
        len(floor.get("/portfolio/fills")["fills"]),
        len(floor.get("/portfolio/positions")["market_positions"]),
        floor.get("/portfolio/balance")["balance"],
    )


def test_reads_follow_writes_after_the_lag_and_the_stream_does_not_wait(exchange, floor, specification):
    listener = Listener(exchange, "floor", specification)
    listener.say("subscribe", channels=["fill"])
    listener.next()
    placed = floor.place(price="0.4200", time_in_force="immediate_or_cancel")
    assert placed["fill_count"] == "10.00"
    assert listener.next()["msg"]["order_id"] == placed["order_id"]
    listener.close()
    assert seen(floor) == (0, 0, 0, DEPOSIT // 10_000)
    assert floor.refused("GET", f"/portfolio/orders/{placed['order_id']}") == (404, "not_found")
    time.sleep(LAG_MS / 1000)
    cost_cents = 420 + 18  # ten at 42 cents and a fee of 17.05 cents, balances being cut to cents
    assert seen(floor) == (1, 1, 1, DEPOSIT // 10_000 - cost_cents)
    assert floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "executed"


def test_an_order_is_read_as_it_was(floor):
    placed = floor.place()
    time.sleep(LAG_MS / 1000)
    assert floor.ask("DELETE", f"/portfolio/events/orders/{placed['order_id']}?exchange_index=2")[0] == 200
    (old,) = floor.get("/portfolio/orders?status=resting")["orders"]
    assert (old["order_id"], old["remaining_count_fp"]) == (placed["order_id"], "10.00")
    assert floor.get("/portfolio/orders?status=canceled")["orders"] == []
    time.sleep(LAG_MS / 1000)
    assert floor.get("/portfolio/orders?status=resting")["orders"] == []
    assert floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "canceled"


def test_a_settlement_arrives_with_its_money_and_without_its_position(exchange, floor):
    floor.place(price="0.4200", time_in_force="immediate_or_cancel")
    time.sleep(LAG_MS / 1000)
    before = seen(floor)
    at = now_ms()
    exchange.feed(Determined(TICKER, "yes", 10_000, at), Settled(TICKER, at))
    assert floor.get("/portfolio/settlements")["settlements"] == []
    assert seen(floor) == before
    time.sleep(LAG_MS / 1000)
    assert len(floor.get("/portfolio/settlements")["settlements"]) == 1
    assert seen(floor) == (1, 1, 0, before[3] + 1_000)


def test_the_exchange_says_how_fresh_its_reads_are(floor):
    before_ms = now_ms()
    as_of = datetime.fromisoformat(floor.get("/exchange/user_data_timestamp")["as_of_time"])
    assert before_ms - LAG_MS <= round(as_of.timestamp() * 1000) <= now_ms() - LAG_MS
