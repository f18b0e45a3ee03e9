"""How far a floor has come."""

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store import fills, progress, settlements


def book(db, number, ticker, side, count_ch):
    fill = Fill(f"t{number}", f"o{number}", ticker, 2, side, 4_000, count_ch, 0, True, number, "oc-abcdef-a-01ABC")
    fills.book(db, fill, "stream", number)


def test_a_settled_trade_is_a_position_held_until_its_market_paid(db):
    assert progress.read(db).reconciled is None
    book(db, 1, "HELD", Side.BID, 100)
    book(db, 2, "LEFT", Side.BID, 100)
    book(db, 3, "LEFT", Side.ASK, 100)
    book(db, 4, "OPEN", Side.BID, 100)
    for ticker in ("HELD", "LEFT"):
        settlements.record(db, Settlement(ticker, 2, "yes", 10_000, 5), "rest", 5)
    now = progress.read(db)
    assert (now.fills, now.settled_markets, now.settled_trades) == (4, 2, 1)
