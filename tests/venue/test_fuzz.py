"""Whatever the network brings: a message, or one of the declared errors; no accident, no hang, no memory without end.

What is read must also be storable: integers of 64 bits, text that is Unicode. `HYPOTHESIS_PROFILE=deep` tries longer.
"""

import copy
import json
import socket
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from histories import histories
from outcry.domain.errors import SchemaDrift
from outcry.venue import fields, wire
from outcry.venue.decoder import Decoder
from outcry.venue.frame_makers import count
from outcry.venue.frames import MESSAGE_LIMIT_BYTES, Closed, Frames
from outcry.venue.spot import coinbase

YES, BOTH = Decoder(yes_prices=True), Decoder(yes_prices=False)
TIMES = {"ts_ms": 1_795_194_192_345}
COUNTS = {"count_fp": "3.00", "fee_cost": "0.017500", "yes_price_dollars": "0.4300"}
FRAMES = [
    {"type": kind, "sid": 1, "seq": 2, "id": 3, "msg": {"market_ticker": "M", **body}}
    for kind, body in [
        ("orderbook_delta", {"price_dollars": "0.4300", "delta_fp": "-12.00", "side": "yes", **TIMES}),
        ("orderbook_snapshot", {"yes_dollars_fp": [["0.4300", "5.00"]], "no_dollars_fp": [["0.5500", "120.00"]]}),
        ("ticker", {"price_dollars": "0.4400", "yes_bid_dollars": "0.4300", "yes_ask_dollars": "1.0000", **TIMES,
                    "yes_bid_size_fp": "39.50", "yes_ask_size_fp": "0.00", "volume_fp": "1.75",
                    "open_interest_fp": "9.10"}),
        ("trade", {"trade_id": "a3f0", "taker_book_side": "ask", "is_block_trade": False, **COUNTS, **TIMES}),
        ("fill", {"trade_id": "b1c2", "order_id": "5d0c", "client_order_id": "mm1", "exchange_index": 2,
                  "is_taker": False, "book_side": "bid", "post_position_fp": "-4.25", **COUNTS, **TIMES}),
        ("user_order", {"order_id": "5d0c", "client_order_id": "mm1", "ticker": "M", "status": "resting",
                        "outcome_side": "no", "initial_count_fp": "12.00", "fill_count_fp": "2.00",
                        "remaining_count_fp": "10.00", "taker_fees_dollars": "0.01", "maker_fees_dollars": "0.00",
                        "created_ts_ms": 1_795_194_192_345, **COUNTS}),
        ("market_lifecycle_v2", {"event_type": "created", "open_ts": 1_795_194_900, "close_ts": 1_795_195_800,
                                 "floor_strike": 97_123.45, "settlement_value": "1.0000",
                                 "price_ranges": [{"start": "0.0000", "end": "0.1000", "step": "0.0010"}],
                                 "additional_metadata": {"event_ticker": "E", "title": "T"}}),
        ("cfbenchmarks_value", {"index_id": "BRTI", "received_at": 1_795_194_873_120,
                                "data": json.dumps({"time": 1_795_194_873_000, "value": "97130.11"})}),
        ("subscribed", {"channel": "ticker", "sid": 9}),
        ("error", {"code": 6, "msg": "no"}),
    ]
]  # fmt: skip
PAYLOADS = {file.name: json.loads(file.read_text()) for file in Path(__file__).with_name("payloads").glob("*.json")}
ODD = (
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20)
    | some.sampled_from([
        10**30, -(10**30), 10**400, 1e308, -0.0, "", "\0", "\ud800", "１.００", "1._5", ". 5", "1_0.00", "+1.00",
        "9" * 18 + ".00", "9" * 5_000, "NaN", "Infinity", "1e400", "0." + "0" * 5_000, [], {}, [[]], [["0.5"]], "no",
    ])
)  # fmt: skip
JSON = some.recursive(
    ODD, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner)
)


def leaves(tree, path=()):
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


@some.composite
def spoilt(draw, trees):
    """One of them with a few of its values replaced, or removed."""
    tree = copy.deepcopy(draw(some.sampled_from(trees)))
    for _ in range(draw(some.integers(1, 3))):
        path = draw(some.sampled_from(list(leaves(tree))[1:] or [()]))
        if not path:
            return copy.deepcopy(draw(JSON))
        place = tree
        for key in path[:-1]:
            place = place[key]
        if isinstance(place, dict) and draw(some.booleans()):
            del place[path[-1]]
        else:
            place[path[-1]] = copy.deepcopy(draw(JSON))  # the odd ones are shared
    return tree


