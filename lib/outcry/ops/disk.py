"""How much room a disk has, and who stops first as it fills: the tape, then entries; cancels and exits never.

Both marks are the smaller of a fixed size and a share of the disk, so that they mean something on a small one too.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from outcry.domain.errors import Unavailable

MEGABYTE = 1_000_000
TAPE_BYTES, TAPE_PERCENT = 500 * MEGABYTE, 10
ENTRIES_BYTES, ENTRIES_PERCENT = 100 * MEGABYTE, 4


@dataclass(frozen=True, slots=True)
class Room:
    """What is free for us, of how much, in bytes; and of inodes, in percent."""

    free: int
    total: int
    free_inodes_percent: int

    @property
    def for_the_tape(self) -> bool:
        """Whether the tape may go on."""
        return self._has(TAPE_BYTES, TAPE_PERCENT)

    @property
    def for_entries(self) -> bool:
        """Whether entries may go on: every one of them needs rows, and its exit too."""
        return self._has(ENTRIES_BYTES, ENTRIES_PERCENT)

    @property
    def less_a_fifth(self) -> "Room":
        """What is asked before something that stopped goes on again, so that it does not stop at once."""
        return Room(self.free * 4 // 5, self.total, self.free_inodes_percent)

    def _has(self, fixed: int, percent: int) -> bool:
        return self.free >= min(fixed, self.total * percent // 100)

    def __str__(self) -> str:
        return f"{self.free // MEGABYTE} of {self.total // MEGABYTE} MB free"


def room(folder: Path) -> Room:
    """The disk a folder lies on. Raises Unavailable when it cannot be asked."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise Unavailable(f"the disk of {folder} cannot be asked: {error}") from error
    inodes_percent = 100 * found.f_favail // found.f_files if found.f_files else 100
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, inodes_percent)
