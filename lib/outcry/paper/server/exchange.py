"""The local exchange as a whole: the engine, a source of markets, accounts and their keys, behind one port.

Whatever the engine does is first kept, then told to subscribers, and only then answered: what a client has seen
survives a kill. Before any request is answered the market moves on to now.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outcry import failpoints
from outcry.domain.errors import Unavailable
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import Reject
from outcry.paper.events import EngineEvent, IndexTick, Source, SourceEvent, TickerMoved, Traded
from outcry.paper.rest import hours, routes_exchange
from outcry.paper.rest.calls import BASE, Call, answer
from outcry.paper.rest.candles import Candles
from outcry.paper.rest.routes import Table
from outcry.paper.server import refusals
from outcry.paper.server.auth import KEY, Key, Keys
from outcry.paper.server.http import Answer, Request
from outcry.paper.server.index_board import IndexBoard
from outcry.paper.server.lag import LaggedBooks
from outcry.paper.server.limits import Meter
from outcry.paper.server.push import Hub
from outcry.paper.server.service import Session
from outcry.paper.server.session import StreamSession
from outcry.paper.server.spot import PREFIX as SPOT
from outcry.paper.server.spot import Spot
from outcry.paper.server.websocket import WebSocket

STREAM_PATH = "/trade-api/ws/v2"
STEP_MS = 20  # after a stall the market catches up in steps of this, with clients served in between
ANONYMOUS_TIER = "basic"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the exchange serves. (How it trades is the engine's `Manners`.)

    read_lag_ms      how far account reads lie behind
    lag_may_change   whether that may become another while it runs
    ticker_every_ms  least time between two tickers of a market
    keeps_hours      whether trading pauses on Thursday nights, as the schedule says
    """

    read_lag_ms: int = 0
    lag_may_change: bool = False
    ticker_every_ms: int = 1_000
    keeps_hours: bool = False


