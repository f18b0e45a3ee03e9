"""Where alerts lie: files of their own, so that none is lost while the database is locked, broken or gone.

`inbox/`     what programs and people say, one file each: anybody may write, nobody waits
`book.json`  what became of it: written by one sender at a time
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from outcry.ops import log
from outcry.ops.alerts.book import Book, Raised

FOLDER = "alerts"

_log = log.get(__name__)


class Acknowledged(msgspec.Struct, frozen=True, tag="acknowledged"):
    """A person knows of these. No numbers: of all that are open."""

    numbers: tuple[int, ...]
    at_ms: int


class Said(msgspec.Struct, frozen=True, tag="raised"):
    raised: Raised


class Folder:
    """Below the floor's folder."""

    def __init__(self, floor_folder: Path) -> None:
        self._folder = floor_folder / FOLDER
        self._inbox = self._folder / "inbox"
        self._book = self._folder / "book.json"

    def say(self, message: Said | Acknowledged) -> None:
        """Leave something for the sender, durably."""
        at_ms = message.raised.at_ms if isinstance(message, Said) else message.at_ms
        _replace(self._inbox / f"{at_ms:015}-{uuid.uuid4().hex[:8]}.json", msgspec.json.encode(message))

    def waiting(self) -> Iterator[tuple[Path, Said | Acknowledged]]:
        """What the sender has not taken in, oldest first. What nobody can read is put aside, and said."""
        for file in sorted(self._inbox.glob("*.json")):
            try:
                yield file, msgspec.json.decode(file.read_bytes(), type=Said | Acknowledged)
            except msgspec.MsgspecError as error:
                _log.error("failed_to_read_alert", file=str(file), error=str(error))
                file.rename(file.with_suffix(".unread"))

    def load(self, *, put_aside: bool = False) -> Book:
        """The book; an empty one when there is none, or when it cannot be read.

        put_aside  keep that one under another name: for the sender, which is going to write
        """
        try:
            return msgspec.json.decode(self._book.read_bytes(), type=Book)
        except FileNotFoundError:
            return Book()
        except msgspec.MsgspecError as error:
            _log.error("failed_to_read_alerts", file=str(self._book), error=str(error))
            if put_aside:
                self._book.rename(self._book.with_suffix(".unread"))
            return Book()

    def save(self, book: Book) -> None:
        """Raises OSError when the disk refuses."""
        _replace(self._book, msgspec.json.format(msgspec.json.encode(book), indent=1))


def _replace(file: Path, content: bytes) -> None:
    """Written beside it, fsynced, renamed over it: whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
