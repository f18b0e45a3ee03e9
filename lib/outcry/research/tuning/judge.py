"""What a set of parameters showed: to the search a bound that can be climbed, to the judge a proof that holds.

The search maximises the lower bound of the net result per trade, clustered by event, the worse one of train and
validation. A few events that all won have no spread, and a bound that knows only spread would call them certain. So one
event more is counted, in which all that an event's trades cost is lost.

The winner is judged by the test markets, which no trial has seen, by the bets of `review.bets`: they hold for any
distribution and any number of events. Many trials are many chances to be lucky; and a test part that was looked at for
one search is no longer fresh for the next. The level is therefore divided by the number of trials, those of other
searches of the same strategy on the same tape included. Source: Dunn (1961), "Multiple comparisons among means", JASA
56; for why it is needed: Bailey and López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio Management
40(5).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from outcry.domain.units import ONE_DOLLAR_CC, ONE_DOLLAR_MICROS
from outcry.research.backtesting.report import ENOUGH_EVENTS, LEVEL, by_event, trades_of
from outcry.research.backtesting.terms import Result
from outcry.research.tuning.split import Part
from outcry.review.bets import Bets
from outcry.review.metrics import Trade

Z = 1.6448536269514722  # one-sided 95 % of the normal distribution
FEW_EVENTS = 10  # in which a set traded less often than that, the search learns nothing but to trade more
UNKNOWN = -1e9  # dollars: below any bound


class Cluster(NamedTuple):
    """The closed trades of one event together. `paid_micros`: what they cost, with fees."""

    trades: int
    net_micros: int
    contracts_ch: int
    paid_micros: int

    @property
    def dollars(self) -> float:
        """Net a contract."""
        return self.net_micros / (self.contracts_ch * ONE_DOLLAR_CC)


@dataclass(frozen=True, slots=True)
class Figures:
    """A part as one set of parameters traded it. Dollars; `low`: the lower bound of `per_trade`, None of no events."""

    events: int
    trades: int
    net: float
    per_trade: float | None
    low: float | None

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test markets say of a winner.

    trials       among which it was chosen, those of earlier searches on this tape included
    level        the error that is allowed: 5 % divided by the trials
    low_dollars  net a contract, shown at that level to be exceeded; None when nothing is shown
    log_gain     logarithm of the capital of who bet against "it nets nothing or less"; `needs` is what it takes
    why          in words
    """

    recommended: bool
    trials: int
    level: float
    low_dollars: float | None
    log_gain: float
    needs: float
    why: str

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def clusters(result: Result, part: Part) -> list[Cluster]:
    """What was traded and closed of a part, event by event."""
    found = by_event(result, [trade for trade in trades_of(result) if trade.ticker in part.tickers])
    return [_cluster(trades) for trades in found.values()]


def _cluster(trades: Sequence[Trade]) -> Cluster:
    return Cluster(
        len(trades),
        sum(trade.net_micros for trade in trades),
        sum(trade.count_ch for trade in trades),
        sum(trade.paid_micros + trade.fees_micros for trade in trades),
    )


def figures(found: Sequence[Cluster]) -> Figures:
    trades, net = sum(one.trades for one in found), sum(one.net_micros for one in found) / ONE_DOLLAR_MICROS
    return Figures(len(found), trades, net, net / trades if trades else None, lower_bound(found))


def lower_bound(found: Sequence[Cluster]) -> float | None:
    """Dollars a trade that the true mean exceeds with 95 %, one event more being lost whole; None without events.

    source  ratio of sums over clusters of unequal size: Cochran, Sampling Techniques, 3rd ed. (1977), section 9A

    >>> always_won = [Cluster(trades=1, net_micros=100_000, contracts_ch=100, paid_micros=900_000)]
    >>> [round(lower_bound(always_won * events), 3) for events in (5, 40, 400)]
    [-0.341, 0.035, 0.093]
    """
    if not found:
        return None
    count = len(found)
    nets = [float(one.net_micros) for one in found] + [-sum(one.paid_micros for one in found) / count]
    sizes = [float(one.trades) for one in found] + [sum(one.trades for one in found) / count]
    mean = math.fsum(nets) / math.fsum(sizes)
    squares = math.fsum((net - mean * size) ** 2 for net, size in zip(nets, sizes, strict=True))
    error = math.sqrt(squares * (count + 1) / count) / math.fsum(sizes)
    return (mean - Z * error) / ONE_DOLLAR_MICROS


def objective(train: Figures, validation: Figures) -> float:
    """What the search maximises: the worse of two lower bounds. Too few events are worse than any bound."""
    least = min(train.events, validation.events)
    if least < FEW_EVENTS or train.low is None or validation.low is None:
        return UNKNOWN + least
    return min(train.low, validation.low)


def judge(test: Sequence[Cluster], trials: int) -> Verdict:
    """Whether a winner of so many trials may be recommended."""
    bets, level = Bets(), LEVEL / trials
    bets.take(one.dollars for one in test)
    low, log_gain, needs = bets.lower(level), bets.log_e_above(0.0), -math.log(level)
    shown = figures(test)
    if len(test) < ENOUGH_EVENTS:
        why = f"no conclusion possible: it traded in {len(test)} test events, and {ENOUGH_EVENTS} is the least"
    elif low is None or low < 0 or shown.net <= 0:
        why = f"a gain is not proven at the level that {trials:,} trials leave ({level:.2g})"
    else:
        why = f"more than {low * 100:.0f} cents a contract, proven at the level that {trials:,} trials leave"
    recommended = len(test) >= ENOUGH_EVENTS and low is not None and low >= 0 and shown.net > 0
    return Verdict(recommended, trials, level, low, log_gain, needs, why)
