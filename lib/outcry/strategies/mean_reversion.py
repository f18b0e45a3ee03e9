"""Mean reversion: fade a large move of the index. After a steep rise buy DOWN, after a steep fall buy UP.

UP is YES of a market that asks whether an index ends above where it began; DOWN is its NO, bought by an ask.

source   Lehmann (1990), "Fads, martingales, and market efficiency", Quarterly Journal of Economics 105(1): there over
         weeks; that it holds over minutes is an assumption
loses    when a move has a reason and goes on: then it buys the losing side early, and every stop-loss is hit
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.view import Intent, View
from outcry.signals.history import GAP_MS
from outcry.strategies.setting import hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import index_move, seconds, take


@dataclass(frozen=True, slots=True)
class MeanReversion(Strategy):
    lookback_ms: int = setting(600_000, 1_000, 7_200_000, 60_000, "ms", "how far back the index is compared with now")
    move_millionths: int = setting(
        10_000, 1, 500_000, 1_000, "millionths", "the move that is faded, either way: more than so much (10 000 is 1 %)"
    )
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(200_000)
    take_profit_millionths: int | None = take_profit(300_000)
    hold_ms: int | None = hold(600_000)  # a move that has not come back by then is no overshoot

    @property
    def warm_up_ms(self) -> int:
        return self.lookback_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        moved = index_move(view, self.lookback_ms)
        if isinstance(moved, str):
            return moved
        if not moved.exceeds(self.move_millionths) and not moved.exceeds(-self.move_millionths):
            return "index has not moved enough"
        side = Side.ASK if moved.now > moved.then else Side.BID
        return take(view, side, self, f"fades an index move of {moved} in {seconds(self.lookback_ms, view)}")
