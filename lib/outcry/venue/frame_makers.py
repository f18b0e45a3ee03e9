"""From a parsed frame to its message, one small function a type; `decoder` picks it.

All may raise SchemaDrift (a number that cannot be read exactly) or ValueError.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from outcry.domain.market import PriceRange
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC, format_decimal
from outcry.venue import fields
from outcry.venue import frame_shapes as wire
from outcry.venue import messages as out

YES_PRICES = {format_decimal(price, 4): price for price in range(ONE_DOLLAR_CC + 1)}
_LONGEST_COUNT = len(str(fields.MOST)) + 1  # with its point: longer ones are looked at by `fields`
_parse_index = msgspec.json.Decoder(wire.IndexData).decode


def price(text: str) -> int:
    """`fields.price_cc`, faster for the form that is usual: four decimals."""
    known = YES_PRICES.get(text)
    return fields.price_cc(text) if known is None else known


def count(text: str) -> int:
    """`fields.count_ch`, faster for the form that is usual: two decimals."""
    if text[-3:-2] == "." and text[-2:].isdigit() and len(text) < _LONGEST_COUNT:
        return int(text[:-3] + text[-2:])
    return fields.count_ch(text)


def _inside_cc(text: str) -> int | None:
    """A price strictly between $0 and $1, else None: the exchange fills an empty side with 0 or 1."""
    inside = price(text)
    return inside if 0 < inside < ONE_DOLLAR_CC else None


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


def _ticker(frame: wire.TickerFrame) -> out.Ticker:
    body = frame.msg
    return out.Ticker(
        frame.sid,
        body.market_ticker,
        _inside_cc(body.price_dollars),
        _inside_cc(body.yes_bid_dollars),
        _inside_cc(body.yes_ask_dollars),
        count(body.yes_bid_size_fp),
        count(body.yes_ask_size_fp),
        count(body.volume_fp),
        count(body.open_interest_fp),
        body.ts_ms,
    )


def _trade(frame: wire.TradeFrame) -> out.Trade:
    body = frame.msg
    side = _side(body.taker_book_side, body.taker_outcome_side or body.taker_side)
    price_cc, count_ch = price(body.yes_price_dollars), count(body.count_fp)
    if count_ch <= 0:
        raise ValueError(f"print of {body.count_fp} contracts")
    return out.Trade(
        frame.sid,
        frame.seq,
        body.trade_id,
        body.market_ticker,
        price_cc,
        count_ch,
        side,
        body.is_block_trade,
        body.ts_ms,
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
        price(body.yes_price_dollars),
        count(body.count_fp),
        fields.dollars_micros(body.fee_cost),
        body.is_taker,
        count(body.post_position_fp),
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
        price(body.yes_price_dollars),
        body.status,
        count(body.initial_count_fp),
        count(body.fill_count_fp),
        count(body.remaining_count_fp),
        fields.dollars_micros(body.taker_fees_dollars) + fields.dollars_micros(body.maker_fees_dollars),
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
        count(body.position_fp),
        fields.dollars_micros(body.position_cost_dollars),
        fields.dollars_micros(body.realized_pnl_dollars),
        fields.dollars_micros(body.fees_paid_dollars),
        count(body.volume_fp),
    )


def _lifecycle(frame: wire.LifecycleFrame) -> out.Lifecycle:
    body, more = frame.msg, frame.msg.additional_metadata or wire.MetadataBody()
    at_s = body.settled_ts if body.determination_ts is None else body.determination_ts
    strike = more.floor_strike if body.floor_strike is None else body.floor_strike
    ranges = tuple(PriceRange(price(r.start), price(r.end), price(r.step)) for r in body.price_ranges)
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
        None if body.settlement_value is None else price(body.settlement_value),
        body.strike_type or more.strike_type,
        None if strike is None else fields.scaled(strike, 6),
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
    millionths = None if factor is None else fields.scaled(factor, 6)
    return out.EventFee(frame.sid, frame.seq, body.event_ticker, body.fee_type_override, millionths)


def _group(frame: wire.GroupFrame) -> out.OrderGroupUpdate:
    body = frame.msg
    limit = None if body.contracts_limit_fp is None else count(body.contracts_limit_fp)
    return out.OrderGroupUpdate(frame.sid, frame.seq, body.event_type, body.order_group_id, limit, body.ts_ms)


def _index(frame: wire.IndexFrame) -> out.IndexValue:
    body, data = frame.msg, _parse_index(frame.msg.data)
    value, settle = fields.scaled(data.value, 6), body.last_60s_windowed_average_15min
    if value <= 0:
        raise ValueError(f"index {body.index_id} at {data.value}")
    return out.IndexValue(
        frame.sid,
        frame.seq,
        body.index_id,
        value,
        data.time,
        body.received_at,
        None if settle is None else fields.scaled(settle.value, 6),
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


MAKERS: dict[type, Callable[[Any], out.Message]] = {
    wire.TickerFrame: _ticker,
    wire.TradeFrame: _trade,
    wire.FillFrame: _fill,
    wire.UserOrderFrame: _user_order,
    wire.PositionFrame: _position,
    wire.LifecycleFrame: _lifecycle,
    wire.EventListedFrame: _event_listed,
    wire.EventFeeFrame: _event_fee,
    wire.GroupFrame: _group,
    wire.IndexFrame: _index,
    wire.IndexListFrame: lambda frame: out.IndexList(frame.sid, frame.seq, tuple(frame.msg.index_ids)),
    wire.SubscribedFrame: lambda frame: out.Subscribed(frame.id, frame.msg.channel, frame.msg.sid),
    wire.UnsubscribedFrame: lambda frame: out.Unsubscribed(frame.id, frame.sid, frame.seq),
    wire.OkFrame: _ok,
    wire.ErrorFrame: _failed,
}
