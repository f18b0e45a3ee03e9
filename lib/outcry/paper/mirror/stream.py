"""The mirror's ear on the exchange's stream, where a key opens it: books change by change, prints, public numbers, the
lifecycle of markets, and the index where the account is entitled to it.

The lifecycle channel only says *that* something happened: the market's row is then read by REST, which says what.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from outcry.domain.errors import Misconfigured
from outcry.domain.order import Side
from outcry.paper.events import IndexTick
from outcry.paper.mirror.seen import (
    BooksSeen,
    ChangeSeen,
    HeardSeen,
    LostSeen,
    NumbersSeen,
    PrintSeen,
    Seen,
)
from outcry.venue.counters import Counters
from outcry.venue.messages import (
    Delta,
    EventFee,
    Failed,
    IndexValue,
    Lifecycle,
    Message,
    Ok,
    Snapshot,
    Ticker,
    Trade,
    Unsubscribed,
)
from outcry.venue.sequence import Step
from outcry.venue.stream import Connected, Disconnected, Garbled, Stream
from outcry.venue.wire import PublicTrade

BOOKS, PRINTS, NUMBERS, LIFECYCLE, INDEX = (
    "orderbook_delta",
    "trade",
    "ticker",
    "market_lifecycle_v2",
    "cfbenchmarks_value",
)
PER_MARKET = (BOOKS, PRINTS, NUMBERS)
HEARD_EVERY_MS = 500

_log = logging.getLogger(__name__)


class Ear:
    """Call `step` in a loop. `follow` and `mend` may be called from other threads.

    refresh  told the ticker of a market whose row should be read again
    indices  {index id: symbol}; `heard` says when each symbol was last heard of (monotonic s)
    """

    def __init__(
        self,
        stream: Stream,
        tell: Callable[[Seen], object],
        refresh: Callable[[str], object],
        *,
        series: Iterable[str],
        indices: Mapping[str, str],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._tell, self._refresh = stream, tell, refresh
        self._series, self._indices = frozenset(series), dict(indices)
        self._now_ms, self._monotonic = now_ms, monotonic
        self._wanted: frozenset[str] = frozenset()
        self._broken: frozenset[str] = frozenset()
        self._asked: set[str] = set()  # subscribed, or about to be, on this connection
        self._counters = Counters()
        self._told_heard_ms = 0
        self.heard: dict[str, float] = {}
        self.trouble = ""  # why there is no connection

    def follow(self, tickers: frozenset[str]) -> None:
        """The markets to listen to from now on."""
        self._wanted = tickers

    def mend(self, tickers: Iterable[str]) -> None:
        """These books turned out wrong: ask for them whole."""
        self._broken |= frozenset(tickers)

    def step(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for messages and tell what they say. Raises Misconfigured when our key is refused."""
        self._adjust()
        try:
            events = self._stream.events(timeout_s)
        except Misconfigured as error:
            self.trouble = str(error)
            raise
        for event in events:
            self._take(event)
        heard_ms = self._stream.heard_at_ms
        if self._stream.connected and heard_ms >= self._told_heard_ms + HEARD_EVERY_MS:
            self._told_heard_ms = heard_ms
            self._tell(HeardSeen(heard_ms))

    def close(self) -> None:
        self._stream.close()

    # ---- what we listen to ------------------------------------------------------------------------------------------

    def _adjust(self) -> None:
        """Make the subscriptions equal to what is wanted; wait for sids where they are on their way."""
        if not self._stream.connected:
            return
        new, old = self._wanted - self._asked, self._asked - self._wanted
        if new and not self._asked:
            self._stream.subscribe(PER_MARKET, sorted(new), initial=True)
            self._asked |= new
        elif (new or old) and all(channel in self._stream.sids for channel in PER_MARKET):
            for channel in PER_MARKET:
                if new:
                    self._stream.add_markets(self._stream.sids[channel], sorted(new))
                if old:
                    self._stream.delete_markets(self._stream.sids[channel], sorted(old))
            self._asked = (self._asked | new) - old
            for ticker in old:
                self._counters.forget(ticker)
        if self._broken and BOOKS in self._stream.sids:
            broken, self._broken = self._broken & self._asked, frozenset()
            if broken:
                self._stream.get_snapshot(self._stream.sids[BOOKS], sorted(broken))

    def _connected(self) -> None:
        self._asked, self._counters, self.trouble = set(), Counters(), ""
        self._stream.subscribe([LIFECYCLE])
        if self._indices:
            self._stream.subscribe([INDEX], index_ids=sorted(self._indices))
        self._adjust()

    # ---- what we hear -----------------------------------------------------------------------------------------------

    def _take(self, event: Message) -> None:
        match event:
            case Delta():
                if self._in_order(event.sid, event.seq, event.ticker):
                    seen = ChangeSeen(event.ticker, event.is_bid, event.price_cc, event.change_ch, self._now_ms())
                    self._tell(seen)
            case Snapshot():
                self._snapshot(event)
            case Trade():
                self._trade(event)
            case Ticker():
                numbers = event.last_price_cc, event.volume_ch, event.open_interest_ch
                self._tell(NumbersSeen(event.ticker, *numbers, self._now_ms()))
            case Lifecycle():
                if event.ticker in self._wanted or event.ticker.partition("-")[0] in self._series:
                    self._refresh(event.ticker)
            case EventFee():
                for ticker in self._wanted:
                    if ticker.startswith(f"{event.event_ticker}-"):
                        self._refresh(ticker)
            case IndexValue():
                self._index(event)
            case Ok() | Unsubscribed() | Failed():
                self._reply(event)
            case Connected():
                self._connected()
            case Disconnected():
                self.trouble = event.reason
                self._tell(LostSeen(None, self._now_ms()))
                _log.warning(
                    "lost_stream", extra={"fields": {"cause": event.reason, "retry_s": round(event.retry_s, 1)}}
                )
            case Garbled():
                _log.error("refused_frame", extra={"fields": {"what": event.what, "raw": repr(event.raw[:500])}})

    def _snapshot(self, event: Snapshot) -> None:
        self._counters.tickers[event.sid] = set(self._asked)
        step = self._counters.snapshot(event.sid, event.seq, event.ticker)
        if step is Step.DROP:
            return
        bid_cc, ask_cc = max(event.bids, default=None), min(event.asks, default=None)
        if bid_cc is not None and ask_cc is not None and bid_cc >= ask_cc:
            self._stream.drop(f"the book of {event.ticker} is crossed: {bid_cc} bid, {ask_cc} asked")
            return
        self._look(event.sid, step)
        self._tell(BooksSeen({event.ticker: (event.bids, event.asks)}, self._now_ms()))

    def _in_order(self, sid: int, seq: int, ticker: str) -> bool:
        """Whether a change of a book follows what came before."""
        if sid not in self._counters.tickers:
            self._counters.tickers[sid] = set(self._asked)
        step = self._counters.change(sid, seq, ticker)
        self._look(sid, step)
        return step is Step.APPLY

    def _look(self, sid: int, step: Step) -> None:
        """After a gap: books counted with it are lost until they come whole; prints are not asked for again."""
        if step not in (Step.RESYNC, Step.RECONNECT):
            return
        missed = self._counters.missed
        _log.warning("missed_messages", extra={"fields": {"sid": sid, "messages": missed, "then": step.value}})
        if step is Step.RECONNECT:
            self._stream.drop("a second gap before the first was mended")
            return
        for one, waiting in self._counters.stale.items():
            self._tell(LostSeen(frozenset(waiting), self._now_ms()))
            self._stream.get_snapshot(one, waiting)

    def _trade(self, event: Trade) -> None:
        """A print. One that is missing fills nobody: prints are not asked for again."""
        if event.seq is not None and not self._counts(event.sid, event.seq):
            return
        known = event.taker_side is not None
        side = event.taker_side or Side.BID
        trade = PublicTrade(
            event.trade_id, event.ticker, event.price_cc, event.count_ch, side, event.at_ms, event.is_block
        )
        self._tell(PrintSeen(trade, known, self._now_ms()))

    def _counts(self, sid: int, seq: int) -> bool:
        """Whether a print is new; one beyond a gap is."""
        step = self._counters.change(sid, seq)
        self._look(sid, step)
        return step is not Step.DROP

    def _index(self, event: IndexValue) -> None:
        symbol = self._indices.get(event.index_id)
        if symbol is not None:
            self.heard[symbol] = self._monotonic()
            at_ms = min(event.at_ms, self._now_ms())  # the exchange's clock may be ahead of ours
            self._tell(IndexTick(symbol, event.value_micros, at_ms))

    def _reply(self, event: Ok | Unsubscribed | Failed) -> None:
        if event.sid is not None and event.seq is not None:
            self._counters.control(event.sid, event.seq)
        if isinstance(event, Failed) and not event.terminal:
            _log.warning("was_refused", extra={"fields": {"code": event.code, "said": event.text}})
