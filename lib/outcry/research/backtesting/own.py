"""What the floor that recorded a tape had in the books itself: a backtest on that tape must not trade with it."""

from outcry.research.backtesting.recorded import Recorded


def resting(session: Recorded) -> frozenset[int]:
    """The arrivals of changes by which orders of the recording floor came to rest, shrank, filled or went.

    What it took from others stays taken: nobody can say what would have become of that size.
    """
    told = {it.arrival: it.client_order_id for it in session.own_changes()}
    if not told:
        return frozenset()
    left_ch: dict[tuple[int, int, str], int] = {}
    found: set[int] = set()
    for table in session.deltas():
        columns = table.columns("arrival", "symbol", "signed_price_cc", "change_ch")
        for arrival, symbol, price, change_ch in zip(*columns, strict=True):
            if arrival in told:
                key = symbol, price, told[arrival]
                if change_ch > 0 or left_ch.get(key, 0) >= -change_ch:
                    left_ch[key] = left_ch.get(key, 0) + change_ch
                    found.add(arrival)
    return frozenset(found)
