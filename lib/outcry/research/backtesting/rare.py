"""All that a session of tape tells but the changes of books: calls in order of arrival, made when their turn comes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from outcry.research.backtesting.books import Told, merged
from outcry.research.backtesting.recorded import Recorded
from outcry.research.tape import Fact, Settlement

TICKER = ("last_cc", "volume_ch", "open_interest_ch", "bid_cc", "bid_ch", "ask_cc", "ask_ch")
PRINT = ("lag_ms", "price_cc", "count_ch", "taker", "inferred")
INDEX = ("value_micros", "value_at_ms")


class Listener(Protocol):
    """Whoever is told. `values` are the columns named above, in that order."""

    def lose_all(self) -> None: ...
    def describe(self, fact: Fact) -> None: ...
    def replace(self, ticker: str, symbol: int, bids: dict[int, int], asks: dict[int, int], at_ms: int) -> None: ...
    def ticker(self, ticker: str, symbol: int, at_ms: int, values: Sequence[int]) -> None: ...
    def print(self, ticker: str, at_ms: int, values: Sequence[int]) -> None: ...
    def index(self, name: str, value_micros: int, at_ms: int) -> None: ...


def told(session: Recorded, listener: Listener, settle: Callable[[Settlement], None]) -> Iterator[Told]:
    """Everything of a session but the changes; of what arrived together, losses first and settlements last."""
    return merged(
        ((it.arrival, 0, it.at_ms, listener.lose_all) for it in session.losses() if it.books),
        ((it.arrival, 1, it.at_ms, _bound(listener.describe, it)) for it in session.markets()),
        _snapshots(session, listener),
        _tickers(session, listener),
        _prints(session, listener),
        _index(session, listener),
        ((it.arrival, 6, it.at_ms, _bound(settle, it)) for it in session.settlements()),
    )


def _snapshots(session: Recorded, listener: Listener) -> Iterator[Told]:
    symbols = {name: symbol for symbol, name in session.names.items()}
    for it in session.snapshots():
        if (symbol := symbols.get(it.ticker)) is not None:
            yield it.arrival, 2, it.at_ms, _bound(listener.replace, it.ticker, symbol, it.bids, it.asks, it.at_ms)


def _tickers(session: Recorded, listener: Listener) -> Iterator[Told]:
    names, touch_only = session.names, _touch_only(session)
    for table in session.tickers():
        for arrival, at_ms, symbol, *values in zip(*table.columns("arrival", "at_ms", "symbol", *TICKER), strict=True):
            whole = symbol if symbol in touch_only else 0
            yield arrival, 3, at_ms, _bound(listener.ticker, names[symbol], whole, at_ms, values)


def _prints(session: Recorded, listener: Listener) -> Iterator[Told]:
    names = session.names
    for table in session.prints():
        for arrival, at_ms, symbol, *values in zip(*table.columns("arrival", "at_ms", "symbol", *PRINT), strict=True):
            yield arrival, 4, at_ms, _bound(listener.print, names[symbol], at_ms, values)


def _index(session: Recorded, listener: Listener) -> Iterator[Told]:
    names = session.names
    for table in session.index():
        for arrival, at_ms, symbol, *values in zip(*table.columns("arrival", "at_ms", "symbol", *INDEX), strict=True):
            yield arrival, 5, at_ms, _bound(listener.index, names[symbol], *values)


def _touch_only(session: Recorded) -> set[int]:
    """Markets of which a recording has tickers only: their book is the touch that those tell."""
    whole = {snapshot.ticker for snapshot in session.snapshots()}
    told_of = {symbol for table in session.tickers() for symbol in set(table.column("symbol"))}
    return {symbol for symbol in told_of if session.names[symbol] not in whole}


def _bound(call: Callable[..., None], *values: object) -> Callable[[], None]:
    return lambda: call(*values)
