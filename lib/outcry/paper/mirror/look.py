"""The threads that look at a mirrored exchange, and the queue that they fill with what they saw.

One asks by REST, and reads the spot venue while it waits for its pace. With a key one more listens to the stream, so
that a slow answer never delays a book.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import requests

from outcry.domain.errors import OutcryError
from outcry.domain.market import Market
from outcry.paper.events import SeriesInfo
from outcry.paper.mirror.pace import Pacer
from outcry.paper.mirror.poll import Poller
from outcry.paper.mirror.seen import LostSeen, Seen
from outcry.paper.mirror.spot import SpotIndex
from outcry.paper.mirror.stream import Ear
from outcry.paper.mirror.watch import Watch
from outcry.venue.indices import index_id
from outcry.venue.rest import Rest
from outcry.venue.sign import Signer
from outcry.venue.spot.coinbase import Coinbase
from outcry.venue.stream import Stream
from outcry.venue.wire import SeriesRow, fee_terms

PER_S, SIGNED_PER_S = 2.0, 5.0  # requests
TIMEOUT_S = (2.0, 4.0)
LISTEN_S, SPOT_S = 0.05, 0.1  # the longest single wait for news
AGAIN_S, REFUSED_S = 1.0, 60.0  # after a mistake of ours; when our key is refused
LEAVE_S = 1.0  # how long `close` waits for the threads, which may be in a request

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The exchange that is mirrored. Without a signer there is no stream, and books are polled."""

    rest_url: str
    stream_url: str
    spot_url: str
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What of it is mirrored, and how.

    underlying   {series: index symbol}, "" for a series without one
    max_markets  at most these at a time
    ahead_ms     markets are listed so long before they open
    stale_ms     a polled book older than this deactivates its market
    gap_ms       a book known to be wrong for longer than this does
    per_s        requests a second without a key
    """

    underlying: Mapping[str, str]
    max_markets: int = 100
    ahead_ms: int = 1_800_000
    stale_ms: int = 10_000
    gap_ms: int = 2_000
    per_s: float = PER_S


def read_series(upstream: Upstream, scope: Scope) -> list[SeriesInfo]:
    """The series as they are described, with their fees. Asks the network: call it before the mirror begins.

    raises  Unavailable, Refused, SchemaDrift, Misconfigured
    """
    with _session() as session:
        pacer = Pacer(scope.per_s)
        rest = Rest(upstream.rest_url, upstream.signer, pacer, session=session, timeout_s=TIMEOUT_S)
        return [_info(rest.series(ticker), symbol) for ticker, symbol in scope.underlying.items()]


def _info(row: SeriesRow, symbol: str) -> SeriesInfo:
    shard = row.exchange_index or 0
    return SeriesInfo(row.ticker, row.title, row.category, row.frequency, fee_terms(row), shard, symbol)


def _session() -> requests.Session:
    """One that can be closed. No proxies or credentials from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


class Looker:
    """Looks until it is closed.

    known  markets whose outcome is still wanted, whatever the listings say
    seen   what was seen, in order
    """

    def __init__(self, upstream: Upstream, scope: Scope, known: Sequence[Market], now_ms: Callable[[], int]) -> None:
        self.seen: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        self._now_ms, self._stopping, self._session = now_ms, threading.Event(), _session()
        tell, series = self.seen.put, list(scope.underlying)
        symbols = sorted({symbol for symbol in scope.underlying.values() if symbol})
        signed = upstream.signer is not None
        self._ear: Ear | None = None
        if signed:
            stream = Stream(upstream.stream_url, upstream.signer, now_ms=now_ms)
            indices = {index_id(symbol): symbol for symbol in symbols}
            self._ear = Ear(stream, tell, self._refresh, series=series, indices=indices, now_ms=now_ms)
        self._spot: SpotIndex | None = None
        if symbols:
            better = self._ear.heard if self._ear else {}
            venue = Coinbase(upstream.spot_url, session=self._session)
            self._spot = SpotIndex(venue, symbols, tell, better=better, now_ms=now_ms)
        pacer = Pacer(SIGNED_PER_S if signed else scope.per_s, idle=self._idle)
        rest = Rest(
            upstream.rest_url,
            upstream.signer,
            pacer,
            underlying=scope.underlying,
            session=self._session,
            timeout_s=TIMEOUT_S,
        )
        watch = Watch(scope.max_markets, scope.ahead_ms, known, now_ms())
        follow = self._ear.follow if self._ear else None
        self._poller = Poller(rest, series, watch, tell, follow=follow, books=not signed, now_ms=now_ms)
        steps = [self._ask] if self._ear is None else [self._ask, self._listen]
        self._threads = [
            threading.Thread(target=self._run, args=(step,), name=f"mirror{step.__name__}", daemon=True)
            for step in steps
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop looking. A request on its way is left to end by itself."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(LEAVE_S)
        if not any(thread.is_alive() for thread in self._threads):
            self._session.close()
            for feed in (self._spot, self._ear):
                if feed is not None:
                    feed.close()

    def mend(self, tickers: Iterable[str]) -> None:
        """These books, kept change by change, turned out wrong."""
        if self._ear is not None:
            self._ear.mend(tickers)

    @property
    def trouble(self) -> str:
        """What cannot be seen just now, in words; "" when all is well."""
        parts = [self._poller.trouble and f"no answers: {self._poller.trouble}"]
        if self._ear is not None:
            parts.append(self._ear.trouble and f"no stream: {self._ear.trouble}")
        if self._spot is not None:
            parts.append(self._spot.trouble and f"no spot prices: {self._spot.trouble}")
        return "; ".join(part for part in parts if part)

    def _run(self, step: Callable[[], None]) -> None:
        """One thread's life. A mistake of ours is told, and makes every book stale, but ends nothing."""
        while not self._stopping.is_set():
            try:
                step()
            except OutcryError as error:
                _log.error("failed_to_look", extra={"fields": {"cause": str(error)}})
                self._stopping.wait(REFUSED_S)
            except Exception:
                _log.exception("broke_while_looking")
                self.seen.put(LostSeen(None, self._now_ms()))
                self._stopping.wait(AGAIN_S)

    def _ask(self) -> None:
        if self._spot is not None:
            self._spot.preload()
        if wait_s := self._poller.step():
            self._idle(wait_s)

    def _listen(self) -> None:
        assert self._ear is not None
        self._ear.step(LISTEN_S)

    def _idle(self, seconds: float) -> None:
        """Use a wait for the spot venue's news. It may be shorter than asked for: whoever waits looks at the clock."""
        if self._stopping.is_set():
            time.sleep(min(seconds, LISTEN_S))
        elif self._spot is None:
            self._stopping.wait(seconds)
        else:
            self._spot.step(min(seconds, SPOT_S))

    def _refresh(self, ticker: str) -> None:
        self._poller.refresh(ticker)
