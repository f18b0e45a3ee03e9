"""A live session done again from its tape, its journals and its records; and what was edited since is named."""

import json

import pytest

from outcry.desk.dealing import memory
from outcry.store import database, journal

pytestmark = pytest.mark.floor


def test_a_session_done_again_is_the_same_to_the_cent_and_an_edited_fee_is_named(floor):
    floor.everything()
    floor.wait_for(lambda: floor.progress().fills, 60, "a first fill")
    floor.kill("trader@coin_flip")  # in the middle of whatever it did: its next life has a journal of its own
    floor.start("trader@coin_flip")
    floor.wait_for(
        lambda: floor.progress().fills >= 3 and floor.progress().settled_trades >= 1, 180, "fills, a payment"
    )
    floor.settle_down()
    assert floor.stop() == []
    days = sorted(file.stem for file in (floor.state / "tape").glob("*.db"))  # two where midnight UTC came in between
    told = [json.loads(floor.run("backtest", "replay", day, "--json").stdout) for day in days]
    again, lives = [one["again"] for one in told], [one["lives"] for one in told]
    assert [(one["differs"], one["could_not"]) for one in lives] == [([], {}) for _ in days]
    assert sum(one["lives"] for one in lives) >= 3 and sum(one["turns"] for one in lives) > 100
    journaled = [word for file in (floor.state / "journal").glob("*") for word in asked(file)]
    assert sum(one["commands"] for one in lives) == len(journaled) > 3
    assert [one["differs"] for one in again] == [[] for _ in days]
    assert [one["could_not"] for one in again] == [{} for _ in days]
    there = floor.query("SELECT count(*) AS n FROM decisions")[0]["n"]
    assert sum(one["decisions"] for one in again) == there > 0
    booked = floor.query("SELECT count(*) AS n FROM booked_fills WHERE agent NOT IN ('manual', 'parked')")[0]["n"]
    assert sum(one["fills"] for one in again) == booked >= 3
    traded = {row["agent"] for row in floor.query("SELECT DISTINCT agent FROM booked_fills")}
    assert {error["agent"] for one in told for error in one["model_error"]} == traded
    edit(floor, "UPDATE fills SET fee_micros = fee_micros + 1 WHERE id = (SELECT min(id) FROM fills)")
    found = [floor.run("backtest", "replay", day, check=False) for day in days]
    assert any(one.returncode == 1 and "first difference: fill " in one.stdout for one in found)


def asked(file) -> list[str]:
    """What a life asked for, as its trader wrote it down."""
    kept = [memory.read(step.body) for step in journal.read(file)[1]]
    return [one.asked.words for one in kept if one.asked]


def edit(floor, change: str) -> None:
    """As somebody with the file in his hands can."""
    db = database.connect(floor.state / "kalshi.db")
    with database.write(db):
        for row in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'fills'"
        ).fetchall():
            db.execute(f"DROP TRIGGER {row['name']}")
        db.execute(change)
    db.close()
