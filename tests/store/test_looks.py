import sqlite3

import pytest

from outcry.domain.funnel import LOOKED
from outcry.store import looks

MINUTE = 60_000
STILL = "index has not moved enough"


def test_counters_of_a_minute_add_up(db):
    looks.add(db, "bull", {("A", 0, STILL, "signal"): 3, ("A", MINUTE, STILL, "signal"): 1})
    looks.add(db, "bull", {("A", 0, STILL, "signal"): 2, ("B", MINUTE, "state ACTING", "free"): 9})
    looks.add(db, "bear", {("A", 0, "the coin said no", "signal"): 60})
    assert looks.since(db, "bull", 0) == [("B", "state ACTING", 9), ("A", STILL, 6)]
    assert looks.since(db, "bull", MINUTE) == [("B", "state ACTING", 9), ("A", STILL, 1)]


def test_old_minutes_are_forgotten(db):
    looks.add(db, "bull", {("A", 0, "x", "risk"): 1, ("A", MINUTE, "x", "risk"): 1})
    assert looks.forget(db, MINUTE) == 1
    assert looks.since(db, "bull", 0) == [("A", "x", 1)]


def test_each_step_where_a_look_can_end_may_be_kept_and_no_other(db):
    looks.add(db, "bull", {("A", 0, f"at {step}", step): 1 for step in LOOKED})
    assert {row["step"] for row in db.execute("SELECT step FROM looks")} == set(LOOKED)
    with pytest.raises(sqlite3.IntegrityError):
        looks.add(db, "bull", {("A", 0, "x", "sent"): 1})
