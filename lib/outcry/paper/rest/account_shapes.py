"""Private bodies of the REST interface: orders, fills, positions, settlements, balances of one account."""

from outcry.paper.engine.records import Balance, OrderRecord, PositionRecord
from outcry.paper.events import AccountFill, AccountSettled
from outcry.paper.rest import text
from outcry.paper.rest.shapes import Json, direction


def order(record: OrderRecord) -> Json:
    body: Json = {
        "order_id": record.order_id,
        "user_id": text.uuid_of("user", record.account),
        "client_order_id": record.client_order_id,
        "ticker": record.ticker,
        "exchange_index": record.exchange_index,
        **direction(record.side),
        "type": "limit",
        "status": record.status.value,
        "yes_price_dollars": text.price(record.price_cc),
        "no_price_dollars": text.no_price(record.price_cc),
        "initial_count_fp": text.count(record.initial_ch),
        "fill_count_fp": text.count(record.filled_ch),
        "remaining_count_fp": text.count(record.remaining_ch),
        "taker_fill_cost_dollars": text.money(record.taker_cost_micros),
        "maker_fill_cost_dollars": text.money(record.maker_cost_micros),
        "taker_fees_dollars": text.money(record.taker_fees_micros),
        "maker_fees_dollars": text.money(record.maker_fees_micros),
        "created_time": text.iso(record.created_at_ms),
        "last_update_time": text.iso(record.updated_at_ms),
        "self_trade_prevention_type": record.self_trade.value,
        "cancel_order_on_pause": record.cancel_on_pause,
        "subaccount_number": record.subaccount,
    }
    if record.order_group_id:
        body["order_group_id"] = record.order_group_id
    if record.expires_at_ms is not None:
        body["expiration_time"] = text.iso(record.expires_at_ms)
    return body


def fill(found: AccountFill) -> Json:
    return {
        "fill_id": found.trade_id,
        "trade_id": found.trade_id,
        "order_id": found.order_id,
        "ticker": found.ticker,
        "market_ticker": found.ticker,
        "exchange_index": found.exchange_index,
        **direction(found.side),
        "count_fp": text.count(found.count_ch),
        "yes_price_dollars": text.price(found.price_cc),
        "no_price_dollars": text.no_price(found.price_cc),
        "is_taker": found.is_taker,
        "fee_cost": text.money(found.fee_micros),
        "created_time": text.iso(found.at_ms),
        "ts": found.at_ms // 1000,
        "subaccount_number": found.subaccount,
    }


def position(record: PositionRecord) -> Json:
    return {
        "ticker": record.ticker,
        "exchange_index": record.exchange_index,
        "position_fp": text.count(record.position_ch),
        "market_exposure_dollars": text.money(record.exposure_micros),
        "total_traded_dollars": text.money(record.yes_cost_micros + record.no_cost_micros),
        "realized_pnl_dollars": text.money(record.realized_micros),
        "fees_paid_dollars": text.money(record.fees_micros),
        "last_updated_ts": text.iso(record.updated_at_ms),
    }


def event_position(event_ticker: str, records: list[PositionRecord]) -> Json:
    """An account's positions in the markets of one event, added up."""
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": text.money(sum(record.yes_cost_micros + record.no_cost_micros for record in records)),
        "total_cost_shares_fp": text.count(sum(record.volume_ch for record in records)),
        "event_exposure_dollars": text.money(sum(record.exposure_micros for record in records)),
        "realized_pnl_dollars": text.money(sum(record.realized_micros for record in records)),
        "fees_paid_dollars": text.money(sum(record.fees_micros for record in records)),
    }


def settlement(paid: AccountSettled) -> Json:
    """Counts gross per side, revenue net; revenue and value in whole cents."""
    return {
        "ticker": paid.ticker,
        "event_ticker": paid.event_ticker,
        "exchange_index": paid.exchange_index,
        "market_result": paid.result,
        "yes_count_fp": text.count(paid.yes_count_ch),
        "yes_total_cost_dollars": text.money(paid.yes_cost_micros),
        "no_count_fp": text.count(paid.no_count_ch),
        "no_total_cost_dollars": text.money(paid.no_cost_micros),
        "revenue": paid.revenue_micros // 10_000,
        "value": paid.value_cc // 100,
        "fee_cost": text.money(paid.fee_micros),
        "settled_time": text.iso(paid.at_ms),
    }


def balance(total: Balance, shards: dict[int, Balance], at_ms: int, *, excludes_resting: bool) -> Json:
    """excludes_resting  whether collateral of resting orders is already out of the balance"""

    def shown(one: Balance) -> int:
        return one.free_micros if excludes_resting else one.cash_micros

    return {
        "balance": shown(total) // 10_000,
        "balance_dollars": text.money(shown(total)),
        "portfolio_value": total.value_micros // 10_000,
        "updated_ts": at_ms // 1000,
        "balance_breakdown": [
            {"exchange_index": shard, "balance": text.money(shown(one))} for shard, one in sorted(shards.items())
        ],
    }


def goal(level: str, earns_ch: int, keeps_ch: int) -> Json:
    """The volume of 30 days that earns a usage tier, and the one that keeps it."""
    return {"level": level, "earn_volume_goal_fp": text.count(earns_ch), "keep_volume_goal_fp": text.count(keeps_ch)}
