"""Failure 15: a fee is booked twice, not at all, or by a formula of our own instead of what the exchange charged.

The exchange's own arithmetic charges; the wire carries it; the ledger books it; and whatever shows a profit shows the
same one, less each fee exactly once.
"""

import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from account import FLOOR_ID, T0, furnish
from engine_kit import OPEN_MS, SHARD, TICKER, Rig, market
from histories import histories
from outcry.desk import report
from outcry.domain.fill import Fill, Settlement
from outcry.domain.market import FeeTerms, Status
from outcry.domain.order import Side, TimeInForce
from outcry.domain.units import parse_decimal
from outcry.ops.settings import Settings
from outcry.paper.events import BookSet, Closed, Determined, Listed, Print, Settled
from outcry.paper.rest import account_shapes
from outcry.review import metrics
from outcry.review.checks import lots, records
from outcry.store import accounts, database, exposure, fills, markets, outcomes, settlements
from outcry.store import report as rows
from outcry.venue import account_rows

MAKER_FEES, COMBO_FEES = FeeTerms("quadratic_with_maker_fees"), FeeTerms("quadratic_with_combo_maker_fees")
HALF, WAIVED = FeeTerms("quadratic", 500_000), FeeTerms("quadratic", 0)
TAKER, MAKER = True, False
OTHER = "KXETH15M-26NOV201215-15"
CASH_MICROS = 1_000_000_000

# terms, role, side, price, contracts of each fill of one order -> what each fill is charged, in dollars. Worked out by
# hand from the published rule: 0.07 x multiplier x contracts x P x (1 - P), up to a micro-dollar; then the balance
# moves in steps of $0.0001, and whole steps of what an order was rounded come back with its later fills.
GOLDEN = {
    "ten contracts at 50 c": (FeeTerms(), TAKER, Side.BID, "0.5000", ["10.00"], ["0.175000"]),
    "one at 5 c, rounded up to a step": (FeeTerms(), TAKER, Side.BID, "0.0500", ["1.00"], ["0.003400"]),
    "a seller pays the same": (FeeTerms(), TAKER, Side.ASK, "0.6000", ["10.00"], ["0.168000"]),
    "a fraction of a contract": (FeeTerms(), TAKER, Side.BID, "0.5000", ["0.01"], ["0.000200"]),
    "26.87 contracts at a price of tenths of a cent": (
        FeeTerms(), TAKER, Side.BID, "0.9460", ["26.87"], ["0.096180"],
    ),
    "the rounding belongs to the order: the third fill gets a step back": (
        FeeTerms(), TAKER, Side.BID, "0.9460", ["0.33", "0.33", "0.33"], ["0.001220", "0.001220", "0.001120"],
    ),
    "a maker is free": (FeeTerms(), MAKER, Side.BID, "0.3000", ["100.00"], ["0.000000"]),
    "a maker of a series with maker fees": (MAKER_FEES, MAKER, Side.BID, "0.3000", ["100.00"], ["0.367500"]),
    "a maker of a combination": (COMBO_FEES, MAKER, Side.BID, "0.3000", ["100.00"], ["0.735000"]),
    "a taker of a series with maker fees": (MAKER_FEES, TAKER, Side.BID, "0.3000", ["100.00"], ["1.470000"]),
    "a series at half the rate": (HALF, TAKER, Side.BID, "0.5000", ["10.00"], ["0.087500"]),
    "a waived market": (WAIVED, TAKER, Side.BID, "0.5000", ["10.00"], ["0.000000"]),
    "a waived market, rounded all the same": (WAIVED, TAKER, Side.BID, "0.9460", ["0.33"], ["0.000020"]),
}  # fmt: skip


