"""The trader of a backtest: the shell of the live one around the same coordinator, with simulated time and no database.

Like the live trader it is one thread: while a request is on its way it hears nothing, and what happened meanwhile is
read when the answer is there. An order, a cancel or a renewal acts at the exchange `latency_ms` after it was decided,
and its answer is known at that moment. The gate, the sizing, the exits and the reservation are the live ones.
"""

import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace

from outcry.domain.fill import Fill as DomainFill
from outcry.domain.fill import Settlement as DomainSettlement
from outcry.domain.limits import Limits
from outcry.domain.market import FeeTerms, Market
from outcry.domain.order import Order, Purpose, State, TimeInForce, may_follow
from outcry.domain.view import Answer, Exposure, Verdict
from outcry.paper.engine.records import OrderRecord, OrderStatus, Reject
from outcry.paper.events import AccountFill, AccountSettled, EngineEvent, OrderChanged
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.books import NEVER, Book
from outcry.research.backtesting.venue import Venue
from outcry.risk import rules
from outcry.strategies.strategy import Strategy
from outcry.trading import exits
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import (
    Cancel,
    Command,
    Control,
    Event,
    Fill,
    Note,
    OrderUpdate,
    Place,
    Renew,
    Settlement,
    Together,
    Topic,
)
from outcry.trading.orders import Fee, reservation
from outcry.trading.tempo import Tempo
from outcry.venue import fees

