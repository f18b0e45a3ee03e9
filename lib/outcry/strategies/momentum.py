"""Momentum: when the index has risen, buy UP; when it has fallen, buy DOWN.

UP is YES of a market that asks whether an index ends above where it began; DOWN is its NO, bought by an ask.

source   Moskowitz, Ooi and Pedersen (2012), "Time series momentum", Journal of Financial Economics 104(2): there over
         months; that it holds over minutes is an assumption
loses    when the book has moved as soon as the index: the price already holds the move, and spread and fee are paid
         for nothing; and in a market that swings
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.view import Intent, View
from outcry.signals.history import GAP_MS
from outcry.strategies.setting import hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import index_move, seconds, take


@dataclass(frozen=True, slots=True)
class Momentum(Strategy):
    lookback_ms: int = setting(300_000, 1_000, 7_200_000, 30_000, "ms", "how far back the index is compared with now")
    move_millionths: int = setting(
        5_000, 1, 500_000, 500, "millionths", "the move that counts, either way: at least so much (5 000 is 0.5 %)"
    )
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(200_000)
    take_profit_millionths: int | None = take_profit(400_000)
    hold_ms: int | None = hold(None)

    @property
    def warm_up_ms(self) -> int:
        return self.lookback_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        moved = index_move(view, self.lookback_ms)
        if isinstance(moved, str):
            return moved
        if not moved.reaches(self.move_millionths) and not moved.reaches(-self.move_millionths):
            return "index has not moved enough"
        side = Side.BID if moved.now > moved.then else Side.ASK
        return take(view, side, self, f"index moved {moved} in {seconds(self.lookback_ms, view)}")
