"""Subaccounts, groups, transfers and open outcomes survive a restart; so do the books of an older version."""

import sqlite3

import pytest

from engine_kit import SHARD, TICKER, Rig, check, counter, market
from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine import keeping
from outcry.paper.engine.money_records import MoveKind, Reservation
from outcry.paper.engine.money_requests import Place
from outcry.paper.engine.records import NewOrderRequest, OrderStatus
from outcry.paper.events import BookSet, Determined, Listed
from outcry.store import database, exchange_books

IOC = TimeInForce.IOC


@pytest.fixture
def file(tmp_path):
    db = exchange_books.open_file(tmp_path / "exchange.db")
    yield db
    db.close()


@pytest.fixture
def rich() -> Rig:
    """An exchange with something of everything that moves money without a trade, groups, and an open outcome."""
    rig = Rig({4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000}, tier="advanced")
    engine = rig.engine
    rig.does(engine.create_subaccount("ann", rig.now, SHARD))
    rig.does(engine.transfer_subaccount("ann", "t1", 0, 1, 90_000_000, rig.now, exchange_index=SHARD))
    rig.does(engine.deposit("ann", 0, 7_000_000, rig.now))
    rig.does(engine.withdraw("bob", SHARD, 5_000_000, rig.now))
    group = rig.does(engine.create_group("ann", 500, rig.now, subaccount=1, exchange_index=SHARD)).group_id
    rig.bid(4500, 300, subaccount=1, order_group_id=group, client_order_id="grouped")
    rig.bid(4300, 200, subaccount=1, order_group_id=group)
    rig.does(engine.delete_group("bob", rig.does(engine.create_group("bob", 500, rig.now)).group_id, rig.now))
    rig.does(engine.set_target("bob", {0: 20, SHARD: 80}, rig.now, Reservation.MAX))
    rig.does(engine.transfer("ann", Place(SHARD), Place(0, 1), 3_000_000, rig.now))
    rig.does(engine.cancel_all("bob", rig.now))
    engine.set_netting("ann", 1, False)
    rig.feed(Listed(market("KXOLD-1-1", close_at_ms=3_000), rig.now), BookSet("KXOLD-1-1", {}, {5000: 100}, rig.now))
    rig.bid(5000, 60, ticker="KXOLD-1-1", subaccount=1)
    rig.feed(Determined("KXOLD-1-1", "yes", 10_000, 2_500, timer_ms=9_000))
    return rig


def riches(engine) -> list[str]:
    seen = [
        repr(
            (
                [(purse.number, purse.netting, purse.swept_until_ms) for purse in engine.purses(name)],
                [sorted(purse.cash.items()) for purse in engine.purses(name)],
                [sorted(purse.moved_in.items()) for purse in engine.purses(name)],
                [sorted(purse.positions.items()) for purse in engine.purses(name)],
                engine.orders(name),
                engine.fills(name),
                engine.settlements(name),
                engine.groups(name),
                engine.transfers(name),
                engine.subaccount_transfers(name),
                [engine.moves(name, kind) for kind in MoveKind],
                engine.target(name),
            )
        )
        for name in ("ann", "bob")
    ]
    return [*seen, repr(sorted(engine.state.under_way)), repr(engine.market("KXOLD-1-1").pays_at_ms)]


def test_subaccounts_groups_transfers_and_open_outcomes_survive(rich, file):
    keeping.save(file, rich.engine)
    engine = keeping.load(file, counter("new"))
    check(engine)
    assert riches(engine) == riches(rich.engine)


def test_a_restored_exchange_ends_what_was_under_way(rich, file):
    keeping.save(file, rich.engine)
    engine = keeping.load(file, counter("new"))
    engine.tick(3_000)
    assert engine.balance("ann", 0, 1).cash_micros == 3_000_000
    engine.feed(BookSet(TICKER, {4200: 5000}, {4500: 1000}, 3_100))
    (group,) = engine.groups("ann")
    request = NewOrderRequest(
        TICKER, Side.BID, 4500, 200, IOC, subaccount=1, order_group_id=group.group_id, exchange_index=SHARD
    )
    assert engine.create("ann", request, 3_200)[0].filled_ch == 200
    assert group.triggered and group.resting == {}  # with the 300 from before the restart
    assert (
        engine.create("bob", NewOrderRequest(TICKER, Side.BID, 4300, 100, TimeInForce.GTC), 3_300)[0].status
        is OrderStatus.CANCELED
    )  # the tail of its cancel-all
    engine.tick(11_500)
    assert [paid.revenue_micros for paid in engine.settlements("ann", subaccount=1)] == [600_000]
    engine.tick(12_000)
    (sent,) = engine.transfers("bob")
    assert sent.automatic and sent.amount_micros == 199_000_000
    check(engine)
    keeping.save(file, engine)
    assert riches(keeping.load(file, counter())) == riches(engine)


def test_money_that_vanished_on_its_way_is_noticed(rich, file):
    keeping.save(file, rich.engine)
    file.execute("DELETE FROM transfers")
    with pytest.raises(InvariantBroken, match="miss 3000000 micro"):
        keeping.load(file, counter())


def test_books_of_the_first_version_are_carried_over(tmp_path):
    db = database.connect(tmp_path / "exchange.db", checkpoints=True)
    first = tmp_path / "sql"
    first.mkdir()
    (first / "0001_books.sql").write_text((exchange_books.FOLDER / "0001_books.sql").read_text())
    database.migrate(db, first)
    for statement in FIRST_VERSION.split(";"):
        db.execute(statement)
    assert database.migrate(db, exchange_books.FOLDER) == ["0002_money.sql"]
    engine = keeping.load(db, counter())
    check(engine)
    assert engine.balance("ann", SHARD).cash_micros == 95_500_000
    assert [move.amount_micros for move in engine.moves("ann", MoveKind.DEPOSIT)] == [100_000_000]
    assert engine.position("ann", TICKER).position_ch == 1000
    assert [paid.ticker for paid in engine.settlements("ann")] == ["KXOLD-1-1"]
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM settlements")
    db.close()


FIRST_VERSION = """
INSERT INTO accounts VALUES ('ann', 'basic');
INSERT INTO cash VALUES ('ann', 2, 95500000, 100000000);
INSERT INTO house VALUES (2, 4500000, 0);
INSERT INTO markets VALUES ('KXBTC15M-26NOV201215-15', 'E', 'S', 2, 'active', 0, 100000, '[]', 'quadratic', 1000000, '',
    '', '', NULL, '', NULL, NULL, 0, 0, NULL, NULL, 4500, 1000, 0, 0, 1000, 1000, -1000);
INSERT INTO positions VALUES ('ann', 'KXBTC15M-26NOV201215-15', 2, 1000, 4500000, 0, 4500000, 0, 1000, 4500000, 0, 0, 5,
    0);
INSERT INTO settlements (account, ticker, event_ticker, exchange_index, result, value_cc, yes_count_ch, yes_cost_micros,
    no_count_ch, no_cost_micros, revenue_micros, fee_micros, at_ms)
    VALUES ('ann', 'KXOLD-1-1', 'KXOLD-1', 2, 'yes', 10000, 0, 0, 0, 0, 0, 0, 9)
"""
