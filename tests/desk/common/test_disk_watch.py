"""A disk that fills stops the tape first, then entries, and each goes on again with some room to spare."""

import time

import pytest

from outcry.desk.collecting.scribe import Scribe
from outcry.desk.common.disk_watch import DiskWatch
from outcry.domain.errors import Unavailable
from outcry.domain.order import Side
from outcry.ops import disk
from outcry.ops.disk import ENTRIES_BYTES, MEGABYTE, TAPE_BYTES, Room
from outcry.store.tape_reader import Reader
from outcry.venue.messages import Trade
from taped import rows_of

NOON_NS = 1_795_176_000_000_000_000
BIG, SMALL = 10**12, 64 * MEGABYTE


class Told:
    """Stands for a program's standing."""

    def __init__(self):
        self.said = []

    def forbid(self, cause, reason, now_ms):
        self.said.append(("forbid", cause, now_ms))

    def allow(self, cause, reason, now_ms):
        self.said.append(("allow", cause, now_ms))


@pytest.mark.parametrize(
    ("free", "total", "tape", "entries"),
    [
        (TAPE_BYTES, BIG, True, True),
        (TAPE_BYTES - 1, BIG, False, True),
        (ENTRIES_BYTES, BIG, False, True),
        (ENTRIES_BYTES - 1, BIG, False, False),
        (SMALL // 10, SMALL, True, True),
        (SMALL // 10 - 1, SMALL, False, True),
        (SMALL // 25, SMALL, False, True),
        (SMALL // 25 - 1, SMALL, False, False),
    ],
)
def test_the_tape_stops_before_entries_on_a_disk_of_any_size(free, total, tape, entries):
    room = Room(free, total, 50)
    assert (room.for_the_tape, room.for_entries) == (tape, entries)


def test_a_folder_that_is_gone_cannot_be_asked(tmp_path):
    assert disk.room(tmp_path).total > 0
    with pytest.raises(Unavailable, match="cannot be asked"):
        disk.room(tmp_path / "gone")


def test_entries_stop_once_and_go_on_with_a_quarter_more(tmp_path, monkeypatch):
    told = Told()
    watch = DiskWatch(tmp_path, told)
    levels = [ENTRIES_BYTES - 1, ENTRIES_BYTES - 2, ENTRIES_BYTES, ENTRIES_BYTES * 5 // 4, BIG, 0]
    for at, free in enumerate(levels):
        monkeypatch.setattr(disk, "room", lambda _folder, free=free: Room(free, BIG, 50))
        watch.look(at)
    assert told.said == [("forbid", "disk", 0), ("allow", "disk", 3), ("forbid", "disk", 5)]


def test_what_an_earlier_life_stopped_is_allowed_when_there_is_room(tmp_path):
    told = Told()
    watch = DiskWatch(tmp_path, told)
    watch.look(1)
    watch.look(2)
    assert told.said == [("allow", "disk", 1)]


def prints(first, count):
    return [Trade(5, 1, f"t{number}", "A", 4_400, 300, Side.ASK, False, 77) for number in range(first, first + count)]


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_tape_pauses_while_the_disk_is_nearly_full_and_says_how_much_it_missed(tmp_path, monkeypatch):
    monkeypatch.setattr("outcry.desk.collecting.scribe.LOOK_S", 0.0)
    free = [BIG]
    monkeypatch.setattr(disk, "room", lambda _folder: Room(free[0], BIG, 50))
    scribe = Scribe(tmp_path / "tape", lambda: NOON_NS)
    scribe.heard(NOON_NS, 1, prints(0, 3))
    until(lambda: not scribe._turns)
    free[0] = TAPE_BYTES - 1
    until(lambda: scribe.failing)
    assert "no room for a tape" in scribe.failing
    scribe.heard(NOON_NS, 1, prints(3, 5))
    assert scribe.dropped == 5 and scribe.wants_books
    free[0] = BIG
    until(lambda: not scribe.failing)
    scribe.heard(NOON_NS, 1, prints(8, 1))
    assert scribe.close(5)
    reader = Reader(tmp_path / "tape" / "2026-11-20.db")
    assert len(rows_of(reader, "print")) == 4
    (note,) = reader.notes("dropped")
    assert note.body == b'{"messages": 5}'
    reader.close()
