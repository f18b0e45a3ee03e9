"""Too many settled losses in a row: an agent rests, then trades the smallest size for a while.

How many are too many depends on the prices paid. Who buys at 90 cents loses one in ten at break-even, and five in a row
mean something; who buys at 10 cents loses nine in ten, and five mean nothing. So the streak must also be less likely
than `losing_streak_millionths` at the break-even win rate of its own trades: their average cost per contract.

reset  the pause ends by itself; only losses settled since it began make the next streak; each trade that follows counts
       toward the `small_trades`.
"""

from outcry.domain.limits import ALL, Limits
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.breaker import Trip, trip
from outcry.risk.case import Case, cut

CAUSE = "losing_streak"
RULE = "losing_streak"
LONGEST = 1_000  # a streak that is not unlikely after so many never is


def needed(break_even_millionths: int, limits: Limits) -> int:
    """How many losses in a row are too many, at a break-even win rate.

    >>> [needed(share, Limits()) for share in (100_000, 500_000, 684_000, 900_000)]
    [44, 7, 5, 5]
    """
    lose = max(0, ALL - break_even_millionths)
    count, chance, scale = 0, 1, 1
    while chance * ALL >= limits.losing_streak_millionths * scale and count < LONGEST:
        count, chance, scale = count + 1, chance * lose, scale * ALL
    return max(limits.losing_streak, count)


def check_losses(losses: int, break_even_millionths: int, limits: Limits) -> Trip | None:
    """losses: settled in a row, since the last pause of this kind began."""
    if losses < limits.losing_streak:
        return None
    limit = needed(break_even_millionths, limits)
    if losses < limit:
        return None
    return trip(
        f"{losses} settled losses in a row, limit {limit} at a break-even of {break_even_millionths / 10_000:.1f} %",
        losses=losses,
        break_even_millionths=break_even_millionths,
        limit=limit,
    )


def rested(paused_at_ms: int, now_ms: int, limits: Limits, time_factor: float = 1.0) -> bool:
    """Whether the pause is over; on a floor with shortened windows it is shortened with them."""
    return now_ms - paused_at_ms >= limits.losing_streak_pause_ms / time_factor


def check(case: Case, count_ch: int) -> Verdict | None:
    """The rule of the gate: after a pause, the smallest size for some trades."""
    exposure, limits = case.exposure, case.limits
    if not exposure.streak_pauses or exposure.trades_since_streak >= limits.small_trades:
        return None
    if count_ch <= ONE_CONTRACT_CH:
        return None
    return cut(
        RULE,
        ONE_CONTRACT_CH,
        f"trade {exposure.trades_since_streak + 1} of {limits.small_trades} small ones after a losing streak",
        trades=exposure.trades_since_streak,
        limit=limits.small_trades,
        asked_ch=count_ch,
    )
