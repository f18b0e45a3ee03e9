"""Index prices for the collector: the exchange's own stream where the account gets it, else a spot venue's.

Both become one-second bars under their source's name; readers prefer the exchange's.
"""

import sqlite3
import time

from outcry.desk.collecting.scribe import Scribe
from outcry.desk.collecting.spot_feed import SpotFeed
from outcry.ops import log
from outcry.ops.clock import now_ns
from outcry.ops.floor import Floor
from outcry.signals.second_bars import SecondBars
from outcry.store import bars as bar_rows
from outcry.venue.indices import index_id
from outcry.venue.messages import IndexValue, Message
from outcry.venue.spot.coinbase import SOURCE

SILENT_S = 10.0  # without a value of the exchange's own index, before the spot venue is asked
OLD_MS = 60_000  # a newest bar older than this means that the recent past is unknown
RETRY_S = 5.0

_log = log.get(__name__)


class IndexPrices:
    """All indices that the followed series settle on."""

    def __init__(self, floor: Floor, bars: SecondBars) -> None:
        self._floor, self._bars = floor, bars
        symbols = floor.settings.discovery.underlying
        self._symbols = sorted({symbols[series] for series in floor.settings.discovery.series} - {""})
        self._by_id = {index_id(symbol): symbol for symbol in self._symbols}
        self._own = floor.settings.index.source == "exchange"
        self._heard_at = time.monotonic()
        self._newest_ms: dict[str, int] = {}
        self._spot: SpotFeed | None = None
        self._history_at: dict[str, float] | None = None  # symbols whose past is unknown, and when to ask for it

    @property
    def named(self) -> dict[str, str]:
        """Symbols by the exchange's names of them."""
        return dict(self._by_id)

    @property
    def index_ids(self) -> list[str]:
        """What to subscribe to on the exchange's stream."""
        return sorted(self._by_id) if self._own else []

    def hear(self, message: Message) -> bool:
        """Take a value of the exchange's stream; False when it is something else."""
        if not isinstance(message, IndexValue):
            return False
        symbol = self._by_id.get(message.index_id)
        if symbol is not None:
            self._heard_at = time.monotonic()
            self._bars.add(symbol, bar_rows.EXCHANGE, message.value_micros, message.at_ms)
            self._newest_ms[symbol] = max(message.at_ms, self._newest_ms.get(symbol, 0))
        return True

    def take(self, scribe: Scribe | None) -> None:
        """Take what the spot venue said; begin or end with it as the exchange's own stream goes and comes."""
        silent = not self._own or time.monotonic() - self._heard_at > SILENT_S
        if silent and self._spot is None and self._symbols:
            self._spot = SpotFeed(lambda: self._floor.addresses().spot_url, self._symbols)
            _log.info("began_spot", symbols=",".join(self._symbols))
        elif not silent and self._spot is not None:
            self._spot.close()
            self._spot = None
            _log.info("ended_spot", why="the exchange's own index comes again")
        ticks = self._spot.taken() if self._spot else []
        for tick in ticks:
            self._bars.add(tick.symbol, SOURCE, tick.price_micros, tick.at_ms)
            self._newest_ms[tick.symbol] = max(tick.at_ms, self._newest_ms.get(tick.symbol, 0))
        if scribe and ticks:
            scribe.heard(now_ns(), 0, ticks)

    def without_history(self, db: sqlite3.Connection, at_ms: int) -> list[str]:
        """Symbols whose recent past is to be asked for now: those of which nothing was known when we began."""
        if self._history_at is None:
            newest = {symbol: bar_rows.newest_ms(db, symbol) for symbol in self._symbols}
            self._history_at = {symbol: 0.0 for symbol, ms in newest.items() if ms is None or at_ms - ms > OLD_MS}
        now = time.monotonic()
        found = [symbol for symbol, due in self._history_at.items() if now >= due]
        self._history_at |= dict.fromkeys(found, now + RETRY_S)
        return found

    def history_known(self, symbol: str) -> None:
        """The past is here."""
        if self._history_at:
            self._history_at.pop(symbol, None)

    def state(self) -> dict[str, object]:
        """For people: how new each price is, and where it comes from."""
        source = bar_rows.EXCHANGE if self._spot is None else SOURCE
        return {"source": source, "newest_ms": dict(self._newest_ms), "spot": self._spot.why_not if self._spot else ""}

    def close(self) -> None:
        if self._spot is not None:
            self._spot.close()
