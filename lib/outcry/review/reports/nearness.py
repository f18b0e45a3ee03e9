"""How near an entry came that a rule refused: the figure, the limit, and which setting the limit is."""

from collections.abc import Mapping

from outcry.domain.units import format_decimal

Numbers = Mapping[str, int | float | str]

# The figure that was compared, and the limit it was compared with, by rule. Others have no single figure.
COMPARED: Mapping[str, tuple[str, str]] = {
    "spread": ("spread_cc", "limit_cc"),
    "stale": ("age_ms", "limit_ms"),
    "close_time": ("left_ms", "limit_ms"),
    "liquidity": ("volume_ch", "min_volume_ch"),
    "edge": ("edge_millionths", "limit_millionths"),
    "spread_and_fee": ("toll_millionths", "limit_millionths"),
    "per_trade": ("asked_micros", "limit_micros"),
    "size": ("contract_micros", "stake_micros"),
}
# Where the limit is set, in [risk].
SETTINGS: Mapping[str, str] = {
    "stale": "stream_silence_ms, quick_book_unchanged_ms, slow_book_unchanged_ms, index_age_ms",
    "close_time": "min_time_to_close_ms",
    "spread": "max_spread_cc",
    "liquidity": "min_volume_ch, min_displayed_ch",
    "edge": "min_edge_millionths",
    "spread_and_fee": "max_spread_and_fee_millionths",
    "size": "kelly_millionths, and the agent's allocation",
    "per_trade": "per_trade_millionths, per_trade_own_millionths",
    "per_market": "per_market_millionths, per_market_ch, per_agent_market_ch",
    "per_agent": "max_positions, per_agent_millionths, agent_notional_per_day_millionths",
    "group": "per_group_millionths, group_correlation_millionths",
    "floor": "per_floor_millionths",
    "per_day": "orders_per_day, trades_per_day",
    "daily_loss": "agent_daily_loss_millionths, floor_daily_loss_millionths",
    "losing_streak": "small_trades",
}


def distance(rule: str, numbers: Numbers) -> float:
    """How far from the limit, as a share of it; infinite where no figure was compared.

    >>> distance("spread", {"spread_cc": 1_200, "limit_cc": 1_000}), distance("sound", {})
    (0.2, inf)
    """
    have, limit = (numbers.get(key) for key in COMPARED.get(rule, ("", "")))
    if isinstance(have, str) or isinstance(limit, str) or have is None or not limit:
        return float("inf")
    return abs(have - limit) / abs(limit)


def words(rule: str, reason: str, numbers: Numbers) -> str:
    """The refusal with its figures, in the units that people use.

    >>> words("spread", "spread 0.1200 > max 0.1000", {"spread_cc": 1_200, "limit_cc": 1_000})
    'spread 12 ¢ > max 10 ¢'
    >>> words("stale", "book changed 8000 ms ago, limit 5000 ms", {"age_ms": 8_000, "limit_ms": 5_000})
    'book changed 8 s ago > max 5 s'
    """
    match rule, numbers:
        case "spread", {"spread_cc": int(have), "limit_cc": int(limit)}:
            return f"spread {cents(have)} > max {cents(limit)}"
        case "stale", {"age_ms": int(have), "limit_ms": int(limit)}:
            return f"{reason.partition(f' {have} ms')[0]} {seconds(have)} ago > max {seconds(limit)}"
        case "close_time", {"left_ms": int(have), "limit_ms": int(limit)}:
            return f"{seconds(have)} to the close < min {seconds(limit)}"
        case "liquidity", {"volume_ch": int(have), "min_volume_ch": int(limit), "shown_ch": int(shown)}:
            least = numbers["min_displayed_ch"]
            traded = f"{have // 100:,} contracts traded < min {limit // 100:,}"
            return f"{traded}, and {shown // 100:,} shown near the touch < min {int(least) // 100:,}"
    return reason or f"refused by the rule {rule}"


def cents(price_cc: int) -> str:
    """
    >>> cents(1_200), cents(1_250), cents(-100)
    ('12 ¢', '12.5 ¢', '-1 ¢')
    """
    return f"{format_decimal(price_cc, 2).rstrip('0').rstrip('.')} ¢"


def seconds(ms: int) -> str:
    """
    >>> seconds(5_000), seconds(8_250)
    ('5 s', '8.2 s')
    """
    return f"{ms / 1000:.1f}".removesuffix(".0") + " s"
