"""Two-sided quotes and baskets: what becomes of them in the trader, by hand."""

from dataclasses import replace

import pytest

from hand_fed import TICKER, Desk, cancels, conditions, intent, market, order_of, places, quote
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.domain.view import Answer, Basket, Quoting, Verdict
from outcry.trading.events import OrderUpdate, Together

RESTS = {"time_in_force": TimeInForce.GTC, "post_only": True}
BOTH = Quoting(intent(Side.BID, 4_000, **RESTS), intent(Side.ASK, 4_200, **RESTS))
A, B, C = "KXWHO-26-A", "KXWHO-26-B", "KXWHO-26-C"


class Quoter(Desk):
    def __init__(self):
        super().__init__()
        self.strategy.quotes = True

    def rest(self, answer=BOTH):
        """Both sides asked for, allowed, and in the book."""
        self.strategy.answer = answer
        asked = places(self.clock(31_000))
        return [self.update(self.update(self.allow(place), State.SENT), State.RESTING) for place in asked]


@pytest.fixture
def quoter():
    desk = Quoter()
    desk.start()
    return desk


# ---- quotes ---------------------------------------------------------------------------------------------------------


def test_both_sides_are_asked_for_at_once_on_one_view(quoter):
    quoter.strategy.answer = BOTH
    bid, ask = places(quoter.clock())
    assert [(place.intent.side, place.intent.limit_cc) for place in (bid, ask)] == [
        (Side.BID, 4_000),
        (Side.ASK, 4_200),
    ]
    assert bid.view == ask.view and bid.expires_at_ms is not None
    assert places(quoter.clock(40_000)) == [], "asked for already"


def test_quotes_that_stand_as_wanted_are_left_alone_and_are_in_the_view(quoter):
    quoter.rest()
    assert conditions(quoter.clock(31_000)) == ["quotes rest as wanted, or are on their way"]
    assert [(own.side, own.price_cc, own.count_ch) for own in quoter.strategy.seen[-1].resting] == [
        (Side.BID, 4_000, 1_000), (Side.ASK, 4_200, 1_000),
    ]  # fmt: skip


def test_a_changed_price_is_cancel_confirm_place(quoter):
    bid, _ask = quoter.rest()
    quoter.strategy.answer = replace(BOTH, bid=intent(Side.BID, 3_900, **RESTS))
    commands = quoter.clock(31_000)
    assert [cancel.order for cancel in cancels(commands)] == [bid] and places(commands) == []
    assert places(quoter.clock(31_000)) == [], "not before it is gone"
    quoter.update(bid, State.CANCELED)
    (again,) = places(quoter.clock(31_000))
    assert (again.intent.side, again.intent.limit_cc) == (Side.BID, 3_900)


def test_everything_is_pulled_at_once_when_nothing_is_wanted_even_while_cooling_down(quoter):
    orders = quoter.rest()
    quoter.strategy.answer = "the flow is one-sided"
    commands = quoter.clock()
    assert {cancel.order.side for cancel in cancels(commands)} == {order.side for order in orders}
    assert {cancel.why for cancel in cancels(commands)} == {"the flow is one-sided"}


def test_a_side_that_is_not_wanted_goes_and_the_other_stays(quoter):
    quoter.rest()
    quoter.strategy.answer = replace(BOTH, ask=None)
    (cancel,) = cancels(quoter.clock())
    assert cancel.order.side is Side.ASK


def test_quotes_that_nobody_looks_after_are_pulled(quoter):
    quoter.rest()
    assert len(cancels(quoter.control(trouble="database: locked"))) == 2
    raising = Quoter()
    raising.start()
    raising.rest()
    raising.strategy.answer = ZeroDivisionError("oh")
    pulled = cancels(raising.clock()) + cancels(raising.clock())
    assert len(pulled) == 2


def test_quotes_of_an_earlier_life_are_not_adopted(quoter):
    orders = quoter.rest()
    later = Quoter()
    later.now_ms = quoter.now_ms
    assert len(cancels(later.start(orders=tuple(orders)))) == 2


def test_a_filled_side_is_a_position_with_its_exits_and_the_other_side_stays(quoter):
    bid, _ask = quoter.rest(Quoting(*(replace(side, hold_ms=50_000) for side in (BOTH.bid, BOTH.ask))))
    quoter.strategy.answer = replace(BOTH, bid=None)
    quoter.fill(bid, 4_000, 1_000)
    assert places(quoter.clock()) == [] and cancels(quoter.clock()) == []
    commands = quoter.clock(60_000)
    assert len(cancels(commands)) == 1, "what rests would stand in the exit's way"
    (exit_place,) = [place for place in places(quoter.clock(3_000)) if place.purpose is Purpose.EXIT]
    assert (exit_place.intent.side, exit_place.count_ch) == (Side.ASK, 1_000)


# ---- baskets --------------------------------------------------------------------------------------------------------


