"""JSON of the exchange to the floor's nouns, in one place to import from. Strict on what we use, lenient on the rest.

`decode` turns a body into a row (unknown fields ignored; a missing or mistyped one that we use is `SchemaDrift`), the
function named like the noun turns the row into it. `parse_error` reads error bodies of every shape seen.
"""

from typing import NamedTuple

import msgspec

from outcry.venue.account_rows import (
    Balance,
    BalanceRow,
    EndpointCosts,
    FillRow,
    Limits,
    PositionReport,
    PositionRow,
    SettlementReport,
    SettlementRow,
    balance,
    fill,
    position,
    settlement,
)
from outcry.venue.fields import (
    UNREADABLE,
    Amount,
    cents_micros,
    count_ch,
    count_text,
    decode,
    dollars_micros,
    optional_time_ms,
    price_cc,
    price_text,
    time_ms,
)
from outcry.venue.market_rows import (
    EventRow,
    ExchangeStatus,
    Listing,
    MarketRow,
    PublicTrade,
    RangeRow,
    SeriesRow,
    SideLevels,
    TradeRow,
    book,
    fee_terms,
    market,
    price_ranges,
    touch,
    trade,
)
from outcry.venue.order_rows import (
    CanceledRow,
    NewOrder,
    NewOrderBody,
    OrderReport,
    OrderRow,
    Placed,
    PlacedRow,
    RenewBody,
    RenewedRow,
    order,
    order_body,
    placed,
)

__all__ = [
    "Amount",
    "ApiError",
    "Balance",
    "BalanceRow",
    "CanceledRow",
    "EndpointCosts",
    "EventRow",
    "ExchangeStatus",
    "FillRow",
    "Limits",
    "Listing",
    "MarketRow",
    "NewOrder",
    "NewOrderBody",
    "OrderReport",
    "OrderRow",
    "Placed",
    "PlacedRow",
    "PositionReport",
    "PositionRow",
    "PublicTrade",
    "RangeRow",
    "RenewBody",
    "RenewedRow",
    "SeriesRow",
    "SettlementReport",
    "SettlementRow",
    "SideLevels",
    "TradeRow",
    "balance",
    "book",
    "cents_micros",
    "count_ch",
    "count_text",
    "decode",
    "dollars_micros",
    "fee_terms",
    "fill",
    "market",
    "optional_time_ms",
    "order",
    "order_body",
    "parse_error",
    "placed",
    "position",
    "price_cc",
    "price_ranges",
    "price_text",
    "settlement",
    "time_ms",
    "touch",
    "trade",
]

_LONGEST_MESSAGE = 300


class ApiError(NamedTuple):
    """What an error body says. Branch on `code` and the HTTP status, never on `message`, which is for people."""

    code: str
    message: str
    details: str


def parse_error(status: int, body: bytes) -> ApiError:
    """Read an error body: nested or flat objects, bare strings, `msg`, or no JSON at all. Never raises.

    >>> parse_error(404, b'{"error":{"code":"not_found","message":"no such order"}}')
    ApiError(code='not_found', message='no such order', details='')
    >>> parse_error(429, b'{"error":"too many requests"}').message
    'too many requests'
    """
    try:
        whole = msgspec.json.decode(body)
    except UNREADABLE:
        whole = None
    told: dict = whole if isinstance(whole, dict) else {}
    nested = told.get("error")
    if isinstance(nested, dict):
        return _api_error(nested)
    if "code" in told:
        return _api_error(told)
    for plain in (nested, told.get("msg"), told.get("message")):
        if isinstance(plain, str) and plain:
            return ApiError("", plain[:_LONGEST_MESSAGE], "")
    raw = body[:_LONGEST_MESSAGE].decode("utf-8", "replace").strip()
    return ApiError("", raw or f"HTTP {status} without a body", "")


def _api_error(told: dict) -> ApiError:
    code, message, details = (_text(told.get(name)) for name in ("code", "message", "details"))
    return ApiError(code, message, details)


def _text(value: object) -> str:
    return "" if value is None else str(value)[:_LONGEST_MESSAGE]
