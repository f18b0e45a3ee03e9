"""How good a market is to trade: seven parts from 0 to 1, each a well-known cost or chance, and their weighted sum.

Nothing here says that trading there earns. It says where going in and out is possible and cheap, so that a floor that
can follow so many markets follows those.
"""

from dataclasses import dataclass

ONE = 1_000_000  # parts and scores are kept in millionths
DOLLAR_CC = 10_000

WEIGHTS = {  # in hundredths
    "liquidity": 25,
    "spread": 25,
    "activity": 20,
    "time": 10,
    "maker": 10,
    "tick": 5,
    "past": 5,
}
DEAR_CC = 1_000  # going in and out for so much is not worth it: the spread part is 0
BUSY_PER_HOUR = 60  # so many prints an hour are half of the activity part
FAR_MS = 24 * 3_600_000  # a close so far away is half of the time part
CENT_CC = 100  # whole cents are half of the tick part
CALM_TRADES = 30  # a series in which we traded so often counts half of what it earned
GOOD_CC = 200  # a net win of so much a contract is as good as it gets


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one market. None for what nobody saw.

    fee_cc     what taking one contract costs at its price
    volume_ch  traded here, or in the series' market before it, whichever is more
    near_ch    shown near the touch, on the thinner side
    maker      presence of a market maker, 0 to 1
    past_micros, past_ch, past_trades   what we won net in its series, over how many contracts and markets
    """

    ticker: str
    series_ticker: str
    category: str
    close_at_ms: int
    bid_cc: int | None
    ask_cc: int | None
    fee_cc: float
    tick_cc: int
    volume_ch: int
    near_ch: int
    prints: int
    maker: float | None
    past_micros: int
    past_ch: int
    past_trades: int


@dataclass(frozen=True, slots=True)
class Score:
    """A market's score with its parts, all in millionths, and the figures behind them."""

    ticker: str
    series_ticker: str
    category: str
    score: int
    parts: dict[str, int]
    figures: dict[str, int | float | None]


def score(facts: Facts, now_ms: int, enough_ch: int, shown_ch: int) -> Score:
    """enough_ch, shown_ch: what the gate's liquidity rule calls liquid; so much is half of the liquidity part."""
    cost_cc = None
    if facts.bid_cc is not None and facts.ask_cc is not None:
        cost_cc = facts.ask_cc - facts.bid_cc + 2 * facts.fee_cc
    left_ms = facts.close_at_ms - now_ms
    won_cc = facts.past_micros / facts.past_ch if facts.past_ch else 0.0
    believed = facts.past_trades / (facts.past_trades + CALM_TRADES)
    parts = {
        "liquidity": max(_half_at(facts.volume_ch, enough_ch), _half_at(facts.near_ch, shown_ch)),
        "spread": 0.0 if cost_cc is None else 1 - cost_cc / DEAR_CC,
        "activity": _half_at(facts.prints, BUSY_PER_HOUR),
        "time": 0.0 if left_ms <= 0 else FAR_MS / (FAR_MS + left_ms),
        "maker": facts.maker or 0.0,
        "tick": CENT_CC / (CENT_CC + facts.tick_cc) if facts.tick_cc else 0.0,
        "past": 0.5 + believed * won_cc / GOOD_CC / 2,
    }
    whole = {name: round(ONE * min(max(part, 0.0), 1.0)) for name, part in parts.items()}
    total = sum(WEIGHTS[name] * part for name, part in whole.items()) // 100
    figures: dict[str, int | float | None] = {
        "spread_cc": None if cost_cc is None else (facts.ask_cc or 0) - (facts.bid_cc or 0),
        "fee_cc": round(facts.fee_cc, 1),
        "volume_ch": facts.volume_ch,
        "near_ch": facts.near_ch,
        "prints": facts.prints,
        "left_ms": left_ms,
        "tick_cc": facts.tick_cc,
        "maker": None if facts.maker is None else round(facts.maker, 3),
        "past_micros": facts.past_micros,
        "past_trades": facts.past_trades,
    }
    return Score(facts.ticker, facts.series_ticker, facts.category, total, whole, figures)


def _half_at(value: float, half: float) -> float:
    """From 0 to 1, a half at `half`, and ever more slowly after it.

    >>> _half_at(0, 10), _half_at(10, 10), _half_at(90, 10)
    (0.0, 0.5, 0.9)
    """
    return value / (value + half) if value > 0 else 0.0
