from outcry.store import looks

MINUTE = 60_000


def test_counters_of_a_minute_add_up(db):
    looks.add(db, "bull", {("A", 0, "index has not moved enough"): 3, ("A", MINUTE, "index has not moved enough"): 1})
    looks.add(db, "bull", {("A", 0, "index has not moved enough"): 2, ("B", MINUTE, "state ACTING"): 9})
    looks.add(db, "bear", {("A", 0, "the coin said no"): 60})
    assert looks.since(db, "bull", 0) == [("B", "state ACTING", 9), ("A", "index has not moved enough", 6)]
    assert looks.since(db, "bull", MINUTE) == [("B", "state ACTING", 9), ("A", "index has not moved enough", 1)]


def test_old_minutes_are_forgotten(db):
    looks.add(db, "bull", {("A", 0, "x"): 1, ("A", MINUTE, "x"): 1})
    assert looks.forget(db, MINUTE) == 1
    assert looks.since(db, "bull", 0) == [("A", "x", 1)]
