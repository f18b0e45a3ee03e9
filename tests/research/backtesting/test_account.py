"""The account in memory beside the store: after every step of random histories the gate is told the same."""

from dataclasses import asdict, replace
from random import Random

import pytest

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import TERMINAL, Purpose, Side, State
from outcry.domain.view import Quote
from outcry.research.backtesting.account import Account
from outcry.store import exposure, fills, markets, orders, quotes, settlements
from placing_floor import CAPITAL_MICROS, furnish, market, plan, request

TICKERS = ("KXBTC15M-26MAY130015-15", "KXBTC15M-26MAY130030-30")
SHARD, AGENT, ALLOCATION = 2, "bull", 10_000_000


class Both:
    """Everything happens twice: in the store and in memory."""

    def __init__(self, db, draw: Random) -> None:
        self.db, self.draw = db, draw
        furnish(db)
        self.markets = {ticker: replace(market(ticker), close_at_ms=900_000) for ticker in TICKERS}
        markets.save(db, self.markets.values(), 1)
        self.books: dict[str, tuple[int | None, int | None, bool]] = {}
        self.account = Account(CAPITAL_MICROS, ALLOCATION, self.books.__getitem__, self.markets.__getitem__)
        self.orders: list = []
        self.number = self.publishes = 0
        self.paid: set[str] = set()
        for ticker in TICKERS:
            self.quote(ticker)

    def quote(self, ticker: str) -> None:
        bid = self.draw.choice((None, 3_800, 4_000, 4_600))
        ask = self.draw.choice((None, 4_200, 4_700))
        trusted = self.draw.random() < 0.8
        self.books[ticker] = bid, ask, trusted
        self.publishes += 1
        bids, asks = (((bid, 100),) if bid else ()), (((ask, 100),) if ask else ())
        shown = Quote(ticker, 0, 0, bids, asks, trusted=trusted)
        quotes.publish(self.db, self.publishes, 1_000, [quotes.row(shown)])

    def place(self) -> None:
        ticker = self.draw.choice([one for one in TICKERS if one not in self.paid] or TICKERS)
        if ticker in self.paid:
            return
        purpose = self.draw.choice((Purpose.ENTRY, Purpose.ENTRY, Purpose.EXIT))
        side, price = self.draw.choice(tuple(Side)), self.draw.randrange(3_900, 4_600, 100)
        wanted = request(AGENT, side, price, ticker=ticker, purpose=purpose)
        order = plan(self.db, wanted, self.draw.randrange(100, 900, 100), 2_000)
        self.account.planned(order)
        sent = orders.mark_sent(self.db, order.client_order_id, 2_000)
        self.account.ordered(sent)
        self.orders.append(sent)

    def move(self) -> None:
        """An open order is filled some more, or ends."""
        for place, order in enumerate(self.orders):
            if order.state in TERMINAL or self.draw.random() < 0.4:
                continue
            count = min(order.remaining_ch, self.draw.randrange(0, 500, 50))
            filled, ends = order.filled_ch + count, self.draw.random() < 0.5
            state = State.EXECUTED if filled == order.count_ch else State.CANCELED if ends else State.RESTING
            order_id = f"x-{order.client_order_id}"
            orders.update(
                self.db,
                order.client_order_id,
                state,
                source="answer",
                now_ms=3_000,
                filled_ch=filled,
                order_id=order_id,
            )
            moved = replace(order, state=state, filled_ch=filled, order_id=order_id)
            self.account.ordered(moved)
            self.orders[place] = moved
            if count:
                self.number += 1
                fill = Fill(
                    f"t{self.number}", order_id, order.ticker, SHARD, order.side, order.price_cc, count,
                    self.draw.randrange(0, 900), True, 3_000 + self.number, order.client_order_id,
                )  # fmt: skip
                fills.book(self.db, fill, "stream", 3_000)
                self.account.filled(fill)
            return

    def settle(self) -> None:
        ticker = self.draw.choice(TICKERS)
        if ticker in self.paid or any(o.ticker == ticker and o.state not in TERMINAL for o in self.orders):
            return
        self.paid.add(ticker)
        value = self.draw.choice((0, 10_000))
        paid = Settlement(ticker, SHARD, "yes" if value else "no", value, 5_000)
        settlements.record(self.db, paid, "rest", 5_000)
        self.account.settled(paid)

    def agree(self) -> None:
        for ticker in TICKERS:
            there = asdict(exposure.read(self.db, AGENT, ticker, SHARD))
            here = asdict(self.account.exposure(ticker))
            assert here == there, {name: (here[name], there[name]) for name in here if here[name] != there[name]}


@pytest.mark.parametrize("seed", range(8))
def test_the_gate_is_told_what_the_store_would_tell_it(db, seed):
    draw = Random(seed)
    both = Both(db, draw)
    both.agree()
    for _ in range(40):
        step = draw.choice((both.place, both.move, both.move, both.settle if draw.random() < 0.2 else both.move))
        step()
        if draw.random() < 0.3:
            both.quote(draw.choice(TICKERS))
        both.agree()
    assert both.number > 3
