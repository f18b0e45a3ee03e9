"""Failure 18: paper fills that the real exchange would not grant: at a touch, ahead of the queue, out of endless depth.

Also: the same tape gives the same fills, however fast it is played and whichever way it reaches the exchange.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_kit import SHARD, TICKER, Rig, counter
from histories import histories
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import NewOrderRequest
from outcry.paper.events import BookChange, BookSet, Listed, Print
from outcry.paper.generate.windows import close_of
from outcry.paper.mirror.reflection import Reflection
from outcry.paper.mirror.seen import BooksSeen, ChangeSeen, PrintSeen, RowsSeen
from outcry.paper.replay.source import Replay
from outcry.venue.wire import PublicTrade
from recorder import Recorder

BIDS, ASKS = {4_000: 700, 3_900: 900, 3_800: 2_000}, {4_200: 600, 4_300: 900, 4_400: 2_000}
COUNTS = st.integers(1, 1_500)


# ---- makers -------------------------------------------------------------------------------------------------------

QUOTED = st.tuples(st.just("quoted"), st.sampled_from([3_800, 3_900, 4_000]), st.integers(-1_500, 1_500))
FARTHER = st.tuples(st.just("asked"), st.sampled_from([4_100, 4_200, 4_300]), st.integers(-1_500, 1_500))
SOLD_HERE = st.tuples(st.just("sold"), st.just(4_000), COUNTS)
SOLD_ABOVE = st.tuples(st.just("sold"), st.just(4_100), COUNTS)
BOUGHT = st.tuples(st.just("bought"), st.sampled_from([4_000, 4_200]), COUNTS)


@histories(150, 5_000)
@given(st.lists(st.one_of(QUOTED, FARTHER, SOLD_HERE, SOLD_ABOVE, BOUGHT), max_size=40), COUNTS)
def test_a_resting_order_gets_only_what_was_sold_here_after_the_queue_ahead_of_it(steps, count_ch):
    """Worked out beside the matcher: what stood here when it came trades first, and no quote fills anybody."""
    rig = Rig(dict(BIDS), dict(ASKS))
    order, ahead_ch, filled_ch = rig.bid(4_000, count_ch), BIDS[4_000], 0
    for kind, price_cc, size in steps:
        if kind == "sold":
            rig.feed(Print(TICKER, price_cc, size, Side.ASK, rig.now))
            if price_cc == 4_000:
                passed_ch = min(ahead_ch, size)
                ahead_ch -= passed_ch
                filled_ch += min(size - passed_ch, count_ch - filled_ch)
        elif kind == "bought":
            rig.feed(Print(TICKER, price_cc, size, Side.BID, rig.now))
        else:
            side = Side.BID if kind == "quoted" else Side.ASK
            foreign_ch = rig.engine.market(TICKER).book.foreign_ch(side is Side.BID, price_cc)[0]
            change_ch = max(size, -foreign_ch)
            rig.feed(BookChange(TICKER, side, price_cc, change_ch, rig.now))
            if (kind, price_cc) == ("quoted", 4_000):
                ahead_ch = min(ahead_ch, foreign_ch + change_ch)
        assert order.filled_ch <= filled_ch
    made = rig.engine.fills("ann")
    assert sum(fill.count_ch for fill in made) == order.filled_ch == filled_ch
    assert {(fill.price_cc, fill.is_taker, fill.fee_micros) for fill in made} <= {(4_000, False, 0)}


def test_a_price_that_is_touched_or_left_again_fills_nobody_and_one_traded_through_fills_whole():
    rig = Rig(dict(BIDS), dict(ASKS))
    order = rig.bid(4_000, 300)
    for ask_cc, change_ch in ((4_100, 400), (4_100, -400), (4_200, -600)):
        rig.feed(BookChange(TICKER, Side.ASK, ask_cc, change_ch, rig.now))
    rig.feed(BookChange(TICKER, Side.BID, 4_000, -700, rig.now))  # everybody else left the level
    assert order.filled_ch == 0
    rig.feed(Print(TICKER, 3_900, 1, Side.ASK, rig.now))
    assert order.filled_ch == 300


# ---- takers -------------------------------------------------------------------------------------------------------


@histories(100, 5_000)
@given(st.lists(st.tuples(st.sampled_from(Side), st.sampled_from([3_800, 3_900, 4_200, 4_300]), COUNTS), max_size=15))
def test_nobody_buys_more_than_is_shown_nor_the_same_size_twice(takes):
    """The depth is finite, and the book told once more does not bring back what was taken from it."""
    rig = Rig(dict(BIDS), dict(ASKS))
    left = {Side.BID: dict(ASKS), Side.ASK: dict(BIDS)}
    for side, limit_cc, count_ch in takes:
        order = rig.order(side, limit_cc, count_ch, time_in_force=TimeInForce.IOC)
        wanted_ch = count_ch
        for price_cc in sorted(left[side], reverse=side is Side.ASK):
            if (price_cc <= limit_cc) if side is Side.BID else (price_cc >= limit_cc):
                taken_ch = min(wanted_ch, left[side][price_cc])
                left[side][price_cc], wanted_ch = left[side][price_cc] - taken_ch, wanted_ch - taken_ch
        assert order.filled_ch == count_ch - wanted_ch
        rig.feed(BookSet(TICKER, dict(BIDS), dict(ASKS), rig.now))


# ---- the same tape ------------------------------------------------------------------------------------------------

FIRST = "KXBTC15M-26MAY130945-45"
CLOSE_US = close_of(FIRST) * 1_000
STEP_US = 60_000  # longer than the mirror lets a change wait for its print
START_MS = 1_795_194_000_000
EVENTS = 500


def recorded(folder, seed: int):
    """A quarter of a minute of a market: quotes come and go, and somebody sells into the bid or buys the ask."""
    draw, recorder, at_us, volume_ch = random.Random(seed), Recorder(), CLOSE_US - 600_000_000, 0
    sides = {Side.BID: dict(BIDS), Side.ASK: dict(ASKS)}
    recorder.watch(at_us, FIRST, "2026-05-13T13:45:00Z", 80_000.0)
    recorder.snapshot(at_us + 10, FIRST, told(sides[Side.BID]), told(sides[Side.ASK], turned=True))
    for _ in range(EVENTS):
        at_us += STEP_US
        side = draw.choice(list(Side))
        levels = sides[side]
        best_cc = max(levels) if side is Side.BID else min(levels)
        matched = draw.random() < 0.5
        price_cc = best_cc if matched else draw.choice(sorted(BIDS if side is Side.BID else ASKS))
        held_ch = levels.get(price_cc, 0)
        least = -held_ch if len(levels) > 1 or price_cc not in levels else 1 - held_ch
        change_ch = -draw.randint(1, held_ch) if matched else draw.randint(max(least, -400), 400)
        if not change_ch or change_ch < least:
            continue
        levels[price_cc] = held_ch + change_ch
        if not levels[price_cc]:
            del levels[price_cc]
        shown_cc = price_cc if side is Side.BID else 10_000 - price_cc
        recorder.delta(at_us, FIRST, "yes" if side is Side.BID else "no", dollars(shown_cc), contracts(change_ch))
        if matched:
            volume_ch -= change_ch
            bid_cc, ask_cc = max(sides[Side.BID]), min(sides[Side.ASK])
            touch = (dollars(bid_cc), contracts(sides[Side.BID][bid_cc]), dollars(ask_cc),
                     contracts(sides[Side.ASK][ask_cc]))  # fmt: skip
            last = (dollars(price_cc), contracts(-change_ch))
            recorder.ticker(at_us, FIRST, touch, last, contracts(volume_ch))
    return recorder.write(folder / "ws" / f"{seed}.jsonl.gz")


def dollars(price_cc: int) -> str:
    return f"0.{price_cc:04d}"


def contracts(count_ch: int) -> str:
    return f"{'-' if count_ch < 0 else ''}{abs(count_ch) // 100}.{abs(count_ch) % 100:02d}"


def told(levels: dict[int, int], *, turned: bool = False) -> dict[str, str]:
    return {dollars(10_000 - price if turned else price): contracts(count) for price, count in levels.items()}


class Accounts:
    """One that joins the best price and one that takes it, always at the same places of the tape."""

    def __init__(self, seed: int) -> None:
        self.engine = Engine(counter())
        for name in ("ann", "bob"):
            self.engine.add_account(name, {SHARD: 1_000_000_000}, "prime")
        self._draw = random.Random(seed)

    def hear(self, event, now_ms: int) -> None:
        self.engine.feed(event)
        self.engine.tick(now_ms)

    def act(self, now_ms: int) -> None:
        """After each change of the book: sometimes an order."""
        side, kind, count_ch = self._draw.choice(list(Side)), self._draw.random(), self._draw.randint(1, 100)
        if kind > 0.3:
            return
        bids, asks = self.engine.displayed(FIRST)
        touch, far = (max(bids), min(asks)) if side is Side.BID else (min(asks), max(bids))
        price_cc, force = (touch, TimeInForce.GTC) if kind < 0.2 else (far, TimeInForce.IOC)
        wanted = NewOrderRequest(side=side, price_cc=price_cc, count_ch=count_ch, time_in_force=force, ticker=FIRST)
        self.engine.create("ann" if force is TimeInForce.GTC else "bob", wanted, now_ms)

    @property
    def fills(self) -> list[tuple]:
        made = [*reversed(self.engine.fills("ann")), *reversed(self.engine.fills("bob"))]
        return [(fill.order_id, fill.price_cc, fill.count_ch, fill.is_taker, fill.fee_micros) for fill in made]


def replayed(path, seed: int, speed) -> list[tuple]:
    """The tape through the replay."""
    accounts = Accounts(seed)
    source = Replay([path], start_ms=START_MS, speed=speed)
    while (next_ms := source.next_at_ms()) is not None:
        for event in source.advance(next_ms):
            accounts.hear(event, event.at_ms)
            if isinstance(event, BookChange):
                accounts.act(event.at_ms)
    return accounts.fills


def mirrored(path, seed: int) -> list[tuple]:
    """The same tape as the mirror of paper trading would see it happen: rows, a whole book, changes, public trades."""
    accounts, trades = Accounts(seed), counter("u")
    reflection = Reflection(polled=False, stale_ms=600_000, gap_ms=2_000)
    source = Replay([path], start_ms=START_MS, speed=1.0)

    def hear(events) -> None:
        for event in events:
            accounts.hear(event, event.at_ms)

    while (next_ms := source.next_at_ms()) is not None:
        for event in source.advance(next_ms):
            at_ms = event.at_ms
            hear(reflection.step(at_ms))
            match event:
                case Listed():
                    hear(reflection.see(RowsSeen((event.market,), at_ms), at_ms))
                case BookSet() if event.bids:
                    hear(reflection.see(BooksSeen({FIRST: (event.bids, event.asks)}, at_ms), at_ms))
                case Print():
                    trade = PublicTrade(
                        trades(), FIRST, event.price_cc, event.count_ch, event.taker_side or Side.BID, at_ms, False
                    )
                    known = event.taker_side is not None
                    hear(reflection.see(PrintSeen(trade, known, at_ms), at_ms))
                case BookChange():
                    is_bid = event.side is Side.BID
                    seen = ChangeSeen(FIRST, is_bid, event.price_cc, event.change_ch, at_ms)
                    hear(reflection.see(seen, at_ms))
                    hear(reflection.step(at_ms + 30))
                    accounts.act(at_ms + 30)
    return accounts.fills


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_tape_gives_the_same_fills_at_any_speed_and_by_paper_as_by_replay(tmp_path, seed):
    path = recorded(tmp_path, seed)
    fills = replayed(path, seed, 1.0)
    assert sum(fill[3] for fill in fills) > 10 and sum(not fill[3] for fill in fills) > 10, "takers and makers"
    assert replayed(path, seed, "max") == replayed(path, seed, 30.0) == fills
    assert mirrored(path, seed) == fills
