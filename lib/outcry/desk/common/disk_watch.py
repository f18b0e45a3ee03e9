"""A disk that fills: entries stop while there is still room to write down how everything else ends."""

from pathlib import Path

from outcry.desk.common.standing import Standing
from outcry.ops import disk

CAUSE = "disk"


class DiskWatch:
    """Looks at one folder's disk, and forbids or allows entries through the program's standing."""

    def __init__(self, folder: Path, standing: Standing) -> None:
        self._folder, self._standing = folder, standing
        self._stopped: bool | None = None  # not known: an earlier life may have stopped them

    def look(self, now_ms: int) -> None:
        """Raises Unavailable when the disk cannot be asked."""
        room = disk.room(self._folder)
        if not room.for_entries:
            if self._stopped is not True:
                self._standing.forbid(CAUSE, f"the disk of {self._folder} is nearly full: {room}", now_ms)
            self._stopped = True
        elif self._stopped is not False and room.less_a_fifth.for_entries:
            self._standing.allow(CAUSE, f"the disk has room again: {room}", now_ms)
            self._stopped = False
