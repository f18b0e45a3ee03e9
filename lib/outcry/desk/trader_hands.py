"""The trader's hands: commands of the coordinator carried out, once each, and what became of them.

An order's way: one transaction checks and reserves it (`planned`); a second one says that it may have left (`sent`);
then it is posted, once. Only an answer that is definite moves it on; anything else makes it `unknown`, and the clerk
finds out. No transaction is open while the network is asked. The request is signed with the time it was marked `sent`:
however long this program sleeps before it leaves, the exchange refuses it once the clerk may have given it up.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from outcry.desk.question import Question
from outcry.desk.trader_exchange import Exchange, Link, fee_of, new_order, state_of
from outcry.domain.errors import InvariantBroken, Misconfigured, RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.limits import Limits
from outcry.domain.order import Order, Purpose, State
from outcry.domain.view import Exposure
from outcry.ops import log
from outcry.risk import rules
from outcry.store import orders, placing
from outcry.trading.events import Cancel, Event, OrderUpdate, Place, Renew
from outcry.trading.orders import reservation

LATE_MS = 5_000  # an order marked sent so long ago is not posted any more: the clerk may already be looking for it

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who trades: written on every decision and order."""

    agent: str
    floor_id: str
    environment: str
    parameters: Mapping[str, Any]
    code_sha256: str


