"""Volume spike: when far more trades than usual, go with those who are in a hurry.

source   Easley and O'Hara (1987), "Price, trade size, and information in securities markets", Journal of Financial
         Economics 19(1): those who know something trade more and at once
loses    when the hurry is nobody's knowledge (a stop-loss, a large order cut up): the price comes back, the spread is
         gone
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.flow import spike
from outcry.signals.history import GAP_MS, shortened_ms
from outcry.strategies.setting import hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, take


@dataclass(frozen=True, slots=True)
class VolumeSpike(Strategy):
    window_ms: int = setting(15_000, 1_000, 600_000, 5_000, "ms", "the newest prints, that may be a spike")
    baseline_ms: int = setting(
        300_000, 2_000, 7_200_000, 60_000, "ms", "the stretch before them, that says what is usual"
    )
    multiple_millionths: int = setting(
        3_000_000, 1_000_001, 1_000_000_000, 500_000, "millionths", "how many times the usual volume is a spike"
    )
    stake_millionths: int = stake(30_000)
    stop_loss_millionths: int = stop_loss(200_000)
    take_profit_millionths: int | None = take_profit(300_000)
    hold_ms: int | None = hold(300_000)

    @property
    def warm_up_ms(self) -> int:
        return self.window_ms + self.baseline_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return HOLDING
        window_ms = shortened_ms(self.window_ms, view.time_factor)
        seen = spike(view.prints, view.now_ms, window_ms, shortened_ms(self.baseline_ms, view.time_factor))
        if seen is None:
            return Lacking("history of prints too short")
        if seen.average_ch < ONE_CONTRACT_CH:
            return Lacking("too few prints to say what is usual")
        if not seen.reaches(self.multiple_millionths):
            return "no volume spike"
        if seen.recent.signed_ch == 0:
            return "nobody in a hurry on either side"
        return take(
            view,
            Side.BID if seen.recent.signed_ch > 0 else Side.ASK,
            self,
            f"{seen.recent.volume_ch / 100:.2f} contracts in {window_ms / 1000:g} s, "
            f"usual {seen.average_ch / 100:.2f}, signed {seen.recent.signed_ch / 100:+.2f}",
        )
