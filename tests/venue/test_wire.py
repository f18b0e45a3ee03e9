"""Rows to nouns: payloads composed by hand, and what happens when a field that we use is missing or spoilt."""

import gzip
import json
from decimal import Decimal

import msgspec
import pytest

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import FeeTerms, PriceRange, Status
from outcry.domain.order import Side, State, TimeInForce
from outcry.venue import rest_account, rest_market, rest_orders, wire

SERIES = wire.SeriesRow("KXBTC15M", "BTC Up or Down", "Crypto", "fifteen_min", "quadratic", Decimal(1), 2)


def rows(payload, page, name):
    return getattr(wire.decode(page, payload(name).encode(), name), name)


@pytest.mark.parametrize(
    ("value", "expected"), [("0.4300", 4300), ("0.43", 4300), ("0.001", 10), (0.43, 4300), (1, 10_000), ("0", 0)]
)
def test_a_price_is_read_exactly_from_text_or_number(value, expected):
    assert wire.price_cc(value) == expected


@pytest.mark.parametrize("value", ["", "abc", "1.0001", "-0.1", "0.43005", "1e-1", "NaN", " 0.4", 1.5, "0,43"])
def test_a_price_that_cannot_be_read_exactly_is_drift(value):
    with pytest.raises(SchemaDrift):
        wire.price_cc(value)


def test_counts_and_dollars_are_exact():
    assert [wire.count_ch(value) for value in ("12.00", "0.01", "-4.25", 3, 0.1, "126922.95")] == [
        1200, 1, -425, 300, 10, 12_692_295,
    ]  # fmt: skip
    assert [wire.dollars_micros(value) for value in ("0.057400", "973.4219", -2, 0.000001)] == [
        57_400, 973_421_900, -2_000_000, 1,
    ]  # fmt: skip
    with pytest.raises(SchemaDrift):
        wire.count_ch("0.005")
    with pytest.raises(SchemaDrift):
        wire.dollars_micros("0.0000001")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T17:03:12Z", 1_795_194_192_000),
        ("2026-11-20T17:03:12.3Z", 1_795_194_192_300),
        ("2026-11-20T17:03:12.06924Z", 1_795_194_192_069),
        ("2026-11-20T17:03:12.999999999Z", 1_795_194_192_999),
        ("2026-11-20T12:03:12.345-05:00", 1_795_194_192_345),
        ("1969-12-31T23:59:59.9995Z", -1),
    ],
)
def test_times_come_with_any_number_of_digits(text, expected):
    assert wire.time_ms(text) == expected


@pytest.mark.parametrize("text", ["", "now", "2026-11-20T17:03:12", "1795194192"])
def test_a_time_without_zone_or_sense_is_drift(text):
    with pytest.raises(SchemaDrift):
        wire.time_ms(text)


def test_no_time_at_all_has_three_faces():
    assert [wire.optional_time_ms(text) for text in (None, "", "0001-01-01T00:00:00Z")] == [None, None, None]


def test_texts_of_requests():
    assert (wire.price_text(10), wire.price_text(4300), wire.count_text(1), wire.count_text(1200)) == (
        "0.0010", "0.4300", "0.01", "12.00",
    )  # fmt: skip


def test_a_market_with_its_strike_ticks_and_numbers(payload):
    row = rows(payload, rest_market.MarketPage, "markets")[0]
    market = wire.market(row, SERIES, None, "BTC-USD")
    assert (market.ticker, market.event_ticker) == ("KXBTC15M-26NOV201215-15", "KXBTC15M-26NOV201215")
    assert (market.series_ticker, market.exchange_index, market.status) == ("KXBTC15M", 2, Status.ACTIVE)
    assert market.close_at_ms - market.open_at_ms == 15 * 60 * 1000
    assert market.price_ranges == (PriceRange(0, 1000, 10), PriceRange(1000, 9000, 100), PriceRange(9000, 10_000, 10))
    assert market.strike_micros == 97_123_450_000
    assert (market.volume_ch, market.open_interest_ch) == (1_842_275, 912_010)
    assert (market.result, market.settlement_value_cc) == ("", None)
    assert (market.underlying, market.fee) == ("BTC-USD", FeeTerms("quadratic", 1_000_000))


def test_a_strike_still_to_be_determined_is_none(payload):
    market = wire.market(rows(payload, rest_market.MarketPage, "markets")[1], SERIES)
    assert (market.status, market.strike_micros) == (Status.INITIALIZED, None)


