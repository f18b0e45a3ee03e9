"""Closed lots for the tax return: what was bought first is sold first, each piece with its own dates, cost and fees.

A lot is opened by a fill and closed, whole or in pieces, by fills of the other side or by the settlement. NO contracts
cost $1 less the YES price. Fees are shared by contracts; the odd micro-dollar goes to the piece that closes last, so
that over all lots every cent of price, payout and fee appears exactly once.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC


@dataclass(frozen=True, slots=True)
class Lot:
    """A closed piece. `how`: 'sold' or 'settled'; `fees_micros`: of opening and closing it."""

    agent: str
    ticker: str
    side: str
    count_ch: int
    acquired_at_ms: int
    closed_at_ms: int
    how: str
    proceeds_micros: int
    cost_micros: int
    fees_micros: int

    @property
    def gain_micros(self) -> int:
        return self.proceeds_micros - self.cost_micros - self.fees_micros


COLUMNS = tuple(field.name for field in fields(Lot))


@dataclass(slots=True)
class _Open:
    """What is left of an opening fill."""

    side: Side
    price_cc: int
    count_ch: int
    fee_micros: int
    at_ms: int

    def take(self, count_ch: int) -> int:
        """Take contracts out of it; their share of its fee."""
        fee_micros = self.fee_micros * count_ch // self.count_ch
        self.count_ch -= count_ch
        self.fee_micros -= fee_micros
        return fee_micros


def closed(agent: str, fills: Iterable[Fill], settlement: Settlement | None) -> Iterator[Lot]:
    """One agent's lots in one market in the order in which they were closed; `fills` in time order."""
    held: deque[_Open] = deque()
    ticker = ""
    for fill in fills:
        ticker = fill.ticker
        coming = _Open(fill.side, fill.price_cc, fill.count_ch, fill.fee_micros, fill.filled_at_ms)
        while coming.count_ch and held and held[0].side is not coming.side:
            yield _close(agent, ticker, held, coming.count_ch, coming.price_cc, coming.at_ms, coming)
        if coming.count_ch:
            held.append(coming)
    while held and settlement is not None:
        at_ms = max(settlement.settled_at_ms, held[0].at_ms)
        yield _close(agent, ticker, held, held[0].count_ch, settlement.value_cc, at_ms, None)


def _close(agent: str, ticker: str, held: deque[_Open], most_ch: int, yes_cc: int, at_ms: int, by: _Open | None) -> Lot:
    first = held[0]
    count_ch, yes = min(most_ch, first.count_ch), first.side is Side.BID
    fees_micros = first.take(count_ch) + (by.take(count_ch) if by else 0)
    if not first.count_ch:
        held.popleft()
    return Lot(
        agent,
        ticker,
        "yes" if yes else "no",
        count_ch,
        first.at_ms,
        at_ms,
        "sold" if by else "settled",
        count_ch * (yes_cc if yes else ONE_DOLLAR_CC - yes_cc),
        count_ch * (first.price_cc if yes else ONE_DOLLAR_CC - first.price_cc),
        fees_micros,
    )
