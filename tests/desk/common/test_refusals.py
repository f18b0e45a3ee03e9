"""A database that refuses: told once with its holder, tried each second, entries stopped after long, allowed again."""

import sqlite3

import pytest

from outcry.desk.common.refusals import Refusals
from outcry.domain.errors import Unavailable
from outcry.domain.limits import Limits
from outcry.store import database, system

T0 = 1_000_000


@pytest.fixture
def world(tmp_path):
    file = tmp_path / "kalshi.db"
    stranger = database.connect(file)
    database.migrate(stranger)
    db = database.connect(file, timeout_ms=1)
    yield Refusals(db, file, "trader@bull", "program", "trader@bull", Limits()), stranger
    db.close()
    stranger.close()


def refuse(refusals, stranger, now_ms):
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(database.DatabaseRefused) as refused, database.write(refusals._db):
        raise AssertionError("never reached")
    assert refusals.of(refused.value) and not refusals.of(Unavailable("the exchange"))
    refusals.heard(refused.value, now_ms)


def events(db):
    return [(row["level"], row["event"], row["detail"]) for row in system.recent_events(db)]


def test_a_short_one_is_an_event_that_names_the_holder(world, caplog):
    refusals, stranger = world
    refuse(refusals, stranger, T0)
    assert refusals.now and not refusals.may_try(T0 + 999) and refusals.may_try(T0 + 1_000)
    refusals.tend(T0 + 1_000)
    assert refusals.now, "still locked"
    stranger.execute("ROLLBACK")
    refusals.tend(T0 + 1_999)
    assert refusals.now, "tried a moment ago"
    paid = []
    refusals.tend(T0 + 45_000, lambda: paid.append(1))
    assert not refusals.now and paid == [1]
    ((level, event, detail),) = events(stranger)
    assert (level, event) == ("warning", "database_refused")
    assert "for 45.0 s" in detail and "write lock held by pid" in detail
    assert system.controls_now(stranger) == []
    assert [record.message for record in caplog.records] == ["database_refused", "database_answered"]


def test_after_a_minute_entries_stay_stopped_until_it_took_writes_for_as_long(world):
    refusals, stranger = world
    refuse(refusals, stranger, T0)
    stranger.execute("ROLLBACK")
    refusals.tend(T0 + 60_001)
    (control,) = system.controls_now(stranger)
    assert (control.scope, control.name, control.kind, control.cause) == (
        "program", "trader@bull", "stop_entries", "database",
    )  # fmt: skip
    refusals.tend(T0 + 120_000)
    assert system.controls_now(stranger) != []
    refusals.tend(T0 + 120_001)
    assert system.controls_now(stranger) == []


def test_what_is_owed_goes_first_and_its_refusal_keeps_it_refusing(world):
    refusals, stranger = world
    refuse(refusals, stranger, T0)
    stranger.execute("ROLLBACK")

    def full():
        raise sqlite3.OperationalError("database or disk is full")

    refusals.tend(T0 + 2_000, full)
    assert refusals.now and events(stranger) == []


def test_a_life_after_a_kill_lifts_what_the_last_one_stopped(world):
    refusals, stranger = world
    refuse(refusals, stranger, T0)
    stranger.execute("ROLLBACK")
    refusals.tend(T0 + 90_000)
    again = Refusals(refusals._db, refusals._file, "trader@bull", "program", "trader@bull", Limits())
    again.tend(T0 + 100_000)
    assert len(system.controls_now(stranger)) == 1
    again.tend(T0 + 160_000)
    assert system.controls_now(stranger) == []
