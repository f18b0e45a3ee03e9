"""The trader of a backtest: the shell of the live one around the same coordinator, with simulated time and no database.

Like the live trader it is one thread: while a request is on its way it hears nothing, and what happened meanwhile is
read when the answer is there. An order, a cancel or a renewal acts at the exchange `latency_ms` after it was decided,
and its answer is known at that moment. The gate, the sizing, the exits and the reservation are the live ones.
"""

import random
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from outcry.domain.limits import Limits
from outcry.domain.order import Order, State
from outcry.domain.view import Verdict
from outcry.paper.events import EngineEvent
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.asking import Gate, World
from outcry.research.backtesting.books import NEVER
from outcry.research.backtesting.dealing import Dealing
from outcry.research.backtesting.venue import Venue
from outcry.strategies.strategy import Strategy
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import Cancel, Command, Control, Event, Note, OrderUpdate, Place, Renew, Together, Topic
from outcry.trading.tempo import Tempo

Waits = Generator[int, None, list[Event]]  # yields the times until which it waits


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the gate and its answer: what the report is made of. `order` None where it was refused."""

    at_ms: int
    place: Place
    verdict: Verdict
    order: Order | None


class Trader:
    """
    due_ms    when it goes on with what it waits for; NEVER while it waits for news
    asked     every question to the gate so far
    fills, settlements  everything that was traded and paid so far
    looks     how often each condition stood against an entry
    raised    what the strategy raised first; "" as long as it did not
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
        venue: Venue,
        world: World,
    ) -> None:
        self.coordinator = Coordinator(strategy, tempo, time_factor, random.Random(seed).random)
        self.due_ms = NEVER
        self.asked: list[Asked] = []
        self.looks: dict[str, int] = {}
        self.raised = ""
        self._gate, self._dealing = Gate(limits, account, world), Dealing(account, venue, world)
        self.fills, self.settlements = self._dealing.fills, self._dealing.settlements
        self._latency_ms, self._now = latency_ms, world.now_ms
        self._inbox: list[Event] = []
        self._running: Generator[int, None, None] | None = None

    @property
    def idle(self) -> bool:
        return self._running is None

    @property
    def has_mail(self) -> bool:
        """Whether something of its own happened that it has not heard."""
        return bool(self._inbox)

    def hear(self, events: Iterable[EngineEvent]) -> None:
        """What the exchange says about us; heard with the next news."""
        self._inbox += self._dealing.hear(events)

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
        """Feed events through, and what comes of them."""
        waiting = deque(events)
        while waiting:
            for command in self.coordinator.step(waiting.popleft()):
                waiting.extend((yield from self._carry_out(command)))

    def _carry_out(self, command: Command) -> Waits:
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
                return [self._dealing.cancel(command.order, command.why)]
            case Renew():
                yield self._now() + self._latency_ms
                return [self._dealing.renew(command.order, command.expires_at_ms)]

    def _note(self, note: Note) -> None:
        if note.topic is Topic.LOOKED:
            self.looks[note.text] = self.looks.get(note.text, 0) + 1
        elif note.topic is Topic.RAISED:
            self.raised = self.raised or note.text

    # ---- placing ----------------------------------------------------------------------------------------------------

    def _weigh(self, place: Place, most_ch: int | None, at_ms: int) -> tuple[Verdict, Order | None]:
        """Ask the gate; a refusal may end entries for the day."""
        verdict, order = self._gate.weigh(place, most_ch, at_ms)
        if verdict.latch:
            self._inbox.append(Control(at_ms, stopped=verdict.reason))
        return verdict, order

    def _place(self, place: Place) -> Waits:
        at_ms = self._now()
        verdict, order = self._weigh(place, None, at_ms)
        self.asked.append(Asked(at_ms, place, verdict, order))
        answer = OrderUpdate(at_ms, order, place.ticket, verdict)
        if order is None:
            return [answer]
        yield at_ms + self._latency_ms
        return [answer, self._dealing.send(order, place.market)]

    def _together(self, places: Sequence[Place]) -> Waits:
        """All legs in one size or none; sent one after the other until one fills nothing."""
        at_ms, most_ch = self._now(), places[0].count_ch or 0
        while True:
            legs: list[tuple[Place, Verdict, Order]] = []
            for place in places:
                verdict, order = self._weigh(place, most_ch, at_ms)
                if order is None:
                    self._gate.take_back(leg for _, _, leg in legs)
                    self.asked.append(Asked(at_ms, place, verdict, None))
                    return [OrderUpdate(at_ms, None, one.ticket, verdict) for one in places]
                legs.append((place, verdict, order))
            least_ch = min(order.count_ch for _, _, order in legs)
            if least_ch == max(order.count_ch for _, _, order in legs):
                break
            self._gate.take_back(leg for _, _, leg in legs)
            most_ch = least_ch
        self.asked += [Asked(at_ms, *leg) for leg in legs]
        answers = [OrderUpdate(at_ms, order, place.ticket, verdict) for place, verdict, order in legs]
        return [*answers, *(yield from self._send_each([(place, order) for place, _, order in legs]))]

    def _send_each(self, legs: Sequence[tuple[Place, Order]]) -> Generator[int, None, list[OrderUpdate]]:
        """Leg after leg, until one fills nothing: what comes after it is never sent."""
        became: list[OrderUpdate] = []
        failed = ""
        for place, order in legs:
            if failed:
                became.append(self._dealing.end(order, State.ABANDONED, failed))
                continue
            yield self._now() + self._latency_ms
            became.append(self._dealing.send(order, place.market))
            sent = became[-1].order
            if not sent or not sent.filled_ch:
                failed = f"never sent: the leg in {place.market.ticker} filled nothing"
        return became
