"""What the collector asks the exchange by REST: which markets there are, whether it trades, books while the stream is
away, index history. Each call runs as an errand; the loop hands in the results."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from outcry.desk.common import connect
from outcry.domain.book import Book
from outcry.domain.errors import Refused
from outcry.domain.market import Market
from outcry.domain.view import Bar
from outcry.ops.floor import Floor
from outcry.venue.rest import Rest
from outcry.venue.sign import Signer
from outcry.venue.spot.coinbase import Coinbase
from outcry.venue.tally import Tally
from outcry.venue.wire import Listing

TIMEOUT_S = (3.05, 5.0)
HISTORY_MS = 900_000  # how far back the index is preloaded, before look-backs are shortened
FINE_STEP_S, COARSE_STEP_S = 1, 60
SERIES_AT_ONCE = 10  # of those that a category brings in: three calls each, beside all others


class Exchange:
    """The calls. Used by one thread, the one that runs errands; connects again where the exchange has moved."""

    def __init__(self, floor: Floor, key: Signer) -> None:
        self._floor, self._key = floor, key
        self._settings = floor.settings.discovery
        self._waiting: list[str] = []
        self.calls = Tally()
        self._url = ""
        self._rest: Rest | None = None

    def markets(self) -> list[Listing]:
        """Markets that are open or will be: of the series in the settings, and in turn of those of its categories."""
        rest, found = self._here(), []
        for ticker in (*self._settings.series, *self._some_more(rest)):
            for status in ("open", "unopened", "paused"):
                found += rest.listings(series_ticker=ticker, status=status)
        sizes = {
            event: rest.event_size(event)
            for event in {listing.market.event_ticker for listing in found if self._exhaustive(listing.market)}
        }
        return [
            listing._replace(market=replace(listing.market, exhaustive_of=sizes.get(listing.market.event_ticker, 0)))
            for listing in found
        ]

    def _some_more(self, rest: Rest) -> list[str]:
        """The next few series of the wanted categories; a long list is walked over many calls."""
        if not self._waiting:
            rows = [row for category in self._settings.categories for row in rest.series_list(category)]
            self._waiting = sorted({row.ticker for row in rows} - set(self._settings.series))
        some, self._waiting = self._waiting[:SERIES_AT_ONCE], self._waiting[SERIES_AT_ONCE:]
        return some

    def _exhaustive(self, market: Market) -> bool:
        return market.event_ticker in self._settings.exhaustive or market.series_ticker in self._settings.exhaustive

    def named(self, tickers: Sequence[str]) -> list[Market]:
        """Markets by name, in whatever state; those that the exchange does not know any more are left out."""
        return self._here().markets(tickers=tickers)

    def books(self, tickers: Sequence[str]) -> dict[str, Book]:
        """Whole books by name."""
        return self._here().orderbooks(tickers)

    def trading(self, shards: Iterable[int]) -> dict[int, bool]:
        """Whether orders can be placed on each of these shards now."""
        status = self._here().exchange_status()
        return {shard: status.trading(shard) for shard in shards}

    def history(self, symbol: str, now_ms: int) -> list[Bar]:
        """The recent past of an index, by seconds where the venue has them (this machine's own), else by minutes."""
        venue = Coinbase(self._floor.addresses().spot_url)
        step_s = FINE_STEP_S if self._floor.local else COARSE_STEP_S
        try:
            return venue.history(symbol, now_ms - HISTORY_MS, now_ms, step_s)
        except Refused as error:
            if error.status == 404:  # a symbol that the venue does not have: no history, and no reason to fail
                return []
            raise

    def _here(self) -> Rest:
        url = self._floor.addresses().rest_url
        if self._rest is None or url != self._url:
            self._rest, self._url = connect.rest(self._floor, self._key, url, TIMEOUT_S, self.calls), url
        return self._rest
