"""Coin flip: random legal entries, the baseline that every other strategy has to beat.

One draw decides everything: whether to enter at this look, on which side, and whether to take the touch or join it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Intent, View
from outcry.strategies.taking import STAKE_RANGES, hold_ms

MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class CoinFlip:
    """
    chance_millionths  of entering at one look (20_000 is 2 %)
    stake_millionths  share of capital (20_000 is 2 %)
    stop_loss_millionths, take_profit_millionths  of cost; None takes no profit
    hold_ms      leave after so long; None holds to settlement
    """

    chance_millionths: int = 20_000
    stake_millionths: int = 20_000
    stop_loss_millionths: int = 200_000
    take_profit_millionths: int | None = None
    hold_ms: int | None = None

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "chance_millionths": (1, MILLIONTHS),
        **STAKE_RANGES,
    }

    @property
    def warm_up_ms(self) -> int:
        return 0

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return "already holds a position here"
        bid_cc, ask_cc = view.quote.bid_cc, view.quote.ask_cc
        if bid_cc is None or ask_cc is None:
            return "the book has one side or none"
        chance = self.chance_millionths / MILLIONTHS
        if not 0 <= view.draw < chance:
            return "the coin said no"
        face = int(view.draw / chance * 4)  # four equal parts of the draws that enter: side, then manner
        side = Side.BID if face < 2 else Side.ASK
        taking = face % 2 == 0
        return Intent(
            view.market.ticker,
            side,
            ask_cc if taking == (side is Side.BID) else bid_cc,
            why=f"coin: {side} by {'taking' if taking else 'joining'}",
            time_in_force=TimeInForce.IOC if taking else TimeInForce.GTC,
            post_only=not taking,
            stake_millionths=self.stake_millionths,
            stop_loss_millionths=self.stop_loss_millionths,
            take_profit_millionths=self.take_profit_millionths,
            hold_ms=hold_ms(self, view),
        )