def storable(value) -> bool:
    if isinstance(value, str):
        return value.encode() is not None
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, dict):
        return all(storable(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return all(storable(item) for item in value)
    return True


def survives(raw: bytes) -> None:
    for decoder in (YES, BOTH):
        try:
            message = decoder.decode(raw)
        except SchemaDrift as drift:
            assert drift.raw == raw and str(drift).encode() is not None
        else:
            assert all(storable(value) for value in msgspec.structs.asdict(message).values()), message


@histories(quick=300, deep=20_000)
@given(some.binary(max_size=300) | some.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_random_bytes(raw):
    survives(raw)


@histories(quick=600, deep=100_000)
@given(spoilt(FRAMES))
def test_real_frames_with_something_else_in_them(tree):
    survives(json.dumps(tree).encode())
    survives(json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@histories(quick=300, deep=20_000)
@given(some.sampled_from(FRAMES), some.lists(some.tuples(some.integers(0, 10**6), some.integers(0, 255)), max_size=4))
def test_real_frames_with_other_bytes_in_them_or_cut_short(tree, changes):
    raw = bytearray(json.dumps(tree).encode())
    for place, byte in changes:
        raw[place % len(raw)] = byte
    survives(bytes(raw))
    survives(bytes(raw[: changes[0][0] % len(raw)] if changes else raw))


@pytest.mark.parametrize("depth", [10, 900, 1_100, 100_000])
@pytest.mark.parametrize("head", ["", '{"type":"song","x":', '{"type":"orderbook_delta","sid":1,"seq":2,"x":'])
def test_deep_nesting_ends(head, depth):
    for closed in (True, False):
        raw = (head + "[" * depth + ("]" * depth + ("}" if head else "") if closed else "")).encode()
        began_s = time.monotonic()
        survives(raw)
        assert time.monotonic() - began_s < 5
        with pytest.raises(SchemaDrift):
            fields.decode(wire.FillRow, b'{"x":' + raw, "fill")


@histories(quick=600, deep=50_000)
@given(some.text(some.sampled_from("0123456789.-+_ e１²"), max_size=24) | some.decimals(allow_nan=False).map(str))
def test_a_count_is_read_as_exactly_what_it_says_or_not_at_all(text):
    try:
        found = count(text)
    except (SchemaDrift, ValueError):
        return
    assert Decimal(found) / 100 == Decimal(text)


SERIES = fields.decode(wire.SeriesRow, json.dumps(PAYLOADS["series.json"]["series"]).encode(), "series")
ROWS = [
    (wire.FillRow, wire.fill, "fills.json", "fills"),
    (wire.OrderRow, wire.order, "orders.json", "orders"),
    (wire.SettlementRow, wire.settlement, "settlements.json", "settlements"),
    (wire.PositionRow, wire.position, "positions.json", "market_positions"),
    (wire.MarketRow, lambda row: wire.market(row, SERIES), "markets.json", "markets"),
    (wire.TradeRow, wire.trade, "trades.json", "trades"),
]


@histories(quick=400, deep=50_000)
@given(data=some.data())
def test_real_answers_with_something_else_in_them(data):
    kind, make, file, key = data.draw(some.sampled_from(ROWS))
    row = data.draw(spoilt(PAYLOADS[file][key]))
    try:
        noun = make(fields.decode(kind, json.dumps(row).encode(), key))
    except SchemaDrift as drift:
        assert str(drift).encode() is not None
    else:
        values = noun._asdict().values() if hasattr(noun, "_asdict") else [getattr(noun, n) for n in noun.__slots__]
        assert all(storable(value) for value in values), noun


@histories(quick=300, deep=20_000)
@given(some.integers(400, 599), JSON.map(lambda tree: json.dumps(tree).encode()) | some.binary(max_size=200))
def test_an_error_of_any_shape_is_told(status, body):
    told = wire.parse_error(status, body)
    assert any(told) and all(type(part) is str and len(part) <= 300 for part in told)
    wire.parse_error(status, b'{"error":' + b"[" * 100_000)


SPOT = [
    {"type": "ticker", "product_id": "BTC-USD", "price": "97123.45", "time": "2026-11-20T17:03:12.345678Z",
     "sequence": 7, "trade_id": 5, "last_size": "0.01"},
    {"type": "subscriptions", "channels": [{"name": "ticker", "product_ids": ["BTC-USD"]}]},
    {"type": "error", "message": "no", "reason": "why"},
]  # fmt: skip


@histories(quick=300, deep=20_000)
@given(spoilt(SPOT).map(lambda tree: json.dumps(tree).encode()) | some.binary(max_size=100))
def test_spot_frames_with_something_else_in_them(raw):
    try:
        message = coinbase.decode(raw)
    except SchemaDrift:
        return
    assert all(storable(value) for value in msgspec.structs.asdict(message).values()), message


# ---- the frames beneath ---------------------------------------------------------------------------------------------


@pytest.fixture
def wired():
    ours, theirs = socket.socketpair()
    yield Frames(ours, lambda payload: None), theirs
    ours.close()
    theirs.close()


def read_all(frames: Frames) -> list[bytes]:
    got: list[bytes] = []
    try:
        while (some_more := frames.read(0.01)) is not None:
            got += some_more
    except Closed:
        return got
    return got


@histories(quick=300, deep=20_000)
@given(raw=some.binary(max_size=400), cut=some.integers(0, 400))
def test_random_bytes_on_the_socket(raw, cut):
    ours, theirs = socket.socketpair()
    try:
        frames = Frames(ours, lambda payload: None, size=64)
        theirs.sendall(raw[:cut])
        read_all(frames)
        theirs.sendall(raw[cut:])
        theirs.shutdown(socket.SHUT_WR)
        read_all(frames)
        with pytest.raises(Closed):
            frames.read(0.01)
    finally:
        ours.close()
        theirs.close()


def test_a_message_in_pieces_without_end_costs_nothing_while_they_are_empty(wired):
    frames, theirs = wired
    theirs.sendall(b"\x01\x01[")
    frames.read(1.0)
    tracemalloc.start()
    began_s = time.monotonic()
    for _ in range(50):
        theirs.sendall(b"\x00\x00" * 2_000)
        frames.read(1.0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 1_000_000 and time.monotonic() - began_s < 20
    theirs.sendall(b"\x80\x01]")
    assert read_all(frames) == [b"[]"]


@pytest.mark.parametrize("announced", [MESSAGE_LIMIT_BYTES + 1, 2**63 - 1, 2**64 - 1])
def test_a_frame_larger_than_the_exchange_promises_is_not_waited_for(wired, announced):
    frames, theirs = wired
    theirs.sendall(b"\x81\x7f" + announced.to_bytes(8, "big"))
    with pytest.raises(Closed, match="exceeds") as closed:
        frames.read(1.0)
    assert closed.value.code == 1009
