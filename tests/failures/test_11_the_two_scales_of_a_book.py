"""Failure 11: YES and NO prices are mixed up. Asks appear from nowhere, spreads go negative, a sale counts twice.

Frames and bodies are composed here as the exchange describes them: bids of both kinds, in dollars.
"""

import json

from hypothesis import given
from hypothesis import strategies as st

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig
from histories import histories
from outcry.desk.collecting.books import Books
from outcry.domain.fill import Fill, Settlement
from outcry.domain.ledger import Holding, apply_fill, settle
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.events import Closed, Determined, Settled
from outcry.venue import account_rows, market_rows
from outcry.venue.decoder import Decoder
from outcry.venue.messages import Ticker
from outcry.venue.wire import SideLevels, decode

DOLLAR_CC = 10_000
CENT_CC = 100
SIZES = st.integers(1, 1_000_000)


@st.composite
def whole_books(draw):
    """Bids for YES and bids for NO that do not meet: {price_cc: count_ch} each on its own scale."""
    split_cc = draw(st.integers(1, DOLLAR_CC - 1))
    yes = draw(st.dictionaries(st.integers(1, split_cc), SIZES, max_size=12))
    no_top = DOLLAR_CC - split_cc - 1
    no = draw(st.dictionaries(st.integers(1, no_top), SIZES, max_size=12)) if no_top >= 1 else {}
    return yes, no


def dollars(price_cc: int) -> str:
    return f"{price_cc // DOLLAR_CC}.{price_cc % DOLLAR_CC:04d}"


def contracts(count_ch: int) -> str:
    return f"{'-' if count_ch < 0 else ''}{abs(count_ch) // 100}.{abs(count_ch) % 100:02d}"


def told(levels: dict[int, int], *, turned: bool = False) -> list[list[str]]:
    return [[dollars(DOLLAR_CC - price if turned else price), contracts(count)] for price, count in levels.items()]


def snapshot(yes, no, *, yes_prices: bool) -> bytes:
    body = {"market_ticker": TICKER, "market_id": "m"}
    body |= {"yes_dollars_fp": told(yes)} if yes else {}
    body |= {"no_dollars_fp": told(no, turned=yes_prices)} if no else {}
    return json.dumps({"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": body}).encode()


def delta(seq: int, side: str, price_cc: int, change_ch: int, *, yes_prices: bool) -> bytes:
    shown_cc = DOLLAR_CC - price_cc if side == "no" and yes_prices else price_cc
    body = {"market_ticker": TICKER, "market_id": "m", "side": side, "ts_ms": 1}
    body |= {"price_dollars": dollars(shown_cc), "delta_fp": contracts(change_ch)}
    return json.dumps({"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": body}).encode()


def followed(frames: list[bytes], *, yes_prices: bool):
    """What the collector makes of a stream: the published quote and the book behind it."""
    books, decoder = Books(), Decoder(yes_prices=yes_prices)
    bands = (PriceRange(0, DOLLAR_CC, 1),)
    books.follow([Market(TICKER, "E", "S", SHARD, Status.ACTIVE, 0, CLOSE_MS, bands)])
    books.connected(1, 1)
    books.take([decoder.decode(frame) for frame in frames], 2)
    (row,) = books.rows()
    return row[0], books.books[TICKER].book


def must_hold(quote, yes: dict[int, int], no: dict[int, int]) -> None:
    """The touch is the best bid of each kind, the other scale's at $1 less; an empty side has no price at all."""
    assert quote.bid_cc == max(yes, default=None)
    assert quote.ask_cc == (DOLLAR_CC - max(no) if no else None)
    if quote.spread_cc is not None:
        assert quote.spread_cc > 0
    assert quote.trusted


@histories(150, 5_000)
@given(whole_books(), st.booleans())
def test_the_yes_ask_is_one_dollar_less_the_best_no_bid_by_stream_and_by_rest(book, yes_prices):
    yes, no = book
    quote, kept = followed([snapshot(yes, no, yes_prices=yes_prices)], yes_prices=yes_prices)
    must_hold(quote, yes, no)
    body = json.dumps({"yes_dollars": told(yes) or None, "no_dollars": told(no)}).encode()
    polled = market_rows.book(decode(SideLevels, body, "book"))
    assert (polled.bids, polled.asks) == (kept.bids, kept.asks) == (yes, {DOLLAR_CC - cc: n for cc, n in no.items()})
    assert (polled.bid_cc, polled.ask_cc) == (quote.bid_cc, quote.ask_cc)


@histories(100, 5_000)
@given(whole_books(), st.lists(st.tuples(st.booleans(), st.integers(0, 11), SIZES), max_size=30), st.booleans())
def test_levels_that_come_and_go_leave_no_phantom(book, changes, yes_prices):
    """Levels empty and fill again, whole sides vanish: no ask of one cent is made of a side that is not there."""
    yes, no = dict(book[0]), dict(book[1])
    frames = [snapshot(yes, no, yes_prices=yes_prices)]
    known = {"yes": sorted(yes), "no": sorted(no)}
    for is_yes, which, size in changes:
        side, levels = ("yes", yes) if is_yes else ("no", no)
        if not known[side]:
            continue
        price = known[side][which % len(known[side])]
        change = -levels.pop(price) if price in levels else levels.setdefault(price, size)
        frames.append(delta(len(frames) + 1, side, price, change, yes_prices=yes_prices))
    quote, _ = followed(frames, yes_prices=yes_prices)
    must_hold(quote, yes, no)


