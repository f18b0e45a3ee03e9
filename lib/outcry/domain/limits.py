"""Every number the risk gate reads, with its unit in its name and the range outside which it is refused.

Shares are millionths (20_000 is 2 %); of capital unless said otherwise. The settings file mirrors these names under
[risk]. Each field is read by a rule: a limit that nothing enforces would be a lie.
"""

from dataclasses import dataclass, fields

from outcry.domain.errors import Misconfigured

ALL = 1_000_000  # millionths in the whole


@dataclass(frozen=True, slots=True)
class Limits:
    """The floor's limits. Integers only; each within its RANGES, both ends included.

    raises  Misconfigured when a value is no integer or outside its range
    """

    # market: stale or untrusted data
    stream_silence_ms: int = 15_000  # nothing heard on the book's stream, not even a ping, for longer: stale
    quick_book_unchanged_ms: int = 5_000  # a crypto book of a window up to 15 minutes stands still for longer: stale
    slow_book_unchanged_ms: int = 60_000  # any other book stands still for longer while its ticker moves: stale
    index_age_ms: int = 3_000  # the index a market settles on is older: stale

    # market: where entering makes sense at all
    min_time_to_close_ms: int = 20_000  # nobody enters later than this before the close
    max_spread_cc: int = 1_000  # ask less bid
    min_volume_ch: int = 100_000  # contracts traded here and in the series' previous market; enough for "liquid"
    min_displayed_ch: int = 5_000  # ... or so many contracts shown near the touch, on the thinner side
    displayed_within_cc: int = 500  # what "near the touch" means: no further from the best price than this

    # trade: is it worth its cost
    min_edge_millionths: int = 50_000  # of the price paid, after fees; for strategies that state a probability
    max_spread_and_fee_millionths: int = 50_000  # of the price paid; for strategies that state none
    kelly_millionths: int = 250_000  # share of the full Kelly stake; never above half
    rest_stake_millionths: int = 500_000  # share of a stake that remains on fallback (REST) quotes
    per_trade_millionths: int = 20_000  # one order's worst-case cost

    # market: how much in one place
    per_market_millionths: int = 50_000  # all agents' positions and orders in one market, at worst case
    per_market_ch: int = 10_000  # contracts of all agents in one market
    per_agent_market_ch: int = 5_000  # contracts of one agent in one market

    # agent
    per_agent_millionths: int = 100_000  # one agent's positions and orders; its allocation if that is less
    max_positions: int = 3  # markets in which one agent holds or orders something at once
    agent_notional_per_day_millionths: int = 5_000_000  # $1 for each contract an agent orders in a trading day
    agent_daily_loss_millionths: int = 50_000  # an agent that lost so much today enters nothing more

    # floor
    per_floor_millionths: int = 300_000  # everybody's positions at cost and orders at worst case
    floor_daily_loss_millionths: int = 100_000  # a floor that lost so much today enters nothing more

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = RANGES[field.name]
            if type(value) is not int or not low <= value <= high:
                raise Misconfigured(f"risk.{field.name} = {value!r} is not a whole number from {low} to {high}")

    def share_micros(self, name: str, of_micros: int) -> int:
        """A limit in millionths applied to an amount, floored to a micro-dollar."""
        return getattr(self, name) * of_micros // ALL


RANGES: dict[str, tuple[int, int]] = {  # least and most that a person may set, both included
    "stream_silence_ms": (1_000, 60_000),
    "quick_book_unchanged_ms": (500, 60_000),
    "slow_book_unchanged_ms": (1_000, 600_000),
    "index_age_ms": (500, 30_000),
    "min_time_to_close_ms": (1_000, 86_400_000),
    "max_spread_cc": (1, 5_000),
    "min_volume_ch": (0, 1_000_000_000),
    "min_displayed_ch": (100, 1_000_000_000),
    "displayed_within_cc": (0, 5_000),
    "min_edge_millionths": (0, ALL),
    "max_spread_and_fee_millionths": (1, ALL),
    "kelly_millionths": (1, 500_000),
    "rest_stake_millionths": (0, ALL),
    "per_trade_millionths": (1, 100_000),
    "per_market_millionths": (1, 250_000),
    "per_market_ch": (100, 100_000_000),
    "per_agent_market_ch": (100, 100_000_000),
    "per_agent_millionths": (1, 500_000),
    "max_positions": (1, 100),
    "agent_notional_per_day_millionths": (1, 1_000_000_000),
    "agent_daily_loss_millionths": (1, 500_000),
    "per_floor_millionths": (1, ALL),
    "floor_daily_loss_millionths": (1, 500_000),
}
