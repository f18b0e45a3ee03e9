"""Favorite: buy what is likely to win, late, and hold it to the end.

People believe in it because it wins often. Whether it earns is another question: at 90 cents it has to win more than
nine times in ten, and the fee comes on top. The backtest judges.

source   the favourite-longshot bias: Thaler and Ziemba (1988), "Parimutuel betting markets: racetracks and lotteries",
         Journal of Economic Perspectives 2(2): long shots are overbet, so favourites pay a little more than fair
loses    when the price is fair, slowly, by the fee; and in one blow each time that a favourite falls
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.history import shortened_ms
from outcry.strategies.setting import hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, take


@dataclass(frozen=True, slots=True)
class Favorite(Strategy):
    lowest_cc: int = setting(8_000, 5_000, 9_900, 100, "cc", "below this price it is no favourite")
    highest_cc: int = setting(9_500, 5_000, 9_900, 100, "cc", "above this price nothing is left to win")
    within_ms: int = setting(300_000, 10_000, 86_400_000, 30_000, "ms", "only so long before the close, or less")
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(500_000)
    take_profit_millionths: int | None = take_profit(None)
    hold_ms: int | None = hold(None)

    @property
    def warm_up_ms(self) -> int:
        return 0

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return HOLDING
        bid_cc, ask_cc = view.quote.bid_cc, view.quote.ask_cc
        if bid_cc is None or ask_cc is None:
            return Lacking("the book has one side or none")
        left_ms = view.market.close_at_ms - view.now_ms
        if left_ms > shortened_ms(self.within_ms, view.time_factor):
            return "too early to tell a favourite"
        for side, price_cc in ((Side.BID, ask_cc), (Side.ASK, ONE_DOLLAR_CC - bid_cc)):
            if self.lowest_cc <= price_cc <= self.highest_cc:
                return take(view, side, self, f"favourite at {price_cc / 100:g} cents, {left_ms / 1000:.0f} s to go")
        return "no favourite at such a price"
