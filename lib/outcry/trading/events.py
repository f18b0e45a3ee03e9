"""What a trader hears and what it asks for. Frozen records; time is a field of every event (Unix ms UTC).

The shells around the coordinator (the live loop, and whatever replays) turn their world into these events, carry the
commands out, and feed back what became of them.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from outcry.domain import fill as domain_fill
from outcry.domain.funnel import Step
from outcry.domain.market import Market
from outcry.domain.order import Order, Purpose
from outcry.domain.view import Bar, Intent, Quote, Verdict, View

# ---- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restored:
    """The first event of a life: what the ledger says this agent has.

    orders  those that still count, as stored; `planned` ones were abandoned before
    fills   of its markets that have not settled, in the order they were booked
    plans   the intent each open position was entered on, by ticker: its exits still hold
    warm    what `Coordinator.warm` gave to the last checkpoint; {} for a cold start
    """

    at_ms: int
    orders: tuple[Order, ...] = ()
    fills: tuple[domain_fill.Fill, ...] = ()
    plans: tuple[tuple[str, Intent], ...] = ()
    warm: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quotes:
    """A publish: the quotes that changed, and the markets whose description is new or changed."""

    at_ms: int
    publish: int
    quotes: tuple[Quote, ...] = ()
    markets: tuple[Market, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """One-second bars of an index or of a market's prints; the same second may come again, corrected."""

    at_ms: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """An order as it is now, or the answer to a `Place`.

    ticket   of the `Place` this answers; None for news of an order already known
    verdict  what the gate said to it
    order    the order as stored; None when the gate refused or nothing could be stored
    failure  why a `Place` came to nothing through no fault of its own (database, clock); "" otherwise
    """

    at_ms: int
    order: Order | None = None
    ticket: int | None = None
    verdict: Verdict | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill was booked to this agent, or (`undone`) taken back by a later attribution."""

    at_ms: int
    fill: domain_fill.Fill
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """A market paid."""

    at_ms: int
    settlement: domain_fill.Settlement


@dataclass(frozen=True, slots=True)
class Clock:
    """Time went on, and perhaps nothing else."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Control:
    """Everything that forbids entries just now; each is the reason, "" where nothing is in force.

    halted    the floor's kill switch, by file or by control row
    stopped   entries stopped on the floor or for this agent
    stopped_markets  ((ticker, reason), …)
    paused    this agent is paused
    retired   True: it only manages what it holds
    trouble   something outside is broken (the database, the exchange): ERROR until a Control without it
    unready   why the floor cannot be traded on yet (no capital recorded): CALIBRATING goes on
    """

    at_ms: int
    halted: str = ""
    stopped: str = ""
    stopped_markets: tuple[tuple[str, str], ...] = ()
    paused: str = ""
    retired: bool = False
    trouble: str = ""
    unready: str = ""

    @property
    def reason(self) -> str:
        """The first that is in force; "" when none is."""
        return self.trouble or self.unready or self.halted or self.stopped or self.paused


Event = Restored | Quotes | Bars | OrderUpdate | Fill | Settlement | Clock | Control

# ---- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Ask the gate, and if it allows, send. Answered by an `OrderUpdate` with this ticket.

    count_ch       for exits: how much to close; for entries, which the gate sizes: the most, None for no such bound
    expires_at_ms  for orders that may rest: when the exchange drops them by itself
    index_at_ms    when the newest index price in the view was current; None without one
    """

    ticket: int
    purpose: Purpose
    intent: Intent
    market: Market
    view: View
    count_ch: int | None = None
    expires_at_ms: int | None = None
    index_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Entries that are worth having only together, in one size: the gate is asked for all of them in one transaction.

    Refused for one, none is sent; what is left of the smallest is the size of all. They are posted one after the other
    in this order; when one fills nothing, those after it are not posted. Each is answered by its own `OrderUpdate`.
    """

    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take a resting order back. What became of it arrives as an `OrderUpdate`."""

    order: Order
    why: str


@dataclass(frozen=True, slots=True)
class Renew:
    """Move a resting order's expiry; nothing else about it changes."""

    order: Order
    expires_at_ms: int


class Topic(StrEnum):
    LOOKED = "looked"  # a look without an intent: counted, not stored one by one
    STATE = "state"  # the state machine moved
    RAISED = "raised"  # the strategy raised; `error` is what it raised


@dataclass(frozen=True, slots=True)
class Note:
    """Something to count, log or keep; never to act on. `step`: where a look ended."""

    topic: Topic
    at_ms: int
    text: str
    ticker: str = ""
    step: Step = Step.SEEN
    error: Exception | None = None


Command = Place | Together | Cancel | Renew | Note
