"""What strategies that cross the spread have in common: what they ask first, and the intent with its exits."""

from typing import Protocol

from outcry.domain.order import Side
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.history import Move, move, shortened_ms

HOLDING = "already holds a position here"


class Stake(Protocol):
    """The settings that an intent without a probability needs (see `setting`)."""

    @property
    def stake_millionths(self) -> int: ...
    @property
    def stop_loss_millionths(self) -> int: ...
    @property
    def take_profit_millionths(self) -> int | None: ...
    @property
    def hold_ms(self) -> int | None: ...


def index_move(view: View, lookback_ms: int) -> Move | str:
    """How far the index moved over a look-back, for who holds nothing here yet; or the condition that failed."""
    if view.position_ch:
        return HOLDING
    if not view.market.underlying or not view.index:
        return Lacking("no index price for this market")
    moved = move(view.index, view.now_ms, shortened_ms(lookback_ms, view.time_factor))
    return Lacking("index history too short or with a gap") if moved is None else moved


def seconds(span_ms: int, view: View) -> str:
    """A look-back on this floor's clock, for people."""
    return f"{span_ms / view.time_factor / 1000:g} s"


def time_exit_ms(hold_ms: int | None, view: View) -> int | None:
    """The time exit on this floor's clock."""
    return None if hold_ms is None else shortened_ms(hold_ms, view.time_factor)


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
        hold_ms=time_exit_ms(stake.hold_ms, view),
    )
