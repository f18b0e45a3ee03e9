"""A tape that nobody recorded: generated markets, as the stream would have told of them. For checks and tests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from outcry.domain.market import Market, Status
from outcry.domain.order import Side
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Listed, Opened, Print, SourceEvent, Stats
from outcry.paper.generate.source import Generator
from outcry.store.tape import Tape
from outcry.store.tape_rows import MARKET, NO_LAG, UNKNOWN
from outcry.venue.indices import index_id

EPOCH, SID = 1, 1
FLUSH_ROWS = 5_000
_TAKER = {Side.BID: 1, Side.ASK: -1, None: 0}


def make(
    file: Path,
    start_ms: int,
    seconds: int,
    *,
    seed: int = 1,
    window_s: int = 900,
    average_s: int = 60,
    volatility: float = 0.6,
    series: Sequence[str] = ("KXBTC15M",),
) -> Path:
    """Generated markets over some time, as one session of a day's file.

    raises  Misconfigured for what the generator cannot make; Unavailable when the disk refuses
    """
    source = Generator(
        seed, series, start_ms, window_s=window_s, average_s=average_s, volatility=volatility, jumps_per_hour=2.0
    )
    writing = _Writing(Tape(file, start_ms * 1_000_000))
    end_ms = start_ms + seconds * 1_000
    while (at_ms := source.next_at_ms()) is not None and at_ms <= end_ms:
        for event in source.advance(at_ms):
            writing.take(event)
    writing.tape.close(end_ms * 1_000_000)
    return file


class _Writing:
    """Events of a source as rows."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._arrival = self._seq = 0
        self._markets: dict[str, Market] = {}

    def take(self, event: SourceEvent) -> None:
        self._arrival += 1
        match event:
            case BookChange():
                self._seq += 1
                price = event.side.sign * event.price_cc
                self._row("delta", event.at_ms, NO_LAG, self._seq, event.ticker, price, event.change_ch)
            case BookSet():
                self._seq += 1
                whole = self._arrival, event.at_ms, EPOCH, SID, self._seq
                self.tape.snapshot(whole, event.ticker, event.bids, event.asks)
            case Print():
                taker = _TAKER[event.taker_side]
                self._row("print", event.at_ms, NO_LAG, 0, event.ticker, event.price_cc, event.count_ch, taker, 0)
            case Stats():
                last = UNKNOWN if event.last_price_cc is None else event.last_price_cc
                sizes = (UNKNOWN,) * 4
                symbol = self.tape.symbol(event.ticker)
                numbers = event.volume_ch, event.open_interest_ch
                head = (self._arrival, event.at_ms, NO_LAG, EPOCH, SID, symbol, last)
                self.tape.add("ticker", [(*head, *sizes, *numbers)])
            case IndexTick():
                symbol = self.tape.symbol(index_id(event.symbol))
                row = (self._arrival, event.at_ms, EPOCH, SID, 0, symbol, event.value_micros, event.at_ms, UNKNOWN, 0)
                self.tape.add("index", [row])
            case Listed() | Opened() | Determined():
                self._describe(event)
        if self.tape.pending >= FLUSH_ROWS:
            self.tape.flush()

    def _row(self, kind: str, at_ms: int, lag_ms: int, seq: int, ticker: str, *values: int) -> None:
        symbol = self.tape.symbol(ticker)
        self.tape.add(kind, [(self._arrival, at_ms, lag_ms, EPOCH, SID, seq, symbol, *values)])

    def _describe(self, event: Listed | Opened | Determined) -> None:
        if isinstance(event, Listed):
            market = event.market
        elif isinstance(event, Opened):
            market = replace(self._markets[event.ticker], status=Status.ACTIVE)
        else:
            known = self._markets[event.ticker]
            market = replace(
                known,
                status=Status.DETERMINED,
                result=event.result,
                settlement_value_cc=event.value_cc,
                expiration_micros=event.expiration_value_micros,
            )
        self._markets[market.ticker] = market
        body = msgspec.json.encode(market)
        self.tape.note(MARKET, self._arrival, event.at_ms * 1_000_000, body, name=market.ticker)
