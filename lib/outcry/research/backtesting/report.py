"""What a backtest amounts to, with how little it may prove. Floats are estimates; money is exact until it is divided.

Trades of one event win and lose together, so an interval counts events and not trades. Below `ENOUGH_EVENTS` no such
interval can be believed, and the report says so instead of concluding anything.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from outcry.domain.order import Purpose, Side
from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_CC, ONE_DOLLAR_MICROS
from outcry.research.backtesting.asking import AGENT
from outcry.research.backtesting.marks import HORIZONS_MS
from outcry.research.backtesting.terms import Result, Terms
from outcry.review import metrics
from outcry.review.bets import Bets
from outcry.review.metrics import Z_95, Trade

ENOUGH_EVENTS = 30
LEVEL = 0.05
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Stated probabilities of YES between two tenths, and how often it came."""

    low: float
    count: int
    stated: float
    came: float


@dataclass(frozen=True, slots=True)
class Report:
    """Money in dollars, rates from 0 to 1, None where there is nothing to compute it from.

    trades             agent in a market from flat to flat, closed; open_trades are marked, not counted
    events             clusters: events with a closed trade
    conclusive         False below 30 events
    net_low, net_high  95 % interval of the net result, clustered by event (normal approximation)
    contract_low, contract_high  95 % confidence sequence of net dollars per contract (valid however often one looks)
    per_contract, per_dollar_at_risk  net result per contract bought, and per dollar paid for it
    sharpe             mean over standard deviation of the net result of an event; the period is one event
    max_drawdown, max_at_risk, mean_at_risk  of the sampled equity curve
    maker_share        of contracts traded
    slippage_cc        what takers paid beyond the touch they decided on, per contract, in centicents
    markouts_cc        {seconds: how far the middle went our way after a fill, per contract}
    brier              of stated probabilities against the result; brier_price of the middle they were stated at
    """

    trades: int
    open_trades: int
    events: int
    conclusive: bool
    orders: int
    refused: int
    fills: int
    contracts: float
    won: int
    win_rate: float | None
    win_low: float | None
    win_high: float | None
    break_even: float | None
    gross: float
    fees: float
    net: float
    net_low: float | None
    net_high: float | None
    contract_low: float | None
    contract_high: float | None
    per_contract: float | None
    per_dollar_at_risk: float | None
    sharpe: float | None
    max_drawdown: float
    max_at_risk: float
    mean_at_risk: float
    maker_share: float | None
    slippage_cc: float | None
    markouts_cc: dict[str, float | None]
    stated: int
    brier: float | None
    brier_price: float | None
    calibration: list[Bin]
    worst_day: tuple[str, float] | None
    open_value: float
    conditions: dict[str, int] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def trades_of(result: Result) -> list[Trade]:
    """All trades, market after market; the last of a market that has not paid may be open."""
    paid = {one.ticker: one for one in result.trader.settlements}
    return [
        trade
        for ticker in result.account.traded()
        for trade in metrics.trades(AGENT, result.account.fills(ticker), paid.get(ticker))
    ]


def by_event(result: Result, trades: Sequence[Trade]) -> dict[str, list[Trade]]:
    """Closed trades by the event that decided them."""
    found: defaultdict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        if trade.closed_at_ms is not None:
            found[result.markets[trade.ticker].event_ticker].append(trade)
    return dict(found)


