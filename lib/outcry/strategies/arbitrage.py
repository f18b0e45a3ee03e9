"""Arbitrage: the markets of one event that together cost less than what they are sure to pay.

All YES, where the settings list the event as exhaustive: one of its markets pays $1. All NO, where the exchange says
that its markets are mutually exclusive: of k markets at least k - 1 pay $1. After fees, in one size, as a basket: it is
reserved whole or not at all; its legs are IOC, the thinnest first; what one leg has more than another is left at once.

Within one market YES ask and NO ask below $1 together would be a bid above an ask. A book that is not crossed cannot
show that; one that does is broken, so it is an alarm and never a chance.

Each leg's probability is its share of the sure payoff: what it is worth as a part of the basket, and no more.

source   Saguillo, Ghafouri, Kiffer and Suarez-Tangil (2025), "Unravelling the probabilistic forest: arbitrage in
         prediction markets": how often it occurs, and that legs fail
loses    when a leg fails after another was filled, by the spread of what is then left; when an event listed as
         exhaustive is not; when the exchange voids a market and pays something in between
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_CC
from outcry.domain.view import Basket, Intent, Lacking, Sibling, View
from outcry.signals.cost import fee_cc
from outcry.strategies.setting import setting
from outcry.strategies.strategy import Strategy

ALL_OF_IT = 1_000_000  # no stop on a leg: alone it may fall to nothing, and that is what the other legs are for
SUREST = 0.999_999


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of one market, as it could be taken now. `cost_cc` is price and fee of one contract of that side."""

    ticker: str
    side: Side
    limit_cc: int
    size_ch: int
    cost_cc: float


@dataclass(frozen=True, slots=True)
class Arbitrage(Strategy):
    edge_cc: int = setting(100, 1, 5_000, 25, "cc", "what a basket has to earn for sure, after fees")
    most_legs: int = setting(3, 2, 50, 1, "legs", "no more legs: how many markets an agent may hold is limited")
    most_ch: int = setting(1_000, 100, 100_000, 100, "ch", "the most baskets at once")

    reads_event: ClassVar[bool] = True

    @property
    def warm_up_ms(self) -> int:
        return 0

    def decide(self, view: View) -> Basket | str:
        here = Sibling(view.market, view.quote, view.position_ch)
        event = sorted((here, *view.siblings), key=lambda market: market.market.ticker)
        if not view.market.exclusive and not view.market.exhaustive_of:
            return Lacking("nothing is known of how the event's markets hang together")
        if any(market.position_ch for market in event):
            return "already holds a position in this event"
        if any((market.quote.spread_cc or 1) <= 0 for market in event):
            return Lacking("a crossed book: an alarm, not a chance")
        baskets = [(_gain_cc(legs, pays_cc), legs, pays_cc) for legs, pays_cc in self._candidates(view, event)]
        if not baskets:
            return "no basket of this event can be had whole"
        gain_cc, legs, pays_cc = max(baskets, key=lambda basket: basket[0])
        if gain_cc < self.edge_cc:
            return "the event's markets are not cheap together"
        return self._basket(legs, pays_cc, gain_cc)

    def _candidates(self, view: View, event: Sequence[Sibling]) -> list[tuple[list[Leg], int]]:
        """The baskets that could be had now, each with what it pays at least, in centicents."""
        found: list[tuple[list[Leg], int]] = []
        yes = [leg for market in event if (leg := _leg(market, Side.BID)) is not None]
        if view.market.exhaustive_of == len(event) == len(yes) and 2 <= len(yes) <= self.most_legs:
            found.append((yes, ONE_DOLLAR_CC))
        if view.market.exclusive:
            no = [leg for market in event if (leg := _leg(market, Side.ASK)) is not None]
            best = sorted(no, key=lambda leg: leg.cost_cc)[: self.most_legs]
            if len(best) >= 2:
                found.append((best, (len(best) - 1) * ONE_DOLLAR_CC))
        return found

    def _basket(self, legs: list[Leg], pays_cc: int, gain_cc: float) -> Basket:
        tickers = tuple(sorted(leg.ticker for leg in legs))
        cost_cc = sum(leg.cost_cc for leg in legs)
        word = "YES" if legs[0].side is Side.BID else "NO"
        why = (
            f"all {word} of {len(legs)} for {cost_cc / 100:.2f} cents pays {pays_cc / 100:g}: {gain_cc / 100:.2f} sure"
        )
        count_ch = min(self.most_ch, *(leg.size_ch for leg in legs)) // ONE_CONTRACT_CH * ONE_CONTRACT_CH
        return Basket(
            tuple(
                Intent(
                    leg.ticker,
                    leg.side,
                    leg.limit_cc,
                    why,
                    probability=min(leg.cost_cc * pays_cc / cost_cc / ONE_DOLLAR_CC, SUREST),
                    stop_loss_millionths=ALL_OF_IT,
                    basket=tickers,
                )
                for leg in sorted(legs, key=lambda leg: (leg.size_ch, leg.ticker))
            ),
            count_ch,
        )


def _leg(there: Sibling, side: Side) -> Leg | None:
    """What taking one side of a market costs; None when that cannot be done now, for one contract at least."""
    market, quote = there.market, there.quote
    levels = quote.asks if side is Side.BID else quote.bids
    if not levels or not quote.trusted or market.status is not Status.ACTIVE or levels[0][1] < ONE_CONTRACT_CH:
        return None
    limit_cc, size_ch = levels[0]
    fee = fee_cc(market, limit_cc, is_taker=True)
    if fee is None:
        return None
    price_cc = limit_cc if side is Side.BID else ONE_DOLLAR_CC - limit_cc
    return Leg(market.ticker, side, limit_cc, size_ch, price_cc + fee)


def _gain_cc(legs: Sequence[Leg], pays_cc: int) -> float:
    return pays_cc - sum(leg.cost_cc for leg in legs)
