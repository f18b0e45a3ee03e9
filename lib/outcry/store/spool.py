"""Where a program writes while the database refuses: one preallocated file of JSON lines, fsynced one by one.

The file is as large from the first day as it may have to be, so that a full disk cannot refuse it. Behind the last line
come NUL bytes. A line that a power cut tore is told and passed over: nothing was done on it yet, as `append` had not
returned. Entries are applied in order, by whoever owns the file, and again after a crash: they must bear that.

One process owns a spool at a time (an advisory lock says so). One whose owner is dead may be taken by another program.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from outcry import failpoints
from outcry.domain.errors import Unavailable

SIZE = 4 << 20  # bytes: about a hundred exits with their whole views, or twenty thousand fills
FOLDER = "spool"

Entry = dict[str, Any]


class SpoolTaken(Unavailable):
    """Another process owns it just now."""


class Spool:
    """One program's. Open it at the start; `waiting` are the entries that nobody has applied yet, oldest first.

    torn   lines that a power cut tore, passed over when it was opened
    short  why the space could not be taken beforehand; "" when it was
    """

    def __init__(self, file: Path, *, size: int = SIZE) -> None:
        """raises  SpoolTaken when another process owns it; Unavailable when it can be neither read nor made"""
        self.file = file
        self.torn, self.short = 0, ""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError as error:
            raise Unavailable(f"cannot open {file}: {error}", "look at its disk and its owner") from error
        try:
            self._own()
            self._preallocate(size)
            self._entries = self._read()
            self._end = sum(len(_encoded(entry)) for entry in self._entries)
            self._wipe()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """What was appended and not cleared, in order."""
        return tuple(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Entry) -> None:
        """Write one entry durably; when this returns it survives anything but the disk.

        raises  Unavailable when the disk does not take it: it is as if it was never written
        """
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            self._write(line, self._end)
            failpoints.reached("spool.written")
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise Unavailable(f"{self.file} refused an entry: {error}", "look at its disk") from error
        self._end += len(line)
        self._entries.append(entry)
        failpoints.reached("spool.appended")

    def clear(self) -> None:
        """Everything was applied: begin at the front again. The space stays taken.

        raises  Unavailable when the disk refuses: the entries are then applied once more after a restart
        """
        failpoints.reached("spool.applied")
        used, self._end = self._end, 0
        self._entries.clear()
        try:
            self._write(bytes(used), 0)
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise Unavailable(f"{self.file} cannot be cleared: {error}", "look at its disk") from error

    def close(self) -> None:
        """Let go of it; what waits is found at the next start."""
        os.close(self._descriptor)

    def _own(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SpoolTaken(f"{self.file} is in another program's hands") from None

    def _preallocate(self, size: int) -> None:
        """Take the space now. On a disk that is full already the spool works as far as it goes."""
        try:
            os.posix_fallocate(self._descriptor, 0, size)
            folder = os.open(self.file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            self.short = str(error)

    def _read(self) -> list[Entry]:
        """The whole entries."""
        entries: list[Entry] = []
        *lines, rest = self._content().split(b"\n")  # what lacks its newline lacks more, even where it parses
        self.torn = int(rest != b"")
        for line in lines:
            entry = _decoded(line.strip(b"\0"))
            if entry is not None:
                entries.append(entry)
            elif line.strip(b"\0"):
                self.torn += 1
        return entries

    def _content(self) -> bytes:
        size = os.fstat(self._descriptor).st_size
        return os.pread(self._descriptor, size, 0).rstrip(b"\0")

    def _wipe(self) -> None:
        """Have nothing but whole entries and NUL bytes in the file: a later line must not meet torn ones."""
        whole = b"".join(_encoded(entry) for entry in self._entries)
        content = self._content()
        if content == whole:
            return
        try:
            self._write(whole + bytes(max(0, len(content) - len(whole))), 0)
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise Unavailable(f"{self.file} cannot be mended: {error}", "look at its disk") from error

    def _write(self, data: bytes, place: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, place)
            view, place = view[written:], place + written


def count_in(file: Path) -> int:
    """How many entries wait in a spool, as far as one may read it, without owning it."""
    try:
        return file.read_bytes().count(b"\n")
    except OSError:
        return 0


def left_behind(folder: Path, own: str) -> list[Path]:
    """Spools beside our own: some may belong to programs that died with entries waiting."""
    return sorted(file for file in folder.glob("*.jsonl") if file.stem != own)


def file_of(folder: Path, program: str) -> Path:
    """Where a program's spool lies, below the floor's folder."""
    return folder / FOLDER / f"{program}.jsonl"


def _encoded(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _decoded(text: bytes) -> Entry | None:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
