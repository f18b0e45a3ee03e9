"""The kill switch, and its release: with every other program dead, with a stubborn exchange, without any."""

import pytest

from account import SHARD, TICKER, HeldExchange, our_id, plan
from beside import Desk
from local_exchange import now_ms
from outcry.desk import halt, resume
from outcry.domain.errors import Misconfigured, Refused, Unavailable
from outcry.domain.order import State
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import accounts, orders, system


@pytest.fixture
def slept():
    return []


@pytest.fixture
def floor(tmp_path):
    return Floor(Settings(), tmp_path)


def test_everything_is_canceled_and_two_listings_a_second_apart_say_so(slept):
    exchange = HeldExchange()
    for number in range(3):
        exchange.place(f"by-hand-{number}")
    outcome = halt.cancel_everything(exchange, slept.append)
    assert (outcome.by_id, outcome.resting) == (0, ())
    assert slept == [1.0] and exchange.book["x1"].status is State.CANCELED
    assert exchange.asked[0] == "cancel_all", "before anything else"


def test_an_order_that_arrives_late_is_canceled_too(slept):
    exchange = HeldExchange()
    exchange.place("early")

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 1:
            exchange.place("late")

    assert halt.cancel_everything(exchange, sleep).resting == ()
    assert [exchange.book[order_id].client_order_id for order_id in exchange.canceled] == ["early", "late"]
    assert len(slept) == 3


def test_without_cancel_all_each_order_is_canceled_by_its_id(slept, capsys):
    exchange = HeldExchange()
    order_id = exchange.place("by-hand")

    def broken():
        raise Unavailable("502")

    exchange.cancel_all = broken
    outcome = halt.cancel_everything(exchange, slept.append)
    assert (outcome.resting, outcome.by_id) == ((), 1)
    assert exchange.canceled == [order_id]
    assert "cancel-all failed (502)" in capsys.readouterr().err


def test_without_batches_either_each_goes_alone_with_its_shard(slept):
    exchange = HeldExchange()
    for number in range(45):
        exchange.place(f"by-hand-{number}")

    def broken(*_arguments):
        raise Unavailable("502")

    exchange.cancel_all = exchange.cancel_orders = broken
    asked = []
    alone = exchange.cancel_order
    exchange.cancel_order = lambda *order: asked.append(order) or alone(*order)
    assert halt.cancel_everything(exchange, slept.append).resting == ()
    assert len(asked) == 45 and asked[0] == ("x1", TICKER, SHARD)


def test_a_listing_that_fails_for_a_while_is_asked_again(slept, capsys):
    exchange = HeldExchange()
    order_id = exchange.place("by-hand")
    exchange.cancel_all = lambda: None  # taken, and nothing done
    listing, failures = exchange.orders, [Unavailable("502"), Unavailable("502")]

    def orders(**how):
        if failures:
            raise failures.pop()
        return listing(**how)

    exchange.orders = orders
    assert halt.cancel_everything(exchange, slept.append).by_id == 1
    assert exchange.canceled == [order_id] and "could not be listed" in capsys.readouterr().err


def test_one_that_can_never_be_listed_is_no_success(slept):
    exchange = HeldExchange()
    exchange.down = True
    with pytest.raises(Unavailable):
        halt.cancel_everything(exchange, slept.append)
    assert len(slept) == halt.ROUNDS - 1


def test_what_will_not_go_is_reported(slept):
    exchange = HeldExchange()
    order_id = exchange.place("by-hand")

    def refused(*_arguments):
        raise Refused("market is inactive", status=400)

    exchange.cancel_all = exchange.cancel_order = refused
    outcome = halt.cancel_everything(exchange, slept.append)
    assert [order.order_id for order in outcome.resting] == [order_id]
    assert outcome.by_id == 0
    assert len(slept) == halt.ROUNDS - 1


def test_without_an_exchange_the_file_stands_and_the_reader_is_told(floor):
    (floor.folder / "kalshi.key-id").write_text("id")
    with pytest.raises((Unavailable, Misconfigured)):
        halt.run(floor, "odd fills")
    assert "odd fills" in floor.halt_file.read_text()
    halt.write_file(floor, "again")
    assert "odd fills" in floor.halt_file.read_text()


