"""Volume spike: when far more trades than usual, go with those who are in a hurry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.order import Side
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Intent, View
from outcry.signals.flow import spike
from outcry.signals.history import GAP_MS, shortened_ms
from outcry.strategies.taking import STAKE_RANGES, take


@dataclass(frozen=True, slots=True)
class VolumeSpike:
    """
    window_ms    the newest prints, that may be a spike
    baseline_ms  the stretch before them, that says what is usual
    multiple_millionths  how many times the usual volume is a spike (3_000_000 is 3 times): at least so much
    stake_millionths  share of capital (30_000 is 3 %)
    stop_loss_millionths, take_profit_millionths  of cost; None takes no profit
    hold_ms      leave after so long; None holds to settlement
    """

    window_ms: int = 15_000
    baseline_ms: int = 300_000
    multiple_millionths: int = 3_000_000
    stake_millionths: int = 30_000
    stop_loss_millionths: int = 200_000
    take_profit_millionths: int | None = 300_000
    hold_ms: int | None = 300_000

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "window_ms": (1_000, 600_000),
        "baseline_ms": (2_000, 7_200_000),
        "multiple_millionths": (1_000_001, 1_000_000_000),
        **STAKE_RANGES,
    }

    @property
    def warm_up_ms(self) -> int:
        return self.window_ms + self.baseline_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return "already holds a position here"
        window_ms = shortened_ms(self.window_ms, view.time_factor)
        seen = spike(view.prints, view.now_ms, window_ms, shortened_ms(self.baseline_ms, view.time_factor))
        if seen is None:
            return "history of prints too short"
        if seen.average_ch < ONE_CONTRACT_CH:
            return "too few prints to say what is usual"
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
