"""All sequence counters of one connection, and whether they are one. Pure.

The documentation does not say whether `seq` counts the messages of a subscription (`sid`) or of the whole connection.
Counted by subscription, each begins at 1. So when a second subscription begins elsewhere, and beyond what came before,
one counter is taken to be shared by all from that frame on: a gap then makes every book of the connection stale.
What came before that frame was counted as if it were not shared, so that frame itself makes every book stale.

Could the beginning of the second subscription have been lost instead? Then those known before go on where they were,
below the shared counter: a number that goes back refutes it. Each then has its own, and every book is stale. (So where
a counter is shared an echo is not just dropped: it cannot be told from such a number.)

Replies to commands may have numbers of their own, so they decide nothing; but where a later frame continues exactly
from a reply to a subscription that has told nothing yet, the two share a counter.
"""

from dataclasses import dataclass

from outcry.venue.sequence import Sequence, Step

Counted = tuple[int, list[str]]  # the highest number seen, the tickers that wait


@dataclass(frozen=True, slots=True)
class CountersKept:
    """`Counters` between two frames, as plain values."""

    by_sid: dict[int, Counted]
    tickers: dict[int, list[str]]
    is_shared: bool
    own: bool
    before: dict[int, int]
    replies: dict[int, Counted]
    reach: int