def test_an_empty_side_is_nobody_and_not_a_price_of_nothing():
    quote, _ = followed([snapshot({4_300: 500}, {}, yes_prices=True)], yes_prices=True)
    assert (quote.bid_cc, quote.ask_cc, quote.spread_cc) == (4_300, None, None)
    body = {
        "market_ticker": TICKER, "price_dollars": "0.0000", "yes_bid_dollars": "0.0000", "yes_ask_dollars": "1.0000",
        "yes_bid_size_fp": "0.00", "yes_ask_size_fp": "0.00", "volume_fp": "0.00", "open_interest_fp": "0.00",
        "dollar_volume": 0, "dollar_open_interest": 0, "ts": 1, "ts_ms": 1_000, "time": "2026-11-20T17:00:00Z",
    }  # fmt: skip
    frame = Decoder().decode(json.dumps({"type": "ticker", "sid": 1, "msg": body}).encode())
    assert isinstance(frame, Ticker)
    assert (frame.bid_cc, frame.ask_cc, frame.last_price_cc) == (None, None, None)


def test_prices_on_the_wrong_scale_are_found_out_and_not_traded_on():
    """A subscription that did not get the scale it asked for: every book would be crossed, and nobody enters on it."""
    frames = [snapshot({6_000: 500}, {3_500: 500}, yes_prices=False)]
    quote, _ = followed(frames, yes_prices=True)
    assert not quote.trusted and "crossed" in quote.distrust


TAKES = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 97).map(lambda cents: cents * CENT_CC), st.integers(1, 3_000)),
    min_size=1,
    max_size=12,
)


@histories(60, 2_000)
@given(TAKES, st.sampled_from([0, 3_700, DOLLAR_CC]))
def test_selling_yes_is_buying_no_in_position_cash_and_fee(takes, value_cc):
    """The same history in a market and in its mirror image: the same money at each step, and after the payment."""
    plain, mirrored = (
        Rig(dict.fromkeys(range(900, 4000, CENT_CC), 5000), dict.fromkeys(range(4000, 9100, CENT_CC), 5000)),
        Rig(
            {DOLLAR_CC - cc: 5_000 for cc in range(4_000, 9_100, CENT_CC)},
            {DOLLAR_CC - cc: 5_000 for cc in range(900, 4_000, CENT_CC)},
        ),
    )
    for side, price_cc, count_ch in takes:
        how = {"time_in_force": TimeInForce.IOC}
        one = plain.order(side, price_cc, count_ch, **how)
        other = mirrored.order(side.opposite, DOLLAR_CC - price_cc, count_ch, **how)
        assert (one.filled_ch, one.fees_micros) == (other.filled_ch, other.fees_micros)
        assert position_ch(plain) == -position_ch(mirrored)
        assert cash_micros(plain) == cash_micros(mirrored)
    held_ch, fills = position_ch(plain), plain.engine.fills("ann")
    for rig, pays_cc in ((plain, value_cc), (mirrored, DOLLAR_CC - value_cc)):
        rig.feed(
            Closed(TICKER, 3_000),
            Determined(TICKER, "scalar", pays_cc, 3_001),
            Settled(TICKER, 3_002),
        )
    assert cash_micros(plain) == cash_micros(mirrored)
    holding = Holding()
    for fill in fills:
        holding = apply_fill(holding, our_fill(fill))
    assert holding.position_ch == held_ch
    paid = settle(holding, Settlement(TICKER, SHARD, "scalar", value_cc, 3_002))
    assert cash_micros(plain) - 1_000_000_000 == paid.net_cash_micros


def position_ch(rig: Rig) -> int:
    return rig.engine.state.accounts["ann"].purses[0].position_ch(TICKER)


def cash_micros(rig: Rig) -> int:
    return rig.engine.balance("ann", SHARD).cash_micros


def our_fill(fill) -> Fill:
    facts = (fill.trade_id, fill.order_id, fill.ticker, fill.exchange_index, fill.side, fill.price_cc, fill.count_ch)
    return Fill(*facts, fill.fee_micros, fill.is_taker, fill.at_ms)


WORDS = {  # (side, action, outcome_side, book_side) of the same two directions
    Side.BID: {"side": "yes", "action": "buy", "outcome_side": "yes", "book_side": "bid"},
    Side.ASK: {"side": "no", "action": "sell", "outcome_side": "no", "book_side": "ask"},
}


@given(st.sampled_from(Side), st.integers(1, DOLLAR_CC - 1), SIZES)
def test_a_fill_is_read_in_one_direction_whatever_words_come_with_it(side, price_cc, count_ch):
    row = {
        "fill_id": "f", "trade_id": "t", "order_id": "o", "ticker": TICKER, "market_ticker": TICKER,
        "exchange_index": SHARD, "count_fp": contracts(count_ch), "yes_price_dollars": dollars(price_cc),
        "no_price_dollars": dollars(DOLLAR_CC - price_cc), "fee_cost": "0.010000", "is_taker": True,
        "created_time": "2026-11-20T17:00:00.000Z", **WORDS[side],
    }  # fmt: skip
    fill = account_rows.fill(decode(account_rows.FillRow, json.dumps(row).encode(), "fill"))
    assert (fill.side, fill.price_cc, fill.count_ch) == (side, price_cc, count_ch)
    held = apply_fill(Holding(), fill)
    assert held.position_ch == side.sign * count_ch
    worst_micros = price_cc * count_ch if side is Side.BID else (DOLLAR_CC - price_cc) * count_ch
    for value_cc in (0, DOLLAR_CC):
        paid = settle(held, Settlement(TICKER, SHARD, "yes", value_cc, 1))
        assert paid.cash_micros in (-worst_micros, DOLLAR_CC * count_ch - worst_micros)
