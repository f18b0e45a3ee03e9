"""Mean reversion: fade a large move of the index. After a steep rise buy DOWN, after a steep fall buy UP.

UP is YES of a market that asks whether an index ends above where it began; DOWN is its NO, bought by an ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.order import Side
from outcry.domain.view import Intent, View
from outcry.signals.history import GAP_MS, move, shortened_ms
from outcry.strategies.taking import STAKE_RANGES, take


@dataclass(frozen=True, slots=True)
class MeanReversion:
    """
    lookback_ms  how far back the index is compared with now
    move_millionths  the move that is faded, either way (10_000 is 1 %): more than so much
    stake_millionths  share of capital (20_000 is 2 %)
    stop_loss_millionths, take_profit_millionths  of cost; None takes no profit
    hold_ms      leave after so long: a move that has not come back by then is no overshoot; None holds to settlement
    """

    lookback_ms: int = 600_000
    move_millionths: int = 10_000
    stake_millionths: int = 20_000
    stop_loss_millionths: int = 200_000
    take_profit_millionths: int | None = 300_000
    hold_ms: int | None = 600_000

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "lookback_ms": (1_000, 7_200_000),
        "move_millionths": (1, 500_000),
        **STAKE_RANGES,
    }

    @property
    def warm_up_ms(self) -> int:
        return self.lookback_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return "already holds a position here"
        if not view.market.underlying or not view.index:
            return "no index price for this market"
        moved = move(view.index, view.now_ms, shortened_ms(self.lookback_ms, view.time_factor))
        if moved is None:
            return "index history too short or with a gap"
        if moved.exceeds(self.move_millionths):
            side = Side.ASK
        elif moved.exceeds(-self.move_millionths):
            side = Side.BID
        else:
            return "index has not moved enough"
        return take(
            view, side, self, f"fades an index move of {moved} in {self.lookback_ms / view.time_factor / 1000:g} s"
        )
