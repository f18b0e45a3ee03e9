"""Every number the risk gate reads, with its unit in its name and the range outside which it is refused.

Shares are millionths (20_000 is 2 %); of capital unless said otherwise. The settings file mirrors these names under
[risk]. Each field is read by a rule of the gate or by a breaker: a limit that nothing enforces would be a lie.
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
    per_trade_own_millionths: int = 250_000  # ... of its agent's allocation, though always one contract

    # market: how much in one place
    per_market_millionths: int = 50_000  # all agents' positions and orders in one market, at worst case
    per_market_ch: int = 10_000  # contracts of all agents in one market
    per_agent_market_ch: int = 5_000  # contracts of one agent in one market

    # agent
    per_agent_millionths: int = 100_000  # one agent's positions and orders; its allocation if that is less
    max_positions: int = 3  # markets in which one agent holds or orders something at once
    agent_notional_per_day_millionths: int = 5_000_000  # $1 for each contract an agent orders in a trading day
    orders_per_day: int = 200  # orders of one agent in a trading day, exits among them; further entries are refused
    trades_per_day: int = 50  # entries of one agent in a trading day that traded, or still may
    agent_daily_loss_millionths: int = 50_000  # an agent that lost so much today enters nothing more
    agent_drawdown_millionths: int = 200_000  # of its highest equity: an agent that fell so far from it is paused
    agent_drawdown_pause_ms: int = 2_592_000_000  # ... until a person resumes it, or for so long
    losing_streak: int = 5  # settled losses in a row that pause an agent, if that many are unlikely by chance
    losing_streak_millionths: int = 10_000  # less likely than this, at the break-even of the prices it paid
    losing_streak_pause_ms: int = 21_600_000  # how long it enters nothing then
    small_trades: int = 10  # trades of the smallest size after such a pause

    # group: same event, same underlying and window, same game
    per_group_millionths: int = 100_000  # all agents' positions and orders in one group, at worst case
    group_correlation_millionths: int = 500_000  # rho: a size shrinks by 1 / (1 + rho x what is held in its group)

    # floor
    per_floor_millionths: int = 300_000  # everybody's positions at cost and orders at worst case
    floor_daily_loss_millionths: int = 100_000  # a floor that lost so much today enters nothing more
    floor_drawdown_millionths: int = 150_000  # a floor that fell so much from the day's highest equity is halted

    # breakers: the exchange, the database, a market
    api_window_ms: int = 300_000  # calls to the exchange are judged over so long
    api_calls: int = 20  # ... when there were so many
    api_errors_millionths: int = 100_000  # more of them failed: entries stop until so many calls since are good
    database_silence_ms: int = 60_000  # a database out of reach for longer: entries wait until it answered for as long
    jump_cc: int = 2_000  # the middle of a book moves by more ...
    abnormal_window_ms: int = 2_000  # ... within so long: the market is abnormal
    crossed_ms: int = 1_000  # a book crossed for longer: abnormal
    collapse_millionths: int = 900_000  # more of what a book shows gone within that window: abnormal
    abnormal_stop_ms: int = 300_000  # nobody enters an abnormal market for so long

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
    "per_trade_own_millionths": (1, ALL),
    "per_market_millionths": (1, 250_000),
    "per_market_ch": (100, 100_000_000),
    "per_agent_market_ch": (100, 100_000_000),
    "per_agent_millionths": (1, 500_000),
    "max_positions": (1, 100),
    "agent_notional_per_day_millionths": (1, 1_000_000_000),
    "orders_per_day": (1, 100_000),
    "trades_per_day": (1, 100_000),
    "agent_daily_loss_millionths": (1, 500_000),
    "agent_drawdown_millionths": (1, ALL),
    "agent_drawdown_pause_ms": (60_000, 31_536_000_000),
    "losing_streak": (1, 1_000),
    "losing_streak_millionths": (1, ALL),
    "losing_streak_pause_ms": (1_000, 2_592_000_000),
    "small_trades": (0, 1_000),
    "per_group_millionths": (1, 500_000),
    "group_correlation_millionths": (0, ALL),
    "per_floor_millionths": (1, ALL),
    "floor_daily_loss_millionths": (1, 500_000),
    "floor_drawdown_millionths": (1, 500_000),
    "api_window_ms": (10_000, 3_600_000),
    "api_calls": (1, 10_000),
    "api_errors_millionths": (0, ALL),
    "database_silence_ms": (1_000, 600_000),
    "jump_cc": (1, 9_999),
    "abnormal_window_ms": (100, 60_000),
    "crossed_ms": (0, 60_000),
    "collapse_millionths": (1, ALL),
    "abnormal_stop_ms": (1_000, 86_400_000),
}
