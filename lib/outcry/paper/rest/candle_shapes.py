"""Candlesticks as the wire has them; those of historical markets name their fields without units."""

from outcry.paper.rest import text
from outcry.paper.rest.candles import Candle, Ohlc
from outcry.paper.rest.shapes import Json


def candle(one: Candle, *, historical: bool = False) -> Json:
    dollars, count = ("", "") if historical else ("_dollars", "_fp")
    return {
        "end_period_ts": one.end_ms // 1000,
        "yes_bid": _four(one.bid, dollars),
        "yes_ask": _four(one.ask, dollars),
        "price": _prices(one, dollars, historical=historical),
        f"volume{count}": text.count(one.count_ch),
        f"open_interest{count}": text.count(one.interest_ch),
    }


def _four(values: Ohlc, unit: str) -> Json:
    told = {"open": values.open_cc, "low": values.low_cc, "high": values.high_cc, "close": values.close_cc}
    return {name + unit: text.price(value_cc) for name, value_cc in told.items()}


def _prices(one: Candle, unit: str, *, historical: bool) -> Json:
    """Null in every field where nothing traded, but for the last price before the period."""
    names = ("open", "low", "high", "close")
    body: Json = dict.fromkeys((name + unit for name in names), None) if one.price is None else _four(one.price, unit)
    mean = None if one.price is None else text.price((2 * one.value_micros + one.count_ch) // (2 * one.count_ch))
    body |= {"mean" + unit: mean, "previous" + unit: None if one.previous_cc is None else text.price(one.previous_cc)}
    if not historical:
        edges = (None, None) if one.price is None else (text.price(one.price.low_cc), text.price(one.price.high_cc))
        body |= dict(zip(("min" + unit, "max" + unit), edges, strict=True))
    return body
