"""Failure 16: a payment is booked twice, to the wrong side, from the wrong field, or not at all.

One account holds YES in one agent's name and NO in another's, in markets that end in every way there is. The clerk is
killed and started again while they do.
"""

import signal
from dataclasses import replace

import pytest

from account import OTHER as SECOND
from account import SHARD as HELD_SHARD
from account import T0 as HELD_T0
from account import TICKER as FIRST
from account import HeldExchange, furnish, our_id, plan
from account import describe as describe_held
from account import market as held_market
from beside import Desk
from local_exchange import market, now_ms
from outcry.desk.clerking.bookings import Bookings, Memory
from outcry.domain.errors import Refused
from outcry.domain.market import Status
from outcry.domain.order import State
from outcry.paper.events import BookSet, Closed, Determined, Settled, Voided
from outcry.store import accounts, agents, fills, markets, orders, settlements
from survived import differences

ENDS = {  # market -> how it ends
    "KXBTC15M-26NOV201300-00": "yes",
    "KXBTC15M-26NOV201315-15": "no",
    "KXBTC15M-26NOV201330-30": "void",
    "KXBTC15M-26NOV201345-45": "scalar",
    "KXBTC15M-26NOV201400-00": "late",
    "KXBTC15M-26NOV201415-15": "reversed",
    "KXBTC15M-26NOV201430-30": "yes, and gone from every listing",
    "KXBTC15M-26NOV201445-45": "scalar, and gone from every listing",
    "KXBTC15M-26NOV201500-00": "no, gone, and nobody of ours ever described it",
}
VALUES_CC = {"yes": 10_000, "no": 0, "void": 4_000, "scalar": 6_155, "late": 10_000, "reversed": 0}
HELD_CH = {"momentum": 1_003, "bear": -400}


