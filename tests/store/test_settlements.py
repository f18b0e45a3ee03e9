from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store import accounts, fills, settlements

TICKER = "KXBTC15M-A"


def bought(count_ch, trade_id="t1"):
    return Fill(trade_id, "x1", TICKER, 2, Side.BID, 4_000, count_ch, 0, True, 10)


def paid(value_cc, at_ms=100, result="scalar"):
    return Settlement(TICKER, 2, result, value_cc, at_ms)


def cash(db):
    return db.execute("SELECT sum(cash_micros) FROM agent_markets").fetchone()[0]


def test_a_settlement_is_booked_once_whoever_says_it_and_whenever(db):
    fills.book(db, bought(100), "rest", 20)
    said = [
        settlements.record(db, paid(10_000, at_ms, "yes"), source, 200)
        for at_ms, source in ((100, "rest"), (999, "market"))
    ]
    assert said == [True, False]
    assert cash(db) == 100 * 10_000 - 100 * 4_000


def test_a_re_determination_supersedes_and_may_return(db):
    fills.book(db, bought(100), "rest", 20)
    for value_cc, result in ((10_000, "yes"), (0, "no"), (10_000, "yes")):
        assert settlements.record(db, paid(value_cc, 100, result), "rest", 200)
    assert settlements.in_force(db, TICKER).value_cc == 10_000
    assert cash(db) == 100 * 10_000 - 100 * 4_000
    assert [item.settlement.value_cc for item in settlements.since(db, 1)] == [0, 10_000]


def test_flooring_a_scalar_payout_is_an_adjustment_that_follows_corrections(db):
    fills.book(db, bought(1), "rest", 20)
    settlements.record(db, paid(3_333), "rest", 200)
    assert accounts.deposits_micros(db, 2) == -33
    settlements.record(db, paid(3_350, 300), "rest", 400)
    assert accounts.deposits_micros(db, 2) == -50
    fills.book(db, bought(1, "late"), "rest", 500)
    assert accounts.deposits_micros(db, 2) == 0
    settlements.record(db, paid(0, 600, "no"), "rest", 700)
    assert accounts.deposits_micros(db, 2) == 0


def test_awaited_markets_are_traded_closed_and_unpaid(db):
    fills.book(db, bought(100), "rest", 20)
    assert settlements.awaited(db, 50) == [(TICKER, 0)]
    db.execute(
        "INSERT INTO markets (ticker, event_ticker, series_ticker, exchange_index, status, open_at_ms, close_at_ms,"
        " price_ranges, fee_type, fee_multiplier_millionths, updated_at_ms)"
        " VALUES (?, '', '', 2, 'active', 0, 60, '[]', '', 0, 0)",
        (TICKER,),
    )
    assert settlements.awaited(db, 60) == []
    assert settlements.awaited(db, 61) == [(TICKER, 60)]
    settlements.record(db, paid(0, 70, "no"), "rest", 80)
    assert settlements.awaited(db, 90) == []
