"""Recordings of the stream (with or without books): frames in the order they were heard, prints inferred.

A recorder's clock is off and drifts. Of each connection the smallest difference to the exchange's own stamps is taken
as its offset and taken out, so the order and the delays between frames stay as they were, and nothing is heard before
it happened. Frames that carry no trades get prints inferred from ticker volume and decreases of the book; each stands
before the change that it explains.
"""

from collections.abc import Iterator
from itertools import groupby

from outcry.domain.market import Market, Status
from outcry.domain.order import Side
from outcry.domain.units import format_decimal
from outcry.paper.generate.windows import QUARTER_HOUR_MS, Window, close_of, names
from outcry.paper.replay.infer import Match, with_matches
from outcry.paper.replay.outcomes import Outcomes
from outcry.paper.replay.recorded import Change, Item, Lost, Tick, Watched, Whole
from outcry.paper.replay.recording import Recording
from outcry.paper.replay.verify import Verifier
from outcry.research.importing import entries
from outcry.research.importing.entries import Entry, Source
from outcry.store.tape_rows import UNKNOWN

_TAKER = {Side.BID: 1, Side.ASK: -1, None: 0}


def read(outcomes: Outcomes, source: Source) -> Iterator[Entry]:
    """Everything in one recording. outcomes: strikes of markets that the recorder did not note."""
    recording, verifier = Recording(source.path), Verifier()
    items = sorted(with_matches(recording.items(), verifier), key=lambda item: (item.line, type(item) is not Match))
    known: set[str] = set()
    last_ms = 0
    offsets: list[int] = []
    for link, group in groupby(items, key=lambda item: item.session):
        connection = list(group)
        offset_us = _offset_us(connection, offsets[-1] if offsets else 0)
        offsets.append(offset_us)
        for number, item in enumerate(connection):
            at_ms = last_ms = max(last_ms, (item.recv_us - offset_us) // 1_000)
            if number == 0:
                yield entries.Began(at_ms, source.name, link)
            if item.ticker not in known or isinstance(item, Watched):
                known.add(item.ticker)
                yield entries.Known(at_ms, source.name, link, market_of(item, outcomes))
            if not isinstance(item, Watched):
                yield _entry(item, at_ms, source.name, link)
        yield entries.Ended(last_ms, source.name, link, "the recording of this connection ends")
    for what in _told(recording, verifier, offsets):
        yield entries.Told(last_ms, source.name, "", f"{source.name}: {what}")


def market_of(item: Item | str, outcomes: Outcomes) -> Market:
    """A market's facts as a recording has them: its calendar by its ticker, its strike where somebody noted it."""
    ticker = item if isinstance(item, str) else item.ticker
    strike = item.strike_micros if isinstance(item, Watched) else None
    if isinstance(item, Watched) and strike is not None:
        outcomes.learn_strike(ticker, strike)
    close_ms = item.close_at_ms if isinstance(item, Watched) else close_of(ticker)
    series = ticker.split("-", maxsplit=1)[0]
    window = Window(series, names(series, close_of(ticker))[0], ticker, close_ms - QUARTER_HOUR_MS, close_ms)
    return window.market(Status.ACTIVE, outcomes.strike_micros(ticker) if strike is None else strike)


def _entry(item: Item, at_ms: int, source: str, link: str) -> Entry:
    lag_ms = at_ms - item.at_us // 1_000
    if type(item) is Change:
        price = item.price_cc if item.is_bid else -item.price_cc
        return entries.Delta(at_ms, source, link, lag_ms, item.sid, item.seq, item.ticker, price, item.change_ch)
    if type(item) is Match:
        taker = _TAKER[item.taker_side]
        return entries.Print(at_ms, source, link, item.ticker, item.price_cc, item.count_ch, taker, True)
    if type(item) is Tick:
        prices = (UNKNOWN if price is None else price for price in (item.last_price_cc, item.bid_cc, item.ask_cc))
        numbers = (*prices, item.bid_ch, item.ask_ch, item.volume_ch, item.open_interest_ch)
        return entries.Ticker(at_ms, source, link, lag_ms, item.sid, item.ticker, numbers)
    if type(item) is Whole:
        return entries.Whole(at_ms, source, link, item.sid, item.seq, item.ticker, item.bids, item.asks)
    if type(item) is Lost:
        return entries.Ended(at_ms, source, link, "sequence numbers are missing in the recording")
    raise TypeError(f"{type(item).__name__} is nothing that a recording holds")


def _offset_us(connection: list[Item], before_us: int) -> int:
    """The recorder's clock less the exchange's, by the frame that came fastest."""
    for stamped in (Change, Tick):
        if lags := [item.recv_us - item.at_us for item in connection if type(item) is stamped]:
            return min(lags)
    return before_us


def _told(recording: Recording, verifier: Verifier, offsets: list[int]) -> Iterator[str]:
    if recording.torn:
        yield "ends in the middle of a frame"
    if offsets:
        low, high = min(offsets) / 1_000, max(offsets) / 1_000
        yield f"the recorder's clock, off by {low:.0f} to {high:.0f} ms, is taken out, connection by connection"
    if volume_ch := verifier.known_ch + verifier.unknown_ch:
        share = round(100 * verifier.known_ch / volume_ch)
        yield (
            f"no public trades were recorded: {format_decimal(volume_ch, 2)} contracts are inferred, taker side and"
            f" price certain for {share} %"
        )
    if verifier.gaps:
        yield f"{verifier.gaps} sequence gaps: what follows each is left out until the next snapshot"
    for what in verifier.differences:
        yield f"replayed by the exchange's time: {what}"
