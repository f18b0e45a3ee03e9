"""Spread capture: rest a bid and an ask while the spread pays for fees and for those who know better.

Prices are set on the book without its own orders. It joins the touch where somebody makes the market already, and
stands a tick inside where nobody does; it leans against what it holds, and takes everything back when the flow turns
one-sided, the index moves, or the close is near.

source   Glosten and Milgrom (1985), "Bid, ask and transaction prices", Journal of Financial Economics 14(1), for
         adverse selection; Avellaneda and Stoikov (2008), "High-frequency trading in a limit order book",
         Quantitative Finance 8(3), for the lean against inventory; Cont, Kukanov and Stoikov (2014) for the flow
loses    to those who see the index first: its quotes are hit just before the price moves through them, and it learns of
         it afterwards; and by leaving inventory across the spread when time is up
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from outcry.domain.order import Side, TimeInForce
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Intent, Lacking, Quote, Quoting, View
from outcry.signals.cost import fee_cc
from outcry.signals.history import GAP_MS, SECOND_MS, move, shortened_ms
from outcry.signals.makers import watch
from outcry.signals.touch import middle_moves_cc, pressure, without
from outcry.strategies.setting import MILLIONTHS, hold, setting, stake, stop_loss
from outcry.strategies.strategy import Strategy
from outcry.strategies.taking import time_exit_ms

PRESENT = 0.5  # a maker seen so much of the time is there
INDEX_MS = 5_000  # the stretch over which a moving index is toxic


@dataclass(frozen=True, slots=True)
class SpreadCapture(Strategy):
    edge_cc: int = setting(
        100, 0, 2_000, 25, "cc", "what each side has to keep a contract, after fee and adverse moves"
    )
    adverse_millionths: int = setting(
        1_000_000, 0, 10 * MILLIONTHS, 250_000, "millionths", "adverse moves charged, times the middle's in a second"
    )
    window_ms: int = setting(30_000, 5_000, 600_000, 5_000, "ms", "how far back touch and flow are looked at")
    toxic_millionths: int = setting(
        2_000_000, 100_000, 100 * MILLIONTHS, 250_000, "millionths", "flow that is one-sided: imbalance times the depth"
    )
    move_millionths: int = setting(300, 1, 100_000, 50, "millionths", "a move of the index within 5 s that is toxic")
    skew_cc: int = setting(20, 0, 1_000, 5, "cc", "how far quotes lean against each contract held")
    most_ch: int = setting(1_000, 100, 100_000, 100, "ch", "the most that is held on either side")
    before_close_ms: int = setting(60_000, 5_000, 3_600_000, 15_000, "ms", "nothing is quoted so near to the close")
    stake_millionths: int = stake(5_000)
    stop_loss_millionths: int = stop_loss(200_000)
    hold_ms: int | None = hold(120_000)

    reads_touch: ClassVar[bool] = True
    quotes: ClassVar[bool] = True

    @property
    def warm_up_ms(self) -> int:
        return self.window_ms + GAP_MS

    def decide(self, view: View) -> Quoting | str:
        book = without(view.quote, view.resting)
        if not book.bids or not book.asks:
            return Lacking("the book has one side or none")
        if toxic := self._toxic(view):
            return toxic
        needed_cc = self._needed_cc(view, book)
        if needed_cc is None:
            return Lacking("no formula for this market's fee")
        bid_cc, ask_cc = book.bids[0][0], book.asks[0][0]
        if ask_cc - bid_cc < 2 * needed_cc:
            return "the spread does not pay for itself"
        above_cc = view.market.snap(bid_cc + 1, down=False) or bid_cc  # a tick inside the touch, on either side
        below_cc = view.market.snap(ask_cc - 1, down=True) or ask_cc
        maker = watch(view.touches, view.now_ms, shortened_ms(self.window_ms, view.time_factor))
        alone = maker is None or maker.presence < PRESENT
        if alone and below_cc - above_cc >= 2 * needed_cc:
            bid_cc, ask_cc = above_cc, below_cc
        lean_cc = self.skew_cc * view.position_ch // ONE_CONTRACT_CH
        bid_cc, ask_cc = min(bid_cc - lean_cc, below_cc), max(ask_cc - lean_cc, above_cc)
        return Quoting(
            self._side(view, Side.BID, bid_cc) if view.position_ch < self.most_ch else None,
            self._side(view, Side.ASK, ask_cc) if view.position_ch > -self.most_ch else None,
        )

    def _toxic(self, view: View) -> str:
        """Why nothing may rest just now; "" when it may."""
        if view.market.close_at_ms - view.now_ms < shortened_ms(self.before_close_ms, view.time_factor):
            return "too near to the close to quote"
        pushed = pressure(view.touches, view.now_ms, shortened_ms(self.window_ms, view.time_factor))
        if pushed is None:
            return Lacking("touch history too short")
        if abs(pushed.ratio) * MILLIONTHS >= self.toxic_millionths:
            return "the flow is one-sided"
        moved = move(view.index, view.now_ms, shortened_ms(INDEX_MS, view.time_factor))
        if moved is not None and (moved.reaches(self.move_millionths) or moved.reaches(-self.move_millionths)):
            return "the index moves"
        return ""

    def _needed_cc(self, view: View, book: Quote) -> float | None:
        """What half the spread has to cover: the maker's fee, adverse moves of a second, and the edge."""
        window_ms = shortened_ms(self.window_ms, view.time_factor)
        moves = middle_moves_cc(view.touches, view.now_ms, window_ms)
        lively_cc = sqrt(sum(step * step for step in moves) * SECOND_MS / window_ms)
        fee = fee_cc(view.market, book.bids[0][0], is_taker=False)
        return None if fee is None else fee + self.adverse_millionths / MILLIONTHS * lively_cc + self.edge_cc

    def _side(self, view: View, side: Side, limit_cc: int) -> Intent | None:
        if not 0 < limit_cc < 10_000:
            return None
        return Intent(
            view.market.ticker,
            side,
            limit_cc,
            why=f"quotes both sides, holding {view.position_ch / 100:g}",
            time_in_force=TimeInForce.GTC,
            post_only=True,
            stake_millionths=self.stake_millionths,
            stop_loss_millionths=self.stop_loss_millionths,
            hold_ms=time_exit_ms(self.hold_ms, view),
        )
