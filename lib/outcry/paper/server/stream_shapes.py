"""Messages of the WebSocket channels, as bytes without their beginning.

A message begins with what differs from one subscriber to the next (type, sid, seq); everything from `sending_ts_ms`
on is the same for all and built once: the tail. Levels, prints and tickers are many, so their tails are formatted
directly; the rest goes through the JSON encoder. All texts put in directly are our own: tickers, ids and numbers.
"""

import msgspec

from outcry.domain.order import Side
from outcry.paper.engine.records import MarketRecord, OrderRecord, PositionRecord
from outcry.paper.events import AccountFill, GroupChanged, LevelChanged, Traded
from outcry.paper.rest import text
from outcry.paper.rest.shapes import Json, direction, levels, outcome, touch

encode = msgspec.json.encode


def tail(message: object, now_ms: int) -> bytes:
    """Any message's tail."""
    return b'"sending_ts_ms":%d,"msg":%b}' % (now_ms, encode(message))


def market_id(ticker: str) -> str:
    return text.uuid_of("market", ticker)


def level(change: LevelChanged, now_ms: int, *, yes_price: bool, own: bool) -> bytes:
    """A delta.

    yes_price  whether the NO side is told on the YES scale
    own        whether the subscriber's own order caused it: only then its client_order_id is told
    """
    is_bid = change.side is Side.BID
    price = text.price(change.price_cc) if is_bid or yes_price else text.no_price(change.price_cc)
    mine = f'"client_order_id":{encode(change.client_order_id).decode()},' if own and change.client_order_id else ""
    return (
        f'"sending_ts_ms":{now_ms},"msg":{{"market_ticker":"{change.ticker}","market_id":"{market_id(change.ticker)}",'
        f'"price_dollars":"{price}","delta_fp":"{text.count(change.change_ch)}","side":"{"yes" if is_bid else "no"}",'
        f'{mine}"ts":"{text.iso(change.at_ms)}","ts_ms":{change.at_ms}}}}}'
    ).encode()


def snapshot(ticker: str, bids: dict[int, int], asks: dict[int, int], now_ms: int, *, yes_price: bool) -> bytes:
    """A whole book. The key of an empty side is absent."""
    body: Json = {"market_ticker": ticker, "market_id": market_id(ticker)}
    if bids:
        body["yes_dollars_fp"] = levels(bids)
    if asks:
        body["no_dollars_fp"] = levels(asks, as_no=not yes_price)
    return tail(body, now_ms)


def ticker(record: MarketRecord, at_ms: int, now_ms: int) -> bytes:
    name = record.market.ticker
    bid_cc, bid_ch, ask_cc, ask_ch = touch(record)
    last_cc, volume_ch, interest_ch = record.last_price_cc or 0, record.volume_ch, record.open_interest_ch
    return (
        f'"sending_ts_ms":{now_ms},"msg":{{"market_ticker":"{name}","market_id":"{market_id(name)}",'
        f'"price_dollars":"{text.price(last_cc)}","yes_bid_dollars":"{text.price(bid_cc)}",'
        f'"yes_ask_dollars":"{text.price(ask_cc)}","yes_bid_size_fp":"{text.count(bid_ch)}",'
        f'"yes_ask_size_fp":"{text.count(ask_ch)}","last_trade_size_fp":"{text.count(record.last_count_ch)}",'
        f'"volume_fp":"{text.count(volume_ch)}","open_interest_fp":"{text.count(interest_ch)}",'
        f'"dollar_volume":{volume_ch // 200},"dollar_open_interest":{interest_ch // 200},'
        f'"ts":{at_ms // 1000},"ts_ms":{at_ms},"time":"{text.iso(at_ms)}"}}}}'
    ).encode()


def trade(made: Traded, taker: Side, now_ms: int) -> bytes:
    side = outcome(taker)
    inferred = ',"inferred":true' if made.inferred or made.taker_side is None else ""
    return (
        f'"sending_ts_ms":{now_ms},"msg":{{"trade_id":"{made.trade_id}","market_ticker":"{made.ticker}",'
        f'"yes_price_dollars":"{text.price(made.price_cc)}","no_price_dollars":"{text.no_price(made.price_cc)}",'
        f'"count_fp":"{text.count(made.count_ch)}","taker_side":"{side}","taker_outcome_side":"{side}",'
        f'"taker_book_side":"{taker.value}","is_block_trade":false,"ts":{made.at_ms // 1000},"ts_ms":{made.at_ms}'
        f"{inferred}}}}}"
    ).encode()


