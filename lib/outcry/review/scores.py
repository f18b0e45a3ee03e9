"""An agent's figures over a window, from running sums of whole events: counts, rates, money, and what they leave open.

Sums add up and are taken back exactly, so that a settlement posted twice or changed later moves nothing but itself.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from outcry.domain.units import ONE_DOLLAR_CC, ONE_DOLLAR_MICROS
from outcry.review.metrics import Z_95, wilson_interval
from outcry.review.settled_work import Work

DAYS_A_YEAR = 365  # these markets know no holidays
FEWEST_DAYS = 3  # a deviation of fewer daily returns says nothing


@dataclass(frozen=True, slots=True)
class Sums:
    """What was settled, added up; columns of `score_sums`, where each is explained."""

    clusters: int = 0
    settled: int = 0
    won: int = 0
    excluded: int = 0
    contracts_ch: int = 0
    paid_micros: int = 0
    gross_micros: int = 0
    fees_micros: int = 0
    won_micros: int = 0
    lost_micros: int = 0
    cluster_squares: float = 0.0
    maker_ch: int = 0
    traded_ch: int = 0
    held_ms: int = 0
    briers: int = 0
    own_brier: float = 0.0
    market_brier: float = 0.0
    slippage_micros: int = 0
    slippage_ch: int = 0
    markout_micros: int = 0
    markout_ch: int = 0
    orders: int = 0
    asked_ch: int = 0
    filled_ch: int = 0

    @property
    def net_micros(self) -> int:
        return self.gross_micros - self.fees_micros

    @property
    def break_even_millionths(self) -> int | None:
        """The rate of trades that must be won at these prices and fees; None without trades."""
        at_risk_micros = self.paid_micros + self.fees_micros
        return at_risk_micros * 1_000_000 // (self.contracts_ch * ONE_DOLLAR_CC) if self.contracts_ch else None

    def plus(self, other: "Sums", times: int = 1) -> "Sums":
        """Both together; less the other with `times` -1."""
        return Sums(*(mine + times * theirs for mine, theirs in zip(_VALUES(self), _VALUES(other), strict=True)))


COLUMNS = tuple(field.name for field in fields(Sums))
_VALUES = attrgetter(*COLUMNS)


def total(parts: Iterable[Sums]) -> Sums:
    """All of them together."""
    values = [_VALUES(part) for part in parts]
    return Sums(*map(sum, zip(*values, strict=True))) if values else Sums()


def of_event(work: Sequence[Work]) -> Sums:
    """One agent's work in the markets of one event: a single cluster, as their outcomes hang together."""
    counted = [one for one in work if not one.excluded]
    rated = [one for one in counted if one.own_brier is not None]
    nets = [one.net_micros for one in counted]
    return Sums(
        clusters=1 if counted else 0,
        settled=len(counted),
        won=sum(net > 0 for net in nets),
        excluded=len(work) - len(counted),
        contracts_ch=sum(one.contracts_ch for one in counted),
        paid_micros=sum(one.paid_micros for one in counted),
        gross_micros=sum(one.gross_micros for one in counted),
        fees_micros=sum(one.fees_micros for one in counted),
        won_micros=sum(net for net in nets if net > 0),
        lost_micros=sum(-net for net in nets if net < 0),
        cluster_squares=(sum(nets) / ONE_DOLLAR_MICROS) ** 2,
        maker_ch=sum(one.maker_ch for one in counted),
        traded_ch=sum(one.traded_ch for one in counted),
        held_ms=sum(one.held_ms for one in counted),
        briers=len(rated),
        own_brier=sum(one.own_brier or 0.0 for one in rated),
        market_brier=sum(one.market_brier or 0.0 for one in rated),
        slippage_micros=sum(one.slippage_micros for one in counted),
        slippage_ch=sum(one.slippage_ch for one in counted),
        markout_micros=sum(one.markout_micros for one in counted),
        markout_ch=sum(one.markout_ch for one in counted),
    )