@pytest.fixture
def ledger():
    """A ledger of the account that the rigs trade with."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    database.migrate(db)
    furnish(db, "bull", "bear")
    yield db
    db.close()


def wired(made) -> Fill:
    """A fill as the exchange lists it, read as the clerk reads it."""
    body = msgspec.json.encode(account_shapes.fill(made))
    return account_rows.fill(msgspec.json.decode(body, type=account_rows.FillRow))


@pytest.mark.parametrize("name", GOLDEN)
def test_every_booked_fee_is_what_the_exchange_charged_for_that_fill(name, ledger):
    terms, taker, side, price, counts, charged = GOLDEN[name]
    price_cc, sizes = parse_decimal(price, 4), [parse_decimal(count, 2) for count in counts]
    rig = Rig()
    rig.feed(Listed(market(OTHER, fee=terms), rig.now), BookSet(OTHER, {}, {}, rig.now))
    order = rig.order(side, price_cc, sum(sizes), ticker=OTHER) if not taker else None
    for size in sizes:
        if taker:
            rig.order(side.opposite, price_cc, size, "bob", ticker=OTHER)
        else:
            rig.feed(Print(OTHER, price_cc, size, side.opposite, rig.now))
    order = order or rig.order(side, price_cc, sum(sizes), ticker=OTHER, time_in_force=TimeInForce.IOC)
    made = [wired(fill) for fill in reversed(rig.engine.fills("ann", order_id=order.order_id))]
    for fill in made:
        assert fills.book(ledger, fill, "rest", T0)
    booked = ledger.execute("SELECT fee_micros FROM booked_fills ORDER BY id").fetchall()
    assert [row["fee_micros"] for row in booked] == [parse_decimal(fee, 6) for fee in charged]
    assert {fill.is_taker for fill in made} == {taker}
    spent_micros = CASH_MICROS - rig.engine.balance("ann", SHARD).cash_micros
    parked = ledger.execute("SELECT sum(cash_micros - fees_micros) FROM agent_cash").fetchone()[0]
    lent_micros = max(0, -sum(fill.position_change_ch for fill in made)) * 10_000
    assert spent_micros == -parked + lent_micros


# ---- a whole history ----------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bull", "bear", "by hand"]),
        st.sampled_from([TICKER, OTHER]),
        st.sampled_from(Side),
        st.sampled_from([4_200, 4_300, 4_400, 4_500, 4_600]),
        st.integers(1, 900),
        st.sampled_from([TimeInForce.IOC, TimeInForce.GTC]),
    ),
    min_size=1,
    max_size=14,
)


def lived(steps, values) -> Rig:
    """An account trades by taking and by resting, in an ordinary market and in one with maker fees; both pay."""
    rig = Rig({4_300: 5_000, 4_200: 9_000}, {4_500: 5_000, 4_600: 9_000})
    rig.feed(Listed(market(OTHER, fee=MAKER_FEES), rig.now))
    rig.feed(BookSet(OTHER, {4_300: 5_000, 4_200: 9_000}, {4_500: 5_000, 4_600: 9_000}, rig.now))
    for number, (who, ticker, side, price_cc, count_ch, force) in enumerate(steps):
        name = f"oc-{FLOOR_ID}-{who}-01JD{number:022d}" if who != "by hand" else ""
        how = {"ticker": ticker, "time_in_force": force, "client_order_id": name}
        if rig.order(side, price_cc, count_ch, **how).remaining_ch:
            rig.feed(Print(ticker, price_cc, count_ch // 2 + 1, side.opposite, rig.now))
    for order in rig.engine.orders("ann"):
        if order.remaining_ch:
            rig.does(rig.engine.cancel("ann", order.order_id, order.ticker, SHARD, rig.now))
    for ticker, value_cc in values.items():
        result = {0: "no", 10_000: "yes"}.get(value_cc, "scalar")
        at_ms = rig.now
        rig.feed(Closed(ticker, at_ms), Determined(ticker, result, value_cc, at_ms), Settled(ticker, at_ms))
    return rig


@histories(40, 1_500)
@given(STEPS, st.sampled_from([0, 4_900, 10_000]), st.sampled_from([0, 4_900, 10_000]))
def test_a_profit_is_less_its_fees_exactly_once_wherever_it_is_shown(steps, first_cc, second_cc):
    """Ledger, running totals, report, equity, day's result, losing streak and the auditor's lots: one number each."""
    values = {TICKER: first_cc, OTHER: second_cc}
    rig, db = lived(steps, values), sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    database.migrate(db)
    furnish(db, "bull", "bear")
    accounts.open_shard(db, SHARD, CASH_MICROS, 1)
    accounts.record_day(db, "1970-01-01", CASH_MICROS, {"bull": 0, "bear": 0}, 1)
    markets.save(db, [market(ticker, status=Status.FINALIZED) for ticker in values], OPEN_MS)
    names = {order.order_id: order.client_order_id for order in rig.engine.orders("ann")}
    true = {name: [0, 0] for name in ("bull", "bear", "manual")}  # worked out beside the ledger: gross, fees
    for made in reversed(rig.engine.fills("ann")):
        fill, name = wired(made), names[made.order_id]
        assert fills.book(db, fill, "rest", T0)
        owner = fills.owner(db, fill.order_id, name) or fills.MANUAL
        number = db.execute("SELECT max(id) FROM fills").fetchone()[0]
        fills.attribute(db, number, owner, why="asked", now_ms=T0)
        true[owner][0] += made.side.sign * made.count_ch * (values[made.ticker] - made.price_cc)
        true[owner][1] += made.fee_micros
    for paid in rig.engine.settlements("ann"):
        body = msgspec.json.encode(account_shapes.settlement(paid))
        told = account_rows.settlement(msgspec.json.decode(body, type=account_rows.SettlementRow))
        settlements.record(db, told.settlement(values[paid.ticker]), "rest", T0)
    must_agree(db, rig, true)
    db.close()


def must_agree(db: sqlite3.Connection, rig: Rig, true: dict[str, list[int]]) -> None:
    net = {name: gross - fees for name, (gross, fees) in true.items()}
    equity = accounts.agent_equity_micros(db)
    shown = {name: [0, 0] for name in true}
    for work in rows.work_since(db, 0):
        for trade in metrics.trades(work.agent, work.fills, work.settlement):
            shown[work.agent][0] += trade.gross_micros
            shown[work.agent][1] += trade.fees_micros
    assert shown == true
    matched = {name: [0, 0] for name in true}
    for row in db.execute("SELECT DISTINCT agent, ticker FROM booked_fills").fetchall():
        value = settlements.in_force(db, row["ticker"]).value_cc
        account = lots.match(audited(db, row["agent"], row["ticker"]), value)
        matched[row["agent"]][0] += account.cash_micros
        matched[row["agent"]][1] += account.fees_micros
    assert matched == true
    for name in ("bull", "bear"):
        assert equity.get(name, 0) == net[name]
        assert exposure.read(db, name, TICKER, SHARD).agent_day_pnl_micros == net[name]
        assert exposure.read(db, name, TICKER, SHARD).agent_lost_micros == max(0, -net[name])
    assert equity.get("manual", 0) == net["manual"]
    rounded = accounts.deposits_micros(db, SHARD) - CASH_MICROS  # what a payout in fractions of a step loses, at most
    assert -200 < rounded <= 0
    balance_micros = rig.engine.balance("ann", SHARD).cash_micros
    assert balance_micros == CASH_MICROS + sum(net.values()) + rounded == accounts.floor_equity_micros(db)
    assert fills.misbooked(db) == []
    assert report.build(db, Settings(), None, T0 + 1).floor.equity_micros == balance_micros


def audited(db: sqlite3.Connection, agent: str, ticker: str) -> list[records.Fill]:
    found = db.execute("SELECT * FROM booked_fills WHERE (agent, ticker) = (?, ?) ORDER BY id", (agent, ticker))
    return [
        records.Fill(
            row["id"], row["trade_id"], row["order_id"], "", agent, ticker, SHARD, row["side"], row["price_cc"],
            row["count_ch"], row["fee_micros"], bool(row["is_taker"]), row["filled_at_ms"], row["recorded_at_ms"],
        )
        for row in found
    ]  # fmt: skip


def test_a_trade_that_earns_less_than_its_fee_is_a_loss(ledger):
    """A cent gained and two paid: no winner, and no end of a losing streak."""
    for number, (side, price_cc) in enumerate(((Side.BID, 5_000), (Side.ASK, 5_010))):
        row = {
            "trade_id": f"t{number}", "order_id": f"x{number}", "ticker": TICKER, "exchange_index": SHARD,
            "book_side": side.value, "count_fp": "10.00", "yes_price_dollars": f"0.{price_cc}", "is_taker": True,
            "fee_cost": "0.010000", "created_time": f"2026-11-20T17:00:0{number}.000Z",
        }  # fmt: skip
        fill = account_rows.fill(msgspec.convert(row, account_rows.FillRow))
        fills.book(ledger, fill, "rest", T0)
        fills.attribute(ledger, number + 1, "bull", why="asked", now_ms=T0)
    (work,) = rows.work_since(ledger, 0)
    (trade,) = metrics.trades(work.agent, work.fills, None)
    assert (trade.gross_micros, trade.fees_micros, trade.net_micros, trade.won) == (10_000, 20_000, -10_000, False)
    settlements.record(ledger, Settlement(TICKER, SHARD, "yes", 10_000, T0), "rest", T0)
    assert outcomes.losing_streak(ledger, "bull", 0).losses == 1
