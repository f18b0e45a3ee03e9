"""The unit of evidence: one agent in one market that has paid. What was bought, what it brought, and whether it counts.

Whatever was bought and sold in a market is one piece of work, final once the market has paid. It counts as evidence
where it was an agent's own, the market paid all or nothing, and no open finding speaks of it; what does not count is
kept with its reason.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.review import metrics

NOT_OURS = "not an agent's"
CALLED_OFF = "paid neither all nor nothing"
DOUBTED = "an open finding speaks of it"
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Seen:
    """A fill with what is known around it. Prices on the YES scale; None where nobody kept it.

    names         by which findings speak of it: its order's, decision's and trade's ids
    is_entry      False for exits, and where we have no order
    probability   of its own side, where the strategy stated one
    touch_cc      the price that a taker decided on: best ask for a bid, best bid for an ask
    later_cc      the last print within a minute after it
    """

    fill: Fill
    names: frozenset[str] = frozenset()
    is_entry: bool = True
    probability: float | None = None
    touch_cc: int | None = None
    later_cc: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One agent in one market that has paid; columns of `settled_work`, where each is explained."""

    agent: str
    ticker: str
    event_ticker: str
    stage: str
    entered_at_ms: int
    settled_at_ms: int
    contracts_ch: int
    paid_micros: int
    gross_micros: int
    fees_micros: int
    maker_ch: int
    traded_ch: int
    held_ms: int
    own_brier: float | None = None
    market_brier: float | None = None
    slippage_micros: int = 0
    slippage_ch: int = 0
    markout_micros: int = 0
    markout_ch: int = 0
    excluded: str = ""

    @property
    def net_micros(self) -> int:
        return self.gross_micros - self.fees_micros


def work(agent: str, event_ticker: str, stage: str, seen: Sequence[Seen], settlement: Settlement) -> Work:
    """Take the fills of one agent in one market, in time order, and what the market paid."""
    fills = [one.fill for one in seen]
    trades = metrics.trades(agent, fills, settlement)
    slippage, markout = _beyond_touch(seen), _a_minute_later(seen)
    made = Work(
        agent,
        settlement.ticker,
        event_ticker,
        stage,
        fills[0].filled_at_ms,
        settlement.settled_at_ms,
        contracts_ch=sum(trade.count_ch for trade in trades),
        paid_micros=sum(trade.paid_micros for trade in trades),
        gross_micros=sum(trade.gross_micros for trade in trades),
        fees_micros=sum(trade.fees_micros for trade in trades),
        maker_ch=sum(fill.count_ch for fill in fills if not fill.is_taker),
        traded_ch=sum(fill.count_ch for fill in fills),
        held_ms=sum((trade.closed_at_ms or trade.opened_at_ms) - trade.opened_at_ms for trade in trades),
        slippage_micros=sum(micros for micros, _ in slippage),
        slippage_ch=sum(count_ch for _, count_ch in slippage),
        markout_micros=sum(micros for micros, _ in markout),
        markout_ch=sum(count_ch for _, count_ch in markout),
    )
    brier = _brier(seen, settlement)
    return made if brier is None else replace(made, own_brier=brier[0], market_brier=brier[1])


def why_excluded(made: Work, agents: Collection[str], value_cc: int, names: Collection[str], doubted: set[str]) -> str:
    """Why a piece of work is no evidence; "" when it is.

    names    by which findings may speak of it
    doubted  every word of the open findings (see `words`)
    """
    if made.agent not in agents:
        return NOT_OURS
    if value_cc not in (0, ONE_DOLLAR_CC):
        return CALLED_OFF
    return DOUBTED if not doubted.isdisjoint((made.ticker, *names)) else ""


def words(text: str) -> set[str]:
    """The names in what a finding says.

    >>> sorted(words("fill t-1 (order oc-abc-x-1) has price 4000"))
    ['4000', 'fill', 'has', 'oc-abc-x-1', 'order', 'price', 't-1']
    """
    return set(_WORD.findall(text))


def _beyond_touch(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    return [
        (one.fill.side.sign * (one.fill.price_cc - one.touch_cc) * one.fill.count_ch, one.fill.count_ch)
        for one in seen
        if one.fill.is_taker and one.touch_cc is not None
    ]


def _a_minute_later(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    return [
        (one.fill.side.sign * (one.later_cc - one.fill.price_cc) * one.fill.count_ch, one.fill.count_ch)
        for one in seen
        if one.later_cc is not None
    ]


def _brier(seen: Sequence[Seen], settlement: Settlement) -> tuple[float, float] | None:
    """The squared error of the stated probability and of the price, by contracts; None without a probability."""
    own = market = 0.0
    count_ch = 0
    for one in seen:
        if one.is_entry and one.probability is not None:
            bought = one.fill.side is Side.BID
            price_cc = one.fill.price_cc if bought else ONE_DOLLAR_CC - one.fill.price_cc
            value_cc = settlement.value_cc if bought else ONE_DOLLAR_CC - settlement.value_cc
            own += one.fill.count_ch * (one.probability - value_cc / ONE_DOLLAR_CC) ** 2
            market += one.fill.count_ch * ((price_cc - value_cc) / ONE_DOLLAR_CC) ** 2
            count_ch += one.fill.count_ch
    return (own / count_ch, market / count_ch) if count_ch else None
