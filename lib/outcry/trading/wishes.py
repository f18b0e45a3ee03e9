"""What a strategy's answer comes to, beside what is held and ordered already: what to pull, what to ask for.

Prices and sizes change by cancel, confirm, place: a quote that is not wanted any more is asked to go, and the side
stays empty until it is gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from outcry.domain.market import Market
from outcry.domain.order import Order, Side
from outcry.domain.view import Basket, Intent, Quoting
from outcry.trading.positions import Position


@dataclass(frozen=True, slots=True)
class Requote:
    """`pull`: resting orders that are not wanted as they are; `place`: sides with nothing of ours on them."""

    pull: tuple[tuple[Order, str], ...] = ()
    place: tuple[Intent, ...] = ()


def snapped(intent: Intent, market: Market) -> Intent | None:
    """An intent with its price on the market's grid; None when there is no tradable price on that side."""
    limit_cc = market.snap(intent.limit_cc, down=intent.side is Side.BID)
    return None if limit_cc is None else replace(intent, ticker=market.ticker, limit_cc=limit_cc)


def requote(wanted: Quoting, resting: Iterable[Order], open_sides: set[Side], market: Market) -> Requote:
    """What has to be done about the quotes of one market.

    resting     entries of ours in the book
    open_sides  sides on which any entry of ours still counts, resting or not: nothing is put on them
    """
    pull: list[tuple[Order, str]] = []
    for order in resting:
        side = wanted.bid if order.side is Side.BID else wanted.ask
        priced = snapped(side, market) if side is not None else None
        if priced is None:
            pull.append((order, "this side is not quoted now"))
        elif priced.limit_cc != order.price_cc:
            pull.append((order, f"quoted at {priced.limit_cc} now"))
    place = [
        priced
        for side in (wanted.bid, wanted.ask)
        if side is not None and side.side not in open_sides and (priced := snapped(side, market)) is not None
    ]
    return Requote(tuple(pull), tuple(place))


def legs(basket: Basket, markets: dict[str, Market]) -> list[Intent] | None:
    """The legs with their prices on the grid; None when one of them has no market or no tradable price."""
    found = [snapped(leg, markets[leg.ticker]) for leg in basket.legs if leg.ticker in markets]
    priced = [leg for leg in found if leg is not None]
    return priced if len(priced) == len(basket.legs) > 1 else None


def excess_ch(position: Position, held_ch: dict[str, int], alive: set[str]) -> int:
    """How much of a basket's leg has no counterpart in the others: that is left at once, whatever it is worth.

    held_ch  the agent's signed positions by ticker
    alive    markets that can be traded now: a leg whose market closed or paid is not missing, it is over
    returns  hundredths of a contract; 0 for a position that belongs to no basket
    """
    basket = position.plan.basket if position.plan else ()
    others = [abs(held_ch.get(ticker, 0)) for ticker in basket if ticker in alive and ticker != position.ticker]
    return max(0, abs(position.position_ch) - min(others)) if others else 0
