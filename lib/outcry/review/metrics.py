"""What an agent's fills amount to: its trades, how many won, and what win rate it would have needed.

A trade is one agent in one market from flat to flat, closed by its own exits or by the settlement. Exact integers for
money; floats only for rates and intervals.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC

Z_95 = 1.959963984540054  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Trade:
    """One agent in one market, from flat to flat. Counts in hundredths, money in micro-dollars, times in ms UTC.

    side           BID: it held YES; ASK: it held NO
    count_ch       contracts bought on that side, over all entries
    paid_micros    what they cost: YES at the price, NO at $1 less it; without fees
    gross_micros   cash that moved in and out, settlement included, before fees
    position_ch    what is still held, signed; 0 once closed
    closed_at_ms   None while open
    settled        True where the settlement closed it
    """

    agent: str
    ticker: str
    side: Side
    opened_at_ms: int
    count_ch: int = 0
    paid_micros: int = 0
    gross_micros: int = 0
    fees_micros: int = 0
    position_ch: int = 0
    closed_at_ms: int | None = None
    settled: bool = False

    @property
    def net_micros(self) -> int:
        return self.gross_micros - self.fees_micros

    @property
    def won(self) -> bool:
        return self.closed_at_ms is not None and self.net_micros > 0


def trades(agent: str, fills: Iterable[Fill], settlement: Settlement | None) -> list[Trade]:
    """One agent's trades in one market, oldest first; the last may be open.

    fills       in time order; a fill that takes a position through zero closes one trade and opens the next, its fee
                shared by contracts (the odd micro-dollar goes to the new trade)
    settlement  closes what is still held at its value
    """
    done: list[Trade] = []
    now: Trade | None = None
    for whole in fills:
        fill = whole
        if now is not None and now.side is not fill.side:
            closing_ch = min(fill.count_ch, abs(now.position_ch))
            fee_micros = fill.fee_micros * closing_ch // fill.count_ch
            now = _move(now, fill, closing_ch, fee_micros)
            if now.position_ch == 0:
                done.append(replace(now, closed_at_ms=fill.filled_at_ms))
                now = None
            if closing_ch == fill.count_ch:
                continue
            fill = replace(fill, count_ch=fill.count_ch - closing_ch, fee_micros=fill.fee_micros - fee_micros)
        now = now or Trade(agent, fill.ticker, fill.side, fill.filled_at_ms)
        price_cc = fill.price_cc if fill.side is Side.BID else ONE_DOLLAR_CC - fill.price_cc
        now = replace(
            _move(now, fill, fill.count_ch, fill.fee_micros),
            count_ch=now.count_ch + fill.count_ch,
            paid_micros=now.paid_micros + price_cc * fill.count_ch,
        )
    if now is None:
        return done
    return [*done, now if settlement is None else _settle(now, settlement)]


def _move(trade: Trade, fill: Fill, count_ch: int, fee_micros: int) -> Trade:
    return replace(
        trade,
        position_ch=trade.position_ch + fill.side.sign * count_ch,
        gross_micros=trade.gross_micros - fill.side.sign * fill.price_cc * count_ch,
        fees_micros=trade.fees_micros + fee_micros,
    )


def _settle(trade: Trade, settlement: Settlement) -> Trade:
    return replace(
        trade,
        position_ch=0,
        gross_micros=trade.gross_micros + trade.position_ch * settlement.value_cc,
        closed_at_ms=max(settlement.settled_at_ms, trade.opened_at_ms),
        settled=True,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Closed trades taken together. Money in micro-dollars; rates from 0 to 1, None without trades.

    win_rate            share of trades with a profit after fees
    win_low, win_high   its 95 % Wilson interval
    break_even          the win rate at which buying at these prices, fees included, and holding to settlement neither
                        wins nor loses: the average all-in price per $1 contract
    mean_net_micros     profit per trade, and
    mean_error_micros   half its 95 % interval (normal approximation); None below two trades
    """

    trades: int
    settled: int
    won: int
    gross_micros: int
    fees_micros: int
    net_micros: int
    win_rate: float | None = None
    win_low: float | None = None
    win_high: float | None = None
    break_even: float | None = None
    mean_net_micros: float | None = None
    mean_error_micros: float | None = None
    contracts_ch: int = 0
    paid_micros: int = 0
    net_squares: float = 0.0  # of the trades' nets, in dollars: what the error of their sum is made of

    @property
    def net_error_micros(self) -> float | None:
        """Half the 95 % interval of the whole net."""
        return None if self.mean_error_micros is None else self.mean_error_micros * self.trades


def summary(closed: Sequence[Trade]) -> Summary:
    """Sum up closed trades (open ones do not belong here)."""
    return finish(
        Summary(
            trades=len(closed),
            settled=sum(trade.settled for trade in closed),
            won=sum(trade.won for trade in closed),
            gross_micros=sum(trade.gross_micros for trade in closed),
            fees_micros=sum(trade.fees_micros for trade in closed),
            net_micros=sum(trade.net_micros for trade in closed),
            contracts_ch=sum(trade.count_ch for trade in closed),
            paid_micros=sum(trade.paid_micros for trade in closed),
            net_squares=math.fsum((trade.net_micros / 1e6) ** 2 for trade in closed),
        )
    )


def together(parts: Sequence[Summary]) -> Summary:
    """Several agents' closed trades taken together."""
    return finish(
        Summary(
            trades=sum(part.trades for part in parts),
            settled=sum(part.settled for part in parts),
            won=sum(part.won for part in parts),
            gross_micros=sum(part.gross_micros for part in parts),
            fees_micros=sum(part.fees_micros for part in parts),
            net_micros=sum(part.net_micros for part in parts),
            contracts_ch=sum(part.contracts_ch for part in parts),
            paid_micros=sum(part.paid_micros for part in parts),
            net_squares=math.fsum(part.net_squares for part in parts),
        )
    )


def finish(sums: Summary) -> Summary:
    """The same with its rates and intervals, which follow from the sums."""
    count = sums.trades
    if not count:
        return sums
    low, high = wilson_interval(sums.won, count)
    at_risk_micros = sums.paid_micros + sums.fees_micros
    return replace(
        sums,
        win_rate=sums.won / count,
        win_low=low,
        win_high=high,
        break_even=at_risk_micros / (sums.contracts_ch * ONE_DOLLAR_CC) if sums.contracts_ch else None,
        mean_net_micros=sums.net_micros / count,
        mean_error_micros=_error_of_mean(sums) if count > 1 else None,
    )


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """The interval in which a true rate lies; honest for few trials and for rates near 0 and 1.

    source  Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22

    >>> tuple(round(bound, 3) for bound in wilson_interval(8, 10))
    (0.49, 0.943)
    """
    rate, square = successes / trials, z * z / trials
    centre = (rate + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def _error_of_mean(sums: Summary) -> float:
    net = sums.net_micros / 1e6
    variance = max(0.0, sums.net_squares - net * net / sums.trades) / (sums.trades - 1)
    return 1e6 * Z_95 * math.sqrt(variance / sums.trades)
