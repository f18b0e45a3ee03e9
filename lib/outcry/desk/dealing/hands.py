"""The trader's hands: commands of the coordinator carried out, once each, and what became of them.

An order's way: one transaction checks and reserves it (`planned`); a second one says that it may have left (`sent`);
then it is posted, once. Only an answer that is definite moves it on; anything else makes it `unknown`, and the clerk
finds out. No transaction is open while the network is asked. The request is signed with the time it was marked `sent`:
however long this program sleeps before it leaves, the exchange refuses it once the clerk may have given it up.

While the database refuses, entries wait; an exit is written whole into the spool, and a cancel noted there, before it
is sent. Answers are owed: the coordinator hears them at once, the database when it takes writes again.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from outcry import failpoints
from outcry.desk.common.owed import Owed
from outcry.desk.dealing.exchange import Exchange, Link, fee_of, new_order, raw_of, state_of
from outcry.desk.dealing.question import Question
from outcry.domain.errors import InvariantBroken, Misconfigured, RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.limits import Limits
from outcry.domain.order import Order, Purpose, State, may_follow
from outcry.domain.view import Exposure
from outcry.ops import log
from outcry.risk import rules
from outcry.store import orders, placing
from outcry.store.placing import Asked, Placement, Request
from outcry.store.spooled import CancelAsked, Lost, Moved, Renewed
from outcry.trading.events import Cancel, Event, OrderUpdate, Place, Renew, Together
from outcry.trading.orders import reservation

LATE_MS = 5_000  # an order marked sent so long ago is not posted any more: the clerk may already be looking for it
GONE = (404, 405, 410)  # of a request to place an order: its path was retired, or its market

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
    owed         where writes wait that the database refuses
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
        owed: Owed,
        before_send: Callable[[], None] = lambda: None,
        asking: Callable[[], AbstractContextManager[None]] = nullcontext,
        halted: Callable[[], str] = lambda: "",
    ) -> None:
        self._db, self._who, self._link, self._limits = db, who, link, limits
        self._facts, self._now_ms, self._owed, self._before_send = facts, now_ms, owed, before_send
        self._asking, self._halted = asking, halted
        self._said: dict[str, str] = {}  # the last failure told of an order, or of a market's exits: said once

    def carry_out(self, command: Place | Together | Cancel | Renew) -> list[Event]:
        """Do one command. Outside trouble becomes an event or a log line, never an exception."""
        match command:
            case Place():
                return self._place(command)
            case Together():
                return self._together(command.places)
            case Cancel():
                return self._cancel(command)
            case Renew():
                return self._renew(command)

    def pay_debts(self) -> list[Event]:
        """Write what the database refused when it came, oldest first, as soon as it takes writes again."""
        paid: list[Order] = []
        self._owed.refusals.tend(self._now_ms(), lambda: paid.extend(self._owed.pay()))
        return [OrderUpdate(self._now_ms(), order) for order in paid]

    @property
    def debts(self) -> int:
        """Writes that wait for the database."""
        return len(self._owed)

    # ---- placing ----------------------------------------------------------------------------------------------------

    def _place(self, place: Place) -> list[Event]:
        now_ms = self._now_ms()
        try:
            exchange, question = self._link.exchange(), self._question(place, now_ms)
            request = self._request(place, question)
            placement, written = self._weigh(request, question, self._reserve(place), now_ms)
        except (Unavailable, sqlite3.Error) as error:
            self._owed.heard(error)
            _log.warning("failed_to_place", agent=self._who.agent, ticker=place.market.ticker, error=str(error))
            return [OrderUpdate(self._now_ms(), ticket=place.ticket, failure=str(error))]
        self._tell(placement, place)
        order = placement.order
        answer = OrderUpdate(self._now_ms(), order, place.ticket, placement.decision.verdict)
        return [answer] if order is None else [answer, *self._send(request, placement, order, exchange, written)]

    def _together(self, places: Sequence[Place]) -> list[Event]:
        """All legs are checked and reserved in one transaction, then posted one by one until one fills nothing."""
        now_ms = self._now_ms()
        try:
            exchange, most_ch = self._link.exchange(), places[0].count_ch or 0
            if len(self._owed):
                raise Unavailable(f"{len(self._owed)} writes wait for the database")
            questions = [self._question(place, now_ms) for place in places]

            def asked(at_most_ch: int) -> list[Asked]:
                bounded = [replace(question, most_ch=at_most_ch) for question in questions]
                return [
                    Asked(self._request(place, question), question.ask, self._reserve(place))
                    for place, question in zip(places, bounded, strict=True)
                ]

            placements = placing.place_together(self._db, asked, most_ch, now_ms)
        except (Unavailable, sqlite3.Error) as error:
            self._owed.heard(error)
            _log.warning("failed_to_place", agent=self._who.agent, legs=len(places), error=str(error))
            return [OrderUpdate(self._now_ms(), ticket=place.ticket, failure=str(error)) for place in places]
        if placements[0].order is None:
            self._tell(placements[0], places[0])
            verdict = placements[0].decision.verdict
            return [OrderUpdate(self._now_ms(), None, place.ticket, verdict) for place in places]
        legs = list(zip(places, placements, asked(most_ch), strict=True))
        for place, placement, _ in legs:
            self._tell(placement, place)
        events: list[Event] = [
            OrderUpdate(self._now_ms(), placement.order, place.ticket, placement.decision.verdict)
            for place, placement, _ in legs
        ]
        failed = ""
        for place, placement, leg in legs:
            assert placement.order is not None
            if failed:
                events += self._moved(placement.order, State.ABANDONED, f"never sent: {failed}")
                continue
            became = self._send(leg.request, placement, placement.order, exchange, True)
            if not any(isinstance(event, OrderUpdate) and event.order and event.order.filled_ch for event in became):
                failed = f"the leg in {place.market.ticker} filled nothing"
            events += became
        return events

    def _tell(self, placement: Placement, place: Place) -> None:
        """One full line a decision, allowed or not."""
        decision = placement.decision
        _log.info(
            "decided",
            agent=decision.agent,
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
        if latch := decision.verdict.latch:
            _log.error("stopped_entries", scope=latch, agent=decision.agent, reason=decision.verdict.reason)

    def _request(self, place: Place, question: Question) -> Request:
        who = self._who
        return Request(
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

    def _weigh(
        self, request: Request, question: Question, reserve: placing.Reserve, now_ms: int
    ) -> tuple[Placement, bool]:
        """Ask, and keep the answer; and whether it is in the database. An exit needs none.

        raises  Unavailable or sqlite3.Error when the database refuses an entry
        """
        leaving = request.purpose is Purpose.EXIT
        if not leaving and len(self._owed):
            raise Unavailable(f"{len(self._owed)} writes wait for the database")
        if not leaving or (not len(self._owed) and self._owed.refusals.may_try(now_ms)):
            try:
                return placing.place(self._db, request, question.ask, reserve, now_ms), True
            except (Unavailable, sqlite3.Error) as error:
                if not leaving:
                    raise
                self._owed.heard(error)
        return placing.unwritten(self._db, request, question.ask, reserve, self._owed.entries, now_ms), False

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

    def _send(
        self, request: Request, placement: Placement, order: Order, exchange: Exchange, written: bool
    ) -> list[Event]:
        """Say that it may have left, where that lasts; then post it."""
        failpoints.reached("plan.committed")
        try:
            if written:
                sent = self._mark_sent(request, placement, order)
            else:
                sent = self._spool(request, placement, order)
        except (Unavailable, sqlite3.Error) as error:
            _log.warning("abandoned", order=order.client_order_id, error=str(error))
            if written:
                return self._moved(order, State.ABANDONED, f"never sent: {error}")
            abandoned = replace(order, state=State.ABANDONED, reason=f"never sent: {error}")
            return [OrderUpdate(self._now_ms(), abandoned, failure=str(error))]
        return self._post(sent, exchange)

    def _mark_sent(self, request: Request, placement: Placement, order: Order) -> Order:
        try:
            return orders.mark_sent(self._db, order.client_order_id, self._now_ms())
        except (Unavailable, sqlite3.Error) as error:
            self._owed.heard(error)
            if order.purpose is not Purpose.EXIT:
                raise
            return self._spool(request, placement, order)

    def _spool(self, request: Request, placement: Placement, order: Order) -> Order:
        sent_at_ms = self._now_ms()
        self._owed.keep(placing.as_exit(request, placement, sent_at_ms))
        failpoints.reached("exit.spooled")
        _log.warning("spooled_exit", order=order.client_order_id, ticker=order.ticker, count_ch=order.count_ch)
        return replace(order, state=State.SENT, signed_at_ms=sent_at_ms)

    def _post(self, sent: Order, exchange: Exchange) -> list[Event]:
        """Post it, once; keep the answer."""
        name, urgent = sent.client_order_id, sent.purpose is Purpose.EXIT
        self._before_send()
        if self._db.in_transaction:
            raise InvariantBroken("a transaction is open across a network call")
        if self._now_ms() - (sent.signed_at_ms or 0) > LATE_MS:
            return self._moved(sent, State.REJECTED, "not posted: this program slept")
        if not urgent and (why := self._halted()):
            return self._moved(sent, State.REJECTED, f"not posted: {why}")
        failpoints.reached("sent.committed")
        try:
            with self._asking():
                placed = exchange.create_order(new_order(sent), urgent=urgent, signed_at_ms=sent.signed_at_ms)
            failpoints.reached("post.answered")
        except (RateLimited, Refused, Misconfigured) as error:
            _log.warning("refused", order=name, ticker=sent.ticker, reason=str(error))
            return [*self._moved(sent, State.REJECTED, str(error)), *self._refused(sent, error)]
        except Unavailable as error:
            reason, at_ms = str(error), self._now_ms()
            _log.warning("lost_answer", order=name, ticker=sent.ticker, reason=reason, raw=raw_of(error))
            self._link.broken()
            unknown = replace(sent, state=State.UNKNOWN, reason=reason)
            told = f"no answer to order {name}: it is looked up and not sent again: {reason}"
            return [*self._settle(unknown, Lost(name, reason, at_ms)), OrderUpdate(at_ms, failure=told)]
        _log.info("placed", order=name, order_id=placed.order_id, filled_ch=placed.filled_ch)
        if urgent and placed.filled_ch:
            self._said.pop(sent.ticker, None)
        state = state_of(sent, placed)
        moved = self._moved(sent, state, "", filled_ch=placed.filled_ch, order_id=placed.order_id)
        failpoints.reached("answer.booked")
        return moved

    def _refused(self, sent: Order, error: Exception) -> list[Event]:
        """A position that cannot be left is told once, until it can. A key that is refused will be refused again, and
        a path that is gone stays so: pause, and say so, instead of asking with every intent."""
        if sent.purpose is Purpose.EXIT and sent.ticker not in self._said:
            self._said[sent.ticker] = "refused"
            told = f"{sent.ticker}: the position stays open, the exit is tried again: {error}"
            self._owed.happened("error", "refused_exit", told)
        lasting = isinstance(error, Misconfigured) or (isinstance(error, Refused) and error.status in GONE)
        return [OrderUpdate(self._now_ms(), failure=str(error))] if lasting else []

    # ---- resting orders ---------------------------------------------------------------------------------------------

    def _cancel(self, command: Cancel) -> list[Event]:
        order = command.order
        self._note_cancel(command)
        try:
            exchange = self._link.exchange()
            with self._asking():
                reduced_ch = exchange.cancel_order(order.order_id, order.ticker, order.exchange_index)
            failpoints.reached("cancel.answered")
            if reduced_ch == 0:
                return self._look_up(exchange, order)
        except Refused:
            return self._look_up(exchange, order)
        except (Unavailable, Misconfigured) as error:
            return self._not_now("failed_to_cancel", order, error)
        _log.info("canceled", order=order.client_order_id, ticker=order.ticker, reason=command.why)
        filled_ch = max(order.filled_ch, order.count_ch - reduced_ch)
        return self._moved(order, State.CANCELED, command.why, filled_ch=filled_ch)

    def _note_cancel(self, command: Cancel) -> None:
        """While the database refuses, what is about to be done is in the spool first. A full spool stops no cancel."""
        if not self._owed.refusals.now and not len(self._owed):
            return
        try:
            self._owed.keep(CancelAsked(command.order.client_order_id, command.why, self._now_ms()))
        except Unavailable as error:
            _log.error("failed_to_spool", agent=self._who.agent, error=str(error))

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
        renewed = replace(order, order_id=order_id or order.order_id, expires_at_ms=expires_at_ms)
        return self._settle(renewed, Renewed(order.client_order_id, order_id, expires_at_ms, self._now_ms()))

    def _look_up(self, exchange: Exchange, order: Order) -> list[Event]:
        """The exchange would not touch it: ask what it is now. A read that does not come leaves it as it was."""
        try:
            with self._asking():
                report = exchange.order(order.order_id, urgent=True)
        except (Unavailable, Refused, Misconfigured, SchemaDrift) as error:
            return self._not_now("failed_to_look_up", order, error)
        return self._moved(
            order, report.status, "", filled_ch=report.filled_ch, order_id=report.order_id, source="rest"
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

    def _moved(
        self, order: Order, state: State, reason: str, *, filled_ch: int = 0, order_id: str = "", source: str = ""
    ) -> list[Event]:
        """Keep what became of an order."""
        source = source or ("answer" if order_id or state is State.CANCELED else "trader")
        name, at_ms = order.client_order_id, self._now_ms()
        believed = replace(
            order,
            state=state if may_follow(order.state, state) else order.state,
            filled_ch=max(order.filled_ch, filled_ch),
            order_id=order.order_id or order_id,
            reason=reason or order.reason,
        )
        return self._settle(believed, Moved(name, state, source, at_ms, filled_ch, order_id, reason))

    def _settle(self, believed: Order, what: Moved | Lost | Renewed) -> list[Event]:
        """Write an answer; one that the database refuses is owed, and `believed` is what the coordinator hears."""
        self._said.pop(believed.client_order_id, None)
        return [OrderUpdate(self._now_ms(), self._owed.write(what) or believed)]
