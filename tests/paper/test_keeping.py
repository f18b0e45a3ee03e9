"""What was acknowledged is there after a kill -9, and a restarted exchange goes on where it stopped."""

import json
import signal
import subprocess
import sys

import pytest

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, check, counter, market
from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine import keeping
from outcry.paper.engine.records import NewOrderRequest, OrderStatus, Reason, Reject, SelfTrade
from outcry.paper.events import BookSet, Determined, Listed, Print, Settled
from outcry.store import exchange_books

IOC = TimeInForce.IOC


@pytest.fixture
def path(tmp_path):
    return tmp_path / "exchange.db"


@pytest.fixture
def file(path):
    db = exchange_books.open_file(path)
    yield db
    db.close()


@pytest.fixture
def rig() -> Rig:
    """An exchange with something of everything: fills of both roles, a resting order, an ended one, a settlement."""
    rig = Rig({4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000})
    rig.bid(4500, 333, client_order_id="taken", time_in_force=IOC)
    rig.ask(4400, 100, "bob", client_order_id="made")
    rig.bid(4400, 40, client_order_id="met", self_trade=SelfTrade.MAKER)
    rig.bid(4300, 700, client_order_id="rests", expires_at_ms=50_000, cancel_on_pause=True)
    rig.bid(4300, 50, "bob", post_only=True)
    rig.feed(Listed(market("KXOLD-1-1", close_at_ms=3_000), rig.now), BookSet("KXOLD-1-1", {}, {5000: 100}, rig.now))
    rig.bid(5000, 60, ticker="KXOLD-1-1")
    rig.feed(Determined("KXOLD-1-1", "yes", 10_000, 3_100, 97_000_000_000), Settled("KXOLD-1-1", 3_200))
    return rig


def pictures(engine) -> dict:
    """Everything an account could ask, as text."""
    seen = {}
    for name in ("ann", "bob"):
        seen[name] = [
            repr(answer)
            for answer in (
                engine.orders(name),
                engine.fills(name),
                engine.settlements(name),
                engine.positions(name, settled=None),
                engine.tier(name),
                [engine.state.purse(name, 0).free_micros(shard) for shard in engine.shards(name)],
                [engine.balance(name, shard).reserved_micros for shard in engine.shards(name)],
            )
        ]
    for record in engine.markets():
        facts = (record.market, record.created_at_ms, record.determined_at_ms, record.settled_at_ms)
        numbers = (record.last_price_cc, record.own_volume_ch, record.own_interest_ch, record.expiration_value_micros)
        seen[record.market.ticker] = (facts, numbers)
    seen["house"] = (engine.state.house.foreign, engine.state.house.fees, engine.state.house.positions)
    return seen


def test_everything_an_account_could_ask_survives(rig, file):
    assert keeping.save(file, rig.engine)
    again = keeping.load(file, counter("new"))
    assert pictures(again) == pictures(rig.engine)
    check(again)
    assert not keeping.save(file, again)


def test_nothing_changed_writes_nothing(rig, file):
    keeping.save(file, rig.engine)
    rig.feed(BookSet(TICKER, {4200: 5000}, {4500: 1000}, rig.now))
    assert not keeping.save(file, rig.engine)


def test_rows_that_did_not_change_are_not_written_again(rig, file):
    keeping.save(file, rig.engine)
    written: list[str] = []
    file.set_trace_callback(lambda statement: written.append(statement.split("(")[0]))
    rig.bid(3000, 100)
    keeping.save(file, rig.engine)
    file.set_trace_callback(None)
    assert [statement for statement in written if "INSERT" in statement] == ["INSERT INTO orders "]


def test_each_step_adds_to_the_last(rig, file):
    keeping.save(file, rig.engine)
    rig.bid(4500, 100, time_in_force=IOC)
    assert keeping.save(file, rig.engine)
    (order,) = rig.engine.orders("bob", status=OrderStatus.RESTING)[:1]
    rig.told(rig.engine.cancel("bob", order.order_id, TICKER, SHARD, rig.now)[2])
    keeping.save(file, rig.engine)
    assert pictures(keeping.load(file, counter())) == pictures(rig.engine)


def test_a_restored_exchange_goes_on(rig, file):
    keeping.save(file, rig.engine)
    engine = keeping.load(file, counter("new"))
    with pytest.raises(Reject) as caught:
        engine.create("ann", _request("rests"), 4_000)
    assert caught.value.status == 409
    engine.feed(BookSet(TICKER, {4300: 2500}, {4500: 10}, 4_000))
    rests = next(order for order in engine.orders("ann") if order.client_order_id == "rests")
    assert engine.market(TICKER).book.ahead_ch(rests.order_id) == 2500  # at the back of what it finds
    engine.feed(Print(TICKER, 4300, 2600, Side.ASK, 4_001))
    assert rests.filled_ch == 100
    engine.tick(50_000)
    assert (rests.status, rests.reason) == (OrderStatus.CANCELED, Reason.EXPIRY)
    engine.feed(Determined(TICKER, "no", 0, CLOSE_MS))
    engine.feed(Settled(TICKER, CLOSE_MS + 1))
    keeping.save(file, engine)
    check(keeping.load(file, counter()))


