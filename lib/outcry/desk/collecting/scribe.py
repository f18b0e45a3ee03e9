"""Writes the tape beside the collector's loop, in a thread that the loop never waits for.

The loop hands over what it heard as it heard it (one append); the thread turns it into rows, in order, and flushes at
500 rows or after 5 s. When the disk does not keep up, or fills, the tape drops, counts and says so; the books go on.
After a loss, and at the start of a new day's file, it asks the loop for the whole books: what follows can then be read.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from outcry.desk.collecting.taping import Taping
from outcry.domain.errors import Unavailable
from outcry.domain.market import Market
from outcry.ops import disk, log
from outcry.store import tape as tapes
from outcry.store.tape import Tape
from outcry.venue.messages import Message, Snapshot
from outcry.venue.stream import Connected, Disconnected, Garbled

FLUSH_ROWS, FLUSH_S = 500, 5.0
TURN_S, LOOK_S = 0.1, 2.0
WAITING_MESSAGES = 200_000  # handed over and not yet rows; more means that the disk refuses or hangs
KEPT_NOTE = 1_000_000  # bytes of a garbled frame

_log = log.get(__name__)
_Turn = Callable[[Taping], None]


class Scribe:
    """The tape of one collector session.

    folder  state/<environment>/tape
    now_ns  the wall clock, for the session's start and end
    """

    def __init__(self, folder: Path, now_ns: Callable[[], int]) -> None:
        self._folder, self._now_ns = folder, now_ns
        self._turns: deque[tuple[int, int, _Turn]] = deque()  # (at_ns, messages, what to do)
        self._given = self._taken = 0  # messages; each counter is written by one thread only
        self._lost = 0  # messages refused since the last note of it
        self.dropped = 0  # messages that never reached the tape
        self.failing = ""  # why the disk refuses, while it does
        self.wants_books = True
        self._full = ""  # why the disk has no room for a tape, while it has none
        self._bug: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="scribe", daemon=True)
        self._thread.start()

    # ---- the loop's side: appends, nothing else ---------------------------------------------------------------------

    def heard(self, at_ns: int, epoch: int, messages: Sequence[Message]) -> None:
        """What one read brought, all at one moment."""
        self._give(at_ns, len(messages), lambda tape: tape.messages(at_ns, epoch, messages))

    def published(self, at_ns: int, number: int) -> None:
        """A publish went out; everything given before it was in it."""
        self._give(at_ns, 1, lambda tape: tape.publish(at_ns, number))

    def books(self, at_ns: int, epoch: int, whole: Sequence[Snapshot], kind: str) -> None:
        """Whole books that the stream did not say: as they stand, because `wants_books`, or polled."""
        self.wants_books = False
        self._give(at_ns, len(whole) + 1, lambda tape: tape.books(at_ns, epoch, whole, kind))

    def markets(self, at_ns: int, markets: Sequence[Market]) -> None:
        """What is known of some markets, because it changed, or because `wants_books`."""
        self._give(at_ns, len(markets), lambda tape: tape.markets(at_ns, markets))

    def note(self, at_ns: int, epoch: int, kind: str, facts: dict[str, object] | bytes, name: str = "") -> None:
        """Something rare that is no message."""
        self._give(at_ns, 1, lambda tape: tape.note(at_ns, epoch, kind, facts, name))

    def connection(self, at_ns: int, epoch: int, event: Connected | Disconnected | Garbled) -> None:
        """The connection came, went, or brought something that nobody can read."""
        if isinstance(event, Garbled):
            self.note(at_ns, epoch, "garbled", event.raw[:KEPT_NOTE], event.what[:200])
        elif isinstance(event, Connected):
            self.note(at_ns, epoch, "connected", {"epoch": event.epoch})
        else:
            self.note(at_ns, epoch, "disconnected", {"reason": event.reason})

    def check(self) -> None:
        """Raise what the thread died of, if it did: a bug belongs to the loop."""
        if self._bug is not None:
            raise self._bug

    def close(self, wait_s: float) -> bool:
        """Write what is left and end the session; False when that takes longer than wait_s."""
        self._stop.set()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Messages that are not on the tape yet."""
        return self._given - self._taken

    def _give(self, at_ns: int, messages: int, turn: _Turn) -> None:
        if self._full or self._given - self._taken > WAITING_MESSAGES:
            self._lost += messages
            self.dropped += messages
            self.wants_books = True
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._given += 1
            self._turns.append((at_ns, 1, lambda tape: tape.note(at_ns, 0, "dropped", {"messages": lost})))
        self._given += messages
        self._turns.append((at_ns, messages, turn))

    # ---- the thread's side ------------------------------------------------------------------------------------------

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._bug = error

    def _run(self) -> None:
        taping: Taping | None = None
        flushed_s, looked_s = time.monotonic(), float("-inf")
        while True:
            stopping = self._stop.wait(TURN_S)
            if time.monotonic() - looked_s >= LOOK_S:
                looked_s = time.monotonic()
                self._look_at_disk()
            taping = self._drain(taping)
            due = taping is not None and (
                taping.tape.pending >= FLUSH_ROWS or time.monotonic() - flushed_s >= FLUSH_S or stopping
            )
            if taping is not None and due:
                self._flush(taping)
                flushed_s = time.monotonic()
            if stopping and (not self._turns or taping is None):
                self._end(taping)
                return

    def _look_at_disk(self) -> None:
        """The tape is the first to stop when a disk fills: it can be missed, what is written of orders cannot."""
        try:
            room = disk.room(self._folder.parent)
        except Unavailable as error:
            self._fail(str(error))
            return
        if not room.for_the_tape and not self._full:
            self._full = f"no room for a tape: {room}"
            self._fail(self._full)
        elif self._full and room.less_a_fifth.for_the_tape:
            _log.info("resumed_tape", dropped=self.dropped, room=str(room))
            self._full = self.failing = ""

    def _drain(self, taping: Taping | None) -> Taping | None:
        """Take what was given, a bounded amount of it, into rows of its day's file."""
        while self._turns and (taping is None or taping.tape.pending < 4 * FLUSH_ROWS):
            at_ns, messages, turn = self._turns[0]
            file = tapes.file_of(self._folder, at_ns)
            if taping is None or taping.tape.file != file:
                self._end(taping)
                taping = self._open(file)
                if taping is None:
                    return None
            turn(taping)
            self._turns.popleft()
            self._taken += messages
        return taping

    def _open(self, file: Path) -> Taping | None:
        try:
            tape = Tape(file, self._now_ns())
        except Unavailable as error:
            self._fail(str(error))
            return None
        self.wants_books = True
        _log.info("opened_tape", file=file.name, session=tape.session)
        return Taping(tape)

    def _flush(self, taping: Taping) -> None:
        try:
            taping.tape.flush()
        except Unavailable as error:
            self._fail(str(error))
        else:
            if self.failing and not self._full:
                _log.info("resumed_tape", dropped=self.dropped)
            self.failing = self._full

    def _fail(self, why: str) -> None:
        if not self.failing:
            _log.error("failed_to_tape", error=why)
        self.failing = why

    def _end(self, taping: Taping | None) -> None:
        if taping is None:
            return
        try:
            taping.tape.close(self._now_ns())
        except Unavailable as error:
            self._fail(str(error))
