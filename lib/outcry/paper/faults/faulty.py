"""The local exchange when things go wrong: the same exchange, with `faults` between it and its clients.

Only made when faults are asked for. An admin endpoint beside the exchange's own takes them at any time:

GET /faults             all, with how often each struck
POST /faults            one as a JSON object, or a list of them; their numbers
DELETE /faults          none any more; DELETE /faults/NUMBER one less
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from weakref import WeakSet

import msgspec

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Status
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import Reject
from outcry.paper.events import IndexTick, Listed, SeriesInfo, Source, SourceEvent, Voided
from outcry.paper.faults import edits as fault_edits
from outcry.paper.faults.faults import Fault, Faults
from outcry.paper.faults.faulty_socket import FaultySocket
from outcry.paper.rest.calls import BASE, answer
from outcry.paper.server import refusals
from outcry.paper.server.auth import Key, Keys
from outcry.paper.server.exchange import STREAM_PATH, Exchange, Terms
from outcry.paper.server.http import HANG_UP, Answer, Request
from outcry.paper.server.service import Session
from outcry.paper.server.websocket import WebSocket

ADMIN = "/faults"
VOID_TIMER_MS = 1_000  # how long a market that was called off may be disputed
_CODES = {429: "too_many_requests", 500: "internal_error", 503: "exchange_unavailable", 504: "gateway_timeout"}


class _Shortened:
    """A source whose markets may have closed before their time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.closed_ms: dict[str, int] = {}

    def series(self) -> list[SeriesInfo]:
        return self._source.series()

    def advance(self, now_ms: int) -> list[SourceEvent]:
        return [self._told(event) for event in self._source.advance(now_ms)]

    def next_at_ms(self) -> int | None:
        return self._source.next_at_ms()

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        return self._source.history(symbol, from_ms, to_ms)

    def _told(self, event: SourceEvent) -> SourceEvent:
        if isinstance(event, Listed) and event.market.ticker in self.closed_ms:
            closed_ms = self.closed_ms[event.market.ticker]
            return replace(event, market=replace(event.market, close_at_ms=closed_ms, status=Status.CLOSED))
        return event


