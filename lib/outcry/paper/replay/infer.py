"""Public prints that a recording lacks, inferred from what it has: ticker volume and decreases at the touch.

Between two tickers the exchange matched a known number of contracts, and the later one says the price and size of the
last match. Every match also shows as a decrease at the touch. So the prints of an interval are a set of decreases that
adds up to exactly that volume and ends with exactly that match. Where one such set exists, price, size and taker side
are certain; where several do, only what all of them share; the rest is volume whose side nobody knows.

The recorded volume and open interest count each contract twice, once for either side (ticker after ticker of a single
match of n contracts raises the volume by 2n).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from msgspec import Struct

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side
from outcry.paper.replay.recorded import Change, Item, Lost, Tick, Whole
from outcry.paper.replay.verify import Touch, Verifier, touch_of

VOLUME_SIDES = 2
MAX_SETS = 64  # beyond so many explanations nothing is certain
MAX_TAKES = 64
MAX_SUM = 2_000_000  # in the interval's own unit; larger sums are not worth their bits
HOLD_US = 30_000_000  # changes wait so long for the ticker that explains them


class Match(Item):
    """One inferred print, at the place of the change that it explains. `taker_side` None: not known."""

    price_cc: int
    count_ch: int
    taker_side: Side | None


@dataclass(frozen=True, slots=True)
class Take:
    """Decreases at the touch that one instant brought: a match, or a cancel that looks like one.

    parts  (price_cc, count_ch) of each, best price first
    """

    is_bid: bool
    parts: tuple[tuple[int, int], ...]

    @property
    def count_ch(self) -> int:
        return sum(count for _, count in self.parts)

    @property
    def taker_side(self) -> Side:
        """Bids that shrink were hit by a seller."""
        return Side.ASK if self.is_bid else Side.BID


def explain(takes: Sequence[Take], volume_ch: int, price_cc: int | None, count_ch: int) -> set[int]:
    """Which takes were certainly matched.

    takes      in time order
    volume_ch  matched in the interval; price_cc, count_ch of the last match in it
    returns    indices into `takes`; together they never count more than the volume

    >>> bid, ask = Take(True, ((4200, 500),)), Take(False, ((4300, 700),))
    >>> explain([bid, ask, bid], 1200, 4300, 700)
    {0, 1}
    >>> explain([ask], 900, 4300, 700)
    {0}
    """
    ends = [index for index, take in enumerate(takes) if take.parts[-1] == (price_cc, count_ch)]
    sets: list[tuple[int, ...]] = []
    for end in ends:
        rest = volume_ch - takes[end].count_ch
        if rest >= 0:
            sets += [(*chosen, end) for chosen in _sums([take.count_ch for take in takes[:end]], rest)]
        if len(sets) > MAX_SETS:
            break
    if sets and len(sets) <= MAX_SETS:
        return _shared(takes, sets)
    return set(ends) if len(ends) == 1 and takes[ends[0]].count_ch <= volume_ch else set()


def _shared(takes: Sequence[Take], sets: Sequence[tuple[int, ...]]) -> set[int]:
    """What all sets contain. Takes that are alike stand for each other: the last one that any set has is named."""
    common = Counter(takes[index] for index in sets[0])
    for chosen in sets[1:]:
        common &= Counter(takes[index] for index in chosen)
    anywhere = sorted(set().union(*sets))
    found: set[int] = set()
    for take, times in common.items():
        found.update([index for index in anywhere if takes[index] == take][-times:])
    return found


def _sums(counts: list[int], total: int) -> list[tuple[int, ...]]:
    """Index sets whose counts add up to `total`, at most MAX_SETS + 1; none when the search would be too large.

    reach[i] has bit n set when counts[i:] can add up to n: no branch is entered that leads nowhere.
    """
    unit = gcd(total, *counts) or 1
    counts, total = [count // unit for count in counts], total // unit
    if len(counts) > MAX_TAKES or total > MAX_SUM:
        return []
    mask, reach = (1 << (total + 1)) - 1, [1]
    for count in reversed(counts):
        reach.append((reach[-1] | reach[-1] << count) & mask if count <= total else reach[-1])
    reach.reverse()
    found: list[tuple[int, ...]] = []
    stack: list[tuple[int, int, tuple[int, ...]]] = [(0, total, ())]
    while stack and len(found) <= MAX_SETS:
        index, left, chosen = stack.pop()
        if not reach[index] >> left & 1:
            continue
        if index == len(counts):
            found.append(chosen)
            continue
        stack.append((index + 1, left, chosen))
        if counts[index] <= left:
            stack.append((index + 1, left - counts[index], (*chosen, index)))
    return found


class _Held(Struct):
    """What is known of one market in one connection while its next ticker is awaited.

    volume_ch  at the last ticker; None until there is one with a book beneath it
    compare    whether a change came since the snapshot: from then on a ticker must equal the book
    broken     sequence lost: nothing counts until the next snapshot
    """

    book: Book
    changes: list[Change]
    volume_ch: int | None = None
    compare: bool = False
    broken: bool = False


def with_matches(items: Iterable[Item], verifier: Verifier) -> Iterator[Item]:
    """The same items with a `Match` before each change that it explains, and every ticker held against the book."""
    held: dict[str, _Held] = {}
    for item in items:
        market = held.setdefault(item.ticker, _Held(Book(), []))
        if type(item) is Change:
            if market.changes and item.at_us - market.changes[0].at_us > HOLD_US:
                yield from _release(market, None, verifier)
            market.changes.append(item)
            continue
        if type(item) is Tick:
            yield from _release(market, item, verifier)
        elif type(item) is Whole:
            yield from _release(market, None, verifier)
            verifier.snapshot(item, market.book)
            market.book.replace(dict(item.bids), dict(item.asks))
            market.volume_ch, market.compare, market.broken = None, False, False
        elif type(item) is Lost:
            yield from _release(market, None, verifier)
            verifier.gaps += 1
            market.book.replace({}, {})
            market.broken = True
        yield item
    for market in held.values():
        yield from _release(market, None, verifier)


def _release(market: _Held, tick: Tick | None, verifier: Verifier) -> Iterator[Item]:
    """Let the held changes go, with the matches that the ticker reveals."""
    changes, market.changes = market.changes, []
    market.compare = market.compare or bool(changes)
    before_ch, market.volume_ch = market.volume_ch, None
    touches: list[Touch] = []
    takes, starts = _takes(market.book, changes, touches, -1 if tick is None else tick.at_us)
    if tick is not None and market.compare and not market.broken:
        market.volume_ch = tick.volume_ch
        verifier.ticker(tick, touches)
    elif tick is not None:
        verifier.tickers_before_book += 1
    matched: set[int] = set()
    unknown_ch = 0
    if tick is not None and before_ch is not None and tick.volume_ch > before_ch:
        volume_ch = (tick.volume_ch - before_ch) // VOLUME_SIDES
        matched = explain(takes, volume_ch, tick.last_price_cc, tick.last_ch)
        known_ch = sum(takes[index].count_ch for index in matched)
        unknown_ch = volume_ch - known_ch
        verifier.volume(known_ch, unknown_ch)
    last = max(matched, default=None)
    at_start = {starts[index]: index for index in matched}
    for position, change in enumerate(changes):
        index = at_start.get(position)
        if index is not None:
            if index == last and unknown_ch and tick is not None:
                yield _unknown(tick, change, unknown_ch)
            for price, count in takes[index].parts:
                side = takes[index].taker_side
                yield Match(change.at_us, change.ticker, change.session, price, count, side, line=change.line,
                            recv_us=change.recv_us)  # fmt: skip
        yield change
    if last is None and unknown_ch and tick is not None:
        yield _unknown(tick, tick, unknown_ch)


def _unknown(tick: Tick, place: Item, count_ch: int) -> Match:
    return Match(place.at_us, tick.ticker, tick.session, tick.last_price_cc or 0, count_ch, None, line=place.line,
                 recv_us=place.recv_us)  # fmt: skip


def _takes(book: Book, changes: list[Change], touches: list[Touch], tick_us: int) -> tuple[list[Take], list[int]]:
    """Apply changes to the book; returns what may have been matches, and where in `changes` each begins.

    touches    gets the touch after each change of the microsecond `tick_us`, and in the end
    Changes of one microsecond belong together. A decrease with an equal increase on its side is an order that moved,
    no match; a decrease away from the touch is a cancel.
    """
    takes: list[Take] = []
    starts: list[int] = []
    position = 0
    while position < len(changes):
        end = position
        while end < len(changes) and changes[end].at_us == changes[position].at_us:
            end += 1
        moved = Counter((c.is_bid, c.change_ch) for c in changes[position:end] if c.change_ch > 0)
        parts: list[tuple[int, int]] = []
        side: bool | None = None
        for change in changes[position:end]:
            touch = book.bid_cc if change.is_bid else book.ask_cc
            if change.change_ch < 0 and moved[change.is_bid, -change.change_ch] > 0:
                moved[change.is_bid, -change.change_ch] -= 1
            elif change.change_ch < 0 and change.price_cc == touch and side in (None, change.is_bid):
                side = change.is_bid
                parts.append((change.price_cc, -change.change_ch))
            _apply(book, change)
            if change.at_us == tick_us:
                touches.append(touch_of(book))
        if parts and side is not None:
            takes.append(Take(side, tuple(parts)))
            starts.append(position)
        position = end
    touches.append(touch_of(book))
    return takes, starts


def _apply(book: Book, change: Change) -> None:
    try:
        book.apply(change.is_bid, change.price_cc, change.change_ch)
    except InvariantBroken as error:
        raise InvariantBroken(f"{change.session}, {change.ticker}: {error}", "the recording lost a frame") from error
