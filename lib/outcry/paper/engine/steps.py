"""What every call of the engine begins and ends with: the timers due by its time, and the events of the step."""

import heapq

from outcry.paper.engine import timers
from outcry.paper.engine.outbox import NOBODY
from outcry.paper.engine.state import State
from outcry.paper.events import EngineEvent


class Steps:
    """The base of the engine's parts."""

    state: State

    def _begin(self, now_ms: int) -> None:
        """Let the time be now, and let everything happen that was due before."""
        outbox, heap = self.state.outbox, self.state.timers
        outbox.cause = NOBODY
        while heap and heap[0][0] <= now_ms:
            at_ms, kind, key = heapq.heappop(heap)
            outbox.at_ms = max(outbox.at_ms, at_ms)
            timers.due(self.state, kind, key, now_ms)
        outbox.at_ms = max(outbox.at_ms, now_ms)

    def _finish(self) -> list[EngineEvent]:
        """Tell the touches that moved, and hand out everything that is to be told."""
        outbox = self.state.outbox
        for ticker in outbox.moved:
            record = self.state.markets[ticker]
            book = record.book.shown
            bid_cc, ask_cc = book.bid_cc, book.ask_cc
            touch = (
                bid_cc,
                0 if bid_cc is None else book.bids[bid_cc],
                ask_cc,
                0 if ask_cc is None else book.asks[ask_cc],
            )
            if touch != record.touch:
                record.touch = touch
                outbox.ticker(ticker)
        return outbox.drain()
