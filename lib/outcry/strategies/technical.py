"""Technical: one of three chart patterns on candles of the index, by their well-known definitions.

UP is YES of a market that asks whether an index ends above where it began; DOWN is its NO, bought by an ask.

source   signals/patterns: range breakout and moving averages (Brock, Lakonishok and LeBaron 1992), RSI (Wilder 1978)
loses    on average, by spread and fee: Sullivan, Timmermann and White (1999), "Data-snooping, technical trading rule
         performance, and the bootstrap", Journal of Finance 54(5), found that such rules stopped earning once known;
         breakouts lose where prices swing, RSI extremes where they run
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.history import GAP_MS, shortened_ms
from outcry.signals.patterns import Candle, breakout, candles, cross, rsi
from outcry.strategies.setting import hold, setting, stake, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, take

BREAKOUT, CROSS, RSI = 1, 2, 3
NAMES = {BREAKOUT: "breakout", CROSS: "moving-average cross", RSI: "RSI extreme"}
SMOOTHING = 3  # so many periods of history make Wilder's smoothing forget where it began


@dataclass(frozen=True, slots=True)
class Technical(Strategy):
    pattern: int = setting(BREAKOUT, 1, 3, 1, "choice", "1 range breakout, 2 moving-average cross, 3 RSI extremes")
    candle_ms: int = setting(15_000, 1_000, 60_000, 5_000, "ms", "width of a candle")
    length: int = setting(14, 3, 39, 1, "bars", "range of the breakout, slow average, period of the RSI")
    fast: int = setting(5, 1, 38, 1, "bars", "the fast average")
    extreme: int = setting(25, 1, 49, 1, "points", "an RSI so near to 0 is bought, so near to 100 is sold")
    stake_millionths: int = stake(20_000)
    stop_loss_millionths: int = stop_loss(200_000)
    take_profit_millionths: int | None = take_profit(300_000)
    hold_ms: int | None = hold(300_000)

    @property
    def _count(self) -> int:
        return (SMOOTHING if self.pattern == RSI else 1) * self.length + 1

    @property
    def warm_up_ms(self) -> int:
        return (self._count + 1) * self.candle_ms + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return HOLDING
        if not view.market.underlying or not view.index:
            return Lacking("no index price for this market")
        width_ms = shortened_ms(self.candle_ms, view.time_factor)
        history = candles(view.index, view.now_ms, width_ms, self._count)
        if history is None:
            return Lacking("index history too short or with a gap")
        sign = self._sign(history)
        if sign == 0:
            return "no pattern"
        why = f"{NAMES[self.pattern]} on candles of {width_ms / 1000:g} s"
        return take(view, Side.BID if sign > 0 else Side.ASK, self, why)

    def _sign(self, history: list[Candle]) -> int:
        """1 to buy, -1 to sell, 0 for neither."""
        if self.pattern == BREAKOUT:
            return breakout(history)
        if self.pattern == CROSS:
            return cross(history, min(self.fast, self.length - 1), self.length)
        strength = rsi(history, self.length)
        return 1 if strength <= self.extreme else -1 if strength >= 100 - self.extreme else 0
