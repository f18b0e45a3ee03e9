"""Coin flip: random legal entries, the baseline that every other strategy has to beat.

One draw decides everything: whether to enter at this look, on which side, and whether to take the touch or join it.

source   none: that is its point
loses    always, on average: half the spread and the fee of each trade it takes, and what those know who trade with its
         resting orders
"""

from dataclasses import dataclass

from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Intent, Lacking, View
from outcry.strategies.setting import MILLIONTHS, hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, time_exit_ms


@dataclass(frozen=True, slots=True)
class CoinFlip(Strategy):
    chance_millionths: int = setting(
        20_000, 1, MILLIONTHS, 10_000, "millionths", "chance of entering at one look (20 000 is 2 %)"
    )
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(200_000)
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
            hold_ms=time_exit_ms(self.hold_ms, view),
        )