def figures(
    sums: Sums, spans_micros: Sequence[int], daily_micros: Sequence[int], allocation_micros: int
) -> dict[str, float]:
    """Every figure of a window that its evidence allows; what cannot be told is missing.

    spans_micros   net of each span in it, oldest first: what the drawdown is measured on
    daily_micros   net of each whole or begun day of the window in which the agent lived, oldest first, empty days too
    """
    net = _dollars(sums.net_micros)
    found: dict[str, float] = {
        "settled_trades": sums.settled,
        "events": sums.clusters,
        "won_trades": sums.won,
        "excluded_trades": sums.excluded,
        "net_dollars": net,
        "gross_dollars": _dollars(sums.gross_micros),
        "fees_dollars": _dollars(sums.fees_micros),
        "max_drawdown_dollars": _dollars(max_drawdown_micros(spans_micros)),
    }
    if sums.settled:
        low, high = wilson_interval(sums.won, sums.settled)
        at_risk_micros = sums.paid_micros + sums.fees_micros
        found |= {
            "win_rate": sums.won / sums.settled,
            "win_rate_low": low,
            "win_rate_high": high,
            "break_even": at_risk_micros / (sums.contracts_ch * ONE_DOLLAR_CC),
            "net_per_trade_dollars": net / sums.settled,
            "net_per_contract_dollars": sums.net_micros / (sums.contracts_ch * ONE_DOLLAR_CC),
            "net_per_dollar_at_risk": sums.net_micros / at_risk_micros,
            "maker_share": sums.maker_ch / sums.traded_ch,
            "hours_per_trade": sums.held_ms / sums.settled / 3_600_000,
        }
    if sums.lost_micros:
        found["profit_factor"] = sums.won_micros / sums.lost_micros
    if sums.clusters > 1:
        half = net_error_dollars(sums)
        found |= {"net_low_dollars": net - half, "net_high_dollars": net + half}
    if sums.asked_ch:
        found["fill_rate"] = sums.filled_ch / sums.asked_ch
    if sums.slippage_ch:
        found["slippage_cents"] = sums.slippage_micros / sums.slippage_ch / 100
    if sums.markout_ch:
        found["markout_cents"] = sums.markout_micros / sums.markout_ch / 100
    if sums.briers:
        found |= {"brier": sums.own_brier / sums.briers, "brier_of_price": sums.market_brier / sums.briers}
    return found | _sharpe_figures(daily_micros, allocation_micros)


def net_error_dollars(sums: Sums) -> float:
    """Half the 95 % interval of the whole net, by events: what happens within one event is one happening.

    source  Cochran (1977), "Sampling Techniques", 3rd ed., section 9A: the sum of independent clusters
    """
    count, net = sums.clusters, _dollars(sums.net_micros)
    spread = max(0.0, sums.cluster_squares - net * net / count)
    return Z_95 * math.sqrt(count / (count - 1) * spread)


def max_drawdown_micros(spans_micros: Sequence[int]) -> int:
    """The deepest fall of a running total below its highest, which begins at 0.

    >>> max_drawdown_micros([5, -3, -4, 6, -1])
    7
    """
    worth = peak = deepest = 0
    for net in spans_micros:
        worth += net
        peak = max(peak, worth)
        deepest = max(deepest, peak - worth)
    return deepest


def sharpe(returns: Sequence[float]) -> tuple[float, float] | None:
    """The annualised Sharpe ratio of daily returns and its standard error; None when it cannot be told.

    source  Lo (2002), "The statistics of Sharpe ratios", Financial Analysts Journal 58(4), equation 9
    """
    count = len(returns)
    if count < FEWEST_DAYS:
        return None
    mean = math.fsum(returns) / count
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in returns) / (count - 1))
    if deviation <= abs(mean) * 1e-9:
        return None
    ratio = mean / deviation
    return ratio * math.sqrt(DAYS_A_YEAR), math.sqrt((1 + ratio * ratio / 2) / count * DAYS_A_YEAR)


def wanted_per_contract(returns: Sequence[float], traded_ch: int, allocation_micros: int, ratio: float) -> float:
    """The mean net of a contract, in dollars, that daily returns of this deviation need for a Sharpe ratio.

    traded_ch  contracts of all those days, in hundredths

    >>> round(wanted_per_contract([0.01, -0.01, 0.01], 3_000, 100_000_000, 0.5), 4)
    0.003
    """
    wanted = ratio * statistics.stdev(returns) / math.sqrt(DAYS_A_YEAR)
    return wanted * allocation_micros * len(returns) / (traded_ch * ONE_DOLLAR_CC)


def _sharpe_figures(daily_micros: Sequence[int], allocation_micros: int) -> dict[str, float]:
    told = sharpe([net / allocation_micros for net in daily_micros]) if allocation_micros > 0 else None
    return {} if told is None else {"sharpe": told[0], "sharpe_error": told[1]}


def _dollars(micros: int) -> float:
    return micros / ONE_DOLLAR_MICROS
