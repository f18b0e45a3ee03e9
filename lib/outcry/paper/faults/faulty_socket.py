"""A WebSocket on which things go wrong: between what the exchange says and what its client hears."""

import re
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from outcry.paper.faults import edits as fault_edits
from outcry.paper.faults.faults import Fault, Faults
from outcry.paper.server.websocket import WebSocket, header

_TYPE, _SID = re.compile(rb'"type":"(\w+)"'), re.compile(rb'"sid":(\d+)')
_SEQ = re.compile(rb'"seq":(\d+)')
_TEXT = 1
_CONTROL = {8: "close", 9: "ping", 10: "pong"}
_GOODBYES = {10: "Channel error", 25: "Subscription buffer overflow"}


class FaultySocket(WebSocket):
    """Frames leave in the order of `_line`, each not before its time.

    spared     nothing ever goes wrong here
    one_count  sequence numbers count the messages of the whole connection
    """

    def __init__(self, faults: Faults, now_ms: Callable[[], int], *, one_count: bool = False) -> None:
        super().__init__()
        self._one_count = one_count
        self._faults, self._now_ms = faults, now_ms
        self._line: deque[tuple[int, bytes]] = deque()
        self._swapped: bytes | None = None  # waits for the frame after it
        self._skipped: dict[int, int] = {}  # sid, or 0 for all: sequence numbers left out so far
        self._over: set[int] = set()  # sids that ended with an error
        self._greeted = self.spared = False

    def take(self) -> bytes:
        if self.spared:
            return super().take()
        now_ms = self._now_ms()
        for name, frame in self._cut(super().take()):
            self._pass(name, frame, now_ms)
        ready = []
        while self._line and self._line[0][0] <= now_ms:
            ready.append(self._line.popleft()[1])
        return b"".join(ready)

    def next_at_ms(self) -> int | None:
        """When the next frame may leave."""
        return self._line[0][0] if self._line else None

    def _cut(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The answer to the handshake as it is, then whole frames, by what they are called."""
        at = 0
        if data and not self._greeted:
            self._greeted = True
            at = data.index(b"\r\n\r\n") + 4
            self._line.append((0, data[:at]))
        while at < len(data):
            size, begin = data[at + 1], at + 2
            if size > 125:
                width = 2 if size == 126 else 8
                size, begin = int.from_bytes(data[begin : begin + width]), begin + width
            frame = data[at : begin + size]
            kind = frame[0] & 0x0F
            found = _TYPE.search(frame) if kind == _TEXT else None
            yield found[1].decode() if found else _CONTROL.get(kind, ""), frame
            at = begin + size

    def _pass(self, name: str, frame: bytes, now_ms: int) -> None:
        """What becomes of one frame."""
        sid = int(found[1]) if (found := _SID.search(frame)) and frame[0] & 0x0F == _TEXT else None
        if sid in self._over or self.ended:
            return
        faults = self._faults.on_message(name, now_ms)
        kinds = {fault.kind for fault in faults}
        if "disconnect" in kinds:
            self.ended = True
        if kinds & {"disconnect", "silence", "drop"}:
            return
        if sid is not None:
            if "gap" in kinds:
                counted = 0 if self._one_count else sid
                self._skipped[counted] = self._skipped.get(counted, 0) + 1
            frame = self._changed(frame, sid, faults)
        wait_ms = sum(fault.ms for fault in faults if fault.kind == "delay")
        due_ms = max(now_ms + wait_ms, self._line[-1][0] if self._line else 0)
        if "reorder" in kinds and self._swapped is None:
            self._swapped = frame
            return
        for _ in range(2 if "duplicate" in kinds else 1):
            self._line.append((due_ms, frame))
        if self._swapped is not None:
            self._line.append((due_ms, self._swapped))
            self._swapped = None

    def _changed(self, frame: bytes, sid: int, faults: list[Fault]) -> bytes:
        """A message after its edits, numbered as its subscriber is to see it; or the error that ends them all."""
        told, skipped = frame[_begin(frame) :], self._skipped.get(0 if self._one_count else sid, 0)
        if skipped:
            told = _SEQ.sub(lambda found: b'"seq":%d' % (int(found[1]) + skipped), told, count=1)
        if any(fault.kind in ("rename", "missing") for fault in faults):
            told = msgspec.json.encode(fault_edits.edited(msgspec.json.decode(told), faults))
        if ending := next((fault for fault in faults if fault.kind == "error"), None):
            self._over.add(sid)
            whole = msgspec.json.decode(told)
            kept = {key: whole[key] for key in ("sid", "seq", "sending_ts_ms") if key in whole}
            words = {"code": ending.code, "msg": _GOODBYES[ending.code]}
            told = msgspec.json.encode({"type": "error", **kept, "msg": words})
        return header(len(told)) + told


def _begin(frame: bytes) -> int:
    """Where a frame's payload begins."""
    return {126: 4, 127: 10}.get(frame[1], 2)
