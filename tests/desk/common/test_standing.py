"""What a program forbids reaches the database, however long that refuses."""

import pytest

from outcry.desk.common.standing import Standing, parting
from outcry.domain.errors import Unavailable
from outcry.store import database, system


class FakeSupervisor:
    def status(self, _text: str) -> None: ...

    def beat(self) -> None: ...


@pytest.fixture
def books(tmp_path):
    holder = database.connect(tmp_path / "kalshi.db")
    database.migrate(holder)
    db = database.connect(tmp_path / "kalshi.db", timeout_ms=10)
    yield holder, Standing(db, "clerk", FakeSupervisor(), "WAITING", 1)
    db.close()
    holder.close()


def forbidden(db):
    return [(control.cause, control.reason) for control in system.controls_now(db)]


def test_what_a_locked_database_was_not_told_it_is_told_with_the_next_beat(books):
    db, standing = books
    db.execute("BEGIN IMMEDIATE")
    standing.forbid("schema", "odd", 1_000)
    standing.forbid("schema", "odder", 1_001)
    with pytest.raises(Unavailable):
        standing.beat_if_due({}, 100_000)
    db.execute("ROLLBACK")
    assert forbidden(db) == []
    standing.beat_if_due({}, 1_003)
    assert forbidden(db) == [("schema", "odder")]
    told = [(row["level"], row["event"]) for row in system.recent_events(db)]
    assert told == [("critical", "stopped_entries")]


def test_the_last_word_of_a_cause_counts(books):
    db, standing = books
    db.execute("BEGIN IMMEDIATE")
    standing.forbid("schema", "odd", 1_000)
    standing.allow("schema", "fine", 1_001)
    standing.forbid("ledger", "a cent", 1_002)
    db.execute("ROLLBACK")
    standing.beat_if_due({}, 1_003)
    assert forbidden(db) == [("ledger", "a cent")]


def test_what_is_forbidden_already_is_not_told_again_however_its_reason_reads(books):
    db, standing = books
    standing.forbid("schema", "odd: body of 1:00", 1_000)
    standing.forbid("schema", "odd: body of 1:01", 1_001)
    assert forbidden(db) == [("schema", "odd: body of 1:00")]
    assert [row["event"] for row in system.recent_events(db)] == ["stopped_entries"]
    standing.allow("schema", "read again", 1_002)
    standing.forbid("schema", "odd: body of 1:02", 1_003)
    assert forbidden(db) == [("schema", "odd: body of 1:02")]


def leave(error=None):
    said = []
    try:
        if error:
            raise error
    finally:
        said.append(parting())
        if error:
            return said[0]  # noqa: B012  (what the program said, not how it died, is looked at)
    return said[0]


def test_one_that_was_asked_to_stop_says_so():
    assert leave() == ("STOPPED", "asked to stop")


@pytest.mark.parametrize(
    ("error", "why"),
    [(ValueError("401 INCORRECT_API_KEY_SIGNATURE"), "401 INCORRECT_API_KEY_SIGNATURE"), (KeyError(), "KeyError")],
)
def test_one_that_dies_says_of_what(error, why):
    assert leave(error) == ("FAILED", why)
