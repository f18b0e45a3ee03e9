"""An agent is retired while it holds three markets, one of which nobody bids for: followed until nothing is left."""

from dataclasses import replace

import pytest

from outcry.desk import boss, evolve
from outcry.desk.evolving import people
from outcry.desk.trader import Trader
from outcry.domain.fill import Fill, Settlement
from outcry.domain.market import PriceRange
from outcry.domain.order import Purpose, State
from outcry.domain.view import Quote
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import agents, database, fills, markets, orders, quotes, settlements
from outcry.venue.wire import Placed
from placing_floor import furnish, market, plan, request

TIMED, STOPPED, ILLIQUID = (f"KXBTC15M-26MAY130015-{name}" for name in ("A", "B", "C"))
CLOSE_MS = 10_000_000


class Books:
    """An exchange that fills an exit whole where somebody bids, and not at all where nobody does."""

    def __init__(self):
        self.sent, self.bids_cc = [], {TIMED: 4_200, STOPPED: 4_200, ILLIQUID: 4_200}

    def exchange(self):
        return self

    def broken(self):
        pass

    def create_order(self, new, *, urgent=False, signed_at_ms=None):
        self.sent.append(new)
        filled_ch = new.count_ch if self.bids_cc[new.ticker] else 0
        return Placed(f"x{len(self.sent)}", new.client_order_id, filled_ch, new.count_ch - filled_ch, 0, None, None)


class Leaving:
    """The floor around the agent `bull`, which holds ten contracts in each of three markets."""

    def __init__(self, folder):
        self.now_ms, self.number = 1_000_000, 0
        self.floor = Floor(Settings(), folder, quiet=True)
        self.db, self.link = database.connect(self.floor.database), Books()
        database.migrate(self.db)
        furnish(self.db)
        for ticker in self.link.bids_cc:
            listed = replace(
                market(ticker), close_at_ms=CLOSE_MS, open_at_ms=1, price_ranges=(PriceRange(0, 10_000, 10),)
            )
            markets.save(self.db, [listed], self.now_ms)
        markets.set_subscribed(self.db, list(self.link.bids_cc), self.now_ms)
        for number, ticker in enumerate(self.link.bids_cc):
            wanted = request(ticker=ticker, hold_ms=60_000 if ticker == TIMED else None)
            order = plan(self.db, wanted, now_ms=self.now_ms)
            orders.mark_sent(self.db, order.client_order_id, self.now_ms)
            orders.update(
                self.db, order.client_order_id, State.EXECUTED, filled_ch=order.count_ch, order_id=f"e{number}",
                source="answer", now_ms=self.now_ms,
            )  # fmt: skip
            self.book(order.client_order_id, 4_200)
        self.trader = Trader("bull", self.floor, self.link, clock=lambda: self.now_ms)

    def book(self, client_order_id, price_cc):
        """The clerk books the fill of an order."""
        order = orders.get(self.db, client_order_id)
        fill = Fill(f"t-{order.order_id}", order.order_id, order.ticker, 2, order.side, price_cc, order.filled_ch, 0,
                    True, self.now_ms, client_order_id)  # fmt: skip
        assert fills.book(self.db, fill, "stream", self.now_ms)

    def later(self, after_ms, bids_cc=None):
        """Time passes, the books are as said (None: nobody bids), and the trader takes a few turns."""
        self.link.bids_cc |= bids_cc or {}
        for _ in range(3):
            self.now_ms += after_ms // 3
            self.number += 1
            shown = [
                quotes.row(
                    Quote(ticker, self.number, self.now_ms, ((cc, 100_000),) if cc else (), ((4_400, 100_000),),
                          volume_ch=1_000_000, heard_at_ms=self.now_ms, changed_at_ms=self.now_ms,
                          ticker_moved_at_ms=self.now_ms, trusted=True)
                )
                for ticker, cc in self.link.bids_cc.items()
            ]  # fmt: skip
            quotes.publish(self.db, self.number, self.now_ms, shown, [])
            self.trader._due.pop("clock", None)
            self.trader.turn()

    def exits(self):
        """What was sent to leave, booked once it was filled: tickers, in order."""
        for new in self.link.sent:
            order = orders.get(self.db, new.client_order_id)
            if order.filled_ch > order.booked_ch:
                self.book(new.client_order_id, self.link.bids_cc[new.ticker])
        self.trader._due.pop("clock", None)
        self.trader.turn()
        assert all(orders.get(self.db, new.client_order_id).purpose is Purpose.EXIT for new in self.link.sent)
        return [new.ticker for new in self.link.sent if orders.get(self.db, new.client_order_id).filled_ch]

    def held(self):
        return {position.ticker for position in self.trader.coordinator.positions.held()}


@pytest.fixture
def leaving(tmp_path):
    played = Leaving(tmp_path)
    yield played
    played.trader.close()
    played.db.close()


def test_manage_only_then_exits_then_stop(leaving):
    leaving.later(3_000)
    assert leaving.held() == {TIMED, STOPPED, ILLIQUID} and leaving.exits() == []
    people.retire(leaving.floor, "bull", "followed to flat")
    leaving.later(3_000)
    assert leaving.trader.coordinator.control.retired and leaving.held() == {TIMED, STOPPED, ILLIQUID}
    assert "bull" in boss.wanted(leaving.floor), "it still has something to leave"
    assert evolve.once(leaving.db, leaving.floor, leaving.now_ms) == [], "its capital stays while it holds"
    assert agents.get(leaving.db, "bull").allocation_micros == 10_000_000

    leaving.later(3_000, {STOPPED: 3_000, ILLIQUID: None})
    assert leaving.exits() == [STOPPED], "its stop-loss ran"
    leaving.later(60_000)
    assert leaving.exits() == [STOPPED, TIMED], "its time was up"
    assert leaving.held() == {ILLIQUID} and "bull" in boss.wanted(leaving.floor)

    leaving.now_ms = CLOSE_MS
    settlements.record(leaving.db, Settlement(ILLIQUID, 2, "no", 0, CLOSE_MS), "rest", CLOSE_MS)
    leaving.later(3_000)
    assert leaving.held() == set()
    assert "bull" not in boss.wanted(leaving.floor)
    assert "bull: retired and flat, its capital is free" in evolve.once(leaving.db, leaving.floor, CLOSE_MS)
    gone = agents.get(leaving.db, "bull")
    assert (gone.stage, gone.allocation_micros) == ("retired", 0)
    entries = leaving.db.execute("SELECT count(*) FROM decisions WHERE purpose = 'entry'").fetchone()[0]
    assert entries == 3, "those it came with"

    people.resurrect(leaving.floor, "bull", "second chance")
    back = agents.get(leaving.db, "bull")
    assert (back.stage, back.allocation_micros) == ("birth", 10_000_000)
    assert [one["act"] for one in agents.history(leaving.db, "bull")][-4:] == [
        "retired", "allocated", "resurrected", "allocated",
    ]  # fmt: skip
    assert "bull" in boss.wanted(leaving.floor)


def test_an_allocation_cut_to_nothing_leaves_positions_and_their_exits(leaving):
    leaving.later(3_000)
    people.allocate(leaving.floor, "bull", 0, "elsewhere it earns more")
    leaving.later(3_000)
    assert leaving.held() == {TIMED, STOPPED, ILLIQUID} and leaving.exits() == [], "nothing leaves because of it"
    leaving.later(3_000, {STOPPED: 3_000})
    assert leaving.exits() == [STOPPED], "its stop-loss ran all the same"
    leaving.later(60_000)
    assert leaving.exits() == [STOPPED, TIMED] and leaving.held() == {ILLIQUID}
