"""Failure 23: a restart forgets what the day has cost, or a flag of yesterday sticks, or paper money is spent twice.

Whatever counts by the day is read from first records: twenty restarts change nothing, and midnight comes once.
"""

import random
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account import SHARD, TICKER, furnish, our_id, plan
from failing import SETTINGS, FailingFloor
from histories import histories
from outcry.desk.common.day import roll
from outcry.domain.fill import Fill
from outcry.domain.order import Purpose, Side, State
from outcry.ops.settings import Settings
from outcry.store import accounts, database, exposure, fills, system

RESTARTS = 20
ORDERS = 10
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


# ---- with processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def floor(tmp_path):
    """One whose agents have few orders a day, and whose midnight is far away."""
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}".replace("GMT+0", "GMT")
    settings = f'time_zone = "{zone}"\n' + SETTINGS.replace("orders_per_day = 100000", f"orders_per_day = {ORDERS}")
    running = FailingFloor(tmp_path, settings)
    yield running
    running.stop()


@pytest.mark.floor
def test_twenty_restarts_in_a_day_change_no_figure_of_it(floor):
    floor.trade()
    draw, names = random.Random(23), ["clerk", "trader@flip", "exchange", "collector"]
    for number in range(RESTARTS):
        name = names[number % len(names)]
        floor.kill(name)
        floor.start_exchange() if name == "exchange" else floor.start(name)
        time.sleep(draw.uniform(0.1, 0.6))
    limit = "SELECT 1 FROM decisions WHERE rule = 'per_day'"
    floor.wait_for(lambda: floor.query(limit), 120, "the day's orders are used up")
    last = entries(floor)
    for _ in range(2):
        floor.kill("trader@flip")
        floor.start("trader@flip")
        floor.wait_for(lambda: floor.state_of("trader@flip") in ("READY", "ACTING"), 60, "the trader")
    refusals = len(floor.query(limit))
    floor.wait_for(lambda: len(floor.query(limit)) > refusals, 120, "a refusal of the new life")
    assert entries(floor) == last <= ORDERS
    floor.survived()
    days = floor.query("SELECT day, equity_micros FROM capital")
    assert [row["equity_micros"] for row in days] == [1_000_000_000], "the day began once, with what was deposited"
    cash = floor.query("SELECT kind, amount_micros FROM cash_events WHERE kind <> 'adjustment'")
    assert [tuple(row) for row in cash] == [("deposit", 1_000_000_000)]
    floor.wait_for(lambda: not floor.query("SELECT 1 FROM positions"), 90, "what is held to be paid")
    floor.survived()
    counted = exposure_of(floor)
    assert counted.orders_today == floor.query("SELECT count(*) AS n FROM orders")[0]["n"]
    assert counted.agent_day_pnl_micros == lost_there(floor) == counted.floor_day_pnl_micros


def entries(floor) -> int:
    """Of the agent, as the exchange has them."""
    ours = {row["client_order_id"] for row in floor.query("SELECT client_order_id FROM orders WHERE purpose = 'entry'")}
    db = database.read_only(floor.state / "exchange.db")
    try:
        return sum(row[0] in ours for row in db.execute("SELECT client_order_id FROM orders"))
    finally:
        db.close()


def exposure_of(floor):
    db = database.read_only(floor.state / "kalshi.db")
    try:
        return exposure.read(db, "flip", "", 2)
    finally:
        db.close()


def lost_there(floor) -> int:
    """The account's cash at the exchange less what was put in. Call it when nothing is held."""
    db = database.read_only(floor.state / "exchange.db")
    try:
        assert not db.execute("SELECT 1 FROM positions WHERE settled = 0 AND position_ch <> 0").fetchall()
        return db.execute("SELECT sum(cash_micros) FROM cash").fetchone()[0] - 1_000_000_000
    finally:
        db.close()


# ---- with a calendar ------------------------------------------------------------------------------------------------

STARTS = {
    "America/New_York": datetime(2026, 10, 31, 12, tzinfo=UTC),  # a day of 25 hours follows
    "Europe/Berlin": datetime(2026, 3, 28, 12, tzinfo=UTC),  # one of 23
    "UTC": datetime(2026, 12, 30, 12, tzinfo=UTC),
}
MOMENTS = st.lists(st.integers(0, 72 * 60 - 1).map(lambda minute: minute * MINUTE_MS), min_size=1, max_size=40)