def test_settled_markets_say_what_they_paid(payload):
    settled = wire.decode(rest_market.OneMarket, payload("market_settled").encode(), "m").market
    scalar = wire.decode(rest_market.OneMarket, payload("market_scalar").encode(), "m").market
    assert (wire.market(settled, SERIES).result, wire.market(settled, SERIES).settlement_value_cc) == ("yes", 10_000)
    assert (wire.market(scalar, SERIES).result, wire.market(scalar, SERIES).settlement_value_cc) == ("scalar", 5050)


def test_an_event_overrides_its_series_fees_field_by_field():
    def terms(**override):
        return wire.fee_terms(SERIES, wire.EventRow("E", "KXBTC15M", **override))

    half = wire.decode(wire.EventRow, b'{"event_ticker":"E","series_ticker":"S","fee_multiplier_override":0.5}', "e")
    assert wire.fee_terms(SERIES) == terms() == FeeTerms("quadratic", 1_000_000)
    assert wire.fee_terms(SERIES, half) == FeeTerms("quadratic", 500_000)
    assert terms(fee_type_override="flat") == FeeTerms("flat", 1_000_000)


@pytest.mark.parametrize(
    ("until", "multiplier"), [("2026-11-20T17:15:00.001Z", 0), ("2026-11-20T17:14:59Z", 1_000_000)]
)
def test_a_fee_waiver_counts_only_when_it_outlasts_the_market(change, until, multiplier):
    spoilt = change("markets")["markets"][0] | {"fee_waiver_expiration_time": until}
    row = wire.decode(wire.MarketRow, json.dumps(spoilt).encode(), "market")
    assert wire.market(row, SERIES).fee.multiplier_millionths == multiplier


@pytest.mark.parametrize(
    "spoil",
    [{"is_provisional": True}, {"mve_collection_ticker": "KXMVE"}, {"settlement_bounds_type": "floor"}],
)
def test_markets_of_kinds_we_do_not_trade_are_told_apart(change, spoil):
    plain = change("markets")["markets"][0]
    assert wire.decode(wire.MarketRow, json.dumps(plain).encode(), "market").ordinary
    assert not wire.decode(wire.MarketRow, json.dumps(plain | spoil).encode(), "market").ordinary


def test_a_book_is_turned_to_the_yes_scale_whatever_the_order_of_its_levels(change):
    levels = change("orderbook")["orderbook_fp"]
    backwards = {side: list(reversed(side_levels)) for side, side_levels in levels.items()}
    for text in (levels, backwards):
        book = wire.book(wire.decode(wire.SideLevels, json.dumps(text).encode(), "book"))
        assert (book.bid_cc, book.ask_cc) == (4300, 4500)
        assert book.asks == {4500: 12_000, 4600: 7_525}
        assert book.bids == {10: 500_000, 4200: 31_000, 4300: 3_950}
        assert not book.crossed


@pytest.mark.parametrize(
    "levels",
    [
        {"yes_dollars": [["0.4300", "0.00"]], "no_dollars": []},
        {"yes_dollars": [["0.0000", "1.00"]], "no_dollars": []},
        {"yes_dollars": [["0.43", "1.00"], ["0.4300", "2.00"]], "no_dollars": []},
        {"yes_dollars": [["0.43"]], "no_dollars": []},
        {"yes_dollars": []},
        {"yes": [], "no": []},
    ],
)
def test_a_senseless_book_is_drift_not_an_empty_book(levels):
    with pytest.raises(SchemaDrift):
        wire.book(wire.decode(wire.SideLevels, json.dumps(levels).encode(), "book"))


@pytest.mark.recorded
def test_every_recorded_book_reads_and_none_is_crossed(recordings):
    with gzip.open(recordings / "rest_books" / "kalshi_lol_20260723.jsonl.gz", "rt") as lines:
        bodies = [json.loads(line)["body"] for line in lines]
    books = [
        wire.book(wire.decode(rest_market.OneBook, json.dumps(body).encode(), "b").orderbook_fp) for body in bodies
    ]
    assert len(books) == 70
    assert not any(book.crossed for book in books)
    assert sum(len(book.bids) + len(book.asks) for book in books) > 500


def test_public_trades(payload):
    first, second = (wire.trade(row) for row in rows(payload, rest_market.TradePage, "trades"))
    assert first[2:] == (4500, 300, Side.BID, 1_795_194_192_345, False)
    assert second[2:] == (4300, 27, Side.ASK, 1_795_194_191_000, False)


