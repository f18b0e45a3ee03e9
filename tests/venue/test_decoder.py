"""Decoding against the exchange's own examples, recorded frames, and frames that are wrong in every field we use."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import PriceRange
from outcry.domain.order import Side
from outcry.venue import messages as out
from outcry.venue.decoder import Decoder

YES, BOTH = Decoder(yes_prices=True), Decoder(yes_prices=False)

DELTA = {
    "type": "orderbook_delta",
    "sid": 1,
    "seq": 2,
    "sending_ts_ms": 1795194192350,
    "msg": {
        "market_ticker": "M",
        "market_id": "0f7d2c1e",
        "price_dollars": "0.4300",
        "delta_fp": "-12.00",
        "side": "yes",
        "client_order_id": "oc-abcdef-momentum-1",
        "ts_ms": 1795194192345,
    },
}
TICKER = {
    "type": "ticker",
    "sid": 3,
    "msg": {
        "market_ticker": "M",
        "price_dollars": "0.4400",
        "yes_bid_dollars": "0.4300",
        "yes_ask_dollars": "1.0000",
        "yes_bid_size_fp": "39.50",
        "yes_ask_size_fp": "0.00",
        "volume_fp": "18422.75",
        "open_interest_fp": "9120.10",
        "ts_ms": 1795194192345,
    },
}
TRADE = {
    "type": "trade",
    "sid": 4,
    "seq": 88,
    "msg": {
        "trade_id": "a3f0",
        "market_ticker": "M",
        "yes_price_dollars": "0.4500",
        "count_fp": "3.00",
        "taker_book_side": "ask",
        "is_block_trade": False,
        "ts_ms": 1795194192345,
    },
}
FILL = {
    "type": "fill",
    "sid": 2,
    "msg": {
        "trade_id": "b1c2",
        "order_id": "5d0c",
        "client_order_id": "mm1",
        "market_ticker": "M",
        "exchange_index": 2,
        "is_taker": False,
        "book_side": "bid",
        "yes_price_dollars": "0.4300",
        "count_fp": "4.25",
        "fee_cost": "0.017500",
        "post_position_fp": "-4.25",
        "ts_ms": 1795194200111,
    },
}
GROUP = {
    "type": "order_group_updates",
    "sid": 7,
    "seq": 3,
    "msg": {
        "event_type": "limit_updated",
        "order_group_id": "og-1",
        "contracts_limit_fp": "150.00",
        "ts_ms": 1795194200112,
    },
}
USER_ORDER = {
    "type": "user_order",
    "sid": 5,
    "msg": {
        "order_id": "5d0c",
        "client_order_id": "mm1",
        "ticker": "M",
        "exchange_index": 2,
        "status": "resting",
        "outcome_side": "no",
        "yes_price_dollars": "0.4300",
        "initial_count_fp": "12.00",
        "fill_count_fp": "2.00",
        "remaining_count_fp": "10.00",
        "taker_fees_dollars": "0.010000",
        "maker_fees_dollars": "0.002500",
        "created_ts_ms": 1795194192345,
        "expiration_ts_ms": 1795194840000,
        "last_update_reason": "Trade",
    },
}


def decode(tree: Any, decoder: Decoder = YES) -> out.Message:
    return decoder.decode(json.dumps(tree).encode())


def changed(tree: dict, **fields: object) -> dict:
    return {**tree, "msg": {**tree["msg"], **fields}}


def test_a_delta_on_both_scales():
    assert decode(DELTA) == out.Delta(1, 2, "M", True, 4300, -1200, 1795194192345, "oc-abcdef-momentum-1")
    no = changed(DELTA, side="no", price_dollars="0.5500")
    assert (decode(no).is_bid, decode(no).price_cc) == (False, 5500)
    assert decode(no, BOTH).price_cc == 4500


@pytest.mark.parametrize(("text", "price"), [("0.43", 4300), ("0.960", 9600), ("0.430000", 4300), ("0.0001", 1)])
def test_prices_with_other_numbers_of_places_are_exact(text: str, price: int):
    assert decode(changed(DELTA, price_dollars=text)).price_cc == price
    assert decode(changed(DELTA, price_dollars=text, side="no"), BOTH).price_cc == 10_000 - price


@pytest.mark.parametrize(
    ("text", "count"), [("0.01", 1), ("-0.50", -50), ("1406474.86", 140647486), ("7", 700), ("7.5", 750)]
)
def test_counts_are_exact(text: str, count: int):
    assert decode(changed(DELTA, delta_fp=text)).change_ch == count


def test_numbers_where_strings_belong_are_read_exactly_all_the_same():
    assert decode(changed(DELTA, price_dollars=0.43, delta_fp=-12)) == decode(DELTA)
    levels = [[0.1, 5], ["0.2", 1.25]]
    tree = {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": "M", "yes_dollars_fp": levels}}
    assert decode(tree).bids == {1000: 500, 2000: 125}


def test_a_snapshot_with_an_absent_side():
    tree = {
        "type": "orderbook_snapshot",
        "sid": 1,
        "seq": 1,
        "id": 7,
        "msg": {"market_ticker": "M", "no_dollars_fp": [["0.5500", "120.00"], ["0.5400", "0.00"]]},
    }
    assert decode(tree) == out.Snapshot(1, 1, "M", {}, {5500: 12000}, 7)
    assert decode(tree, BOTH).asks == {4500: 12000}


def test_an_empty_side_of_a_ticker_is_none():
    assert decode(TICKER) == out.Ticker(3, "M", 4400, 4300, None, 3950, 0, 1842275, 912010, 1795194192345)
    assert decode(changed(TICKER, price_dollars="0.0000", yes_bid_dollars="0.0000")).last_price_cc is None


@pytest.mark.parametrize(
    ("fields", "side"),
    [
        ({"taker_book_side": "bid"}, Side.BID),
        ({"taker_outcome_side": "no"}, Side.ASK),
        ({"taker_side": "yes"}, Side.BID),
        ({}, None),
    ],
)
def test_the_taker_of_a_print_by_whichever_word_is_there(fields: dict, side: Side | None):
    body = {key: value for key, value in TRADE["msg"].items() if key != "taker_book_side"}
    assert decode({**TRADE, "msg": {**body, **fields}}).taker_side is side


def test_a_fill_becomes_the_domains_fill():
    message = decode(FILL)
    fill = message.fill(lambda ticker: pytest.fail("the message names its shard"))
    assert (fill.side, fill.price_cc, fill.count_ch, fill.fee_micros) == (Side.BID, 4300, 425, 17_500)
    assert (fill.exchange_index, fill.post_position_ch, fill.client_order_id, fill.is_taker) == (2, -425, "mm1", False)


def test_an_order_sums_its_fees_and_sells_yes_as_an_ask():
    message = decode(USER_ORDER)
    assert (message.side, message.fees_micros, message.filled_ch) == (Side.ASK, 12_500, 200)
    assert (message.expires_at_ms, message.updated_at_ms, message.reason) == (1795194840000, None, "Trade")


def test_an_order_group_with_and_without_a_limit():
    assert decode(GROUP) == out.OrderGroupUpdate(7, 3, "limit_updated", "og-1", 15_000, 1795194200112)
    fired = {"event_type": "triggered", "order_group_id": "og-1", "ts_ms": 1}
    assert decode({**GROUP, "msg": fired}) == out.OrderGroupUpdate(7, 3, "triggered", "og-1", None, 1)


def test_lifecycle_facts():
    created = {
        "type": "market_lifecycle_v2",
        "sid": 8,
        "seq": 401,
        "msg": {
            "event_type": "created",
            "market_ticker": "M",
            "exchange_index": 2,
            "open_ts": 1795194900,
            "close_ts": 1795195800,
            "price_ranges": [{"start": "0.0000", "end": "0.1000", "step": "0.0010"}],
            "additional_metadata": {"event_ticker": "E", "title": "T", "strike_type": "greater_or_equal"},
        },
    }
    message = decode(created)
    assert (message.open_at_ms, message.close_at_ms) == (1795194900000, 1795195800000)
    assert message.price_ranges == (PriceRange(0, 1000, 10),)
    assert (message.event_ticker, message.title, message.strike_type) == ("E", "T", "greater_or_equal")
    assert message.strike_micros is None

    def said(**fields: object) -> out.Lifecycle:
        body = {"market_ticker": "M", **fields}
        return decode({"type": "market_lifecycle_v2", "sid": 8, "seq": 402, "msg": body})

    assert said(event_type="metadata_updated", floor_strike=97123.45).strike_micros == 97_123_450_000
    settled = said(event_type="determined", determination_ts=5, result="yes", settlement_value="1.0000")
    assert (settled.result, settled.value_cc, settled.at_ms) == ("yes", 10_000, 5_000)
    assert said(event_type="settled", settled_ts=7).at_ms == 7_000


def test_an_index_value_with_its_settlement_average():
    data = json.dumps({"type": "value", "id": "BRTI", "time": 1795194873000, "value": "97130.11"})
    tree = {
        "type": "cfbenchmarks_value",
        "sid": 9,
        "seq": 7,
        "msg": {
            "index_id": "BRTI",
            "received_at": 1795194873120,
            "data": data,
            "avg_60s_data": {"value": "1", "window_size": 60, "window_start_ts_ms": 1, "window_end_ts_exclusive": 2},
            "last_60s_windowed_average_15min": {"value": "97128.44000000", "window_size": 33},
        },
    }
    assert decode(tree) == out.IndexValue(
        9, 7, "BRTI", 97_130_110_000, 1795194873000, 1795194873120, 97_128_440_000, 33
    )
    for wrong in ("0", "NaN", "-5", "x", None):
        broken = changed(tree, data=json.dumps({"time": 1, "value": wrong}))
        with pytest.raises(SchemaDrift):
            decode(broken)


def test_unknown_fields_are_ignored_and_unknown_types_keep_their_seq():
    assert decode(changed({**DELTA, "novelty": 1}, surprise={"a": []})) == decode(DELTA)
    assert decode({"type": "rfq_created", "sid": 15, "seq": 3, "msg": {}}) == out.Other(15, 3, "rfq_created")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"sid":1}', b'{"type":3}', b'"x"', b"\xff"])
def test_what_is_no_frame_at_all_is_drift_with_its_body_kept(raw: bytes):
    with pytest.raises(SchemaDrift) as drift:
        YES.decode(raw)
    assert drift.value.raw == raw


@pytest.mark.parametrize("tree", [DELTA, TICKER, TRADE, FILL, USER_ORDER, GROUP], ids=lambda tree: tree["type"])
def test_every_field_we_use_must_be_there_and_be_of_its_type(tree: dict):
    """Drop each field, then mistype it. What is optional may go; nothing may be read as something else."""
    optional = {"client_order_id", "ts_ms", "exchange_index", "is_block_trade", "taker_book_side", "market_id"}
    optional |= {"expiration_ts_ms", "last_update_reason", "contracts_limit_fp"}
    required = set(tree["msg"]) - optional
    required |= {"client_order_id"} if tree is USER_ORDER else set()
    required |= {"ts_ms"} if tree is not DELTA else set()
    for field in tree["msg"]:
        missing = {**tree, "msg": {key: value for key, value in tree["msg"].items() if key != field}}
        if field in required:
            with pytest.raises(SchemaDrift):
                decode(missing)
        else:
            decode(missing)
        if field != "market_id":
            with pytest.raises(SchemaDrift):
                decode(changed(tree, **{field: ["odd"]}))
    for field in ("sid", "msg"):
        with pytest.raises(SchemaDrift):
            decode({key: value for key, value in tree.items() if key != field})


@pytest.mark.parametrize(
    "fields",
    [
        {"price_dollars": "1.0001"},
        {"price_dollars": "-0.1000"},
        {"price_dollars": "0.00005"},
        {"price_dollars": ""},
        {"delta_fp": "1.005"},
        {"delta_fp": "x.00"},
        {"delta_fp": ""},
        {"side": "bid"},
    ],
)
def test_a_number_that_cannot_be_exact_is_drift(fields: dict):
    with pytest.raises(SchemaDrift):
        decode(changed(DELTA, **fields))


def test_a_level_named_twice_or_negative_is_drift():
    for levels in ([["0.1000", "1.00"], ["0.1000", "2.00"]], [["0.1000", "-1.00"]]):
        with pytest.raises(SchemaDrift):
            decode(
                {
                    "type": "orderbook_snapshot",
                    "sid": 1,
                    "seq": 1,
                    "msg": {"market_ticker": "M", "yes_dollars_fp": levels},
                }
            )


# ---- contract: the exchange's own description ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract(protocol: Path) -> dict:
    return yaml.safe_load((protocol / "asyncapi.yaml").read_text())


OURS = {
    "orderbookSnapshot": out.Snapshot,
    "orderbookDelta": out.Delta,
    "ticker": out.Ticker,
    "trade": out.Trade,
    "fill": out.FillMessage,
    "userOrder": out.UserOrder,
    "marketPosition": out.MarketPosition,
    "marketLifecycleV2": out.Lifecycle,
    "eventLifecycle": out.EventListed,
    "eventFeeUpdate": out.EventFee,
    "orderGroupUpdates": out.OrderGroupUpdate,
    "cfbenchmarksValue": out.IndexValue,
    "cfbenchmarksIndexList": out.IndexList,
    "subscribedResponse": out.Subscribed,
    "unsubscribedResponse": out.Unsubscribed,
    "okResponse": out.Ok,
    "listSubscriptionsResponse": out.Ok,
    "errorResponse": out.Failed,
}


def test_every_example_of_the_exchanges_own_is_understood(contract: dict):
    """Three published examples lack a field that their own schema requires and we use: those must drift, no other."""
    seen: Counter[str] = Counter()
    drifted = []
    for name, message in contract["components"]["messages"].items():
        schema = {**message["payload"], "components": contract["components"]}
        for payload in (example["payload"] for example in message.get("examples", [])):
            if not isinstance(payload, dict) or "type" not in payload:
                continue
            try:
                assert type(decode(payload)) is OURS.get(name, out.Other) or name == "multivariateMarketLifecycle"
                seen[name] += 1
            except SchemaDrift:
                errors = jsonschema.Draft7Validator(schema).iter_errors(payload)
                assert any(error.validator == "required" for error in errors)
                drifted.append(name)
    assert drifted == ["fill", "orderGroupUpdates", "userOrder"]
    assert set(OURS) - set(seen) == {"fill", "orderGroupUpdates", "userOrder"}


def test_we_require_nothing_that_the_exchange_does_not_promise(contract: dict):
    """Keep only the fields that the description requires: each message must still be understood."""
    schemas = contract["components"]["schemas"]
    ours = {
        "tickerPayload": TICKER,
        "tradePayload": TRADE,
        "fillPayload": FILL,
        "userOrderPayload": {**USER_ORDER, "msg": {**USER_ORDER["msg"], "book_side": "ask"}},
        "orderbookDeltaPayload": DELTA,
    }
    for name, tree in ours.items():
        promised = set(schemas[name]["properties"]["msg"]["required"])
        decode({**tree, "msg": {key: value for key, value in tree["msg"].items() if key in promised}})


# ---- recorded frames ------------------------------------------------------------------------------------------------


@pytest.mark.recorded
def test_the_byte_true_capture_decodes_to_books_without_a_gap(recordings: Path):
    """2 898 frames as the demo exchange sent them: contiguous, no level below zero, two fills of ours."""
    from outcry.domain.book import Book
    from outcry.venue.sequence import Sequence, Step

    kinds, sequence = Counter(), Sequence()
    books: dict[str, Book] = {}
    with gzip.open(recordings / "kalshi_raw_demo" / "session.jsonl.gz") as lines:
        for line in filter(None, map(bytes.strip, lines)):
            message = BOTH.decode(line)
            kinds[type(message).__name__] += 1
            match message:
                case out.Ok(seq=int(seq)):
                    sequence.control(seq)
                case out.Snapshot():
                    assert sequence.snapshot(message.seq, message.ticker, books) is Step.APPLY
                    books[message.ticker] = Book()
                    books[message.ticker].replace(message.bids, message.asks)
                case out.Delta():
                    assert sequence.change(message.seq, message.ticker, books) is Step.APPLY
                    books[message.ticker].apply(message.is_bid, message.price_cc, message.change_ch)
                case out.FillMessage():
                    assert message.fill(lambda ticker: 0).exchange_index == 0
                    assert message.fee_micros in (54_600, 11_000)
    assert kinds == {"Delta": 2885, "Snapshot": 5, "Ok": 4, "Subscribed": 2, "FillMessage": 2}
    assert sequence.last == 2894
    assert not any(book.crossed for book in books.values())


@pytest.mark.recorded
def test_recorded_production_frames_decode_to_exactly_what_they_say(recordings: Path):
    file = sorted((recordings / "kalshi_btc15m_ws").glob("*.jsonl.gz"))[0]
    kinds = Counter()
    with gzip.open(file, "rt") as lines:
        for line in lines:
            frame = json.loads(line).get("frame")
            if frame is None:
                continue
            message, body = decode(frame, BOTH), frame["msg"]
            kinds[frame["type"]] += 1
            if isinstance(message, out.Delta):
                own = message.price_cc if message.is_bid else 10_000 - message.price_cc
                assert f"{own / 10_000:.4f}" == body["price_dollars"]
                assert f"{message.change_ch / 100:.2f}" == body["delta_fp"]
                assert message.is_bid == (body["side"] == "yes")
            elif isinstance(message, out.Ticker):
                assert f"{message.volume_ch / 100:.2f}" == body["volume_fp"]
    assert kinds["orderbook_delta"] > 1_000
    assert kinds["ticker"] > 20
