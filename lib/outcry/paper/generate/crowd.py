"""The others in a generated market: many small makers around the fair value, and takers who hit them.

Each maker keeps one order on one side, at its own distance from where it thinks the fair value is. When that moves,
makers move their orders, each at its own pace, and now and then one is withdrawn and comes back; so most changes of
the book are moves and cancels, as on the real exchange. Takers come at random with noise, or because a slow maker left
a price behind the fair value. Sizes, rates and distances are set so that touch, depth, prints and cancels look like
recorded 15-minute crypto markets.
"""

from math import exp, sqrt
from random import Random

from outcry.domain.book import Book
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.events import BookChange, BookSet, Print, SourceEvent
from outcry.paper.generate.tapered import ceil_cc, floor_cc, prices

STEP_MS = 100
LOWEST_CC, HIGHEST_CC = 10, 9_990

_DISTANCES_CC = (35, 40, 50, 60, 75, 90, 110, 140, 170, 200, 240, 290, 350, 420, 500, 600, 720, 850)
_FAR_CC = 900  # beyond this distance lie orders that hardly ever move
_NEAR_CC = 500  # closer than this a far order is withdrawn
_TILT_SD_CC, _TILT_KEEP = 30.0, 0.985  # a maker's own opinion beside the fair value, and its memory per step
_TILT_PUSH_CC = _TILT_SD_CC * sqrt(1 - _TILT_KEEP**2)
_PACE = 0.25  # chance per step that a maker who wants to move does
_BACK = 0.15  # chance per step that a maker without an order places one
_FLICKERS, _FAR_FLICKERS = 0.6, 0.15  # orders withdrawn per step, near and far
_NOISE_TAKERS = 0.3  # per step
_NOISE_MEDIAN, _NOISE_SPREAD = 25.0, 1.7  # contracts of a noise taker: median, and deviation of the log
_INFORMED = 0.4  # chance per step that somebody takes a price that the fair value has left behind
_EDGE_CC = 60  # beyond the fee, what an informed taker wants
_SWEEPS = 0.1  # share of noise takers who go beyond the touch


class Maker:
    """One order at most, resting or not. `home_cc` 0: near the fair value; else a far order that stays at its price."""

    __slots__ = ("distance_cc", "home_cc", "is_bid", "left_ch", "median", "price_cc", "tilt_cc")

    def __init__(self, is_bid: bool, distance_cc: float, home_cc: int, median: float) -> None:
        self.is_bid, self.distance_cc, self.home_cc, self.median = is_bid, distance_cc, home_cc, median
        self.tilt_cc, self.left_ch = 0.0, 0
        self.price_cc: int | None = None


