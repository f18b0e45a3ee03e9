"""Rows and the exchange's answers as the records that the checks read."""

import json
import sqlite3

from outcry.domain import fill as domain_fill
from outcry.domain.limits import Limits
from outcry.domain.order import State
from outcry.domain.view import View
from outcry.review.checks import fresh, limits
from outcry.review.checks.account import TheirOrder
from outcry.review.checks.records import Control, Decision, Fill, Order, OrderEvent, Settlement
from outcry.trading.board import index_at_ms
from outcry.venue.wire import OrderReport


def decision(row: sqlite3.Row) -> Decision:
    intent = json.loads(row["intent"])
    exits = {"stop_millionths": intent.get("stop_loss_millionths"), "hold_ms": intent.get("hold_ms")}
    return Decision(**{name: row[name] for name in Decision._fields if name not in exits}, **exits)


def order(row: sqlite3.Row) -> Order:
    """A row of `audit.order`."""
    plain = Order(*(row[name] for name in Order._fields))
    return plain._replace(post_only=bool(plain.post_only), reduce_only=bool(plain.reduce_only))


def event(row: sqlite3.Row) -> OrderEvent:
    return OrderEvent(row["id"], *(row[name] for name in OrderEvent._fields[1:]))


def fill(row: sqlite3.Row) -> Fill:
    """A row of `audit.attributed`, `fills_in` or `fills_since`."""
    return Fill(row["id"], *(row[name] for name in Fill._fields[1:]))._replace(is_taker=bool(row["is_taker"]))


def settlement(row: sqlite3.Row) -> Settlement:
    return Settlement(*(row[name] for name in Settlement._fields))


def control(row: sqlite3.Row) -> Control:
    return Control(*(row[name] for name in Control._fields))._replace(active=bool(row["active"]))


def their_fill(said: domain_fill.Fill) -> Fill:
    return Fill(
        0, said.trade_id, said.order_id, said.client_order_id, "", said.ticker, said.exchange_index, str(said.side),
        said.price_cc, said.count_ch, said.fee_micros, said.is_taker, said.filled_at_ms, 0,
    )  # fmt: skip


def their_order(said: OrderReport) -> TheirOrder:
    return TheirOrder(
        said.order_id, said.client_order_id, said.ticker, str(said.side), said.price_cc, said.initial_ch,
        said.filled_ch, said.remaining_ch, said.status is State.RESTING,
    )  # fmt: skip


def seen(made: Decision, view: View) -> fresh.Seen:
    """What an entry was made on."""
    quote, market = view.quote, view.market
    return fresh.Seen(
        made.decision_id, made.at_ms, view.now_ms, quote.trusted, quote.heard_at_ms, quote.changed_at_ms,
        quote.ticker_moved_at_ms, market.underlying, index_at_ms(view), market.open_at_ms, market.close_at_ms,
        str(market.status),
    )  # fmt: skip


def ages(settings: Limits) -> fresh.Ages:
    return fresh.Ages(
        settings.stream_silence_ms,
        settings.quick_book_unchanged_ms,
        settings.slow_book_unchanged_ms,
        settings.index_age_ms,
        settings.min_time_to_close_ms,
    )


def bounds(settings: Limits) -> limits.Bounds:
    return limits.Bounds(
        per_trade=settings.per_trade_millionths,
        per_trade_own=settings.per_trade_own_millionths,
        per_market=settings.per_market_millionths,
        per_market_ch=settings.per_market_ch,
        per_agent_market_ch=settings.per_agent_market_ch,
        per_agent=settings.per_agent_millionths,
        markets=settings.max_positions,
        notional_per_day=settings.agent_notional_per_day_millionths,
        per_floor=settings.per_floor_millionths,
        per_group=settings.per_group_millionths,
        orders_per_day=settings.orders_per_day,
        trades_per_day=settings.trades_per_day,
    )
