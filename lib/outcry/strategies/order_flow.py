"""Order flow: go with those who push the book and pay for it. Quotes can be taken back; prints cannot: both must agree.

source   Cont, Kukanov and Stoikov (2014), "The price impact of order book events": price changes are linear in the
         order-flow imbalance over the depth; Hasbrouck (1991) for signed prints
loses    when the push is over by the time it is seen, which is its usual end: the imbalance explains the same seconds'
         price, and says little of the next; the spread is paid each time
"""

from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.order import Side
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.flow import between
from outcry.signals.history import GAP_MS, SECOND_MS, shortened_ms
from outcry.signals.touch import pressure
from outcry.strategies.setting import MILLIONTHS, hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, take


@dataclass(frozen=True, slots=True)
class OrderFlow(Strategy):
    window_ms: int = setting(10_000, 1_000, 600_000, 1_000, "ms", "the seconds that are looked at")
    push_millionths: int = setting(
        1_500_000, 1, 100 * MILLIONTHS, 250_000, "millionths", "order-flow imbalance that counts, times the depth"
    )
    signed_millionths: int = setting(
        300_000, 1, MILLIONTHS, 50_000, "millionths", "share of the prints that has to be signed the same way"
    )
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(200_000)
    take_profit_millionths: int | None = take_profit(200_000)
    hold_ms: int | None = hold(60_000)

    reads_touch: ClassVar[bool] = True

    @property
    def warm_up_ms(self) -> int:
        return self.window_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return HOLDING
        window_ms = shortened_ms(self.window_ms, view.time_factor)
        pushed = pressure(view.touches, view.now_ms, window_ms)
        if pushed is None:
            return Lacking("touch history too short")
        if abs(pushed.ratio) * MILLIONTHS < self.push_millionths:
            return "nobody pushes the book"
        to_ms = view.now_ms // SECOND_MS * SECOND_MS
        printed = between(view.prints, to_ms - window_ms, to_ms)
        side = Side.BID if pushed.ofi_ch > 0 else Side.ASK
        signed_ch = side.sign * printed.signed_ch
        if printed.volume_ch == 0 or signed_ch * MILLIONTHS < self.signed_millionths * printed.volume_ch:
            return "prints do not go the way the book is pushed"
        share = f"{signed_ch / 100:.2f} of {printed.volume_ch / 100:.2f} contracts"
        return take(view, side, self, f"pushed {pushed.ratio:+.2f} times the depth, {share} printed went along")
