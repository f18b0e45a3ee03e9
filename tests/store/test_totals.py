"""Running totals beside their first records, on random histories: bookings, attributions, corrected settlements."""

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store import agents, database, fills, settlements

OWNERS = ("bull", "bear", "manual")
MARKETS = ("A", "B")

bookings = st.tuples(
    st.just("book"), st.sampled_from(MARKETS), st.sampled_from(OWNERS), st.sampled_from(Side),
    st.integers(1, 9_999), st.integers(1, 500), st.integers(-50, 20_000),
)  # fmt: skip
moves = st.tuples(st.just("give"), st.integers(0, 30), st.sampled_from(OWNERS))
payouts = st.tuples(st.just("pay"), st.sampled_from(MARKETS), st.sampled_from([0, 10_000, 3_333]))


def _floor():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    database.migrate(db)
    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "s", "source", 1)
    for name in ("bull", "bear"):
        agents.add(db, agents.Agent(name, "s", {}, "birth", 0, sha256, 1))
    return db


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(bookings, bookings, moves, payouts), max_size=25))
def test_totals_equal_their_first_records_after_every_step(history):
    db = _floor()
    for number, (kind, *what) in enumerate(history):
        booked = db.execute("SELECT count(*) FROM fills").fetchone()[0]
        if kind == "book":
            ticker, owner, side, price_cc, count_ch, fee_micros = what
            shard = MARKETS.index(ticker)
            fill = Fill(f"t{number}", f"x{number}", ticker, shard, side, price_cc, count_ch, fee_micros, True, number)
            fills.book(db, fill, "stream", number)
            fills.attribute(db, booked + 1, owner, why="test", now_ms=number)
        elif kind == "give" and what[0] < booked:
            fills.attribute(db, what[0] + 1, what[1], why="test", now_ms=number)
        elif kind == "pay":
            ticker, value_cc = what
            paid = Settlement(ticker, MARKETS.index(ticker), "scalar", value_cc, 1_000)
            settlements.record(db, paid, "rest", number)
        assert db.execute("SELECT * FROM totals_check").fetchall() == []
        owners = {row[0] for row in db.execute("SELECT DISTINCT agent FROM holdings")}
        assert {row[0] for row in db.execute("SELECT DISTINCT agent FROM agent_cash")} == owners
    db.close()
