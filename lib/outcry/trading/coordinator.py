"""The trader as a function: events in, commands out. No clock, no file, no socket, no chance that was not handed in.

    IDLE -> CALIBRATING -> READY <-> ACTING        any of them -> ERROR -> CALIBRATING

IDLE         nothing restored yet
CALIBRATING  waiting until no order is in doubt, and every order found resting is adopted or cancelled
READY        looking
ACTING       a request is under way whose outcome is not known: no new entry until it is
ERROR        the strategy raised, or something outside is broken; retried, with growing pauses

Exits, cancels and renewals go on in every state but IDLE: whatever is wrong, a position can be left.
"""

from collections.abc import Callable
from dataclasses import replace

from outcry.domain.funnel import Step, step_of
from outcry.domain.order import Order, Purpose, TimeInForce
from outcry.domain.view import Answer, Basket, Intent, OwnOrder, Quoting, View, Wish
from outcry.strategies.strategy import Strategy
from outcry.trading.board import Board, index_at_ms
from outcry.trading.events import (
    Bars,
    Clock,
    Command,
    Control,
    Event,
    Fill,
    Note,
    OrderUpdate,
    Place,
    Quotes,
    Restored,
    Settlement,
    Together,
    Topic,
)
from outcry.trading.exits import leave
from outcry.trading.leaving import Leaving
from outcry.trading.orders import OrderService, expiry_ms, unwanted
from outcry.trading.phase import Fault, Phase, following, forbids
from outcry.trading.positions import Position, PositionTracker
from outcry.trading.tempo import Pacing, Tempo
from outcry.trading.wishes import excess_ch, legs, requote, snapped

CLOCK_STEP_MS = 1_000  # a clock that goes back by more was set back
LONGEST_RETRY_MS = 60_000  # after the strategy raised: it may do so again with every look
LONGEST_OUTSIDE_MS = 4_000  # after the database or the exchange did not answer: soon after they do, so does the trader
SPAN_MARGIN_MS = 6_000  # two missing index prices may lie at the far end of a look-back


