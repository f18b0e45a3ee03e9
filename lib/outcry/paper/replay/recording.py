"""Recorded stream frames put back into the exchange's own time.

A recording is a file of JSON lines, gzipped or not: frames as the exchange sent them, with the recorder's clock and its
notes (`watch_market`, `ws_connected`, …). That clock drifts by half a second over a day, and ticker frames arrive up to
20 s late, but the exchange stamps deltas and tickers in microseconds: sorted by those stamps, each ticker equals the
book that stands after all changes up to its own microsecond. What has no stamp (snapshots, notes) is placed by the
recorder's clock less its offset, and never after the first change that followed it.
"""

import gzip
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.replay.recorded import (
    Change,
    Frame,
    Item,
    Line,
    Lost,
    Watched,
    Whole,
    count_ch,
    levels_of,
    parse,
    price_cc,
    stamp_us,
    tick_of,
)
from outcry.venue import fields

REORDER_US = 30_000_000  # how late a frame may come and still be sorted in
SUFFIXES = (".jsonl", ".jsonl.gz")
PEEK_LINES = 500  # the series of a file are looked for so far


class Recording:
    """One file. `first_us` is the recorder's clock at its first line, `series` the series seen in its first lines.

    torn  whether the file ended in the middle of a line or of its compression: the recorder was cut off
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = False
        first = next(self._lines(), None)
        if first is None:
            raise Misconfigured(f"{path} holds no recorded frame")
        self.first_us = first.recv_ns // 1_000
        self.series = {
            ticker.split("-", maxsplit=1)[0]
            for line in islice(self._lines(), PEEK_LINES)
            if (ticker := _ticker_of(line))
        }

    def items(self) -> Iterator[Item]:
        """Everything in it, in the exchange's time. Reads as far ahead as a frame may be late."""
        connection, count, offset_us = _Connection(f"{self.path.name}#0", None), 0, None
        for number, line in enumerate(self._lines(), 1):
            if line.event == "ws_connected" and connection.begun:
                yield from connection.end()
                offset_us, count = connection.offset_us or offset_us, count + 1
                connection = _Connection(f"{self.path.name}#{count}", offset_us)
            elif line.event == "watch_market" and line.data is not None:
                connection.note(line, number)
            elif line.frame is not None:
                connection.frame(line.frame, number, line.recv_ns // 1_000)
                yield from connection.ripe(line.recv_ns // 1_000)
        yield from connection.end()

    def _lines(self) -> Iterator[Line]:
        """Lines as far as the file goes. A torn last line is the end; a bad one before it is SchemaDrift."""
        opener = gzip.open if self.path.suffix == ".gz" else open
        raw, number = b"", 0
        try:
            with opener(self.path, "rb") as file:
                for number, raw in enumerate(file, 1):  # noqa: B007
                    yield parse(raw)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.torn = True
        except msgspec.MsgspecError as error:
            if raw.endswith(b"\n"):
                raise SchemaDrift(f"{self.path} line {number}: {error}", raw) from error
            self.torn = True
        except OSError as error:
            raise Misconfigured(f"cannot read {self.path}: {error.strerror}") from error


def find(files: Iterable[str | Path]) -> list[Path]:
    """Recordings named as files or folders, each once, in the order of their names.

    raises  Misconfigured when a name leads nowhere, or there is none at all
    """
    found: set[Path] = set()
    for name in files:
        path = Path(name)
        inside = [file for file in path.iterdir() if file.name.endswith(SUFFIXES)] if path.is_dir() else [path]
        if not inside or not all(file.is_file() for file in inside):
            raise Misconfigured(f"no recording at {path}")
        found.update(file.resolve() for file in inside)
    if not found:
        raise Misconfigured("no recording to replay", "name files or a folder of .jsonl.gz")
    return sorted(found)


class _Connection:
    """Sorts one connection's frames by the exchange's time.

    Changes come in order already, and so do tickers, but late: two queues are merged. Items without a stamp wait for
    the next change. `offset_us`: recorder's clock less exchange's, from the latest change; until there is one, that of
    the connection before, or of a ticker.
    """

    def __init__(self, session: str, offset_us: int | None) -> None:
        self._session, self.offset_us = session, offset_us
        self._waiting: list[tuple[int, Item]] = []
        self._changes: deque[Item] = deque()
        self._ticks: deque[Item] = deque()
        self._last_us, self._seq, self._gapped = 0, 0, False
        self.begun = False

    def note(self, line: Line, number: int) -> None:
        note, recv_us = line.data, line.recv_ns // 1_000
        if note is None or not note.market_ticker:
            return
        close_ms = fields.time_ms(note.close_time)
        strike = None if note.strike is None else round(note.strike * 1_000_000)
        watched = Watched(0, note.market_ticker, self._session, close_ms, strike, line=number, recv_us=recv_us)
        self._waiting.append((recv_us, watched))

    def frame(self, frame: Frame, line: int, recv_us: int) -> None:
        """Take one frame.

        raises  SchemaDrift when it lacks what its type must have
        """
        body, self.begun = frame.msg, True
        try:
            if frame.type == "orderbook_delta":
                self._change(frame, line, recv_us)
            elif frame.type == "ticker":
                tick = tick_of(frame, self._session, line, recv_us)
                if self.offset_us is None:
                    self.offset_us = recv_us - tick.at_us
                self._ticks.append(tick)
            elif frame.type == "orderbook_snapshot":
                bids, asks = levels_of(body.yes_dollars_fp, True), levels_of(body.no_dollars_fp, False)
                whole = Whole(
                    0, body.market_ticker, self._session, bids, asks, self._seq == 0,
                    line=line, recv_us=recv_us, sid=frame.sid, seq=frame.seq,
                )  # fmt: skip
                self._seq, self._gapped = frame.seq, False
                self._waiting.append((recv_us, whole))
        except (ValueError, SchemaDrift) as error:
            raise SchemaDrift(f"{self._session}, {frame.type} with seq {frame.seq}: {error}") from error

    def ripe(self, recv_us: int) -> Iterator[Item]:
        """What nothing earlier can follow any more."""
        if not self._waiting and self.offset_us is not None:
            yield from self._until(recv_us - self.offset_us - REORDER_US)

    def end(self) -> Iterator[Item]:
        """Everything left: the connection is over."""
        self._place(None)
        yield from self._until(None)

    def _change(self, frame: Frame, line: int, recv_us: int) -> None:
        body, expected, self._seq = frame.msg, self._seq + 1, frame.seq
        at_us = stamp_us(str(body.ts), body.ts_ms)
        self.offset_us = recv_us - at_us
        self._place(at_us)
        at_us = self._last_us = max(at_us, self._last_us)
        if frame.seq != expected and not self._gapped:
            self._gapped = True
            self._changes.append(Lost(at_us, body.market_ticker, self._session, line=line, recv_us=recv_us))
        if self._gapped:
            return
        is_bid = body.side == "yes"
        if not is_bid and body.side != "no":
            raise ValueError(f"side {body.side!r}")
        price = price_cc(body.price_dollars)
        price = price if is_bid else ONE_DOLLAR_CC - price
        change_ch = count_ch(body.delta_fp)
        self._changes.append(
            Change(at_us, body.market_ticker, self._session, is_bid, price, change_ch,
                   line=line, recv_us=recv_us, sid=frame.sid, seq=frame.seq)
        )  # fmt: skip

    def _place(self, next_us: int | None) -> None:
        """Give what waited a time: the recorder's less its offset, between what came before and `next_us`."""
        for recv_us, item in self._waiting:
            at_us = recv_us - (self.offset_us or 0)
            item.at_us = self._last_us = max(self._last_us, at_us if next_us is None else min(at_us, next_us))
            self._changes.append(item)
        self._waiting.clear()

    def _until(self, horizon_us: int | None) -> Iterator[Item]:
        changes, ticks = self._changes, self._ticks
        while changes or ticks:
            queue = ticks if not changes or (ticks and ticks[0].at_us < changes[0].at_us) else changes
            if horizon_us is not None and queue[0].at_us > horizon_us:
                return
            yield queue.popleft()


def _ticker_of(line: Line) -> str:
    return line.frame.msg.market_ticker if line.frame else line.data.market_ticker if line.data else ""
