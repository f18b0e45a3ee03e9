"""A session of tape as the collector took it in: messages by reads, its own notes, publishes, in order of arrival."""

import heapq
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from outcry.domain.order import Side
from outcry.research.tape import Session
from outcry.store.tape_reader import Note, Table
from outcry.store.tape_reader import Snapshot as Whole
from outcry.store.tape_rows import MARKET, NO_LAG, OWN, UNKNOWN
from outcry.venue.messages import Delta, IndexValue, Message, Snapshot, Ticker, Trade
from outcry.venue.spot.coinbase import SOURCE, Tick

_TAKER = {1: Side.BID, -1: Side.ASK, 0: None}
_RARE: dict[str, type[Message]] = {
    kind.__name__.lower(): kind for kind in Message.__subclasses__() if kind.__module__ == Message.__module__
}


class Publish(NamedTuple):
    """The collector published what it had taken in."""

    number: int


What = Message | Tick | Whole | Publish | Note
Entry = tuple[int, int, int, What]  # arrival, order among equals, at_ms, what


def entries(session: Session) -> Iterator[Entry]:
    """Everything of a session; of notes, messages as such, others as they are. Whole books stay whole books."""
    names = session.names
    return heapq.merge(
        (_rare(note) for note in session.notes() if note.kind not in (MARKET, OWN)),
        ((whole.arrival, 0, whole.at_ms, whole) for whole in session.snapshots()),
        chain.from_iterable(_deltas(table, names) for table in session.deltas()),
        chain.from_iterable(_tickers(table, names) for table in session.tickers()),
        chain.from_iterable(_prints(table, names) for table in session.prints()),
        chain.from_iterable(_index(table, names) for table in session.index()),
        chain.from_iterable(_publishes(table) for table in session.publishes()),
        key=lambda entry: entry[:2],
    )


def told(whole: Whole) -> Snapshot:
    """A whole book as the stream told it."""
    return Snapshot(whole.sid, whole.seq, whole.ticker, whole.bids, whole.asks)


def _rare(note: Note) -> Entry:
    kind, at_ms = _RARE.get(note.kind), note.at_ns // 1_000_000
    return note.arrival, 1, at_ms, msgspec.json.decode(note.body, type=kind) if kind else note


def _deltas(table: Table, names: dict[int, str]) -> Iterator[Entry]:
    for arrival, at_ms, lag_ms, _, sid, seq, symbol, price, change_ch in table.rows():
        happened_ms = None if lag_ms == NO_LAG else at_ms - lag_ms
        yield arrival, 0, at_ms, Delta(sid, seq, names[symbol], price > 0, abs(price), change_ch, happened_ms)


def _tickers(table: Table, names: dict[int, str]) -> Iterator[Entry]:
    for arrival, at_ms, lag_ms, _, sid, symbol, *prices, bid_ch, ask_ch, volume_ch, interest_ch in table.rows():
        last, bid, ask = (None if price == UNKNOWN else price for price in prices)
        told_ms = at_ms - lag_ms
        ticker = Ticker(sid, names[symbol], last, bid, ask, bid_ch, ask_ch, volume_ch, interest_ch, told_ms)
        yield arrival, 0, at_ms, ticker


def _prints(table: Table, names: dict[int, str]) -> Iterator[Entry]:
    for row, trade_id in zip(table.rows(), table.ids, strict=True):
        arrival, at_ms, lag_ms, _, sid, seq, symbol, price, count_ch, taker, _ = row
        happened_ms = at_ms - lag_ms
        trade = Trade(sid, seq or None, trade_id, names[symbol], price, count_ch, _TAKER[taker], False, happened_ms)
        yield arrival, 0, at_ms, trade


def _index(table: Table, names: dict[int, str]) -> Iterator[Entry]:
    for arrival, at_ms, _, sid, seq, symbol, value, value_at_ms, settle, settle_values in table.rows():
        name, _, source = names[symbol].partition("@")
        if source == SOURCE:
            yield arrival, 0, at_ms, Tick(name, value, value_at_ms)
        else:
            mean = None if settle == UNKNOWN else settle
            yield arrival, 0, at_ms, IndexValue(sid, seq, name, value, value_at_ms, at_ms, mean, settle_values)


def _publishes(table: Table) -> Iterator[Entry]:
    for arrival, at_ms, number in table.rows():
        yield arrival, 0, at_ms, Publish(number)