class Ending(Desk):
    """A desk with two agents that hold the same markets on different sides, and an exchange that may forget markets."""

    def __init__(self, folder) -> None:
        super().__init__(folder, faulty=True)
        self.number = 0
        sha256 = self.db.execute("SELECT code_sha256 FROM agents").fetchone()[0]
        agents.add(self.db, agents.Agent("bear", "momentum", {}, "birth", 10_000_000, sha256, 1))
        self.process = self.clerk()
        self.wait(lambda: self.state() == "READY", "the clerk", 90)

    def hold(self, ticker: str, agent: str, count_ch: int) -> None:
        """An agent buys YES at 41 c, or NO at 61 c."""
        self.number += 1
        name, (side, price_cc) = our_id(agent, self.number), ("bid", 4_100) if count_ch > 0 else ("ask", 3_900)
        at_ms, size = now_ms(), abs(count_ch)
        plan(self.db, name, agent, State.SENT, ticker=ticker, side=side, price_cc=price_cc, count_ch=size,
             created_at_ms=at_ms, signed_at_ms=at_ms, time_in_force="immediate_or_cancel")  # fmt: skip
        self.client.place(ticker=ticker, client_order_id=name, side=side, price=f"0.{price_cc}",
                          count=f"{size / 100:.2f}", time_in_force="immediate_or_cancel")  # fmt: skip

    def restart(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = self.clerk()

    def end(self, ticker: str, how: str) -> None:
        """Close a market and let its outcome be known, and paid unless that takes its time."""
        at_ms, kind = now_ms(), how.partition(",")[0]
        over = replace(market(ticker), open_at_ms=at_ms - 60_000, close_at_ms=at_ms - 1)
        result, value_cc = {"scalar": "scalar", "no": "no"}.get(kind, "yes"), VALUES_CC[kind]
        self.exchange.list(over)
        if "nobody" not in how:
            markets.save(self.db, [over], at_ms)
        if how == "scalar, and gone from every listing":  # the collector heard how it was determined
            heard = replace(over, status=Status.DETERMINED, result=result, settlement_value_cc=value_cc)
            markets.save(self.db, [heard], at_ms)
        if "gone" in how:
            self.break_("vanish", ticker)
        self.exchange.feed(Closed(ticker, at_ms))
        if kind == "void":
            self.exchange.feed(Voided(ticker, at_ms))
        elif kind == "reversed":
            self.exchange.feed(Determined(ticker, "yes", 10_000, at_ms), Determined(ticker, "no", 0, at_ms + 1))
        else:
            self.exchange.feed(Determined(ticker, result, value_cc, at_ms))
        if kind != "late":
            self.exchange.feed(Settled(ticker, at_ms + 2))

    def break_(self, kind: str, target: str) -> None:
        assert self.client.ask_plain("POST", "/faults", {"kind": kind, "target": target})[0] == 201

    def paid(self) -> dict[str, int]:
        return {ticker: found.value_cc for ticker in ENDS if (found := settlements.in_force(self.db, ticker))}


@pytest.fixture
def desk(tmp_path):
    one = Ending(tmp_path)
    yield one
    one.close()


@pytest.mark.floor
def test_every_market_pays_once_whatever_its_end_and_however_often_the_clerk_begins_anew(desk):
    for ticker, how in ENDS.items():
        desk.exchange.list(market(ticker))
        desk.exchange.feed(BookSet(ticker, {3_900: 50_000}, {4_100: 50_000}, now_ms()))
        if "nobody" not in how:
            markets.save(desk.db, [market(ticker)], now_ms())
        for agent, count_ch in HELD_CH.items():
            desk.hold(ticker, agent, count_ch)
    desk.wait(lambda: not orders.open_orders(desk.db), "all to be booked", 90)
    for number, (ticker, how) in enumerate(ENDS.items()):
        desk.end(ticker, how)
        if number % 3 == 1:
            desk.restart()
    values = {ticker: VALUES_CC[how.partition(",")[0]] for ticker, how in ENDS.items() if how != "late"}
    desk.wait(lambda: desk.paid() == values, "all but the late one", 90)
    (late,) = ENDS.keys() - values.keys()
    desk.restart()
    desk.wait(lambda: desk.state() == "READY", "the clerk", 90)
    desk.exchange.feed(Settled(late, now_ms()))
    desk.wait(lambda: late in desk.paid(), "the late one", 90)
    desk.restart()
    desk.wait(desk.agrees, "agreement", 90)
    desk.wait(lambda: differences(desk.floor.folder) == [], "the same in both books")
    rows = desk.db.execute("SELECT ticker, count(*) AS n FROM settlements GROUP BY ticker").fetchall()
    assert {row["ticker"]: row["n"] for row in rows} == dict.fromkeys(ENDS, 1)
    values[late] = VALUES_CC["late"]
    for agent, count_ch in HELD_CH.items():
        paid_cc = 4_100 if count_ch > 0 else 3_900
        earned = sum(count_ch * (value_cc - paid_cc) for value_cc in values.values())
        fees = desk.db.execute("SELECT sum(fee_micros) FROM booked_fills WHERE agent = ?", (agent,)).fetchone()[0]
        assert fees > 0 and accounts.agent_equity_micros(desk.db)[agent] == earned - fees
    assert {row[0] for row in desk.db.execute("SELECT DISTINCT environment FROM orders")} == {"embedded"}


# ---- what no exchange on this machine would do -----------------------------------------------------------------------


class Forgetful(HeldExchange):
    """An exchange that knows some markets no more; old ones it keeps in its archive."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[str] = set()
        self.archive: set[str] = set()

    def market(self, ticker: str):
        if ticker in self.gone:
            raise Refused("market not found", status=404, code="not_found")
        return super().market(ticker)

    def archived_market(self, ticker: str):
        if ticker not in self.archive:
            raise Refused("market not found", status=404, code="not_found")
        return super().market(ticker)


@pytest.fixture
def held(db):
    """(exchange, bookings) with 10 contracts of each of two markets that closed, one bought at 40 c by momentum."""
    exchange = Forgetful()
    furnish(db, "momentum")
    accounts.open_shard(db, HELD_SHARD, 1_000_000_000, HELD_T0 - 10_000)
    for number, ticker in enumerate((FIRST, SECOND)):
        exchange.match(exchange.place(our_id("momentum", number), ticker=ticker), 1_000)
    bookings = Bookings(db, exchange, Memory())
    bookings.fills(HELD_T0 + 2_000)
    describe_held(db, held_market(FIRST), held_market(SECOND))
    for booked in fills.parked(db):
        fills.attribute(db, booked.fill_id, "momentum", why="asked", now_ms=HELD_T0)
    return exchange, bookings


def cash(db) -> int:
    return db.execute("SELECT sum(cash_micros) FROM agent_cash").fetchone()[0]


def test_a_market_that_nobody_describes_any_more_keeps_no_other_from_being_paid(db, held):
    exchange, bookings = held
    db.execute("DELETE FROM markets")
    exchange.gone = {FIRST, SECOND}
    exchange.settle(FIRST, 10_000, HELD_T0 + 950_000)
    exchange.settle(SECOND, 0, HELD_T0 + 950_000)
    assert bookings.settlements(HELD_T0 + 951_000) == 2
    assert cash(db) == -2 * 4_000_000 + 10_000_000


@pytest.mark.parametrize("knows", ["the archive", "we ourselves"])
def test_the_exact_value_of_a_scalar_outcome_survives_the_market_s_leaving(db, held, knows):
    """The account's record has whole cents only; the archive, or what we were told before it left, has it all."""
    exchange, bookings = held
    exchange.settle(FIRST, 4_155, HELD_T0 + 950_000)
    if knows == "we ourselves":
        describe_held(db, exchange.described[FIRST])
    else:
        exchange.archive = {FIRST}
    exchange.gone = {FIRST}
    bookings.settlements(HELD_T0 + 951_000)
    assert settlements.in_force(db, FIRST).value_cc == 4_155
    assert cash(db) == -2 * 4_000_000 + 4_155_000


def test_no_field_of_the_record_but_the_outcome_says_what_was_won(db, held):
    """Both sides held at once pay nothing any more, and a record may leave the revenue at zero: neither is a loss."""
    exchange, bookings = held
    exchange.settle(FIRST, 10_000, HELD_T0 + 950_000)
    exchange.paid[-1] = replace(exchange.paid[-1], revenue_micros=0)
    bookings.settlements(HELD_T0 + 951_000)
    assert cash(db) == -2 * 4_000_000 + 10_000_000
    assert accounts.agent_equity_micros(db)["momentum"] == 6_000_000 - 200 - 4_000_000  # the other one has no bid


def test_a_payment_that_is_taken_back_is_corrected_and_never_counted_twice(db, held):
    exchange, bookings = held
    exchange.settle(FIRST, 10_000, HELD_T0 + 950_000)
    bookings.settlements(HELD_T0 + 951_000)
    exchange.paid[-1] = replace(exchange.paid[-1], result="no", value_cc=0, settled_at_ms=HELD_T0 + 990_000)
    for later_ms in (1_000_000, 1_100_000):
        Bookings(db, exchange, Memory()).settlements_again(HELD_T0, HELD_T0 + later_ms)  # a clerk begun anew
        bookings.settlements(HELD_T0 + later_ms)
    assert cash(db) == -2 * 4_000_000
    assert [row["value_cc"] for row in db.execute("SELECT value_cc FROM settlements ORDER BY id")] == [10_000, 0]
    assert fills.misbooked(db) == []