class FaultyExchange(Exchange):
    """An exchange that does what its faults say. Give the server `new_socket`."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        keep: Callable[[], object],
        keys: Keys,
        now_ms: Callable[[], int],
        terms: Terms,
        faults: Iterable[Fault] = (),
    ) -> None:
        """raises  Misconfigured for a fault that cannot be"""
        self._shortened = _Shortened(source)
        super().__init__(engine, self._shortened, keep, keys, now_ms, replace(terms, lag_may_change=True))
        self.faults = Faults()
        for fault in faults:
            self.faults.add(fault, now_ms())
        self._sockets: WeakSet[FaultySocket] = WeakSet()
        self._skew_ms = 0
        self._pauses: dict[int, bool] = {}
        self._vanished: tuple[str, ...] = ()
        self._looked_ms = 0

    def new_socket(self) -> FaultySocket:
        socket = FaultySocket(self.faults, self.now_ms, one_count=self.engine.state.manners.seq_per_connection)
        self._sockets.add(socket)
        return socket

    def upgrade(self, request: Request, socket: WebSocket) -> Session | Answer:
        if isinstance(socket, FaultySocket):
            socket.spared = request.path != STREAM_PATH
        return super().upgrade(request, socket)

    # ---- the exchange as a whole ------------------------------------------------------------------------------------

    def advance(self) -> None:
        self._become()
        super().advance()

    def next_at_ms(self) -> int | None:
        times = [super().next_at_ms(), self.faults.next_at_ms(self._looked_ms)]
        times += [socket.next_at_ms() for socket in self._sockets]
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    def _become(self) -> None:
        """Let the exchange be as its faults want it now."""
        now_ms = self._looked_ms = self.now_ms()
        world = self.faults.world(now_ms)
        self._skew_ms, self._vanished = world.skew_ms, world.vanished
        if self.lagged is not None:
            self.lagged.lag_ms = self.terms.read_lag_ms + world.read_lag_ms
        for shard in sorted({*self._pauses, *world.pauses}):
            if (whole := world.pauses.get(shard)) != self._pauses.get(shard):
                self.halt(whole is not None, [shard], whole_exchange=bool(whole))
        self._pauses = world.pauses
        for ticker in self.faults.beginning("void", self._open_now, now_ms):
            self.step(self.engine.feed(Voided(ticker, now_ms, timer_ms=VOID_TIMER_MS)))
        for ticker in self.faults.beginning("early_close", self._open_now, now_ms):
            self._shortened.closed_ms[ticker] = now_ms
            market = replace(self.engine.market(ticker).market, close_at_ms=now_ms, status=Status.CLOSED)
            self.step(self.engine.feed(Listed(market, now_ms)))

    def _open_now(self) -> list[str]:
        return [record.market.ticker for record in self.engine.markets() if record.trading]

    def _authenticate(self, request: Request) -> Key:
        """By the gate's clock, which may be off."""
        return self._keyed(request, self.now_ms() + self._skew_ms)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        if request.path == ADMIN or request.path.startswith(ADMIN + "/"):
            return self._administer(request)
        self._become()
        if not request.path.startswith(BASE):
            return super().answer(request)
        name = f"{request.method} {request.path.removeprefix(BASE)}"
        later_page = bool(request.first("cursor"))
        faults = self.faults.on_request(name, later_page=later_page, now_ms=self.now_ms())
        failing = next((fault for fault in faults if fault.kind in ("fail", "mute", "hang_up")), None)
        found = Answer(204) if failing is not None and not failing.applied else self._found(request)
        if failing is not None:
            found = _failed(failing)
        elif any(fault.kind in ("rename", "missing") for fault in faults) and found.body:
            found = answer(found.status, fault_edits.edited(msgspec.json.decode(found.body), faults))
        wait_ms = sum(fault.ms for fault in faults if fault.kind == "delay")
        return replace(found, wait_ms=wait_ms) if wait_ms and found.wait_ms == 0 else found

    def _found(self, request: Request) -> Answer:
        """The exchange's own answer, without markets that vanished."""
        if not self._vanished:
            return super().answer(request)
        named = set(request.path.split("/")) & set(self.engine.state.markets)
        if any(fault_edits.gone(ticker, self._vanished) for ticker in named):
            return refusals.answer(Reject(404, "not_found", "market not found"))
        found = super().answer(request)
        if found.status != 200 or not found.body:
            return found
        return answer(200, fault_edits.without(msgspec.json.decode(found.body), self._vanished))

    # ---- administration ---------------------------------------------------------------------------------------------

    def _administer(self, request: Request) -> Answer:
        number = request.path.removeprefix(ADMIN).lstrip("/")
        try:
            if request.method == "GET" and not number:
                return answer(200, {"faults": [self._shown(one.number) for one in self.faults.all()]})
            if request.method == "POST" and not number:
                return answer(201, {"numbers": self._added(request.body)})
            if request.method == "DELETE":
                return self._removed(number)
        except (msgspec.MsgspecError, Misconfigured) as error:
            return refusals.answer(Reject(400, "invalid_fault", str(error)))
        return refusals.answer(Reject(404, "not_found", "no such endpoint"))

    def _added(self, body: bytes) -> list[int]:
        """All of a request's faults, or none where one cannot be."""
        found = msgspec.json.decode(body, type=list[Fault] | Fault)
        wanted = found if isinstance(found, list) else [found]
        for fault in wanted:
            fault.check()
        numbers = [self.faults.add(fault, self.now_ms()) for fault in wanted]
        self._become()
        return numbers

    def _removed(self, number: str) -> Answer:
        if not number:
            self.faults.clear()
        elif not (number.isdigit() and self.faults.remove(int(number))):
            return refusals.answer(Reject(404, "not_found", "no such fault"))
        self._become()
        return Answer(204)

    def _shown(self, number: int) -> dict[str, object]:
        one = next(one for one in self.faults.all() if one.number == number)
        facts = {"number": number, "struck": one.struck, "active": one.active(self.now_ms())}
        return facts | {"from_ms": one.from_ms, "until_ms": one.until_ms} | msgspec.to_builtins(one.fault)


def _failed(fault: Fault) -> Answer:
    """What a client gets in place of its answer."""
    if fault.kind == "mute":
        return Answer(204, wait_ms=None)
    if fault.kind == "hang_up":
        return Answer(204, wait_ms=HANG_UP)
    if fault.status == 429:
        return refusals.too_many()
    return refusals.answer(Reject(fault.status, _CODES.get(fault.status, "unavailable"), "as asked for"))