class Counters:
    """Make a new one for each connection.

    by_sid   the counter of each subscription in step, for who wants to be fast: where a frame is the next of its
             counter and nothing waits, setting `last` is all there is to do; always the same dict
    tickers  {sid: the books that its gaps make stale}; kept by the owner
    shared   the counter of the whole connection, while it seems to have one
    missed   after RESYNC: how many messages were lost; 0 where none is known to be, and a counter was found shared
    stale    after RESYNC: {sid: the books that wait for a snapshot}
    """

    def __init__(self) -> None:
        self.by_sid: dict[int, Sequence] = {}
        self.tickers: dict[int, set[str]] = {}
        self.shared: Sequence | None = None
        self.missed = 0
        self.stale: dict[int, list[str]] = {}
        self._found = False  # by this very frame, that one is shared
        self._own = False  # whether each is known to have its own
        self._before: dict[int, int] = {}  # sids not seen to share yet, and the last of each before one was shared
        self._replies: dict[int, Sequence] = {}  # of sids of which only replies came
        self._reach = 0  # how far a shared counter would have come by those replies

    def kept(self) -> CountersKept:
        """All that counts from here on."""
        return CountersKept(
            {sid: _counted(counter) for sid, counter in self.by_sid.items()},
            {sid: sorted(tickers) for sid, tickers in self.tickers.items()},
            self.shared is not None,
            self._own,
            dict(self._before),
            {sid: _counted(counter) for sid, counter in self._replies.items()},
            self._reach,
        )

    @staticmethod
    def of(kept: CountersKept) -> "Counters":
        """Those that were kept."""
        found = Counters()
        found.by_sid = {sid: _sequence(counted) for sid, counted in kept.by_sid.items()}
        found.tickers = {sid: set(tickers) for sid, tickers in kept.tickers.items()}
        if kept.is_shared:
            found.shared = next(iter(found.by_sid.values()))
            found.by_sid = dict.fromkeys(found.by_sid, found.shared)
        found._own, found._before, found._reach = kept.own, dict(kept.before), kept.reach
        found._replies = {sid: _sequence(counted) for sid, counted in kept.replies.items()}
        return found

    def change(self, sid: int, seq: int, ticker: str = "") -> Step:
        """A data frame that changes what we hold; `ticker` only where that is a book."""
        counter = self._counter(sid, seq)
        if counter is None:
            return self._refuted(sid, seq)
        before = counter.last
        step = counter.change(seq, ticker, self._counted_with(sid))
        return self._noted(sid, counter, step, seq - before - 1)

    def snapshot(self, sid: int, seq: int, ticker: str) -> Step:
        """A data frame that replaces a whole book."""
        counter = self._counter(sid, seq)
        if counter is None:
            return self._refuted(sid, seq, ticker)
        before = counter.last
        step = counter.snapshot(seq, ticker, self._counted_with(sid))
        return self._noted(sid, counter, step, seq - before - 1, ticker)

    def control(self, sid: int, seq: int) -> None:
        """A reply or scoped error."""
        if self.shared is not None:
            self.shared.control(seq)
        elif sid in self.by_sid:
            self.by_sid[sid].control(seq)
        else:
            own = self._replies.setdefault(sid, Sequence())
            own.control(seq)
            reach = max([self._reach, *(counter.last for counter in self.by_sid.values())])
            if own.last != seq and seq == reach + 1:
                self._reach = seq

    def last(self, sid: int) -> int:
        """The highest number seen that counts for a subscription."""
        counter = self.shared or self.by_sid.get(sid)
        return counter.last if counter else 0

    def wait(self, sid: int, ticker: str) -> None:
        """This book is wrong, whatever the numbers say: it waits for its snapshot."""
        (self.shared or self.by_sid[sid]).waiting.add(ticker)

    def forget(self, ticker: str) -> None:
        """The ticker left: no snapshot of it will come."""
        for tickers in self.tickers.values():
            tickers.discard(ticker)
        for counter in self.by_sid.values():
            counter.forget(ticker)

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _counted_with(self, sid: int) -> set[str]:
        """The books that a gap makes stale."""
        return set().union(*self.tickers.values()) if self.shared else self.tickers.get(sid, set())

    def _noted(self, sid: int, counter: Sequence, step: Step, missed: int, whole: str = "") -> Step:
        """The step, and what is stale after it. `whole` is a book that just came."""
        if self._found:
            self._found = False
            if step in (Step.APPLY, Step.DROP):
                counter.waiting |= self._counted_with(sid) - {whole}
                step = Step.RESYNC
        if step is Step.RESYNC:
            sids = self.tickers if self.shared else [sid]
            found = {one: sorted(self.tickers.get(one, set()) & counter.waiting) for one in sids}
            self.missed, self.stale = missed, {one: tickers for one, tickers in found.items() if tickers}
        return step

    def _counter(self, sid: int, seq: int) -> Sequence | None:
        """The counter of a data frame; None when its number refutes that one is shared."""
        known = self.by_sid.get(sid)
        if self.shared is not None:
            return self._shares(sid, seq, self.shared)
        if known is None:
            return self._begins(sid, seq)
        if not self._own and known.last < self._reach == seq - 1:
            known.last, self.shared, self._found = self._reach, known, True
        return known

    def _begins(self, sid: int, seq: int) -> Sequence:
        """The first data frame of a subscription."""
        own = self._replies.pop(sid, None) or Sequence()
        if self.by_sid and not self._own:
            ((first, counter),) = self.by_sid.items()
            if seq != own.last + 1 and seq > counter.last:
                self._before = {first: counter.last}
                if counter.last < self._reach < seq:
                    counter.last = self._reach
                self.by_sid.clear()
                own, self.shared, self._found = counter, counter, True
            else:
                self._own = True
        self.by_sid[sid] = own
        return own

    def _shares(self, sid: int, seq: int, shared: Sequence) -> Sequence | None:
        """A shared counter only goes up, but for echoes from before it was known to be one."""
        if sid not in self.by_sid and seq <= self._before.get(sid, 0):
            return shared
        if seq <= shared.last:
            return None
        self._before.pop(sid, None)
        self.by_sid[sid] = shared
        return shared

    def _refuted(self, sid: int, seq: int, whole: str = "") -> Step:
        """None is shared after all: something was lost. All books wait, but one that just came whole.

        Of several that seemed to share nobody knows how far each is: their next frames will be gaps.
        """
        alone = self.last(sid) if len(self.by_sid) == 1 else 0
        lasts = dict.fromkeys(self.by_sid, alone) | self._before | {sid: seq}
        self.by_sid.clear()
        for one, last in lasts.items():
            counter = self.by_sid[one] = Sequence()
            counter.last, counter.waiting = last, self.tickers.get(one, set()) - {whole}
        self.shared, self._own, self._before = None, True, {}
        found = {one: sorted(tickers - {whole}) for one, tickers in self.tickers.items()}
        self.missed, self.stale = 1, {one: tickers for one, tickers in found.items() if tickers}
        return Step.RESYNC


def _counted(counter: Sequence) -> Counted:
    return counter.last, sorted(counter.waiting)


def _sequence(counted: Counted) -> Sequence:
    found = Sequence()
    found.last, found.waiting = counted[0], set(counted[1])
    return found
