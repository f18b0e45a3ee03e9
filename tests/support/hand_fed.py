"""A trader fed by hand: a strategy that answers what the test says, a clock that the test moves."""

from dataclasses import replace

from outcry.domain.fill import Fill as Booked
from outcry.domain.fill import Settlement as Paid
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Order, Purpose, Side, State, TimeInForce
from outcry.domain.view import Answer, Bar, Intent, Quote, Verdict
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import (
    Bars,
    Cancel,
    Clock,
    Control,
    Fill,
    Note,
    OrderUpdate,
    Place,
    Quotes,
    Renew,
    Restored,
    Settlement,
    Topic,
)
from outcry.trading.tempo import Tempo

TICKER = "KXBTC15M-26MAY130015-15"
CLOSE_MS = 900_000
QUIET = "nothing to do"


def market(ticker=TICKER, **more):
    plain = Market(
        ticker=ticker,
        event_ticker=ticker,
        series_ticker="KXBTC15M",
        exchange_index=2,
        status=Status.ACTIVE,
        open_at_ms=0,
        close_at_ms=CLOSE_MS,
        price_ranges=(PriceRange(0, 1_000, 10), PriceRange(1_000, 9_000, 100), PriceRange(9_000, 10_000, 10)),
        underlying="BTC-USD",
    )
    return replace(plain, **more)


def quote(bid_cc=4_000, ask_cc=4_200, ticker=TICKER, trusted=True, publish=1, heard_at_ms=CLOSE_MS):
    """A published book; by default its stream is heard for as long as the market lives."""
    bids = ((bid_cc, 10_000),) if bid_cc is not None else ()
    asks = ((ask_cc, 10_000),) if ask_cc is not None else ()
    return Quote(
        ticker, publish, 0, bids, asks, heard_at_ms=heard_at_ms, trusted=trusted, distrust="" if trusted else "gapped"
    )


def intent(side=Side.BID, limit_cc=4_200, **more):
    return Intent(more.pop("ticker", TICKER), side, limit_cc, "because", **more)


class Told:
    """A strategy that answers what it was told to, and remembers what it saw."""

    warm_up_ms = 60_000
    reads_touch = reads_event = quotes = False

    def __init__(self):
        self.answer, self.seen = QUIET, []

    def decide(self, view):
        self.seen.append(view)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Desk:
    """The shell's part, by hand. Every call moves the clock on by what it is told and returns the commands."""

    def __init__(self, tempo=None, time_factor=1.0):
        self.strategy = Told()
        self.now_ms = 10_000
        self.draws = iter(number / 1_000 for number in range(1_000_000))
        self.trader = Coordinator(self.strategy, tempo or Tempo(), time_factor, lambda: next(self.draws))
        self.publish = 0
        self.trades = 0

    def step(self, kind, *fields, after_ms=0, **named):
        self.now_ms += after_ms
        return self.trader.step(kind(self.now_ms, *fields, **named))

    def start(self, *, control=True, quotes=True, **restored):
        commands = self.step(Restored, **restored)
        if control:
            commands += self.step(Control)
        if quotes:
            commands += self.quote()
        return commands

    def quote(self, *quotes, markets=None, after_ms=0):
        self.publish += 1
        described = (market(),) if markets is None and self.publish == 1 else tuple(markets or ())
        return self.step(Quotes, self.publish, quotes or (quote(publish=self.publish),), described, after_ms=after_ms)

    def clock(self, after_ms=1_000):
        return self.step(Clock, after_ms=after_ms)

    def bars(self, *bars):
        return self.step(Bars, bars)

    def control(self, **reasons):
        return self.step(Control, **reasons)

    def enter(self, answer=None, count_ch=1_000):
        """Let the strategy want something, and the gate allow it: returns the planned order and its question."""
        self.strategy.answer = answer or intent()
        (place,) = places(self.clock())
        self.strategy.answer = QUIET
        return self.allow(place, count_ch), place

    def allow(self, place, count_ch=1_000):
        order = order_of(place, count_ch, self.now_ms)
        verdict = Verdict(Answer.ALLOWED, count_ch)
        self.commands = self.step(OrderUpdate, order, ticket=place.ticket, verdict=verdict)
        return order

    def refuse(self, place):
        verdict = Verdict(Answer.REFUSED, 0, "spread", "too wide")
        return self.step(OrderUpdate, None, ticket=place.ticket, verdict=verdict)

    def update(self, order, state, **changes):
        """The order as it is now; kept by the trader, and returned."""
        changes = {"order_id": order.order_id or f"x-{order.client_order_id}"} | changes
        now = replace(order, state=state, updated_at_ms=self.now_ms, **changes)
        self.commands = self.step(OrderUpdate, now)
        return now

    def fill(self, order, price_cc, count_ch):
        """Book a fill, and let the order count it."""
        self.trades += 1
        booked = Booked(
            f"t{self.trades}",
            order.order_id or "x",
            order.ticker,
            2,
            order.side,
            price_cc,
            count_ch,
            0,
            True,
            self.now_ms,
        )
        commands = self.step(Fill, booked)
        done_ch = order.booked_ch + count_ch
        filled = max(order.filled_ch, done_ch)
        state = State.EXECUTED if filled == order.count_ch else order.state
        after = self.update(order, state, booked_ch=done_ch, filled_ch=filled)
        self.commands = commands + self.commands
        return after

    def hold(self, price_cc=4_200, count_ch=1_000, answer=None):
        """Enter and be filled whole."""
        order, _ = self.enter(answer, count_ch)
        return self.fill(self.update(order, State.SENT), price_cc, count_ch)

    def settle(self, value_cc=10_000, ticker=TICKER):
        return self.step(Settlement, Paid(ticker, 2, "yes", value_cc, self.now_ms))


def order_of(place, count_ch, now_ms):
    return Order(
        client_order_id=f"oc-abcdef-bull-{place.ticket}",
        agent="bull",
        ticker=place.market.ticker,
        exchange_index=2,
        side=place.intent.side,
        price_cc=place.intent.limit_cc,
        count_ch=count_ch,
        time_in_force=place.intent.time_in_force,
        purpose=place.purpose,
        state=State.PLANNED,
        decision_id="d",
        created_at_ms=now_ms,
        expires_at_ms=place.expires_at_ms,
    )


def resting_order(name="oc-abcdef-bull-old", **more):
    plain = Order(
        client_order_id=name,
        agent="bull",
        ticker=TICKER,
        exchange_index=2,
        side=Side.BID,
        price_cc=4_000,
        count_ch=1_000,
        time_in_force=TimeInForce.GTC,
        purpose=Purpose.ENTRY,
        state=State.RESTING,
        decision_id="d",
        created_at_ms=5_000,
        order_id=f"x-{name}",
        expires_at_ms=600_000,
    )
    return replace(plain, **more)


def bar(at_ms, close=100, symbol="BTC-USD", **more):
    return Bar(symbol, at_ms, close, close, close, close, **more)


def places(commands):
    return [command for command in commands if isinstance(command, Place)]


def cancels(commands):
    return [command for command in commands if isinstance(command, Cancel)]


def renewals(commands):
    return [command for command in commands if isinstance(command, Renew)]


def conditions(commands):
    return [command.text for command in commands if isinstance(command, Note) and command.topic is Topic.LOOKED]


def states(commands):
    return [command.text for command in commands if isinstance(command, Note) and command.topic is Topic.STATE]
