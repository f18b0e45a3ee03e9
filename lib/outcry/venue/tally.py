"""How many calls to the exchange were made, and how many failed, in slices of ten seconds: what a breaker judges by.

And how long each took, from the request to its answer or to giving up.
"""

from collections import deque

SLICE_MS = 10_000
KEPT = 361  # slices: an hour, and the one that has begun


class Tally:
    """One program's calls. Counted from several threads at once, at worst a call is missed."""

    def __init__(self) -> None:
        self.failed = 0  # in all
        self._slices: deque[list[int]] = deque(maxlen=KEPT)  # began_at_ms, calls, failed, took_ms in all

    def count(self, failed: bool, at_ms: int, took_ms: int = 0) -> None:
        """One call came back, or did not. A clock that was set back begins a slice of its own."""
        began_at_ms = at_ms // SLICE_MS * SLICE_MS
        if not self._slices or self._slices[-1][0] != began_at_ms:
            self._slices.append([began_at_ms, 0, 0, 0])
        newest = self._slices[-1]
        newest[1] += 1
        newest[2] += failed
        newest[3] += took_ms
        self.failed += failed

    def slices(self, since_ms: int) -> list[tuple[int, int, int]]:
        """(began_at_ms, calls, failed) of those that began at or after a time."""
        return [(began, calls, failed) for began, calls, failed, _ in tuple(self._slices) if began >= since_ms]

    def told(self, since_ms: int) -> dict[str, object]:
        """For a heartbeat: the slices since a time, and how long a call took, mean in ms (None without any)."""
        kept = [one for one in tuple(self._slices) if one[0] >= since_ms]
        calls = sum(one[1] for one in kept)
        took_ms = round(sum(one[3] for one in kept) / calls, 1) if calls else None
        return {"calls": self.slices(since_ms), "answer_ms": took_ms}
