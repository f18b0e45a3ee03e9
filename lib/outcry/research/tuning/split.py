"""Markets in time order: to search on, to choose by, to judge by once. What one part shows, the next has not seen.

    train | one market left out | validation | one market left out | test

What wins and loses together stays together: the unit is the event, and events that end at one moment are one market
here (several coins in one window are no two experiences). Besides the embargo, an event that opened before the part
before it was over is left out: it was traded in times that the search has seen (purging and embargo: López de Prado,
"Advances in Financial Machine Learning", 2018, chapter 7).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Market
from outcry.research.backtesting.recorded import Recorded

NAMES = ("train", "validation", "test")
QUARTERS = (2, 3)  # of all events, at which train and validation end


class TooFew(Misconfigured):
    """A tape on which too few markets ended: time mends it."""


class Part(NamedTuple):
    """`events`: how many clusters there are to be traded at most. From the first open to the last close."""

    tickers: frozenset[str]
    events: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Split:
    """`left_out`: events between the parts, and those that reach from one into the next."""

    train: Part
    validation: Part
    test: Part
    left_out: int

    @property
    def searched(self) -> frozenset[str]:
        """What the search may see."""
        return self.train.tickers | self.validation.tickers


class _Event(NamedTuple):
    closed_ms: int
    opened_ms: int
    tickers: tuple[str, ...]


def paid(sessions: Iterable[Recorded]) -> list[Market]:
    """The markets of a tape whose end is on it, as they were described last."""
    markets: dict[str, Market] = {}
    ended: set[str] = set()
    for session in sessions:
        markets |= {fact.market.ticker: fact.market for fact in session.markets()}
        ended |= {told.ticker for told in session.settlements()}
    return [market for ticker, market in markets.items() if ticker in ended]


def split(markets: Iterable[Market]) -> Split:
    """Half of the events to search on, a quarter to choose by, a quarter to judge by.

    raises  TooFew
    """
    events = _events(markets)
    moments: defaultdict[int, list[_Event]] = defaultdict(list)
    for event in events:
        moments[event.closed_ms].append(event)
    runs: list[list[_Event]] = [[]]
    seen, embargo = 0, False
    for at_ms in sorted(moments):
        seen += len(moments[at_ms])
        if embargo:
            embargo = False
            runs.append([])
            continue
        runs[-1] += moments[at_ms]
        embargo = len(runs) <= len(QUARTERS) and 4 * seen >= QUARTERS[len(runs) - 1] * len(events)
    parts: list[Part] = []
    for run in runs:
        before_ms = parts[-1].last_ms if parts else 0
        kept = [event for event in run if event.opened_ms >= before_ms]
        if not kept:
            break
        parts.append(_part(kept))
    if len(parts) < len(NAMES):
        raise TooFew(
            f"{len(events)} events that ended on this tape cannot be split into train, validation and test",
            "bring more days",
        )
    train, validation, test = parts
    return Split(train, validation, test, len(events) - sum(part.events for part in parts))


def _events(markets: Iterable[Market]) -> list[_Event]:
    found: defaultdict[str, list[Market]] = defaultdict(list)
    for market in markets:
        found[market.event_ticker].append(market)
    return [
        _Event(
            max(one.close_at_ms for one in members),
            min(one.open_at_ms for one in members),
            tuple(one.ticker for one in members),
        )
        for members in found.values()
    ]


def _part(events: Sequence[_Event]) -> Part:
    return Part(
        frozenset(ticker for event in events for ticker in event.tickers),
        len(events),
        min(event.opened_ms for event in events),
        max(event.closed_ms for event in events),
    )
