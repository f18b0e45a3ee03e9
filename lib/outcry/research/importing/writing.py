"""Entries in order of time onto tapes, a file a UTC day, each beginning with whole books and known markets.

What nobody recorded at its moment is put where it was known at the earliest: settlements a second after the close.
"""

import heapq
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.research.importing import entries
from outcry.research.importing.entries import Entry
from outcry.store.tape import Tape, file_of
from outcry.store.tape_rows import MARKET, SETTLEMENT, UNKNOWN

SOURCE, TOLD = "source", "told"
SETTLED_AFTER_MS = 1_000
FLUSH_ROWS = 5_000

# How a market ended: result, value_cc, statistic, source of this knowledge.
Ending = tuple[str, int, int | None, str]


class Days:
    """The tapes of an import.

    folder   where the drafts are written, one file a day
    ending   how a market ended
    sources  facts of each source by its name, noted on every day that it contributes to
    """

    def __init__(
        self, folder: Path, ending: Callable[[Market], Ending | None], sources: dict[str, dict[str, object]]
    ) -> None:
        self._folder, self._ending, self._sources = folder, ending, sources
        self._tape: Tape | None = None
        self._day_ends_ms = self._arrival = self._now_ms = 0
        self._seen: set[str] = set()  # sources noted on this day
        self._epochs: dict[str, int] = {}
        self._books: dict[str, tuple[str, int, int, Book]] = {}  # link, sid, seq, book
        self._markets: dict[str, Market] = {}
        self._due: list[tuple[int, str]] = []
        self.unsettled: list[str] = []
        self.files: list[Path] = []

    def take(self, entry: Entry) -> None:
        """The next entry."""
        self._settle_until(entry.at_ms)
        tape = self._at(entry.at_ms)
        if entry.source not in self._seen:
            self._seen.add(entry.source)
            self._note(tape, SOURCE, entry.at_ms, msgspec.json.encode(self._sources[entry.source]), entry.source)
        self._arrival += 1
        self._write(tape, entry, self._arrival)
        if tape.pending >= FLUSH_ROWS:
            tape.flush()

    def close(self) -> None:
        """Settle what is left, and end the last day."""
        self._settle_until(1 << 62)
        self._end()

    # ---- days -------------------------------------------------------------------------------------------------------

    def _at(self, at_ms: int) -> Tape:
        """The tape of a moment, begun where a new day begins."""
        self._now_ms = max(self._now_ms, at_ms)
        if self._tape is not None and self._now_ms < self._day_ends_ms:
            return self._tape
        self._end()
        file = file_of(self._folder, self._now_ms * 1_000_000)
        self._tape = tape = Tape(file, self._now_ms * 1_000_000)
        self.files.append(file)
        day = datetime.fromtimestamp(self._now_ms / 1_000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._day_ends_ms = int(day.timestamp() * 1_000) + 86_400_000
        self._arrival, self._seen = 0, set()
        for market in self._markets.values():
            self._fact(tape, market)
        for ticker, (link, sid, seq, book) in self._books.items():
            self._arrival += 1
            row = (self._arrival, self._now_ms, self._epoch(link), sid, seq)
            tape.snapshot(row, ticker, dict(book.bids), dict(book.asks))
        return tape

    def _end(self) -> None:
        if self._tape is not None:
            self._tape.close(self._now_ms * 1_000_000)
            self._tape = None

    # ---- entries ----------------------------------------------------------------------------------------------------

    def _write(self, tape: Tape, entry: Entry, arrival: int) -> None:
        at_ms, symbol = entry.at_ms, tape.symbol
        epoch = self._epoch(entry.link)
        if isinstance(entry, entries.Delta):
            tape.add("delta", [(arrival, at_ms, entry.lag_ms, epoch, entry.sid, entry.seq, symbol(entry.ticker),
                                entry.signed_price_cc, entry.change_ch)])  # fmt: skip
            self._apply(entry)
        elif isinstance(entry, entries.Print):
            tape.add("print", [(arrival, at_ms, 0, epoch, 0, 0, symbol(entry.ticker), entry.price_cc, entry.count_ch,
                                entry.taker, int(entry.inferred))], [""])  # fmt: skip
        elif isinstance(entry, entries.Ticker):
            head = (arrival, at_ms, entry.lag_ms, epoch, entry.sid, symbol(entry.ticker))
            tape.add("ticker", [(*head, *entry.numbers)])
        elif isinstance(entry, entries.IndexValue):
            value = (symbol(entry.name), entry.value_micros, at_ms, UNKNOWN, 0)
            tape.add("index", [(arrival, at_ms, epoch, 0, 0, *value)])
        elif isinstance(entry, entries.Whole):
            book = Book()
            book.replace(dict(entry.bids), dict(entry.asks))
            self._books[entry.ticker] = (entry.link, entry.sid, entry.seq, book)
            tape.snapshot((arrival, at_ms, epoch, entry.sid, entry.seq), entry.ticker, entry.bids, entry.asks)
        elif isinstance(entry, entries.Known):
            self._known(tape, entry.market)
        else:
            self._rare(tape, entry, arrival)

    def _rare(self, tape: Tape, entry: Entry, arrival: int) -> None:
        at_ns, epoch = entry.at_ms * 1_000_000, self._epoch(entry.link)
        if isinstance(entry, entries.Began):
            tape.note("connected", arrival, at_ns, {"source": entry.source, "link": entry.link}, epoch=epoch)
        elif isinstance(entry, entries.Ended):
            tape.note("disconnected", arrival, at_ns, {"reason": entry.why}, epoch=epoch)
            self._books = {name: held for name, held in self._books.items() if held[0] != entry.link}
        elif isinstance(entry, entries.Told):
            tape.note(TOLD, arrival, at_ns, entry.what.encode(), name=entry.source)

    def _apply(self, entry: entries.Delta) -> None:
        """Keep the book, for the day that begins in the middle of it."""
        held = self._books.get(entry.ticker)
        if held is None or held[0] != entry.link:
            return
        price = entry.signed_price_cc
        try:
            held[3].apply(price > 0, abs(price), entry.change_ch)
        except InvariantBroken:  # verifying names it; from here on this book is not known
            del self._books[entry.ticker]
        else:
            self._books[entry.ticker] = (entry.link, entry.sid, entry.seq, held[3])

    def _epoch(self, link: str) -> int:
        """A number for each connection; 0 for none."""
        return self._epochs.setdefault(link, len(self._epochs) + 1) if link else 0

    # ---- markets ----------------------------------------------------------------------------------------------------

    def _known(self, tape: Tape, market: Market) -> None:
        before = self._markets.get(market.ticker)
        if before == market or (before is not None and before.settlement_value_cc is not None):
            return
        if before is None:
            heapq.heappush(self._due, (market.close_at_ms + SETTLED_AFTER_MS, market.ticker))
        self._markets[market.ticker] = market
        self._fact(tape, market)

    def _fact(self, tape: Tape, market: Market) -> None:
        self._note(tape, MARKET, self._now_ms, msgspec.json.encode(market), market.ticker)

    def _settle_until(self, at_ms: int) -> None:
        """Settlements that are due: a market is forgotten then."""
        while self._due and self._due[0][0] <= at_ms:
            due_ms, ticker = heapq.heappop(self._due)
            market = self._markets.pop(ticker)
            ending = self._ending(market)
            if ending is None:
                self.unsettled.append(ticker)
                continue
            result, value_cc, expiration_micros, source = ending
            tape = self._at(due_ms)
            facts = {"result": result, "value_cc": value_cc, "expiration_micros": expiration_micros, "source": source}
            self._note(tape, SETTLEMENT, self._now_ms, msgspec.json.encode(facts), ticker)
            said = replace(
                market, status=Status.DETERMINED, result=result, settlement_value_cc=value_cc,
                expiration_micros=expiration_micros,
            )  # fmt: skip
            self._fact(tape, said)

    def _note(self, tape: Tape, kind: str, at_ms: int, body: bytes, name: str) -> None:
        self._arrival += 1
        tape.note(kind, self._arrival, at_ms * 1_000_000, body, name=name)