def likely_taker(made: Traded, record: MarketRecord) -> Side:
    """The side to tell of a print. Where the source does not know, the nearer touch says who was hit: marked inferred,
    and it fills nobody's order."""
    if made.taker_side is not None:
        return made.taker_side
    bid_cc, _, ask_cc, _ = touch(record)
    return Side.BID if ask_cc - made.price_cc <= made.price_cc - bid_cc else Side.ASK


def fill(made: AccountFill, now_ms: int) -> bytes:
    body: Json = {
        "trade_id": made.trade_id,
        "order_id": made.order_id,
        "market_ticker": made.ticker,
        "exchange_index": made.exchange_index,
        "is_taker": made.is_taker,
        **direction(made.side),
        "purchased_side": outcome(made.side),
        "yes_price_dollars": text.price(made.price_cc),
        "count_fp": text.count(made.count_ch),
        "fee_cost": text.money(made.fee_micros),
        "post_position_fp": text.count(made.post_position_ch),
        "ts": made.at_ms // 1000,
        "ts_ms": made.at_ms,
    }
    if made.client_order_id:
        body["client_order_id"] = made.client_order_id
    if made.subaccount:
        body["subaccount"] = made.subaccount
    return tail(body, now_ms)


def user_order(record: OrderRecord, reason: str, now_ms: int) -> bytes:
    body: Json = {
        "order_id": record.order_id,
        "user_id": text.uuid_of("user", record.account),
        "client_order_id": record.client_order_id,
        "ticker": record.ticker,
        "exchange_index": record.exchange_index,
        "status": record.status.value,
        "side": outcome(record.side),
        "is_yes": record.is_bid,
        "outcome_side": outcome(record.side),
        "book_side": record.side.value,
        "yes_price_dollars": text.price(record.price_cc),
        "initial_count_fp": text.count(record.initial_ch),
        "fill_count_fp": text.count(record.filled_ch),
        "remaining_count_fp": text.count(record.remaining_ch),
        "taker_fill_cost_dollars": text.money(record.taker_cost_micros),
        "maker_fill_cost_dollars": text.money(record.maker_cost_micros),
        "taker_fees_dollars": text.money(record.taker_fees_micros),
        "maker_fees_dollars": text.money(record.maker_fees_micros),
        "self_trade_prevention_type": record.self_trade.value,
        "created_time": text.iso(record.created_at_ms),
        "created_ts_ms": record.created_at_ms,
        "last_update_time": text.iso(record.updated_at_ms),
        "last_updated_ts_ms": record.updated_at_ms,
        "subaccount_number": record.subaccount,
    }
    if record.order_group_id:
        body["order_group_id"] = record.order_group_id
    if reason:
        body["last_update_reason"] = reason
    if record.expires_at_ms is not None:
        body |= {"expiration_time": text.iso(record.expires_at_ms), "expiration_ts_ms": record.expires_at_ms}
    return tail(body, now_ms)


def market_position(record: PositionRecord, now_ms: int) -> bytes:
    body: Json = {
        "user_id": text.uuid_of("user", record.account),
        "market_ticker": record.ticker,
        "position_fp": text.count(record.position_ch),
        "position_cost_dollars": text.money(record.exposure_micros),
        "realized_pnl_dollars": text.money(record.realized_micros),
        "fees_paid_dollars": text.money(record.fees_micros),
        "position_fee_cost_dollars": text.money(record.fees_micros),
        "volume_fp": text.count(record.volume_ch),
    }
    if record.subaccount:
        body["subaccount"] = record.subaccount
    return tail(body, now_ms)


def group(event: GroupChanged, now_ms: int) -> bytes:
    body: Json = {"event_type": event.kind, "order_group_id": event.group_id, "ts_ms": event.at_ms}
    if event.limit_ch is not None:
        body["contracts_limit_fp"] = text.count(event.limit_ch)
    return tail(body, now_ms)