def report_of(result: Result) -> Report:
    """The whole report."""
    trades = trades_of(result)
    closed = [trade for trade in trades if trade.closed_at_ms is not None]
    clusters = by_event(result, trades)
    nets = [sum(trade.net_micros for trade in cluster) for cluster in clusters.values()]
    summary = metrics.summary(closed)
    contracts_ch = sum(trade.count_ch for trade in closed)
    paid_micros = sum(trade.paid_micros + trade.fees_micros for trade in closed)
    bets = Bets()
    bets.take(
        sum(trade.net_micros for trade in cluster) / (sum(trade.count_ch for trade in cluster) * ONE_DOLLAR_CC)
        for cluster in clusters.values()
    )
    half = half_width_micros(nets)
    traded_ch = sum(fill.count_ch for fill in result.trader.fills)
    maker_ch = sum(fill.count_ch for fill in result.trader.fills if not fill.is_taker)
    stated = _stated(result)
    risks = [risk for _, _, risk in result.equity]
    return Report(
        trades=len(closed),
        open_trades=len(trades) - len(closed),
        events=len(clusters),
        conclusive=len(clusters) >= ENOUGH_EVENTS,
        orders=sum(asked.order is not None for asked in result.trader.asked),
        refused=sum(asked.order is None for asked in result.trader.asked),
        fills=len(result.trader.fills),
        contracts=contracts_ch / ONE_CONTRACT_CH,
        won=summary.won,
        win_rate=summary.win_rate,
        win_low=summary.win_low,
        win_high=summary.win_high,
        break_even=summary.break_even,
        gross=_dollars(summary.gross_micros),
        fees=_dollars(summary.fees_micros),
        net=_dollars(summary.net_micros),
        net_low=None if half is None else _dollars(summary.net_micros - half),
        net_high=None if half is None else _dollars(summary.net_micros + half),
        contract_low=bets.lower(LEVEL / 2) if nets else None,
        contract_high=bets.upper(LEVEL / 2) if nets else None,
        per_contract=summary.net_micros / (contracts_ch * ONE_DOLLAR_CC) if contracts_ch else None,
        per_dollar_at_risk=summary.net_micros / paid_micros if paid_micros else None,
        sharpe=_sharpe(nets),
        max_drawdown=_dollars(_drawdown_micros([value for _, value, _ in result.equity])),
        max_at_risk=_dollars(max(risks, default=0)),
        mean_at_risk=_dollars(sum(risks) / len(risks)) if risks else 0.0,
        maker_share=maker_ch / traded_ch if traded_ch else None,
        slippage_cc=_slippage_cc(result),
        markouts_cc={str(horizon // 1_000): _markout_cc(result, horizon) for horizon in HORIZONS_MS},
        stated=len(stated),
        brier=_mean([(p - came) ** 2 for p, _, came in stated]),
        brier_price=_mean([(middle - came) ** 2 for _, middle, came in stated]),
        calibration=_calibration([(p, came) for p, _, came in stated]),
        worst_day=_worst_day(result.days),
        open_value=_dollars(sum(result.days.values()) - summary.net_micros),
        conditions=dict(Counter(result.trader.looks).most_common(8)),
        assumptions=assumptions(result),
    )


def _dollars(micros: float) -> float:
    return micros / ONE_DOLLAR_MICROS


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def half_width_micros(nets: Sequence[int]) -> float | None:
    """Half the interval of a sum of independent clusters."""
    deviation = _deviation(nets)
    return None if deviation is None else Z_95 * deviation * math.sqrt(len(nets))


def _sharpe(nets: Sequence[int]) -> float | None:
    deviation = _deviation(nets)
    return sum(nets) / len(nets) / deviation if deviation else None


def _drawdown_micros(equity: Sequence[int]) -> int:
    highest = deepest = 0
    for value in equity:
        highest = max(highest, value)
        deepest = max(deepest, highest - value)
    return deepest


def _slippage_cc(result: Result) -> float | None:
    """Against the touch of the view that was decided on; what makers got is no slippage."""
    decided = {asked.order.client_order_id: asked.place for asked in result.trader.asked if asked.order is not None}
    paid = contracts = 0
    for fill in result.trader.fills:
        place = decided[fill.client_order_id]
        touch_cc = place.view.quote.ask_cc if fill.side is Side.BID else place.view.quote.bid_cc
        if fill.is_taker and touch_cc is not None:
            paid += fill.side.sign * (fill.price_cc - touch_cc) * fill.count_ch
            contracts += fill.count_ch
    return paid / contracts if contracts else None


def _markout_cc(result: Result, horizon_ms: int) -> float | None:
    found = [(moved, fill.count_ch) for fill, horizon, moved in result.marks.found if horizon == horizon_ms]
    weight = sum(count for _, count in found)
    return sum(moved * count for moved, count in found) / weight if weight else None


def _stated(result: Result) -> list[tuple[float, float, float]]:
    """(probability of YES as stated, the middle then, whether it came) of every entry asked for."""
    found = []
    for asked in result.trader.asked:
        place, told = asked.place, result.results.get(asked.place.market.ticker)
        quote = place.view.quote
        if place.purpose is not Purpose.ENTRY or place.intent.probability is None or told is None:
            continue
        if quote.bid_cc is None or quote.ask_cc is None:
            continue
        own = place.intent.probability
        middle = (quote.bid_cc + quote.ask_cc) / 2 / ONE_DOLLAR_CC
        found.append((own if place.intent.side is Side.BID else 1 - own, middle, told.value_cc / ONE_DOLLAR_CC))
    return found


def _calibration(stated: Sequence[tuple[float, float]]) -> list[Bin]:
    bins: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for probability, came in stated:
        bins[min(BINS - 1, int(probability * BINS))].append((probability, came))
    return [
        Bin(place / BINS, len(held), sum(p for p, _ in held) / len(held), sum(came for _, came in held) / len(held))
        for place, held in sorted(bins.items())
    ]


def _worst_day(days: dict[str, int]) -> tuple[str, float] | None:
    if not days:
        return None
    day = min(days, key=lambda name: days[name])
    return day, _dollars(days[day])


def assumptions(result: Result) -> list[str]:
    """What has to be true for the figures to be true."""
    terms: Terms = result.terms
    queue = "shared out in proportion" if terms.proportional else "none of them ahead of us (pessimistic)"
    told = [
        f"orders, cancels and renewals act {terms.latency_ms} ms after the decision; nothing is heard meanwhile",
        f"queue: we join the back; prints consume what is ahead first; cancels: {queue}",
        "nobody reacts to our orders; what we take is gone as long as the tape goes on showing it",
        f"capital ${terms.capital_micros // ONE_DOLLAR_MICROS:,}, of which the agent may risk"
        f" ${terms.allocation_micros // ONE_DOLLAR_MICROS:,}; nobody else trades on the floor",
        "breakers of the whole floor and changes of the agent's stage do not act",
    ]
    if result.unbooked:
        told.append(f"{len(result.unbooked)} of {len(result.markets)} markets have no book on this tape: not traded")
    unpaid = [ticker for ticker in result.account.open_tickers() if ticker not in result.results]
    if unpaid:
        told.append(f"{len(unpaid)} positions in markets whose result is not on this tape: marked, not counted")
    return told