class Baskets(Desk):
    def __init__(self, names=(A, B, C)):
        super().__init__()
        self.strategy.reads_event = True
        self.trader = type(self.trader)(self.strategy, self.trader._tempo, 1.0, lambda: 0.5)
        self.names = names
        self.start(quotes=False)
        event = {"event_ticker": "KXWHO-26", "underlying": ""}
        self.quote(*(quote(ticker=name) for name in names), markets=tuple(market(name, **event) for name in names))

    def want(self, count_ch=1_000):
        legs = tuple(intent(Side.BID, 4_200, ticker=name, basket=self.names) for name in self.names)
        self.strategy.answer = Basket(legs, count_ch)
        (together,) = [command for command in self.clock(31_000) if isinstance(command, Together)]
        self.strategy.answer = "nothing to do"
        return together.places

    def buy(self, *filled_ch):
        """Every leg allowed whole; filled so far."""
        asked = self.want()
        orders = [order_of(place, 1_000, self.now_ms) for place in asked]
        for place, order in zip(asked, orders, strict=True):
            self.step(OrderUpdate, order, ticket=place.ticket, verdict=Verdict(Answer.ALLOWED, 1_000))
        told = []
        for order, count_ch in zip(orders, filled_ch, strict=True):
            sent = self.update(order, State.SENT)
            if count_ch:
                sent = self.fill(sent, 4_200, count_ch)
                told += self.commands
            if count_ch < 1_000:
                self.update(sent, State.CANCELED)
                told += self.commands
        return told + self.clock()


def test_the_legs_of_a_basket_are_asked_for_together_each_on_its_own_view():
    desk = Baskets()
    legs = desk.want()
    assert [leg.market.ticker for leg in legs] == [A, B, C] and {leg.count_ch for leg in legs} == {1_000}
    for leg in legs:
        assert leg.view.market.ticker == leg.market.ticker == leg.intent.ticker
        assert {other.market.ticker for other in leg.view.siblings} == {A, B, C} - {leg.market.ticker}


def test_a_basket_that_is_whole_is_held():
    assert places(Baskets().buy(1_000, 1_000, 1_000)) == []


@pytest.mark.parametrize(
    ("filled_ch", "unwound"),
    [
        ((1_000, 0, 0), {A: 1_000}),
        ((1_000, 1_000, 0), {A: 1_000, B: 1_000}),
        ((1_000, 1_000, 400), {A: 600, B: 600}),
    ],
)
def test_what_a_leg_has_more_than_the_others_is_left_at_once(filled_ch, unwound):
    desk = Baskets()
    exits = places(desk.buy(*filled_ch))
    assert {place.market.ticker: place.count_ch for place in exits} == unwound
    assert all(place.purpose is Purpose.EXIT and place.intent.why.startswith("unwind") for place in exits)


def test_nothing_is_unwound_while_a_leg_is_still_under_way():
    desk = Baskets()
    asked = desk.want()
    orders = [order_of(place, 1_000, desk.now_ms) for place in asked]
    for place, order in zip(asked, orders, strict=True):
        desk.step(OrderUpdate, order, ticket=place.ticket, verdict=Verdict(Answer.ALLOWED, 1_000))
    desk.fill(desk.update(orders[0], State.SENT), 4_200, 1_000)
    desk.update(desk.update(orders[1], State.SENT), State.UNKNOWN)
    assert places(desk.commands) == places(desk.clock()) == []
    desk.update(orders[2], State.ABANDONED)
    desk.update(orders[1], State.CANCELED)
    (exit_place,) = places([*desk.commands, *desk.clock()])
    assert exit_place.market.ticker == A


def test_a_leg_whose_market_is_over_is_not_missing():
    desk = Baskets()
    desk.buy(1_000, 1_000, 1_000)
    closed = market(C, event_ticker="KXWHO-26", underlying="", close_at_ms=desk.now_ms)
    assert places(desk.quote(quote(ticker=C), markets=(closed,))) == []
    desk.settle(0, C)
    assert places(desk.clock()) == []


def test_a_restart_knows_what_belongs_together():
    desk = Baskets()
    desk.buy(1_000, 1_000, 1_000)
    kept = desk.trader.positions
    later = Baskets.__new__(Baskets)
    Desk.__init__(later)
    plans = tuple((name, kept.get(name).plan) for name in (A, B))
    fills = tuple(next(iter(kept._fills[name].values())) for name in (A, B))  # the third leg was taken by another hand
    later.start(quotes=False, plans=plans, fills=fills)
    event = {"event_ticker": "KXWHO-26", "underlying": ""}
    commands = later.quote(
        *(quote(ticker=name) for name in (A, B, C)), markets=tuple(market(n, **event) for n in (A, B, C))
    )
    assert {place.market.ticker for place in places(commands)} == {A, B}


def test_a_basket_waits_while_a_leg_is_held_or_does_not_trade():
    desk = Baskets()
    desk.buy(1_000, 1_000, 1_000)
    legs = tuple(intent(Side.BID, 4_200, ticker=name, basket=(A, B, C)) for name in (A, B, C))
    desk.strategy.answer = Basket(legs, 1_000)
    assert set(conditions(desk.clock(31_000))) == {"a leg of the basket is held or ordered already"}
    strange = Baskets()
    strange.strategy.answer = Basket((*legs[:2], intent(Side.BID, 4_200, ticker=TICKER)), 1_000)
    assert set(conditions(strange.clock(31_000))) == {"a leg of the basket has no tradable price"}
