"""What strategies that cross the spread have in common: the settings of a stake and its exits, and the intent."""

from collections.abc import Mapping
from typing import Protocol

from outcry.domain.order import Side
from outcry.domain.view import Intent, View
from outcry.signals.history import shortened_ms

STAKE_RANGES: Mapping[str, tuple[int, int]] = {
    "stake_millionths": (1, 100_000),
    "stop_loss_millionths": (10_000, 1_000_000),
    "take_profit_millionths": (10_000, 100_000_000),
    "hold_ms": (1_000, 86_400_000),
}


class Stake(Protocol):
    """
    stake_millionths  share of capital (20_000 is 2 %)
    stop_loss_millionths, take_profit_millionths  of cost; None takes no profit
    hold_ms      leave after so long; None holds to settlement
    """

    @property
    def stake_millionths(self) -> int: ...
    @property
    def stop_loss_millionths(self) -> int: ...
    @property
    def take_profit_millionths(self) -> int | None: ...
    @property
    def hold_ms(self) -> int | None: ...


def hold_ms(stake: Stake, view: View) -> int | None:
    """The time exit on this floor's clock."""
    return None if stake.hold_ms is None else shortened_ms(stake.hold_ms, view.time_factor)


def take(view: View, side: Side, stake: Stake, why: str) -> Intent | str:
    """An intent to take the best price of the other side; a condition when there is none."""
    limit_cc = view.quote.ask_cc if side is Side.BID else view.quote.bid_cc
    if limit_cc is None:
        return "nobody to trade with on that side"
    return Intent(
        view.market.ticker,
        side,
        limit_cc,
        why=why,
        stake_millionths=stake.stake_millionths,
        stop_loss_millionths=stake.stop_loss_millionths,
        take_profit_millionths=stake.take_profit_millionths,
        hold_ms=hold_ms(stake, view),
    )