def test_what_could_be_written_nowhere_is_no_halt_and_says_so(floor, capsys, monkeypatch):
    monkeypatch.setattr(halt, "write_file", lambda *_: None)  # as on a folder of somebody else
    (floor.folder / "kalshi.key-id").write_text("id")
    with pytest.raises((Unavailable, Misconfigured)) as refused:
        halt.run(floor, "odd fills")
    said = capsys.readouterr()
    assert "NOT HALTED: neither the file nor the database could be written" in said.err + str(refused.value)
    assert "nobody enters" not in said.out + said.err + str(refused.value)


@pytest.mark.floor
def test_with_every_other_program_dead_it_cancels_writes_down_and_resume_lifts_it(tmp_path, capsys):
    desk = Desk(tmp_path)
    try:
        name = our_id("momentum", 1)
        plan(desk.db, name, "momentum", State.SENT, price_cc=3_000)
        placed = desk.client.place(client_order_id=name, price="0.3000")
        orders.update(desk.db, name, State.RESTING, source="answer", now_ms=now_ms(), order_id=placed["order_id"])
        desk.client.place(price="0.2000")  # by hand
        assert halt.run(desk.floor, "odd fills") == 0
        assert desk.client.get("/portfolio/orders?status=resting")["orders"] == []
        assert orders.get(desk.db, name).state is State.CANCELED
        assert desk.db.execute("SELECT source FROM order_events ORDER BY id DESC").fetchone()[0] == "halt"
        (control,) = system.controls_now(desk.db)
        assert (control.kind, control.cause, control.reason) == ("halt", "person", "odd fills")
        assert "nothing rests" in capsys.readouterr().out
        assert halt.run(desk.floor, "twice is harmless") == 0
        assert resume.run(desk.floor, "in a hurry", checked=False) == 1
        said = capsys.readouterr().err
        assert "odd fills" in said and "--i-have-checked" in said
        assert desk.floor.halt_file.exists() and system.controls_now(desk.db) != []
        assert resume.run(desk.floor, "all well", checked=True) == 0
        assert system.controls_now(desk.db) == []
        assert not desk.floor.halt_file.exists()
        assert "the exchange may cancel new orders for another" in capsys.readouterr().out
    finally:
        desk.close()


@pytest.fixture
def drifted(tmp_path):
    """A floor whose shard holds 12 dollars more than the ledger explains."""
    from outcry.store import database

    floor = Floor(Settings(), tmp_path)
    db = database.connect(floor.database)
    database.migrate(db)
    accounts.open_shard(db, SHARD, 1_000_000_000, 1)
    look = accounts.Reconciliation(now_ms(), SHARD, 1_012_000_000, 0, 1_000_000_000, True, False, "balance differs")
    accounts.record_reconciliation(db, look)
    system.set_control(db, "floor", "", "stop_entries", True, cause="drift", reason="balance differs", now_ms=now_ms())
    yield floor, db
    db.close()


def test_resume_says_what_still_stops_entries(drifted, capsys):
    floor, _ = drifted
    assert resume.run(floor, "", checked=False) == 1
    said = capsys.readouterr()
    assert "the floor was not halted" in said.out
    assert "entries stay stopped on floor: drift: balance differs" in said.err
    assert "not reconciled: shard 2: balance differs" in said.err


def test_a_person_books_what_nothing_explained_once(drifted, capsys):
    floor, db = drifted
    assert resume.book(floor, "deposit", "bank transfer") == 0
    assert accounts.expected_micros(db, SHARD) == 1_012_000_000
    assert accounts.deposited_micros(db) == 1_012_000_000
    assert resume.book(floor, "deposit", "bank transfer") == 0  # the same look: its reference is taken
    assert accounts.expected_micros(db, SHARD) == 1_012_000_000
    assert "deposit of $+12.00: bank transfer" in capsys.readouterr().out


def test_booking_needs_a_note_and_is_no_cure_for_positions(drifted):
    floor, db = drifted
    with pytest.raises(Misconfigured, match="needs a note"):
        resume.book(floor, "deposit", "")
    look = accounts.Reconciliation(now_ms() + 1, SHARD, 1, 0, 2, False, False, f"{TICKER}: our position")
    accounts.record_reconciliation(db, look)
    with pytest.raises(Misconfigured, match="positions differ"):
        resume.book(floor, "deposit", "a note")