def test_orders(payload):
    resting, canceled = (wire.order(row) for row in rows(payload, rest_orders.OrderPage, "orders"))
    assert (resting.side, resting.price_cc, resting.status) == (Side.BID, 4300, State.RESTING)
    assert (resting.initial_ch, resting.filled_ch, resting.remaining_ch) == (1200, 425, 775)
    assert resting.fees_micros == 73_000
    assert resting.expires_at_ms == 1_795_194_840_000
    assert (canceled.side, canceled.price_cc, canceled.status) == (Side.ASK, 4500, State.CANCELED)
    assert (canceled.client_order_id, canceled.created_at_ms, canceled.expires_at_ms) == ("", None, None)


def test_fills(payload):
    taken, made = (wire.fill(row) for row in rows(payload, rest_account.FillPage, "fills"))
    assert (taken.side, taken.price_cc, taken.count_ch, taken.fee_micros) == (Side.BID, 4300, 425, 73_000)
    assert (taken.is_taker, taken.filled_at_ms, taken.client_order_id) == (True, 1_795_194_200_111, "")
    assert (made.side, made.is_taker, made.filled_at_ms) == (Side.ASK, False, 1_795_194_200_000)


def test_settlements_are_gross_by_side_and_net_in_what_they_pay(payload):
    yes, scalar, flat = (wire.settlement(row) for row in rows(payload, rest_account.SettlementPage, "settlements"))
    assert (yes.value_cc, yes.net_ch, yes.revenue_micros) == (10_000, 600, 6_000_000)
    assert yes.pnl_micros == 6_000_000 + 4_000_000 - 4_300_000 - 2_000_000 - 340_000
    assert (yes.settlement().value_cc, yes.settlement().settled_at_ms) == (10_000, 1_795_194_004_812)
    assert (scalar.value_cc, scalar.net_ch) == (5000, -300)
    assert scalar.settlement(value_cc=5050).value_cc == 5050  # the market knows parts of a cent
    assert (flat.value_cc, flat.revenue_micros) == (0, 0)
    assert flat.pnl_micros == 37_000_000 - 17_020_000 - 18_500_000 - 1_290_000  # a zero revenue invents no loss


def test_a_scalar_record_without_value_asks_for_the_market(change):
    row = change("settlements")["settlements"][1] | {"value": None}
    report = wire.settlement(wire.decode(wire.SettlementRow, json.dumps(row).encode(), "s"))
    with pytest.raises(SchemaDrift, match="no value"):
        report.settlement()
    assert report.settlement(value_cc=5050).result == "scalar"


def test_balance_and_positions(payload):
    balance = wire.balance(wire.decode(wire.BalanceRow, payload("balance").encode(), "b"))
    assert (balance.cash_micros, balance.portfolio_value_micros) == (973_421_900, 12_050_000)
    assert (balance.updated_at_ms, balance.by_shard_micros) == (1_795_194_200_000, {2: 973_421_900})
    page = wire.decode(rest_account.PositionPage, payload("positions").encode(), "p")
    position = wire.position(page.market_positions[0])
    assert (position.position_ch, position.exposure_micros, position.realized_micros) == (-425, 2_422_500, -127_500)
    assert position.updated_at_ms == 1_795_194_200_111


@pytest.mark.recorded
def test_recorded_positions_read_once_they_name_a_shard(recordings):
    """They were recorded before shards had a name in this body, and are refused as they stand."""
    with gzip.open(recordings / "account" / "positions.jsonl.gz", "rt") as lines:
        bodies = [json.loads(line) for line in lines]
    with pytest.raises(SchemaDrift, match="exchange_index"):
        wire.decode(wire.PositionRow, json.dumps(bodies[0]).encode(), "position")
    reports = [
        wire.position(wire.decode(wire.PositionRow, json.dumps(body | {"exchange_index": 0}).encode(), "position"))
        for body in bodies
    ]
    assert len(reports) == 57
    assert any(report.position_ch for report in reports)