AGENT = "backtest"
_STATES = {
    OrderStatus.RESTING: State.RESTING,
    OrderStatus.EXECUTED: State.EXECUTED,
    OrderStatus.CANCELED: State.CANCELED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the gate and its answer: what the report is made of. `order` None where it was refused."""

    at_ms: int
    place: Place
    verdict: Verdict
    order: Order | None


@dataclass(frozen=True, slots=True)
class World:
    """What the trader needs of the simulation around it.

    now_ms      simulated time
    book        a market's book; None while the tape does not know it
    market      a market as described last
    volume_ch   what the market before this one in its series traded
    """

    now_ms: Callable[[], int]
    book: Callable[[str], Book | None]
    market: Callable[[str], Market]
    volume_ch: Callable[[Market], int]


class Trader:
    """
    due_ms    when it goes on with what it waits for; NEVER while it waits for news
    asked     every question to the gate so far
    looks     how often each condition stood against an entry
    """

    def __init__(
        self,
        strategy: Strategy,
        tempo: Tempo,
        time_factor: float,
        seed: str,
        limits: Limits,
        latency_ms: int,
        account: Account,
        world: World,
    ) -> None:
        self.coordinator = Coordinator(strategy, tempo, time_factor, random.Random(seed).random)
        self.due_ms = NEVER
        self.asked: list[Asked] = []
        self.fills: list[DomainFill] = []
        self.settlements: list[DomainSettlement] = []
        self.looks: dict[str, int] = {}
        self.raised = ""
        self._limits, self._latency_ms, self._account, self._world = limits, latency_ms, account, world
        self._venue: Venue | None = None
        self._inbox: list[Event] = []
        self._running: Generator[int, None, None] | None = None
        self._numbers = 0

    def trades_at(self, venue: Venue) -> None:
        """Where it sends its orders."""
        self._venue = venue

    @property
    def idle(self) -> bool:
        return self._running is None

    @property
    def has_mail(self) -> bool:
        """Whether something of its own happened that it has not heard."""
        return bool(self._inbox)

    def hear(self, events: Iterable[EngineEvent]) -> None:
        """What the exchange says about us; heard with the next news."""
        for event in events:
            match event:
                case AccountFill():
                    self._filled(event)
                case OrderChanged():
                    self._changed(event)
                case AccountSettled():
                    self._settled(event)

    def new_day(self) -> None:
        """What was stopped for the trading day is allowed again."""
        self._inbox.append(Control(self._now()))

    def consume(self, events: Sequence[Event]) -> None:
        """Take the account's news, then these; only while idle."""
        inbox, self._inbox = self._inbox, []
        self._running = self._run([*inbox, *events])
        self.go_on()

    def go_on(self) -> None:
        """Go on until the next wait, or to the end of what there is to do."""
        assert self._running is not None
        self.due_ms = next(self._running, NEVER)
        if self.due_ms == NEVER:
            self._running = None

    def _run(self, events: list[Event]) -> Generator[int, None, None]:
        """Feed events through, and what comes of them; yields the times until which it waits for the exchange."""
        waiting = deque(events)
        while waiting:
            for command in self.coordinator.step(waiting.popleft()):
                waiting.extend((yield from self._carry_out(command)))

    def _carry_out(self, command: Command) -> Generator[int, None, list[Event]]:
        match command:
            case Note():
                self._note(command)
                return []
            case Place():
                return (yield from self._place(command))
            case Together():
                return (yield from self._together(command.places))
            case Cancel():
                yield self._now() + self._latency_ms
                return self._cancel(command.order, command.why)
            case Renew():
                yield self._now() + self._latency_ms
                return self._renew(command.order, command.expires_at_ms)

    def _note(self, note: Note) -> None:
        if note.topic is Topic.LOOKED:
            self.looks[note.text] = self.looks.get(note.text, 0) + 1
        elif note.topic is Topic.RAISED:
            self.raised = self.raised or note.text

    # ---- placing ----------------------------------------------------------------------------------------------------

    def _place(self, place: Place) -> Generator[int, None, list[Event]]:
        at_ms = self._now()
        verdict, order = self._weigh(place, None, at_ms)
        self.asked.append(Asked(at_ms, place, verdict, order))
        answer = OrderUpdate(at_ms, order, place.ticket, verdict)
        if order is None:
            return [answer]
        yield at_ms + self._latency_ms
        return [answer, self._send(order, place.market)]

    def _together(self, places: Sequence[Place]) -> Generator[int, None, list[Event]]:
        """All legs in one size or none; sent one after the other until one fills nothing."""
        at_ms, most_ch = self._now(), places[0].count_ch or 0
        while True:
            legs: list[tuple[Place, Verdict, Order]] = []
            for place in places:
                verdict, order = self._weigh(place, most_ch, at_ms)
                if order is None:
                    self._take_back(legs)
                    self.asked.append(Asked(at_ms, place, verdict, None))
                    return [OrderUpdate(at_ms, None, one.ticket, verdict) for one in places]
                legs.append((place, verdict, order))
            least_ch = min(order.count_ch for _, _, order in legs)
            if least_ch == max(order.count_ch for _, _, order in legs):
                break
            self._take_back(legs)
            most_ch = least_ch
        self.asked += [Asked(at_ms, *leg) for leg in legs]
        events: list[Event] = [OrderUpdate(at_ms, order, place.ticket, verdict) for place, verdict, order in legs]
        failed = ""
        for place, _, order in legs:
            if failed:
                events.append(self._ended(order, State.ABANDONED, failed))
                continue
            yield self._now() + self._latency_ms
            became = self._send(order, place.market)
            if not became.order or not became.order.filled_ch:
                failed = f"never sent: the leg in {place.market.ticker} filled nothing"
            events.append(became)
        return events

    def _take_back(self, legs: Iterable[tuple[Place, Verdict, Order]]) -> None:
        for _, _, order in legs:
            self._account.unplanned(order.client_order_id)

    def _weigh(self, place: Place, most_ch: int | None, at_ms: int) -> tuple[Verdict, Order | None]:
        """Ask the gate; an order that it allows is reserved at once."""
        exposure = self._account.exposure(place.market.ticker)
        verdict = self._gate(place, exposure, most_ch, at_ms)
        if verdict.answer is Answer.REFUSED:
            if verdict.latch:
                self._inbox.append(Control(at_ms, stopped=verdict.reason))
            return verdict, None
        intent, market = place.intent, place.market
        fee = _fee_of(market)
        reduce_only, reserved = reservation(place.purpose, intent, exposure, verdict.count_ch, fee)
        self._numbers += 1
        order = Order(
            client_order_id=f"oc-{AGENT}-{self._numbers:07}",
            agent=AGENT,
            ticker=market.ticker,
            exchange_index=market.exchange_index,
            side=intent.side,
            price_cc=intent.limit_cc,
            count_ch=verdict.count_ch,
            time_in_force=intent.time_in_force,
            purpose=place.purpose,
            state=State.PLANNED,
            decision_id=f"{place.ticket}",
            created_at_ms=at_ms,
            reserved_micros=reserved,
            expires_at_ms=place.expires_at_ms,
            post_only=intent.post_only,
            reduce_only=reduce_only,
            updated_at_ms=at_ms,
        )
        self._account.planned(order)
        return verdict, order

    def _gate(self, place: Place, exposure: Exposure, most_ch: int | None, at_ms: int) -> Verdict:
        market = place.market
        if place.purpose is Purpose.EXIT:
            close_ch = abs(place.view.position_ch) if place.count_ch is None else place.count_ch
            return exits.gate(place.intent, close_ch, exposure)
        if not fees.known(market.fee):
            return Verdict(Answer.REFUSED, 0, "fee", f"no formula for fee type {market.fee.fee_type!r}")
        facts = rules.Facts(
            market=market,
            quote=place.view.quote,
            predecessor_volume_ch=self._world.volume_ch(market),
            index_at_ms=place.index_at_ms,
        )
        return rules.gate(place.intent, facts, exposure, self._limits, at_ms, _fee_of(market), most_ch)

    def _send(self, order: Order, market: Market) -> OrderUpdate:
        """The order is at the exchange now."""
        assert self._venue is not None
        book = self._world.book(order.ticker)
        if book is None:
            return self._ended(order, State.REJECTED, "the tape does not know this book just now")
        try:
            record = self._venue.create(order, self._world.market(market.ticker), book, self._now())
        except Reject as error:
            return self._ended(order, State.REJECTED, str(error))
        return self._now_is(order, record)

    # ---- what rests -------------------------------------------------------------------------------------------------

    def _cancel(self, order: Order, why: str) -> list[Event]:
        assert self._venue is not None
        try:
            record = self._venue.cancel(order, self._now())
        except Reject:
            record = self._venue.order(order.order_id)
        return [self._now_is(order, record, why if record.status is OrderStatus.CANCELED else "")]

    def _renew(self, order: Order, expires_at_ms: int) -> list[Event]:
        assert self._venue is not None
        try:
            record = self._venue.renew(order, expires_at_ms, self._now())
        except Reject:
            return [self._now_is(order, self._venue.order(order.order_id))]
        return [self._now_is(replace(order, expires_at_ms=expires_at_ms), record)]

    def _now_is(self, order: Order, record: OrderRecord, reason: str = "") -> OrderUpdate:
        """An order as the exchange has it."""
        state = _STATES[record.status]
        if state is State.CANCELED and order.time_in_force is TimeInForce.GTC:
            reason = reason or record.reason
        return self._moved(order, state, reason, record.filled_ch, record.order_id)

    def _ended(self, order: Order, state: State, reason: str) -> OrderUpdate:
        return self._moved(order, state, reason, 0, "")

    def _moved(self, order: Order, state: State, reason: str, filled_ch: int, order_id: str) -> OrderUpdate:
        known = self._account.order(order.client_order_id) or order
        sent = State.SENT if known.state is State.PLANNED and state is not State.ABANDONED else known.state
        moved = replace(
            known,
            state=state if may_follow(sent, state) else sent,
            filled_ch=max(known.filled_ch, filled_ch),
            order_id=known.order_id or order_id,
            reason=reason or known.reason,
            expires_at_ms=order.expires_at_ms,
            updated_at_ms=self._now(),
        )
        self._account.ordered(moved)
        return OrderUpdate(self._now(), moved)

    # ---- what the exchange says of itself ---------------------------------------------------------------------------

    def _filled(self, event: AccountFill) -> None:
        fill = DomainFill(
            event.trade_id,
            event.order_id,
            event.ticker,
            event.exchange_index,
            event.side,
            event.price_cc,
            event.count_ch,
            event.fee_micros,
            event.is_taker,
            event.at_ms,
            event.client_order_id,
            event.post_position_ch,
        )
        self._account.filled(fill)
        self.fills.append(fill)
        self._inbox.append(Fill(self._now(), fill))

    def _changed(self, event: OrderChanged) -> None:
        """An order that rested was filled, expired or swept. What answers a request is heard as its answer."""
        assert self._venue is not None
        record = self._venue.order(event.order_id)
        known = self._account.order(record.client_order_id)
        if known is not None and known.state is State.RESTING:
            self._inbox.append(self._now_is(known, record))

    def _settled(self, event: AccountSettled) -> None:
        paid = DomainSettlement(event.ticker, event.exchange_index, event.result, event.value_cc, event.at_ms)
        self._account.settled(paid)
        self.settlements.append(paid)
        self._inbox.append(Settlement(self._now(), paid))

    def _now(self) -> int:
        return self._world.now_ms()


def _fee_of(market: Market) -> Fee:
    terms = market.fee if fees.known(market.fee) else FeeTerms()
    return lambda is_taker, price_cc, count_ch: fees.estimate_micros(terms, is_taker, price_cc, count_ch)
