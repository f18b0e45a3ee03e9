"""What a sequence number on the stream means: apply, drop, ask for snapshots, or begin again. Pure.

`seq` comes with `sid` (one subscription, all its markets). A data frame with last + 1 applies; one at or below last is
an echo; one beyond it means that something was lost: every book of that subscription is stale until a snapshot of it
arrives, asked for once; a second gap before all are back means starting over. Control replies carry a seq too, and
whether they share the counter is undocumented: theirs advances it only when it is exactly the next.
"""

from collections.abc import Iterable
from enum import Enum


class Step(Enum):
    """What to do with a data frame, and beyond it."""

    APPLY = "apply"
    DROP = "drop"  # seen before, or a change of a book that waits for its snapshot
    RESYNC = "resync"  # a gap: drop this frame's change, ask once for snapshots of everything in `waiting`
    RECONNECT = "reconnect"  # a gap while waiting: nothing on this connection can be trusted


class Sequence:
    """One subscription's counter. After a reconnect everything restarts: make a new one.

    last     the highest seq seen, 0 before the first
    waiting  tickers whose books are stale until their next snapshot
    gaps     how often something was lost
    """

    __slots__ = ("gaps", "last", "waiting")

    def __init__(self) -> None:
        self.last = 0
        self.waiting: set[str] = set()
        self.gaps = 0

    def change(self, seq: int, ticker: str, tickers: Iterable[str] = ()) -> Step:
        """A data frame that changes what we hold (a book delta, a print, a lifecycle message).

        ticker   whose state it changes
        tickers  everything on this subscription, which a gap makes stale
        """
        if seq <= self.last:
            return Step.DROP
        if seq == self.last + 1:
            self.last = seq
            return Step.DROP if ticker in self.waiting else Step.APPLY
        return self._gap(seq, tickers)

    def snapshot(self, seq: int, ticker: str, tickers: Iterable[str] = ()) -> Step:
        """A data frame that replaces a whole book: valid by itself, even as the first frame after a gap.

        With RESYNC the snapshot itself is good and may be applied; only the other books wait.
        """
        if seq <= self.last:
            return Step.DROP
        if seq == self.last + 1:
            self.last = seq
            self.waiting.discard(ticker)
            return Step.APPLY
        step = self._gap(seq, tickers)
        self.waiting.discard(ticker)
        return step

    def control(self, seq: int) -> None:
        """A reply or scoped error that carries this subscription's seq."""
        if seq == self.last + 1:
            self.last = seq

    def forget(self, ticker: str) -> None:
        """The ticker left the subscription: no snapshot of it will come."""
        self.waiting.discard(ticker)

    def _gap(self, seq: int, tickers: Iterable[str]) -> Step:
        self.gaps += 1
        self.last = seq
        if self.waiting:
            return Step.RECONNECT
        self.waiting.update(tickers)
        return Step.RESYNC