def required_fields(kind):
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.required]


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("markets", "markets", wire.MarketRow),
        ("events", "events", wire.EventRow),
        ("series_list", "series", wire.SeriesRow),
        ("trades", "trades", wire.TradeRow),
        ("orders", "orders", wire.OrderRow),
        ("fills", "fills", wire.FillRow),
        ("settlements", "settlements", wire.SettlementRow),
        ("positions", "market_positions", wire.PositionRow),
    ],
)
def test_each_field_that_we_use_is_missed_when_it_goes(change, name, key, kind):
    whole = change(name)[key][0]
    assert required_fields(kind)
    for field in required_fields(kind):
        for spoilt in ({k: v for k, v in whole.items() if k != field}, whole | {field: {"moved": 1}}):
            body = json.dumps(spoilt).encode()
            with pytest.raises(SchemaDrift) as caught:
                wire.decode(kind, body, name)
            assert caught.value.raw == body


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "pending_review"), ("book_side", "buy"), ("yes_price_dollars", "43"), ("fill_count_fp", "many")],
)
def test_a_value_outside_what_we_know_is_drift(change, field, value):
    body = json.dumps(change("order")["order"] | {field: value}).encode()
    with pytest.raises(SchemaDrift):
        wire.order(wire.decode(wire.OrderRow, body, "order"))


def test_a_new_order_says_only_what_differs_from_the_default():
    plain = wire.NewOrder("oc-1", "T", Side.ASK, 4300, 1200, TimeInForce.IOC, 2)
    assert json.loads(msgspec.json.encode(wire.order_body(plain))) == {
        "ticker": "T",
        "client_order_id": "oc-1",
        "side": "ask",
        "count": "12.00",
        "price": "0.4300",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": 2,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"code":"invalid_order","message":"no","details":"post only cross"}}',
         ("invalid_order", "no", "post only cross")),
        (b'{"code":"not_found","message":"gone"}', ("not_found", "gone", "")),
        (b'{"error":{"message":"odd"}}', ("", "odd", "")),
        (b'{"error":"too many requests"}', ("", "too many requests", "")),
        (b'{"msg":"limit must be positive"}', ("", "limit must be positive", "")),
        (b'{"message":"Service Unavailable"}', ("", "Service Unavailable", "")),
        (b'{"code":17,"message":null}', ("17", "", "")),
        (b"<html>502 Bad Gateway</html>", ("", "<html>502 Bad Gateway</html>", "")),
        (b"[1]", ("", "[1]", "")),
        (b"\xff\xfe", ("", "\ufffd\ufffd", "")),
        (b"", ("", "HTTP 503 without a body", "")),
    ],
)  # fmt: skip
def test_error_bodies_of_every_shape(body, expected):
    assert tuple(wire.parse_error(503, body)) == expected


@pytest.mark.parametrize(
    ("change_of", "said"),
    [
        ({"created_time": None, "ts": None}, "has neither created_time nor ts"),
        ({"count_fp": "0.00"}, "of '0.00' contracts"),
        ({"count_fp": "-1.00"}, "of '-1.00' contracts"),
        ({"count_fp": "99999999999999999.00"}, "more than there can be"),
        ({"fee_cost": "99999999999999.00"}, "more than there can be"),
    ],
)
def test_a_fill_that_cannot_be_is_drift(change, change_of, said):
    row = change("fills")["fills"][0] | change_of
    with pytest.raises(SchemaDrift, match=said):
        wire.fill(wire.decode(wire.FillRow, json.dumps(row).encode(), "fill"))


@pytest.mark.parametrize(
    ("change_of", "said"),
    [({"market_result": "maybe"}, "settled 'maybe'"), ({"value": 101}, "at 101 cents"), ({"value": -1}, "at -1 cents")],
)
def test_a_settlement_that_cannot_be_is_drift(change, change_of, said):
    row = change("settlements")["settlements"][1] | change_of
    with pytest.raises(SchemaDrift, match=said):
        wire.settlement(wire.decode(wire.SettlementRow, json.dumps(row).encode(), "settlement"))


@pytest.mark.parametrize("bands", [[], [("0.0000", "1.0000", "0.0000")], [("0.9000", "0.1000", "0.0100")]])
def test_price_ranges_that_make_no_grid_are_drift(change, bands):
    row = change("markets")["markets"][0]
    row["price_ranges"] = [dict(zip(("start", "end", "step"), band, strict=True)) for band in bands]
    with pytest.raises(SchemaDrift, match="make no grid"):
        wire.market(wire.decode(wire.MarketRow, json.dumps(row).encode(), "market"), SERIES)


@pytest.mark.parametrize(("kind", "strike"), [("less", 5_000_000), ("greater", 7_000_000), ("structured", None)])
def test_the_strike_is_the_one_that_its_kind_means(change, kind, strike):
    row = change("markets")["markets"][0] | {"strike_type": kind, "floor_strike": 7, "cap_strike": 5}
    market = wire.market(wire.decode(wire.MarketRow, json.dumps(row).encode(), "market"), SERIES)
    assert market.strike_micros == strike
