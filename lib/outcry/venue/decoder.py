"""Stream frames decoded: JSON bytes in, `messages` out.

Strict on what we use, lenient on what we do not: unknown fields are ignored and an unknown type becomes `Other`, but a
missing or mistyped field that we use is `SchemaDrift`, never a zero. Numbers that should be strings are read exactly
all the same (seen on the live stream), on a slower path.

After a typed parse the conversion costs more than the parse, so prices go through a table of all 10 001 strings, and
counts through one `int` without their point. No float, and no Decimal on what comes often.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import msgspec

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import PriceRange
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC, format_decimal, parse_decimal
from outcry.venue import frame_shapes as wire
from outcry.venue import messages as out

_YES_PRICES = {format_decimal(price, 4): price for price in range(ONE_DOLLAR_CC + 1)}
_NO_PRICES = {text: ONE_DOLLAR_CC - price for text, price in _YES_PRICES.items()}
_TYPES = frozenset(shape.__struct_config__.tag for shape in get_args(wire.Frame))
_parse = msgspec.json.Decoder(wire.Frame).decode
_parse_index = msgspec.json.Decoder(wire.IndexData).decode


class Decoder:
    """Turns frames into messages.

    yes_prices  whether NO-side levels come on the YES scale, as they do when the subscription set `use_yes_price`
    """

    def __init__(self, *, yes_prices: bool = True) -> None:
        self._yes_prices = yes_prices
        self._ask_prices = _YES_PRICES if yes_prices else _NO_PRICES
        self._make = _MAKERS | {wire.DeltaFrame: self._delta, wire.SnapshotFrame: self._snapshot}

    def decode(self, raw: bytes) -> out.Message:
        """One frame's message.

        raises  SchemaDrift, with the frame kept, when it is no JSON or a field that we use is missing or mistyped
        """
        try:
            frame = _parse(raw)
        except msgspec.MsgspecError as error:
            read = _parse_leniently(raw, error)
            if isinstance(read, out.Other):
                return read
            frame = read
        try:
            return self._make[type(frame)](frame)
        except (ValueError, ArithmeticError, msgspec.MsgspecError) as error:
            raise SchemaDrift(f"{type(frame).__struct_config__.tag}: {error}", raw) from error

    def _delta(self, frame: wire.DeltaFrame) -> out.Delta:
        body = frame.msg
        is_bid = body.side == "yes"
        price = (_YES_PRICES if is_bid else self._ask_prices).get(body.price_dollars)
        if price is None:
            price = self._rare_price(body.price_dollars, is_bid)
        text = body.delta_fp
        change = int(text[:-3] + text[-2:]) if text[-3:-2] == "." else parse_decimal(text, 2)
        return out.Delta(
            frame.sid, frame.seq, body.market_ticker, is_bid, price, change, body.ts_ms, body.client_order_id
        )

    def _snapshot(self, frame: wire.SnapshotFrame) -> out.Snapshot:
        body = frame.msg
        bids, asks = self._levels(body.yes_dollars_fp, True), self._levels(body.no_dollars_fp, False)
        return out.Snapshot(frame.sid, frame.seq, body.market_ticker, bids, asks, frame.id)

    def _levels(self, levels: list[tuple[str, str]], is_bid: bool) -> dict[int, int]:
        known = _YES_PRICES if is_bid else self._ask_prices
        sizes: dict[int, int] = {}
        for text, size in levels:
            price = known.get(text)
            if price is None:
                price = self._rare_price(text, is_bid)
            count = count_ch(size)
            if count < 0 or price in sizes:
                raise ValueError(f"level {text} has size {size}{' twice' if price in sizes else ''}")
            if count:
                sizes[price] = count
        return sizes

    def _rare_price(self, text: str, is_bid: bool) -> int:
        price = price_cc(text)
        return price if is_bid or self._yes_prices else ONE_DOLLAR_CC - price


# ---- numbers ------------------------------------------------------------------------------------------------------


def price_cc(text: str) -> int:
    """A dollar string as centicents. ValueError when it is none, or outside $0 to $1."""
    known = _YES_PRICES.get(text)
    if known is not None:
        return known
    price = parse_decimal(text, 4)
    if not 0 <= price <= ONE_DOLLAR_CC:
        raise ValueError(f"{text!r} is outside 0 to 1 dollar")
    return price


def count_ch(text: str) -> int:
    """A contract string as hundredths. ValueError when it is none."""
    return int(text[:-3] + text[-2:]) if text[-3:-2] == "." else parse_decimal(text, 2)


def micros(value: Decimal) -> int:
    """A decimal number of dollars as micro-dollars; finer places are cut. Indices come with up to eight."""
    return int(value * 1_000_000)


def _inside_cc(text: str) -> int | None:
    """A price strictly between $0 and $1, else None: the exchange fills an empty side with 0 or 1."""
    price = price_cc(text)
    return price if 0 < price < ONE_DOLLAR_CC else None


def _side(book_side: str | None, outcome_side: str | None) -> Side | None:
    """Buying NO or selling YES is an ask, whatever words are used for it."""
    if book_side is not None:
        return Side(book_side)
    if outcome_side is not None:
        return Side.BID if outcome_side == "yes" else Side.ASK
    return None


def _own_side(book_side: str | None, outcome_side: str | None) -> Side:
    side = _side(book_side, outcome_side)
    if side is None:
        raise ValueError("neither book_side nor outcome_side")
    return side


# ---- one maker a frame type -----------------------------------------------------------------------------------------


def _ticker(frame: wire.TickerFrame) -> out.Ticker:
    body = frame.msg
    return out.Ticker(
        frame.sid,
        body.market_ticker,
        _inside_cc(body.price_dollars),
        _inside_cc(body.yes_bid_dollars),
        _inside_cc(body.yes_ask_dollars),
        count_ch(body.yes_bid_size_fp),
        count_ch(body.yes_ask_size_fp),
        count_ch(body.volume_fp),
        count_ch(body.open_interest_fp),
        body.ts_ms,
    )


def _trade(frame: wire.TradeFrame) -> out.Trade:
    body = frame.msg
    side = _side(body.taker_book_side, body.taker_outcome_side or body.taker_side)
    price, count = price_cc(body.yes_price_dollars), count_ch(body.count_fp)
    if count <= 0:
        raise ValueError(f"print of {body.count_fp} contracts")
    return out.Trade(
        frame.sid, frame.seq, body.trade_id, body.market_ticker, price, count, side, body.is_block_trade, body.ts_ms
    )


def _fill(frame: wire.FillFrame) -> out.FillMessage:
    body = frame.msg
    return out.FillMessage(
        frame.sid,
        body.trade_id,
        body.order_id,
        body.client_order_id,
        body.market_ticker,
        body.exchange_index,
        _own_side(body.book_side, body.outcome_side),
        price_cc(body.yes_price_dollars),
        count_ch(body.count_fp),
        parse_decimal(body.fee_cost, 6),
        body.is_taker,
        count_ch(body.post_position_fp),
        body.ts_ms,
    )


def _user_order(frame: wire.UserOrderFrame) -> out.UserOrder:
    body = frame.msg
    return out.UserOrder(
        frame.sid,
        body.order_id,
        body.client_order_id,
        body.ticker,
        body.exchange_index,
        _own_side(body.book_side, body.outcome_side),
        price_cc(body.yes_price_dollars),
        body.status,
        count_ch(body.initial_count_fp),
        count_ch(body.fill_count_fp),
        count_ch(body.remaining_count_fp),
        parse_decimal(body.taker_fees_dollars, 6) + parse_decimal(body.maker_fees_dollars, 6),
        body.created_ts_ms,
        body.expiration_ts_ms,
        body.last_updated_ts_ms,
        body.last_update_reason,
    )


def _position(frame: wire.PositionFrame) -> out.MarketPosition:
    body = frame.msg
    return out.MarketPosition(
        frame.sid,
        body.market_ticker,
        count_ch(body.position_fp),
        parse_decimal(body.position_cost_dollars, 6),
        parse_decimal(body.realized_pnl_dollars, 6),
        parse_decimal(body.fees_paid_dollars, 6),
        count_ch(body.volume_fp),
    )


def _lifecycle(frame: wire.LifecycleFrame) -> out.Lifecycle:
    body, more = frame.msg, frame.msg.additional_metadata or wire.MetadataBody()
    at_s = body.settled_ts if body.determination_ts is None else body.determination_ts
    strike = more.floor_strike if body.floor_strike is None else body.floor_strike
    ranges = tuple(PriceRange(price_cc(r.start), price_cc(r.end), price_cc(r.step)) for r in body.price_ranges)
    if any(band.step_cc == 0 for band in ranges):
        raise ValueError("price range without a step")
    return out.Lifecycle(
        frame.sid,
        frame.seq,
        body.event_type,
        body.market_ticker,
        body.exchange_index,
        _seconds_ms(body.open_ts),
        _seconds_ms(body.close_ts),
        _seconds_ms(at_s),
        body.result,
        None if body.settlement_value is None else price_cc(body.settlement_value),
        body.strike_type or more.strike_type,
        None if strike is None else micros(strike),
        ranges,
        more.event_ticker,
        more.title,
    )


def _event_listed(frame: wire.EventListedFrame) -> out.EventListed:
    body = frame.msg
    return out.EventListed(frame.sid, frame.seq, body.event_ticker, body.series_ticker, body.exchange_index)


def _event_fee(frame: wire.EventFeeFrame) -> out.EventFee:
    body = frame.msg
    factor = body.fee_multiplier_override
    millionths = None if factor is None else micros(factor)
    return out.EventFee(frame.sid, frame.seq, body.event_ticker, body.fee_type_override, millionths)


def _index(frame: wire.IndexFrame) -> out.IndexValue:
    body, data = frame.msg, _parse_index(frame.msg.data)
    value, settle = micros(data.value), body.last_60s_windowed_average_15min
    if value <= 0:
        raise ValueError(f"index {body.index_id} at {data.value}")
    return out.IndexValue(
        frame.sid,
        frame.seq,
        body.index_id,
        value,
        data.time,
        body.received_at,
        None if settle is None else micros(settle.value),
        0 if settle is None else settle.window_size,
    )


def _ok(frame: wire.OkFrame) -> out.Ok:
    if isinstance(frame.msg, list):
        return out.Ok(frame.id, frame.sid, frame.seq, (), tuple((entry.channel, entry.sid) for entry in frame.msg))
    tickers = () if frame.msg is None else tuple(frame.msg.market_tickers)
    return out.Ok(frame.id, frame.sid, frame.seq, tickers)


def _failed(frame: wire.ErrorFrame) -> out.Failed:
    body = frame.msg
    return out.Failed(frame.id, frame.sid, frame.seq, body.code, body.msg, body.market_ticker)


def _seconds_ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


_MAKERS: dict[type, Callable[[Any], out.Message]] = {
    wire.TickerFrame: _ticker,
    wire.TradeFrame: _trade,
    wire.FillFrame: _fill,
    wire.UserOrderFrame: _user_order,
    wire.PositionFrame: _position,
    wire.LifecycleFrame: _lifecycle,
    wire.EventListedFrame: _event_listed,
    wire.EventFeeFrame: _event_fee,
    wire.IndexFrame: _index,
    wire.IndexListFrame: lambda frame: out.IndexList(frame.sid, frame.seq, tuple(frame.msg.index_ids)),
    wire.SubscribedFrame: lambda frame: out.Subscribed(frame.id, frame.msg.channel, frame.msg.sid),
    wire.UnsubscribedFrame: lambda frame: out.Unsubscribed(frame.id, frame.sid, frame.seq),
    wire.OkFrame: _ok,
    wire.ErrorFrame: _failed,
}


# ---- the slow path ------------------------------------------------------------------------------------------------


def _parse_leniently(raw: bytes, cause: Exception) -> wire.Frame | out.Other:
    """A frame that the typed parse refused: of a type we do not know, with numbers for strings, or truly wrong."""
    try:
        tree = json.loads(raw, parse_float=str)
    except ValueError as error:
        raise SchemaDrift(f"frame is no JSON: {error}", raw) from error
    kind = tree.get("type") if isinstance(tree, dict) else None
    if not isinstance(kind, str):
        raise SchemaDrift("frame has no type", raw)
    if kind not in _TYPES:
        return out.Other(_whole(tree.get("sid")), _whole(tree.get("seq")), kind)
    try:
        frame: wire.Frame = msgspec.convert(_texts(tree), wire.Frame)
        return frame
    except msgspec.ValidationError as error:
        raise SchemaDrift(f"{kind}: {error}", raw) from cause


def _whole(value: object) -> int | None:
    return value if type(value) is int else None


def _texts(value: object, key: str = "") -> object:
    """The same tree with whole numbers as text where the exchange writes text (`json` made text of all others)."""
    if isinstance(value, dict):
        return {name: _texts(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, key) for item in value]
    if type(value) is int and (key.endswith(("_dollars", "_fp")) or key in ("fee_cost", "settlement_value")):
        return str(value)
    return value