class Crowd:
    """Everybody else in one market. `step` is called every STEP_MS and tells what they did, in time order.

    The book never crosses: a maker that would meet the other side stays one tick short of it.
    """

    def __init__(self, ticker: str, rng: Random) -> None:
        self._ticker, self._rng = ticker, rng
        self.book = Book()
        self._queues: tuple[dict[int, list[Maker]], dict[int, list[Maker]]] = ({}, {})  # of asks, of bids
        self._near = [Maker(is_bid, d, 0, 70 + 0.5 * d) for d in _DISTANCES_CC for is_bid in (True, False)]
        self._far = [
            Maker(is_bid, 0, price, 400 if price % 500 == 0 else 120)
            for is_bid in (True, False)
            for price in prices()
            if price % 100 == 0 or rng.random() < 0.4
        ]
        self._events: list[SourceEvent] = []
        self._at_ms = 0
        self.last_price_cc: int | None = None
        self.volume_ch = self.open_interest_ch = 0

    def open(self, fair: float, at_ms: int) -> BookSet:
        """Everybody places an order at once; returns the book."""
        self._at_ms = at_ms
        for maker in (*self._near, *self._far):
            maker.tilt_cc = self._rng.gauss(0, _TILT_SD_CC)
            wanted = self._wanted(maker, fair * ONE_DOLLAR_CC)
            if wanted is not None:
                self._place(maker, wanted, self._size_ch(maker))
        self._events.clear()
        return BookSet(self._ticker, dict(self.book.bids), dict(self.book.asks), at_ms)

    def step(self, fair: float, at_ms: int) -> list[SourceEvent]:
        """What happens from `at_ms` on for STEP_MS. `fair`: the probability of YES that the informed see."""
        fair_cc, self._at_ms, end_ms = fair * ONE_DOLLAR_CC, at_ms, at_ms + STEP_MS - 1
        self._events = []
        self._requote(fair_cc, end_ms)
        for makers, rate in ((self._near, _FLICKERS), (self._far, _FAR_FLICKERS)):
            for _ in range(_poisson(self._rng, rate)):
                maker = makers[self._rng.randrange(len(makers))]
                if maker.price_cc is not None:
                    self._later(end_ms)
                    self._withdraw(maker)
        for _ in range(_poisson(self._rng, _NOISE_TAKERS)):
            self._later(end_ms)
            self._noise()
        if self._rng.random() < _INFORMED:
            self._later(end_ms)
            self._informed(fair_cc)
        return self._events

    # ---- makers -----------------------------------------------------------------------------------------------------

    def _requote(self, fair_cc: float, end_ms: int) -> None:
        """Makers follow the fair value; those in its way go first."""
        middle = ((self.book.bid_cc or 0) + (self.book.ask_cc or ONE_DOLLAR_CC)) / 2
        away = fair_cc < middle  # the side that has to give way: bids when the value fell
        for maker in self._near:
            maker.tilt_cc = maker.tilt_cc * _TILT_KEEP + self._rng.gauss(0, _TILT_PUSH_CC)
        for is_bid in (away, not away):
            for maker in (*self._near, *self._far):
                if maker.is_bid == is_bid:
                    self._follow(maker, fair_cc, end_ms)

    def _follow(self, maker: Maker, fair_cc: float, end_ms: int) -> None:
        wanted = self._wanted(maker, fair_cc)
        if wanted == maker.price_cc or self._rng.random() >= (_PACE if maker.price_cc is not None else _BACK):
            return
        self._later(end_ms)
        size_ch = maker.left_ch if maker.price_cc is not None else self._size_ch(maker)
        if maker.price_cc is not None:
            self._withdraw(maker)
        if wanted is not None:
            self._place(maker, wanted, size_ch)

    def _wanted(self, maker: Maker, fair_cc: float) -> int | None:
        """Where a maker would have its order now; None for nowhere."""
        if maker.home_cc:
            distance = fair_cc - maker.home_cc if maker.is_bid else maker.home_cc - fair_cc
            if distance >= _FAR_CC and not self._meets(maker.is_bid, maker.home_cc):
                return maker.home_cc
            return maker.price_cc if distance >= _NEAR_CC else None
        view = fair_cc + maker.tilt_cc
        price = floor_cc(view - maker.distance_cc) if maker.is_bid else ceil_cc(view + maker.distance_cc)
        if self._meets(maker.is_bid, price):
            price = floor_cc((self.book.ask_cc or 0) - 1) if maker.is_bid else ceil_cc((self.book.bid_cc or 0) + 1)
        return price if LOWEST_CC <= price <= HIGHEST_CC else None

    def _meets(self, is_bid: bool, price_cc: int) -> bool:
        """Whether an order at this price would match at once."""
        other = self.book.ask_cc if is_bid else self.book.bid_cc
        return other is not None and (price_cc >= other if is_bid else price_cc <= other)

    def _size_ch(self, maker: Maker) -> int:
        contracts = min(maker.median * exp(self._rng.gauss(0, 1.3)), 20 * maker.median)
        return self._whole(contracts)

    def _whole(self, contracts: float) -> int:
        """Hundredths; most people trade whole contracts."""
        count_ch = max(1, round(contracts * 100))
        return max(100, count_ch // 100 * 100) if self._rng.random() < 0.8 else count_ch

    def _place(self, maker: Maker, price_cc: int, count_ch: int) -> None:
        maker.price_cc, maker.left_ch = price_cc, count_ch
        self._queues[maker.is_bid].setdefault(price_cc, []).append(maker)
        self._change(maker.is_bid, price_cc, count_ch)

    def _withdraw(self, maker: Maker) -> None:
        price, maker.price_cc = maker.price_cc, None
        if price is not None:
            self._leave(maker, price)
            self._change(maker.is_bid, price, -maker.left_ch)

    def _leave(self, maker: Maker, price_cc: int) -> None:
        queue = self._queues[maker.is_bid][price_cc]
        queue.remove(maker)
        if not queue:
            del self._queues[maker.is_bid][price_cc]

    # ---- takers -----------------------------------------------------------------------------------------------------

    def _noise(self) -> None:
        buys = self._rng.random() < 0.5
        touch = self.book.ask_cc if buys else self.book.bid_cc
        if touch is None:
            return
        slack = 250 if self._rng.random() < _SWEEPS else 0
        count_ch = self._whole(_NOISE_MEDIAN * exp(self._rng.gauss(0, _NOISE_SPREAD)))
        self._take(buys, touch + slack if buys else touch - slack, count_ch)

    def _informed(self, fair_cc: float) -> None:
        """Take what lies beyond the fair value by more than the taker's fee and an edge."""
        share = fair_cc / ONE_DOLLAR_CC
        margin = _EDGE_CC + 0.07 * share * (1 - share) * ONE_DOLLAR_CC
        bid, ask = self.book.bid_cc, self.book.ask_cc
        count_ch = self._whole(4 * _NOISE_MEDIAN * exp(self._rng.gauss(0, 1)))
        if ask is not None and ask < fair_cc - margin:
            self._take(True, int(fair_cc - margin), count_ch)
        elif bid is not None and bid > fair_cc + margin:
            self._take(False, int(fair_cc + margin) + 1, count_ch)

    def _take(self, buys: bool, limit_cc: int, count_ch: int) -> None:
        """Match against the best orders, oldest first, up to a limit; one print a maker."""
        side = Side.BID if buys else Side.ASK
        while count_ch > 0:
            price = self.book.ask_cc if buys else self.book.bid_cc
            if price is None or (price > limit_cc if buys else price < limit_cc):
                return
            maker = self._queues[not buys][price][0]
            taken_ch = min(count_ch, maker.left_ch)
            self._events.append(Print(self._ticker, price, taken_ch, side, self._at_ms))
            if taken_ch == maker.left_ch:
                self._leave(maker, price)
                maker.price_cc = None
            maker.left_ch -= taken_ch
            self._change(not buys, price, -taken_ch)
            count_ch -= taken_ch
            self.last_price_cc, self.volume_ch = price, self.volume_ch + taken_ch
            opened = self._rng.choice((1, 1, 0, -1))  # two open, one hands over, or two close
            self.open_interest_ch = max(0, self.open_interest_ch + opened * taken_ch)

    # ---- book -------------------------------------------------------------------------------------------------------

    def _change(self, is_bid: bool, price_cc: int, change_ch: int) -> None:
        self.book.apply(is_bid, price_cc, change_ch)
        side = Side.BID if is_bid else Side.ASK
        self._events.append(BookChange(self._ticker, side, price_cc, change_ch, self._at_ms))

    def _later(self, end_ms: int) -> None:
        """Time goes on a little, never beyond the step: things happen in bursts."""
        self._at_ms += self._rng.randrange((end_ms - self._at_ms) // 3 + 1)


def _poisson(rng: Random, mean: float) -> int:
    """A Poisson draw for small means (Knuth's product of uniforms)."""
    limit, product, number = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number
