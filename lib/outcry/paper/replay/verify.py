"""Whether a replay tells the truth: its books held against the recording's own later snapshots and tickers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from outcry.domain.book import Book
from outcry.domain.units import format_decimal
from outcry.paper.generate.windows import close_of
from outcry.paper.replay.recorded import Tick, Whole

Touch = tuple[int | None, int, int | None, int]  # bid price and size, ask price and size
KEPT = 20  # differences described; the rest is only counted


@dataclass(slots=True)
class Verifier:
    """Counts of agreement, and the first differences in words.

    tickers_agree / _differ   touch prices and sizes equal the book at the ticker's own microsecond, or do not
    tickers_after_close       they differ, but after the close: there an exchange empties the book, and recordings end
    tickers_before_book       tickers older than the first change after a snapshot: nothing to compare with
    snapshots_agree / _differ snapshots inside a connection that equal the book built from changes, or do not
    snapshots_emptied         empty snapshots that replaced the deletions at the close, half the book being gone already
    snapshots_first           snapshots that begin a connection: nothing came before them
    known_ch / unknown_ch     inferred volume with and without a taker side, in hundredths of a contract
    recorded / derived / unsettled  markets paid as recorded · by the strike of the next window · by no known result
    """

    tickers_agree: int = 0
    tickers_differ: int = 0
    tickers_after_close: int = 0
    tickers_before_book: int = 0
    snapshots_agree: int = 0
    snapshots_differ: int = 0
    snapshots_emptied: int = 0
    snapshots_first: int = 0
    gaps: int = 0
    known_ch: int = 0
    unknown_ch: int = 0
    changes: int = 0
    holes: int = 0
    recorded: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    _closes_us: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing that could be compared differed, and no frame was lost."""
        return not (self.tickers_differ or self.snapshots_differ or self.gaps)

    def ticker(self, tick: Tick, touches: Sequence[Touch]) -> None:
        """Hold a ticker against the touches that the book had in its microsecond, the last one at its end.

        One order may change several levels in a microsecond, and a ticker may be taken between two of them.
        """
        told = (tick.bid_cc, tick.bid_ch, tick.ask_cc, tick.ask_ch)
        if told in touches:
            self.tickers_agree += 1
        elif tick.at_us >= self._close_us(tick.ticker):
            self.tickers_after_close += 1
        else:
            self.tickers_differ += 1
            self._note(f"{tick.ticker} at {tick.at_us} µs: ticker {_words(*told)}, book {_words(*touches[-1])}")

    def snapshot(self, whole: Whole, book: Book) -> None:
        """Hold a snapshot against the book that changes built."""
        if whole.first:
            self.snapshots_first += 1
        elif (whole.bids, whole.asks) == (book.bids, book.asks):
            self.snapshots_agree += 1
        elif not whole.bids and not whole.asks and not (book.bids and book.asks):
            self.snapshots_emptied += 1
        else:
            self.snapshots_differ += 1
            differing = len(whole.bids.items() ^ book.bids.items()) + len(whole.asks.items() ^ book.asks.items())
            self._note(f"{whole.ticker} at {whole.at_us} µs: snapshot and book differ in {differing} levels")

    def outcome(self, ticker: str, source: str) -> None:
        """Note how a market was paid: recorded, derived or unknown."""
        {"recorded": self.recorded, "derived": self.derived}.get(source, self.unsettled).append(ticker)

    def volume(self, known_ch: int, unknown_ch: int) -> None:
        """Note inferred prints."""
        self.known_ch += known_ch
        self.unknown_ch += unknown_ch

    def lines(self) -> list[str]:
        """The result for people, one fact a line."""
        markets = len(self.recorded) + len(self.derived) + len(self.unsettled)
        volume_ch = self.known_ch + self.unknown_ch
        share = f"{100 * self.known_ch / volume_ch:.0f} %" if volume_ch else "none"
        told = [
            f"tickers    {self.tickers_agree} equal the replayed book, {self.tickers_differ} differ"
            f" ({self.tickers_before_book} before a book, {self.tickers_after_close} after a close)",
            f"snapshots  {self.snapshots_agree} equal the replayed book, {self.snapshots_differ} differ"
            f" ({self.snapshots_emptied} stood for deletions at a close, {self.snapshots_first} began a connection)",
            f"settled    {len(self.recorded)} of {markets} markets as recorded",
            f"prints     {format_decimal(volume_ch, 2)} contracts inferred, taker side known for {share}",
            f"replayed   {self.changes} changes, {self.holes} holes cut, {self.gaps} sequence gaps",
        ]
        told += [f"derived    {ticker} by the strike of the next window" for ticker in self.derived]
        told += [f"unknown    {ticker} has no recorded result: paid at its last price" for ticker in self.unsettled]
        told += [f"torn       {name} ends in the middle of a frame" for name in self.torn]
        return told + [f"differs    {words}" for words in self.differences]

    def _close_us(self, ticker: str) -> int:
        if ticker not in self._closes_us:
            self._closes_us[ticker] = close_of(ticker) * 1_000
        return self._closes_us[ticker]

    def _note(self, words: str) -> None:
        if len(self.differences) < KEPT:
            self.differences.append(words)


def touch_of(book: Book) -> Touch:
    """Best bid and its size, best ask and its size; None and 0 for an empty side."""
    return book.bid_cc, book.bids.get(book.bid_cc or 0, 0), book.ask_cc, book.asks.get(book.ask_cc or 0, 0)


def _words(bid_cc: int | None, bid_ch: int, ask_cc: int | None, ask_ch: int) -> str:
    bid = "-" if bid_cc is None else f"{format_decimal(bid_ch, 2)} @ {format_decimal(bid_cc, 4)}"
    ask = "-" if ask_cc is None else f"{format_decimal(ask_ch, 2)} @ {format_decimal(ask_cc, 4)}"
    return f"{bid} / {ask}"