class Hands:
    """Carries commands out.

    facts        what the risk gate needs to know of the world around a `Place`, as of now
    now_ms       the wall clock
    before_send  called right before an order leaves: the journal goes to the operating system first
    asking       entered around each call to the exchange, which may hang
    halted       why the floor is halted at this very moment, "" when it is not: the last thing an entry is asked
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        who: Identity,
        link: Link,
        limits: Limits,
        facts: Callable[[Place], rules.Facts],
        now_ms: Callable[[], int],
        before_send: Callable[[], None] = lambda: None,
        asking: Callable[[], AbstractContextManager[None]] = nullcontext,
        halted: Callable[[], str] = lambda: "",
    ) -> None:
        self._db, self._who, self._link, self._limits = db, who, link, limits
        self._facts, self._now_ms, self._before_send = facts, now_ms, before_send
        self._asking, self._halted = asking, halted
        self._debts: deque[Callable[[], Order]] = deque()
        self._said: dict[str, str] = {}  # the last failure told of an order: said once, not at every try

    def carry_out(self, command: Place | Cancel | Renew) -> list[Event]:
        """Do one command. Outside trouble becomes an event or a log line, never an exception."""
        match command:
            case Place():
                return self._place(command)
            case Cancel():
                return self._cancel(command)
            case Renew():
                return self._renew(command)

    def pay_debts(self) -> list[Event]:
        """Write answers that the database refused when they came; oldest first, until it refuses again."""
        events: list[Event] = []
        while self._debts:
            try:
                events.append(OrderUpdate(self._now_ms(), self._debts[0]()))
            except (Unavailable, sqlite3.Error):
                break
            self._debts.popleft()
        return events

    @property
    def debts(self) -> int:
        """Answers not written yet."""
        return len(self._debts)

    # ---- placing ----------------------------------------------------------------------------------------------------

    def _place(self, place: Place) -> list[Event]:
        who, now_ms = self._who, self._now_ms()
        try:
            exchange, question = self._link.exchange(), self._question(place, now_ms)
            request = placing.Request(
                floor_id=who.floor_id,
                environment=who.environment,
                agent=who.agent,
                purpose=place.purpose,
                market=place.market,
                intent=place.intent,
                view=place.view,
                parameters=who.parameters,
                code_sha256=who.code_sha256,
                expires_at_ms=place.expires_at_ms,
                question_json=question.as_json(),
            )
            placement = placing.place(self._db, request, question.ask, self._reserve(place), now_ms)
        except (Unavailable, sqlite3.Error) as error:
            _log.warning("failed_to_place", agent=who.agent, ticker=place.market.ticker, error=str(error))
            return [OrderUpdate(self._now_ms(), ticket=place.ticket, failure=str(error))]
        decision, order = placement.decision, placement.order
        _log.info(
            "decided",
            agent=who.agent,
            ticker=decision.ticker,
            purpose=decision.purpose,
            side=decision.intent.side,
            limit_cc=decision.intent.limit_cc,
            count_ch=decision.verdict.count_ch,
            verdict=decision.verdict.answer,
            rule=decision.verdict.rule,
            reason=decision.verdict.reason or decision.intent.why,
            took_ms=self._now_ms() - place.view.quote.published_at_ms,
        )
        if decision.verdict.latch:
            _log.error("stopped_entries", scope=decision.verdict.latch, agent=who.agent, reason=decision.verdict.reason)
        answer = OrderUpdate(self._now_ms(), order, place.ticket, decision.verdict)
        return [answer] if order is None else [answer, *self._send(order, exchange)]

    def _question(self, place: Place, now_ms: int) -> Question:
        if place.purpose is Purpose.EXIT:
            close_ch = abs(place.view.position_ch) if place.count_ch is None else place.count_ch
            return Question(place.purpose, place.intent, place.market, self._limits, now_ms, None, close_ch)
        return Question(place.purpose, place.intent, place.market, self._limits, now_ms, self._facts(place))

    @staticmethod
    def _reserve(place: Place) -> placing.Reserve:
        fee = fee_of(place.market)

        def reserve(exposure: Exposure, count_ch: int) -> tuple[bool, int]:
            return reservation(place.purpose, place.intent, exposure, count_ch, fee)

        return reserve

    def _send(self, order: Order, exchange: Exchange) -> list[Event]:
        """Say that it may have left; post it; keep the answer."""
        name, urgent = order.client_order_id, order.purpose is Purpose.EXIT
        try:
            sent = orders.mark_sent(self._db, name, self._now_ms())
        except (Unavailable, sqlite3.Error) as error:
            _log.warning("abandoned", order=name, error=str(error))
            never = f"never sent: {error}"
            return self._settle(lambda: self._moved(name, State.ABANDONED, never))
        self._before_send()
        if self._db.in_transaction:
            raise InvariantBroken("a transaction is open across a network call")
        if self._now_ms() - (sent.signed_at_ms or 0) > LATE_MS:
            return self._settle(lambda: self._moved(name, State.REJECTED, "not posted: this program slept"))
        if order.purpose is Purpose.ENTRY and (why := self._halted()):
            return self._settle(lambda: self._moved(name, State.REJECTED, f"not posted: {why}"))
        try:
            with self._asking():
                placed = exchange.create_order(new_order(order), urgent=urgent, signed_at_ms=sent.signed_at_ms)
        except (RateLimited, Refused, Misconfigured) as error:
            reason = str(error)
            _log.warning("refused", order=name, ticker=order.ticker, reason=reason)
            events = self._settle(lambda: self._moved(name, State.REJECTED, reason))
            return [*events, *self._cannot_trade(error)]
        except Unavailable as error:
            reason = str(error)
            _log.warning("lost_answer", order=name, ticker=order.ticker, reason=reason)
            self._link.broken()
            at_ms = self._now_ms()
            events = self._settle(lambda: orders.mark_unknown(self._db, name, reason, at_ms).order)
            return [*events, OrderUpdate(at_ms, failure=reason)]
        _log.info("placed", order=name, order_id=placed.order_id, filled_ch=placed.filled_ch)
        state = state_of(order, placed)
        return self._settle(lambda: self._moved(name, state, "", filled_ch=placed.filled_ch, order_id=placed.order_id))

    def _cannot_trade(self, error: Exception) -> list[Event]:
        """A key that is refused will be refused again: pause, and say so, instead of asking with every intent."""
        return [OrderUpdate(self._now_ms(), failure=str(error))] if isinstance(error, Misconfigured) else []

    # ---- resting orders ---------------------------------------------------------------------------------------------

    def _cancel(self, command: Cancel) -> list[Event]:
        order = command.order
        try:
            exchange = self._link.exchange()
            with self._asking():
                reduced_ch = exchange.cancel_order(order.order_id, order.ticker, order.exchange_index)
            if reduced_ch == 0:
                return self._look_up(exchange, order)
        except Refused:
            return self._look_up(exchange, order)
        except (Unavailable, Misconfigured) as error:
            return self._not_now("failed_to_cancel", order, error)
        _log.info("canceled", order=order.client_order_id, ticker=order.ticker, reason=command.why)
        filled_ch = max(order.filled_ch, order.count_ch - reduced_ch)
        return self._settle(
            lambda: self._moved(order.client_order_id, State.CANCELED, command.why, filled_ch=filled_ch)
        )

    def _renew(self, command: Renew) -> list[Event]:
        order, expires_at_ms = command.order, command.expires_at_ms
        try:
            exchange = self._link.exchange()
            with self._asking():
                order_id = exchange.renew(
                    order.order_id,
                    order.ticker,
                    order.side,
                    order.price_cc,
                    order.count_ch,
                    expires_at_ms // 1_000,
                    order.exchange_index,
                )
        except Refused:
            return self._look_up(exchange, order)
        except (Unavailable, Misconfigured) as error:
            return self._not_now("failed_to_renew", order, error)
        name = order.client_order_id
        return self._settle(lambda: orders.renew(self._db, name, order_id, expires_at_ms, self._now_ms()))

    def _look_up(self, exchange: Exchange, order: Order) -> list[Event]:
        """The exchange would not touch it: ask what it is now. A read that does not come leaves it as it was."""
        try:
            with self._asking():
                report = exchange.order(order.order_id, urgent=True)
        except (Unavailable, Refused, Misconfigured, SchemaDrift) as error:
            return self._not_now("failed_to_look_up", order, error)
        return self._settle(
            lambda: (
                orders.update(
                    self._db,
                    order.client_order_id,
                    report.status,
                    source="rest",
                    now_ms=self._now_ms(),
                    filled_ch=report.filled_ch,
                    order_id=report.order_id,
                ).order
            )
        )

    def _not_now(self, what: str, order: Order, error: Exception) -> list[Event]:
        """Nothing is known to have changed; it is tried again. An exchange that does not answer is a state as well."""
        if self._said.get(order.client_order_id) != what:
            self._said[order.client_order_id] = what
            _log.warning(what, order=order.client_order_id, ticker=order.ticker, error=str(error))
        self._link.broken()
        lost = isinstance(error, Unavailable | Misconfigured) and not isinstance(error, RateLimited)
        return [OrderUpdate(self._now_ms(), failure=str(error))] if lost else []

    # ---- keeping answers --------------------------------------------------------------------------------------------

    def _moved(self, name: str, state: State, reason: str, *, filled_ch: int = 0, order_id: str = "") -> Order:
        source = "answer" if order_id or state is State.CANCELED else "trader"
        update = orders.update(
            self._db,
            name,
            state,
            source=source,
            now_ms=self._now_ms(),
            filled_ch=filled_ch,
            order_id=order_id,
            reason=reason,
        )
        if update.contradiction:
            _log.error("contradicted", order=name, what=update.contradiction)
        return update.order

    def _settle(self, write: Callable[[], Order]) -> list[Event]:
        """Write an answer; one that the database refuses is owed, and written as soon as it can be."""
        try:
            order = write()
        except (Unavailable, sqlite3.Error) as error:
            _log.warning("owed_write", agent=self._who.agent, error=str(error))
            self._debts.append(write)
            return []
        self._said.pop(order.client_order_id, None)
        return [OrderUpdate(self._now_ms(), order)]