class Exchange:
    """The service behind the port. Not thread-safe: one loop owns it."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        keep: Callable[[], object],
        keys: Keys,
        now_ms: Callable[[], int],
        terms: Terms,
    ) -> None:
        """keep  writes down what changed in the engine; raises Unavailable when it cannot, and tries all of it again
        at the next call"""
        self.engine, self.keys, self.terms, self.now_ms = engine, keys, terms, now_ms
        self.series = {info.ticker: info for info in source.series()}
        self.started_at_ms = now_ms()
        self._manners = engine.state.manners
        self._source, self._keep = source, keep
        self._coming: deque[SourceEvent] = deque()
        self._untold: list[EngineEvent] = []
        self._touched: set[str] = set()  # accounts whose money changed since that was last noted
        symbols = sorted({info.underlying for info in self.series.values() if info.underlying})
        self._board = IndexBoard(symbols)
        self._hub = Hub(engine, self._board, now_ms, ticker_every_ms=terms.ticker_every_ms)
        self._spot = Spot(source, symbols, now_ms)
        self._table = Table()
        self._meters: dict[str, Meter] = {}
        self.candles = Candles()
        accounts = sorted({key.account for key in keys.everyone()})
        lags = terms.read_lag_ms or terms.lag_may_change
        self.lagged = LaggedBooks(engine, accounts, terms.read_lag_ms, now_ms) if lags else None
        self.books: Engine | LaggedBooks = self.lagged or engine
        self._hours_at_ms = self.started_at_ms if terms.keeps_hours else None

    def new_socket(self) -> WebSocket:
        """What a client that upgrades gets."""
        return WebSocket()

    # ---- time -------------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let timers and the source run up to now."""
        now_ms = self.now_ms()
        due = self._source.next_at_ms()
        if due is not None and due <= now_ms:
            self._coming += self._source.advance(min(now_ms, due + STEP_MS))
        try:
            while self._coming:  # a source tells everything once: what follows a failure waits for its turn
                event = self._coming.popleft()
                if isinstance(event, IndexTick):
                    self._spot.take(event)
                self.step(self.engine.feed(event))
            timer = self.engine.next_at_ms()
            if timer is not None and timer <= now_ms:
                self.step(self.engine.tick(now_ms))
            if self._hours_at_ms is not None and self._hours_at_ms <= now_ms:
                self._hours_at_ms = hours.next_change_ms(now_ms)
                self.halt(hours.paused(now_ms), routes_exchange.SHARDS)
        except Unavailable as error:
            _log.warning("failed_to_keep", extra={"fields": {"untold": len(self._untold), "error": str(error)}})
        self._hub.tell_tickers(now_ms)

    def halt(self, pause: bool, shards: Iterable[int], *, whole_exchange: bool = False) -> None:
        """Stop trading on some shards, or let it go on where it stopped."""
        now_ms = self.now_ms()
        for shard in shards:
            if pause:
                self.step(self.engine.pause(shard, now_ms, whole_exchange=whole_exchange))
            elif self.engine.paused(shard)[0]:
                self.step(self.engine.resume(shard, now_ms))

    def next_at_ms(self) -> int | None:
        times = (self._source.next_at_ms(), self.engine.next_at_ms(), self._hub.next_at_ms(), self._hours_at_ms)
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    def step(self, events: list[EngineEvent]) -> None:
        """What the engine did: keep it, then tell it. What could not be kept is told once it is.

        raises  Unavailable when the books could not be written
        """
        self._untold += events
        if self.lagged is not None:
            self._touched |= self.engine.state.unsaved.accounts
        self._keep()
        told, self._untold = self._untold, []
        if self.lagged is not None:
            self.lagged.note(told, self._touched)
            self._touched = set()
        if told:
            for event in told:
                if isinstance(event, Traded | TickerMoved):
                    self.candles.note(event, self.engine.market(event.ticker))
            self._hub.publish(told)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        try:
            if request.path.startswith(SPOT + "/"):
                return self._spot.answer(request)
            if request.path.endswith("/") and request.path.startswith(BASE):
                return Answer(301, headers=[f"Location: {request.path.rstrip('/')}"])
            return self._routed(request)
        except Reject as refusal:
            return self._refused(refusal)
        except Unavailable as error:
            _log.warning("failed_to_keep", extra={"fields": {"path": request.path, "error": str(error)}})
            return self._refused(Reject(503, "exchange_unavailable", "the outcome is unknown: look it up"))
        except Exception:
            _log.exception("failed_to_answer", extra={"fields": {"method": request.method, "path": request.path}})
            return self._refused(Reject(500, "internal_error", "internal server error"))

    def upgrade(self, request: Request, socket: WebSocket) -> Session | Answer:
        if request.path.startswith(SPOT):
            return self._spot.open(socket)
        if request.path != STREAM_PATH:
            return refusals.answer(Reject(404, "not_found", "no such endpoint"))
        try:
            key = self._authenticate(request)
        except Reject as refusal:
            return self._refused(refusal)
        return StreamSession(key.account, socket, self._hub, self._board)

    def meter(self, account: str, now_ms: int) -> Meter:
        """The token buckets of an account; "" for requests without a key."""
        meter = self._meters.get(account)
        if meter is None:
            tier = self.engine.tier(account) if account else ANONYMOUS_TIER
            meter = self._meters[account] = Meter(tier, now_ms)
        return meter

    def set_tier(self, account: str, tier: str) -> None:
        """Give an account another usage tier, with full buckets."""
        self.engine.set_tier(account, tier)
        self.step([])
        self._meters.pop(account, None)

    @property
    def read_lag_ms(self) -> int:
        """How far account reads lie behind now."""
        return 0 if self.lagged is None else self.lagged.lag_ms

    def _routed(self, request: Request) -> Answer:
        """In the exchange's order: who asks, whether it may ask now, then what it asks."""
        route, parameters = self._table.find(request.method, request.path)
        now_ms = self.now_ms()
        account = ""
        if route.private or request.headers.get(KEY):
            account = self._authenticate(request).account
        call = Call(self, request, account, now_ms, parameters)
        tokens, meter = self._table.tokens(route, call), self.meter(account, now_ms)
        if route.method == "GET":
            allowed = meter.may_read(tokens, now_ms)
        else:
            allowed = meter.may_write(tokens, route.shard(call), now_ms)
        if not allowed:
            return refusals.too_many()
        self.advance()
        body = route.handler(call)
        if route.method == "POST":
            failpoints.reached("books.kept")
        if isinstance(body, Answer):
            return body
        if self._manners.last_cursor != "empty" and body.get("cursor") == "":
            body["cursor"] = None
            if self._manners.last_cursor == "absent":
                del body["cursor"]
        return answer(200, body)

    def _refused(self, refusal: Reject) -> Answer:
        return refusals.answer(refusal, nested=self._manners.errors_nested)

    def _authenticate(self, request: Request) -> Key:
        return self._keyed(request, self.now_ms())

    def _keyed(self, request: Request, now_ms: int) -> Key:
        """The key that signed a request, by a clock."""
        skew_ms = self._manners.skew_past_ms, self._manners.skew_future_ms
        return self.keys.authenticate(request.headers, request.method, request.path, now_ms, skew_ms)
