"""Which markets to follow when there are more than may be: those with something of ours in them, then the best scored.

A market is judged when it is first met: by what lists show of its touch, and what its series traded. From then on it is
followed until it is over or a better one needs its place; a book is never dropped for being wide near its end, and one
in which somebody holds or orders something is never dropped at all.
"""

import sqlite3
from collections.abc import Iterable

from outcry.desk.collecting.followed import FollowedBook
from outcry.domain.market import Market
from outcry.domain.view import Quote
from outcry.ops.settings import Discovery
from outcry.signals.makers import watch
from outcry.store import market_scores
from outcry.store.market_scores import Sighting
from outcry.trading.touches import Touches
from outcry.venue.wire import Listing

WATCH_MS = 300_000  # how long a touch is watched before it is said whether somebody makes the market
KEEP_EVERY_MS = 60_000
ONE = 1_000_000


class Choosing:
    """Sightings of all markets, and the choice among those that are near."""

    def __init__(self, db: sqlite3.Connection, settings: Discovery) -> None:
        self._db, self._settings = db, settings
        self._seen: dict[str, Sighting] = {}
        self._touches = Touches(WATCH_MS)
        self._following: set[str] = set()
        self._kept_at_ms = 0

    def listed(self, listings: Iterable[Listing]) -> None:
        """What the exchange's lists show."""
        for listing in listings:
            ticker = listing.market.ticker
            self._seen[ticker] = Sighting(ticker, listing.category, listing.bid_cc, listing.ask_cc)

    def choose(self, near: list[Market], now_ms: int) -> list[str]:
        """The markets to follow, of those that are near; the next to close first.

        raises  sqlite3.Error when the database cannot be read
        """
        traded_ch: dict[str, int] = {}
        for market in near:
            traded_ch[market.series_ticker] = max(market.volume_ch, traded_ch.get(market.series_ticker, 0))
        chosen = [
            market
            for market in near
            if market.ticker in self._following or self._admits(market, traded_ch[market.series_ticker], now_ms)
        ]
        if len(chosen) > self._settings.max_markets or len(chosen) < len(near):
            chosen = self._best(near, {market.ticker for market in chosen})
        self._following = {market.ticker for market in chosen}
        return [market.ticker for market in chosen]

    def _best(self, near: list[Market], admitted: set[str]) -> list[Market]:
        needed, scores = market_scores.needed(self._db), market_scores.scores(self._db)
        ranked = sorted(
            (market for market in near if market.ticker in admitted | needed),
            key=lambda market: (market.ticker not in needed, -scores.get(market.ticker, 0), market.close_at_ms),
        )
        kept = {market.ticker for market in ranked[: max(self._settings.max_markets, len(needed))]}
        return [market for market in near if market.ticker in kept]

    def watch(self, books: Iterable[FollowedBook], now_ms: int) -> None:
        """Each second: how the followed books look now; each minute it is kept.

        raises  Unavailable when the database refuses: it is kept the next time
        """
        followed = list(books)
        for book in followed:
            self._touches.hear(_top(book), now_ms)
        if now_ms - self._kept_at_ms < KEEP_EVERY_MS:
            return
        market_scores.see(self._db, [*self._unfollowed(), *(self._sighting(book, now_ms) for book in followed)], now_ms)
        self._kept_at_ms = now_ms
        for ticker in self._seen.keys() - self._following:
            self._touches.forget(ticker)

    def _admits(self, market: Market, traded_ch: int, now_ms: int) -> bool:
        """Whether the settings let a market in. One that is not open yet has nothing to be judged by.

        traded_ch  the most that any market of its series traded
        """
        seen = self._seen.get(market.ticker)
        if now_ms < market.open_at_ms:
            return True
        if traded_ch < self._settings.min_liquidity_ch:
            return False
        if seen is None or seen.bid_cc is None or seen.ask_cc is None:
            return True
        return seen.ask_cc - seen.bid_cc <= self._settings.max_spread_cc

    def _unfollowed(self) -> list[Sighting]:
        return [seen for ticker, seen in self._seen.items() if ticker not in self._following]

    def _sighting(self, book: FollowedBook, now_ms: int) -> Sighting:
        ticker = book.market.ticker
        made = watch(self._touches.until(ticker, now_ms), now_ms, WATCH_MS)
        category = self._seen[ticker].category if ticker in self._seen else ""
        presence = None if made is None else round(ONE * made.presence)
        return Sighting(ticker, category, book.book.bid_cc, book.book.ask_cc, presence)


def _top(followed: FollowedBook) -> Quote:
    """A book's best prices; not trusted while it is not whole."""
    book = followed.book
    bids = () if book.bid_cc is None else ((book.bid_cc, book.bids[book.bid_cc]),)
    asks = () if book.ask_cc is None else ((book.ask_cc, book.asks[book.ask_cc]),)
    trusted = not followed.missing and not book.crossed
    return Quote(followed.market.ticker, 0, 0, bids, asks, trusted=trusted)
