"""Digital: what a market on an index is worth, as a digital option on the average that settles it; buy what is cheaper.

It states a probability, so the gate demands an edge after fees and stakes a part of Kelly. The other strategies are
measured against it: whoever says no more than the index and the clock is no better than this.

source   signals/digital (a digital option on an average), signals/volatility (realised volatility)
loses    when the index jumps, or grows livelier than it was a moment ago: prices near 0 and 1 then look cheap and are
         not; and when others see the index sooner than it does
"""

from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.view import Intent, Lacking, View
from outcry.signals.cost import fee_cc
from outcry.signals.digital import average, chance_at_least
from outcry.signals.history import GAP_MS, shortened_ms
from outcry.signals.volatility import realised
from outcry.strategies.setting import MILLIONTHS, hold, setting, stop_loss, take_profit
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import HOLDING, time_exit_ms

AT_LEAST, AT_MOST = ("greater", "greater_or_equal"), ("less", "less_or_equal")


@dataclass(frozen=True, slots=True)
class Digital(Strategy):
    lookback_ms: int = setting(600_000, 60_000, 3_600_000, 60_000, "ms", "how far back the volatility is measured")
    every_ms: int = setting(5_000, 1_000, 60_000, 1_000, "ms", "steps in which the volatility is measured")
    average_ms: int = setting(60_000, 1_000, 600_000, 1_000, "ms", "the stretch before the close that is averaged")
    edge_cc: int = setting(300, 0, 5_000, 50, "cc", "how much cheaper than fair a contract has to be, fee included")
    surest_millionths: int = setting(
        980_000, 500_001, MILLIONTHS - 1, 5_000, "millionths", "no outcome is held for surer: the tails are fatter"
    )
    stop_loss_millionths: int = stop_loss(500_000)
    take_profit_millionths: int | None = take_profit(None)
    hold_ms: int | None = hold(None)

    @property
    def warm_up_ms(self) -> int:
        return max(self.lookback_ms, self.average_ms) + GAP_MS

    def decide(self, view: View) -> Intent | str:
        if view.position_ch:
            return HOLDING
        chance = self._chance(view)
        if isinstance(chance, str):
            return chance
        offers = [offer for side in Side if (offer := _offer(view, side, chance)) is not None]
        if not offers:
            return Lacking("the book has one side or none")
        edge_cc, side, limit_cc = max(offers)
        if edge_cc < self.edge_cc:
            return "the price is near its fair value"
        return Intent(
            view.market.ticker,
            side,
            limit_cc,
            why=f"fair {chance * 100:.1f} cents, {edge_cc / 100:.1f} better than the price and its fee",
            probability=chance if side is Side.BID else 1 - chance,
            stop_loss_millionths=self.stop_loss_millionths,
            take_profit_millionths=self.take_profit_millionths,
            hold_ms=time_exit_ms(self.hold_ms, view),
        )

    def _chance(self, view: View) -> float | str:
        """The chance of YES, within what is held for possible; or the condition that failed."""
        market, factor = view.market, view.time_factor
        if not market.underlying or not view.index:
            return Lacking("no index price for this market")
        if market.strike_micros is None or market.strike_type not in (*AT_LEAST, *AT_MOST):
            return "no strike that an index has to reach"
        known = average(view.index, view.now_ms, market.close_at_ms, shortened_ms(self.average_ms, factor))
        every_ms = shortened_ms(self.every_ms, factor) // 1_000 * 1_000
        volatility = realised(view.index, view.now_ms, shortened_ms(self.lookback_ms, factor), every_ms)
        if known is None or volatility is None:
            return Lacking("index history too short or with a gap")
        if volatility == 0:
            return "the index stands still"
        chance = chance_at_least(market.strike_micros, known.expected, known.deviation(volatility))
        if market.strike_type in AT_MOST:
            chance = 1 - chance
        surest = self.surest_millionths / MILLIONTHS
        return min(max(chance, 1 - surest), surest)


def _offer(view: View, side: Side, chance: float) -> tuple[float, Side, int] | None:
    """What taking a side is worth, all in: (edge in centicents per contract, side, price); None without an offer."""
    limit_cc = view.quote.ask_cc if side is Side.BID else view.quote.bid_cc
    fee = None if limit_cc is None else fee_cc(view.market, limit_cc, is_taker=True)
    if limit_cc is None or fee is None:
        return None
    return side.sign * (chance * 10_000 - limit_cc) - fee, side, limit_cc
