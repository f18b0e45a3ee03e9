"""Spot prices beside the collector's loop: its own connection in its own thread, picked up by the loop.

Prices come from the venue's stream; while that is down, the last price is asked for every second.
"""

import queue
import threading
from collections.abc import Callable, Sequence

from outcry.domain.errors import OutcryError
from outcry.ops import log
from outcry.venue.spot.coinbase import Coinbase, SpotStream, Tick

POLL_S = 1.0
TURN_S = 0.25

_log = log.get(__name__)


class SpotFeed:
    """Prices of some products.

    where  the venue's address now; may raise Unavailable, then it is asked again
    """

    def __init__(self, where: Callable[[], str], symbols: Sequence[str]) -> None:
        self._where, self._symbols = where, list(symbols)
        self._ticks: queue.SimpleQueue[Tick] = queue.SimpleQueue()
        self._stop = threading.Event()
        self.why_not = "not connected yet"  # why no prices come; "" while they may
        self.refused = ""  # what the venue refused, a product perhaps; the others come all the same
        threading.Thread(target=self._run, name="spot", daemon=True).start()

    def taken(self) -> list[Tick]:
        """Prices that came since the last look."""
        found = []
        while not self._ticks.empty():
            found.append(self._ticks.get())
        return found

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                venue = Coinbase(self._where())
                self._follow(venue, venue.stream(self._symbols))
            except OutcryError as error:
                self._say(str(error))
                self._stop.wait(POLL_S)

    def _follow(self, venue: Coinbase, stream: SpotStream) -> None:
        try:
            while not self._stop.is_set() and venue.url == self._where().rstrip("/"):
                for tick in stream.ticks(TURN_S):
                    self._ticks.put(tick)
                self._say(stream.why_not)
                if stream.refused and stream.refused != self.refused:
                    _log.warning("refused_spot", why=stream.refused)
                self.refused = stream.refused or self.refused
                if stream.why_not:
                    self._poll(venue)
                    self._stop.wait(POLL_S)
        finally:
            stream.close()

    def _poll(self, venue: Coinbase) -> None:
        for symbol in self._symbols:
            try:
                self._ticks.put(venue.poll(symbol))
            except OutcryError as error:
                self._say(f"{self.why_not}; {error}"[:300])

    def _say(self, why_not: str) -> None:
        if bool(why_not) != bool(self.why_not):
            (_log.warning if why_not else _log.info)("changed_spot", why=why_not or "prices come")
        self.why_not = why_not