def _request(client_order_id: str):
    return NewOrderRequest(TICKER, Side.BID, 4300, 100, TimeInForce.GTC, client_order_id=client_order_id)


def test_the_queue_among_accounts_survives(rig, file):
    keeping.save(file, rig.engine)
    engine = keeping.load(file, counter("new"))
    engine.feed(BookSet(TICKER, {}, {4500: 10}, 4_000))
    engine.feed(Print(TICKER, 4300, 710, Side.ASK, 4_001))
    assert [fill.count_ch for fill in engine.fills("ann")[:1]] == [700]
    assert [fill.count_ch for fill in engine.fills("bob")[:1]] == [10]


def test_a_market_its_source_forgot_is_paid_at_its_last_price(rig, file):
    keeping.save(file, rig.engine)
    engine = keeping.load(file, counter("new"))
    engine.tick(CLOSE_MS + 59_999)
    assert engine.positions("ann") != []
    engine.tick(CLOSE_MS + 60_000)
    (paid,) = engine.settlements("ann", tickers=[TICKER])
    assert (paid.result, paid.value_cc) == ("scalar", 4400)
    check(engine)


def test_a_market_its_source_still_knows_waits_for_its_outcome(rig, file):
    keeping.save(file, rig.engine)
    engine = keeping.load(file, counter("new"))
    engine.feed(Listed(market(), 4_000))
    engine.tick(CLOSE_MS + 600_000)
    assert engine.settlements("ann", tickers=[TICKER]) == []


def test_a_determined_market_is_paid_its_outcome_even_when_its_source_is_gone(rig, file):
    rig.feed(Determined(TICKER, "no", 0, CLOSE_MS + 1))
    keeping.save(file, rig.engine)
    engine = keeping.load(file, counter("new"))
    engine.tick(CLOSE_MS + 60_000)
    assert engine.settlements("ann", tickers=[TICKER])[0].result == "no"


def test_a_file_that_refuses_loses_nothing(rig, path, file):
    other = exchange_books.open_file(path)
    file.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        keeping.save(file, rig.engine)
    other.execute("ROLLBACK")
    other.close()
    assert keeping.save(file, rig.engine)
    assert pictures(keeping.load(file, counter())) == pictures(rig.engine)


def test_books_that_do_not_add_up_are_not_traded_on(rig, file):
    keeping.save(file, rig.engine)
    file.execute("UPDATE cash SET cash_micros = cash_micros + 1 WHERE account = 'ann'")
    with pytest.raises(InvariantBroken, match="off by 1 micro"):
        keeping.load(file, counter())


# ---- killed ---------------------------------------------------------------------------------------------------------

CHILD = """
import json, random, sys, uuid
from pathlib import Path
from engine_kit import TICKER, market
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine import keeping
from outcry.paper.events import BookSet, Listed, Print
from outcry.paper.engine.records import NewOrderRequest
from outcry.store import exchange_books

db = exchange_books.open_file(Path(sys.argv[1]))
chance = random.Random(int(sys.argv[2]))
engine = keeping.load(db, lambda: str(uuid.UUID(int=chance.getrandbits(128))))
engine.add_account("ann", {2: 1_000_000_000})
engine.feed(Listed(market(), 0))
engine.feed(BookSet(TICKER, {4200: 10**6, 4300: 10**6}, {4500: 10**6, 4600: 10**6}, 2_000))
while True:
    side = chance.choice(list(Side))
    force = chance.choice([TimeInForce.GTC, TimeInForce.IOC])
    price = chance.choice([4300, 4400, 4500])
    order, events = engine.create("ann", NewOrderRequest(TICKER, side, price, chance.randint(1, 30), force), 3_000)
    engine.feed(Print(TICKER, 4400, chance.randint(1, 9), side.opposite, 3_000))
    keeping.save(db, engine)
    orders = {o.order_id: [o.status, o.filled_ch, o.remaining_ch] for o in engine.orders("ann")}
    fills = [fill.trade_id for fill in engine.fills("ann")]
    print(json.dumps([orders, fills, engine.balance("ann").cash_micros]), flush=True)
"""


def run_and_kill(path, seed: int, after: int) -> list:
    """Let a real exchange process acknowledge some steps, kill it at an arbitrary instant; returns its last answer."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(folder for folder in sys.path if folder)},
    )
    with child:
        for _ in range(after):
            line = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        heard = [line, *child.stdout.readlines()]
    assert child.returncode == -signal.SIGKILL
    return json.loads([line for line in heard if line.endswith("\n")][-1])


def test_a_kill_loses_nothing_that_was_acknowledged(path):
    for seed, after in ((1, 1), (2, 17), (3, 40)):
        orders, fills, cash = run_and_kill(path, seed, after)
        db = exchange_books.open_file(path)
        engine = keeping.load(db, counter())
        check(engine)
        now = {order.order_id: [order.status, order.filled_ch, order.remaining_ch] for order in engine.orders("ann")}
        found = [fill.trade_id for fill in engine.fills("ann")]
        assert orders.keys() <= now.keys() and len(now) <= len(orders) + 1
        assert found[len(found) - len(fills) :] == fills
        assert len(found) == len(set(found))
        if len(now) == len(orders):
            assert (now, found, engine.balance("ann").cash_micros) == (orders, fills, cash)
        db.close()
