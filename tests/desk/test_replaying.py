"""Fills that no tape could hear are no difference; those that it should have heard are."""

from pathlib import Path
from typing import Any

import pytest

from outcry.desk import replaying
from outcry.desk.replaying import Again
from outcry.domain.fill import Fill
from outcry.domain.order import Side
from outcry.research.tape import Day
from outcry.store.session_records import Done
from outcry.store.tape import Tape

NOON_MS = 1_795_176_000_000


class Recorded:
    """A tape of one market, note by note; times in seconds after noon."""

    def __init__(self, file: Path) -> None:
        self.file, self.arrival = file, 0
        self.tape: Any = None

    def begin(self, at_s: int) -> None:
        self.tape, self.arrival = Tape(self.file, (NOON_MS + at_s * 1_000) * 1_000_000), 0
        self.note(at_s, "began", {})
        self.note(at_s, "subscribed", {"id": 1, "channel": "trade", "sid": 5})

    def note(self, at_s: int, kind: str, facts: dict[str, object]) -> None:
        self.arrival += 1
        self.tape.note(kind, self.arrival, (NOON_MS + at_s * 1_000) * 1_000_000, facts)

    def publish(self, at_s: int) -> None:
        self.arrival += 1
        self.tape.add("publish", [(self.arrival, NOON_MS + at_s * 1_000, self.arrival)])

    def kill(self) -> None:
        self.tape.flush()
        self.tape._db.close()


@pytest.mark.parametrize(("at_s", "heard"), [(5, True), (25, False), (45, True), (62, False), (75, True), (99, False)])
def test_only_what_the_tape_could_not_hear_is_excused(tmp_path: Path, at_s: int, heard: bool):
    """Killed with its last publish at 20 s, back at 40 s; the stream is away from 60 to 65 s; it ends at 90 s."""
    made = Recorded(tmp_path / "2026-11-20.db")
    made.begin(0)
    made.publish(20)
    made.kill()
    made.begin(40)
    made.note(60, "disconnected", {"reason": "gone"})
    made.note(65, "subscribed", {"id": 1, "channel": "trade", "sid": 5})
    made.publish(90)
    made.tape.close((NOON_MS + 90_000) * 1_000_000)
    fill = Fill("t1", "x1", "KX", 2, Side.BID, 4_000, 100, 0, True, NOON_MS + at_s * 1_000, "oc-1")
    found = Again()
    with Day(made.file) as day:
        replaying._prints(day, [Done("bull", fill, None)], found)
    assert bool(found.differs) is heard
    assert found.could_not == ({} if heard else {replaying.UNHEARD: 1})