class Ledger:
    """A floor's books, of which every process knows nothing when it begins."""

    def __init__(self, db, zone: str) -> None:
        self.db, self.settings, self.number = db, Settings(time_zone=zone), 0
        furnish(db, "bull")
        accounts.open_shard(db, SHARD, 1_000_000_000, 1)

    def live(self, at_ms: int) -> None:
        """A process begins, rolls the day if it is the first, and the agent loses a dollar by an entry and its exit."""
        roll(self.db, self.settings, at_ms)
        self.number += 1
        for purpose, side, price_cc in ((Purpose.ENTRY, Side.BID, 6_000), (Purpose.EXIT, Side.ASK, 5_000)):
            name, order_id = our_id("bull", 2 * self.number + (purpose is Purpose.EXIT)), f"x{self.number}{side}"
            how = {"side": side, "price_cc": price_cc, "count_ch": 1_000, "purpose": purpose, "order_id": order_id}
            plan(self.db, name, "bull", State.EXECUTED, created_at_ms=at_ms, filled_ch=1_000, **how)
            fill = Fill(f"t{order_id}", order_id, TICKER, SHARD, side, price_cc, 1_000, 0, True, at_ms, name)
            fills.book(self.db, fill, "stream", at_ms)

    def figures(self) -> tuple[int, int, int, int]:
        now = exposure.read(self.db, "bull", TICKER, SHARD)
        return now.orders_today, now.trades_today, now.agent_day_pnl_micros, now.floor_day_pnl_micros


@histories(40, 1_500)
@given(MOMENTS, st.sampled_from(sorted(STARTS)))
def test_every_figure_of_a_day_is_of_that_day_alone_and_midnight_comes_once(moments, zone):
    """Held against a count by the zone's own calendar, after every restart."""
    begin_ms, db = int(STARTS[zone].timestamp() * 1000), memory()
    ledger, lived, local = Ledger(db, zone), 0, Settings(time_zone=zone).zone()
    today, days = None, []
    for moment_ms in sorted(moments):
        at_ms = begin_ms + moment_ms
        day = datetime.fromtimestamp(at_ms / 1000, local).date().isoformat()
        if day != today:
            today, lived = day, 0
            days.append(day)
        ledger.live(at_ms)
        lived += 1
        for _restart in range(2):
            roll(db, ledger.settings, at_ms)
            assert ledger.figures() == (2 * lived, lived, -1_000_000 * lived, -1_000_000 * lived)
    assert [row["day"] for row in db.execute("SELECT day FROM capital ORDER BY day")] == days
    db.close()


@pytest.mark.parametrize("zone", STARTS)
def test_what_stopped_for_the_day_stays_through_twenty_restarts_and_is_over_at_midnight(zone):
    """The stuck flag of yesterday and the forgotten one of today: stopped until midnight, to the millisecond."""
    db, begin = memory(), STARTS[zone]
    ledger, local = Ledger(db, zone), Settings(time_zone=zone).zone()
    at_ms = int(begin.timestamp() * 1000)
    ledger.live(at_ms)
    system.stop_for_the_day(db, "floor", "", "lost enough", "trader@bull", at_ms)
    tomorrow = datetime.fromtimestamp(at_ms / 1000, local).date() + timedelta(days=1)
    midnight_ms = int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=local).timestamp() * 1000)
    for number in range(RESTARTS):
        roll(db, ledger.settings, at_ms + (midnight_ms - 1 - at_ms) * number // (RESTARTS - 1))
        assert [one.cause for one in system.controls_now(db)] == ["daily_loss"]
    assert roll(db, ledger.settings, midnight_ms)
    assert system.controls_now(db) == []
    for number in range(RESTARTS):
        assert not roll(db, ledger.settings, midnight_ms + number * HOUR_MS)
    assert system.controls_now(db) == []
    told = db.execute("SELECT count(*) FROM system_events WHERE event = 'stopped_entries'").fetchone()[0]
    assert told == 1
    db.close()


def memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    database.migrate(db)
    return db