class Coordinator:
    """One agent's trader.

    strategy     settings in, intent out; whatever it raises is caught, noted, and retried later
    tempo        how often it looks, how long it waits
    time_factor  by how much this floor's windows are shortened
    chance       the agent's seeded generator of numbers in [0, 1): one draw a look, for baselines
    """

    def __init__(self, strategy: Strategy, tempo: Tempo, time_factor: float, chance: Callable[[], float]) -> None:
        self.phase, self.phase_since_ms = Phase.IDLE, 0
        self.now_ms = 0
        self.positions = PositionTracker()
        self.orders = OrderService(tempo, self.positions.heard_ch)
        self.board = Board(
            int(strategy.warm_up_ms / time_factor) + SPAN_MARGIN_MS,
            time_factor,
            reads_touch=strategy.reads_touch,
            reads_event=strategy.reads_event,
        )
        self.control: Control | None = None
        self._strategy, self._tempo, self._chance = strategy, tempo, chance
        self._pacing = Pacing(tempo)
        self._leaving = Leaving(tempo)
        self._raised, self._unplaced = Fault(), Fault()
        self._ticket = 0
        self._restored_at_ms: int | None = None

    @property
    def reason(self) -> str:
        """Why entries are not being made just now; "" when nothing general stands against them."""
        fault = self._raised.reason or self._unplaced.reason
        return fault or ("controls not read yet" if self.control is None else self.control.reason)

    def step(self, event: Event) -> list[Command]:
        """Take one event; say what to do. Deterministic: same events, same generator, same commands."""
        if event.at_ms < self.now_ms - CLOCK_STEP_MS:
            self._pacing.clock_stepped_back()
            self._leaving.clock_stepped_back()
            for fault in (self._raised, self._unplaced):
                fault.until_ms = min(fault.until_ms, event.at_ms + LONGEST_RETRY_MS)
        self.now_ms = event.at_ms
        self._hear(event)
        if self._restored_at_ms is None:
            return []
        commands: list[Command] = []
        waited = self.now_ms - self._restored_at_ms >= self._tempo.adopt_ms
        self.orders.adopt(self._follows, waited, self.now_ms)
        self._settle_phase(commands)
        self._leave(commands)
        self._tend(commands)
        if isinstance(event, Quotes | Clock):  # bars come first, with a publish of their own or the next second
            self._look(commands)
        self._settle_phase(commands)
        return commands

    def warm(self) -> dict[str, object]:
        """What a checkpoint keeps: how long markets rest, when positions were reviewed. Never truth."""
        return {"pacing": self._pacing.warm(), "reviews": self.positions.reviews()}

    # ---- hearing ----------------------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        match event:
            case Quotes():
                self.board.hear_quotes(event)
            case Bars():
                self.board.hear_bars(event)
            case OrderUpdate():
                self._hear_order(event)
            case Fill():
                (self.positions.take_back if event.undone else self.positions.add)(event.fill)
                self.orders.heard_fill()
            case Settlement():
                self.positions.settled(event.settlement.ticker)
                self.orders.settled(event.settlement.ticker)
            case Control():
                self.control = event
            case Clock():
                self._tidy()
            case Restored():
                self._restore(event)

    def _restore(self, event: Restored) -> None:
        for ticker, plan in event.plans:
            self.positions.plan(ticker, plan)
        for fill in event.fills:
            self.positions.add(fill)
        self.orders.found(event.orders)
        pacing, reviews = event.warm.get("pacing"), event.warm.get("reviews")
        if isinstance(pacing, dict):
            self._pacing.restore(pacing)
        if isinstance(reviews, dict):
            self.positions.restore_reviews(reviews, event.at_ms)
        self._restored_at_ms = event.at_ms

    def _hear_order(self, event: OrderUpdate) -> None:
        place = self.orders.answered(event.ticket) if event.ticket is not None else None
        if event.order is not None:
            self.orders.take(event.order)
        if event.failure:
            self._unplaced.happened(event.failure, self.now_ms, self._tempo.retry_ms, LONGEST_OUTSIDE_MS)
        elif place is not None:
            self._unplaced.times = 0
        if place is None or place.purpose is Purpose.EXIT:
            return
        ticker = place.market.ticker
        if event.verdict is not None:
            self._pacing.answered(ticker, self.now_ms, refused=event.verdict.answer is Answer.REFUSED)
        if event.order is not None:
            self.positions.plan(ticker, place.intent)

    def _tidy(self) -> None:
        self.board.everything_changed()
        needed = self.orders.tickers() | {position.ticker for position in self.positions.held()}
        for ticker in self.board.forget_closed(self.now_ms, needed):
            self._pacing.forget(ticker)
            self._leaving.forget(ticker)
            self.positions.forget(ticker)

    # ---- the state machine ------------------------------------------------------------------------------------------

    def _settle_phase(self, commands: list[Command]) -> None:
        control = self.control
        for fault in (self._raised, self._unplaced):
            if fault.reason and self.now_ms >= fault.until_ms:
                fault.reason = ""
        outside = control is not None and bool(control.trouble)
        broken = outside or bool(self._raised.reason or self._unplaced.reason)
        phase = following(self.phase, broken=broken, in_doubt=self.orders.in_doubt, calibrated=self._calibrated)
        if phase is not self.phase:
            why = f" ({self.reason})" if self.reason else ""
            commands.append(Note(Topic.STATE, self.now_ms, f"{self.phase} -> {phase}{why}"))
            self.phase, self.phase_since_ms = phase, self.now_ms

    def _calibrated(self) -> bool:
        return (
            self.control is not None
            and not self.control.unready
            and not self.orders.in_doubt()
            and not self.orders.strangers()
        )

    def _follows(self, ticker: str) -> bool:
        return ticker in self.board.quotes and self.board.trades_now(ticker, self.now_ms)

    # ---- leaving, tending, looking ----------------------------------------------------------------------------------

    def _leave(self, commands: list[Command]) -> None:
        for position in self.positions.held():
            ticker = position.ticker
            if not self.board.trades_now(ticker, self.now_ms) or ticker not in self.board.quotes:
                continue
            if self._leaving.review_due(position, self.now_ms):
                self._review(position, commands)
            untrusted_ms = self.board.untrusted_for_ms(ticker, self.now_ms)
            why = self._leaving.reason(position, self.board.quotes[ticker], untrusted_ms, self.now_ms)
            count_ch = abs(position.position_ch)
            if not why and (excess := self._excess_ch(position)):
                why, count_ch = f"unwind: {excess} of {count_ch} hundredths without the other legs", excess
            if why and not self.orders.exiting(ticker) and self._way_is_clear(position):
                view = self._view(ticker, draw=0.0)
                intent = leave(position, view.quote, view.market, why)
                if intent is not None:
                    self._leaving.tried(position, self.now_ms)
                    commands.append(self._place(Purpose.EXIT, intent, view, count_ch=count_ch))

    def _excess_ch(self, position: Position) -> int:
        """What a basket's leg has more than the others, once no other leg of it is on its way any more."""
        basket = position.plan.basket if position.plan else ()
        if not basket or any(self.orders.entering(leg) for leg in basket):
            return 0
        held_ch = {leg: self.positions.position_ch(leg) for leg in basket}
        alive = {leg for leg in basket if self.board.trades_now(leg, self.now_ms)}
        return excess_ch(position, held_ch, alive)

    def _way_is_clear(self, position: Position) -> bool:
        """Whether an exit may be tried: own resting orders would stand in its way, so they are asked to go first."""
        since_ms = [
            self.orders.condemn(order, "leaving the position", self.now_ms)
            for order in self.orders.resting(position.ticker)
        ]
        waiting = bool(since_ms) and self.now_ms - min(since_ms) < self._tempo.again_ms
        return not waiting and self._leaving.may_try(position, self.now_ms)

    def _review(self, position: Position, commands: list[Command]) -> None:
        """Ask the strategy again about a position, as if it held none: an intent the other way means leaving."""
        if self.phase is Phase.ERROR or not self.board.quotes[position.ticker].trusted:
            return
        self.positions.reviewed(position.ticker, self.now_ms)
        answer = self._ask(replace(self._view(position.ticker, draw=self._chance()), position_ch=0), commands)
        if isinstance(answer, Intent) and answer.side is not position.side:
            self._leaving.turned(position, f"rebalance: {answer.why}")

    def _tend(self, commands: list[Command]) -> None:
        for order in self.orders.resting():
            untrusted_ms = self.board.untrusted_for_ms(order.ticker, self.now_ms)
            why = unwanted(self.control, untrusted_ms, self._tempo) or self._unattended()
            if order.purpose is Purpose.ENTRY and why:
                self.orders.condemn(order, why, self.now_ms)
        commands.extend(self.orders.tend(self.board.markets, self.now_ms))

    def _unattended(self) -> str:
        """Why a quote may not rest just now: nobody looks whether it is still wanted. "" for any other order."""
        looks = self.phase in (Phase.READY, Phase.ACTING)
        return "" if looks or not self._strategy.quotes else f"quotes are not looked after: state {self.phase}"

    def _look(self, commands: list[Command]) -> None:
        for ticker in self.board.changed():
            if not self.board.trades_now(ticker, self.now_ms) or ticker not in self.board.quotes:
                self.board.looked(ticker)
            elif self._pacing.may_look(ticker, self.now_ms):
                self.board.looked(ticker)
                condition, step = self._look_at(ticker, commands)
                if condition:
                    commands.append(Note(Topic.LOOKED, self.now_ms, condition, ticker, step))

    def _look_at(self, ticker: str, commands: list[Command]) -> tuple[str, Step]:
        """One look: an entry (""), or the first condition that stood against one, and the step it stood at."""
        forbidden = self._forbidden(ticker)
        attended = bool(self._quotes_of(ticker)) and self.phase in (Phase.READY, Phase.ACTING)
        if forbidden and not attended:
            return forbidden, step_of(None, forbidden)
        view = self._view(ticker, draw=self._chance())
        answer = self._ask(view, commands)
        if answer is None:
            condition = "strategy raised"
        elif attended or isinstance(answer, Quoting):
            condition = self._quote(answer, view, forbidden, commands)
        elif isinstance(answer, str):
            self.orders.give_up_old(ticker, f"no longer wanted: {answer}", self.now_ms)
            condition = answer
        elif isinstance(answer, Basket):
            condition = self._enter_basket(answer, view, commands)
        else:
            condition = self._enter(answer, view, commands)
        return condition, step_of(answer, forbidden)

    def _quotes_of(self, ticker: str) -> list[Order]:
        """What rests on behalf of a strategy that quotes, and is wanted only as long as it says so."""
        if not self._strategy.quotes:
            return []
        return [order for order in self.orders.resting(ticker) if order.purpose is Purpose.ENTRY]

    def _quote(self, answer: Wish | str, view: View, forbidden: str, commands: list[Command]) -> str:
        """Make what rests equal to what is quoted: pull first; what is missing is placed when nothing forbids it."""
        ticker, wanted = view.market.ticker, answer if isinstance(answer, Quoting) else Quoting()
        change = requote(wanted, self._quotes_of(ticker), self.orders.entry_sides(ticker), view.market)
        for order, why in change.pull:
            self.orders.condemn(order, answer if isinstance(answer, str) else why, self.now_ms)
        if change.pull:
            commands.extend(self.orders.tend(self.board.markets, self.now_ms))
        if isinstance(answer, str):
            return answer
        if forbidden or self.orders.exiting(ticker):
            return forbidden or "an order of ours is open here"
        expires_at_ms = expiry_ms(self._tempo, view.market, self.now_ms)
        if expires_at_ms is None:
            return "too close to the close to rest"
        if not change.place:
            return "quotes rest as wanted, or are on their way"
        self._pacing.intended(ticker, self.now_ms)
        for intent in change.place:
            commands.append(self._place(Purpose.ENTRY, intent, view, expires_at_ms=expires_at_ms))
        return ""

    def _enter_basket(self, basket: Basket, view: View, commands: list[Command]) -> str:
        """Ask for all legs at once, each on its own view of this very moment."""
        priced = legs(basket, self.board.markets)
        if priced is None:
            return "a leg of the basket has no tradable price"
        for leg in priced:
            if self.orders.entering(leg.ticker) or self.orders.exiting(leg.ticker) or self.positions.get(leg.ticker):
                return "a leg of the basket is held or ordered already"
            if leg.ticker not in self.board.quotes or not self.board.trades_now(leg.ticker, self.now_ms):
                return "a leg of the basket does not trade now"
            if self._pacing.cooling(leg.ticker, self.now_ms):
                return "cooling down after an intent"
        places = []
        for leg in priced:
            self._pacing.intended(leg.ticker, self.now_ms)
            own_view = self._view(leg.ticker, draw=view.draw)
            places.append(self._place(Purpose.ENTRY, leg, own_view, count_ch=basket.count_ch))
        commands.append(Together(tuple(places)))
        return ""

    def _enter(self, intent: Intent, view: View, commands: list[Command]) -> str:
        """Turn an intent into a question to the gate; or the condition that keeps it from being asked."""
        ticker, market, position = view.market.ticker, view.market, self.positions.get(view.market.ticker)
        if position is not None and position.side is not intent.side:
            self._leaving.turned(position, f"turned: {intent.why}")
            return "leaving: the strategy wants the other side"
        if self.orders.entering(ticker) or self.orders.exiting(ticker):
            for order in self.orders.resting(ticker):
                if order.side is not intent.side:
                    self.orders.condemn(order, f"turned: {intent.why}", self.now_ms)
            return "an order of ours is open here"
        priced, expires_at_ms = snapped(intent, market), None
        if intent.time_in_force is TimeInForce.GTC:
            expires_at_ms = expiry_ms(self._tempo, market, self.now_ms)
            if expires_at_ms is None:
                return "too close to the close to rest"
        if priced is None:
            return "no tradable price on that side"
        self._pacing.intended(ticker, self.now_ms)
        commands.append(self._place(Purpose.ENTRY, priced, view, expires_at_ms=expires_at_ms))
        return ""

    def _forbidden(self, ticker: str) -> str:
        """The first general condition against looking at a market at all, as a fixed phrase that can be counted."""
        if self.phase is not Phase.READY or (why := forbids(self.control, ticker)):
            return why if self.phase is Phase.READY else f"state {self.phase}"
        if self.orders.in_doubt():
            return f"state {Phase.ACTING}"
        return "cooling down after an intent" if self._pacing.cooling(ticker, self.now_ms) else ""

    def _ask(self, view: View, commands: list[Command]) -> Wish | str | None:
        """The strategy's answer; None when it raised: that is noted, and the trader pauses in ERROR."""
        try:
            answer = self._strategy.decide(view)
        except Exception as error:  # whatever a strategy does, it takes nothing else with it
            reason = f"strategy raised {type(error).__name__}: {error}"
            commands.append(Note(Topic.RAISED, self.now_ms, reason, view.market.ticker, error=error))
            self._raised.happened(reason, self.now_ms, self._tempo.retry_ms, LONGEST_RETRY_MS)
            return None
        self._raised.times = 0
        return answer

    def _view(self, ticker: str, *, draw: float) -> View:
        own = [OwnOrder(order.side, order.price_cc, order.remaining_ch) for order in self.orders.resting(ticker)]
        return self.board.view(ticker, self.now_ms, self.positions.position_ch, own, draw)

    def _place(
        self,
        purpose: Purpose,
        intent: Intent,
        view: View,
        *,
        count_ch: int | None = None,
        expires_at_ms: int | None = None,
    ) -> Place:
        self._ticket += 1
        at_ms = index_at_ms(view)
        place = Place(self._ticket, purpose, intent, view.market, view, count_ch, expires_at_ms, at_ms)
        return self.orders.ask(place)
