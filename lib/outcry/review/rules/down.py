"""Rules that take, and those that end what they began: flags, retirement, halved capital, pauses."""

from collections.abc import Iterator, Mapping
from typing import Any

from outcry.review.rules.rule import (
    Rule,
    day_figures,
    day_rate_in_words,
    day_rate_millionths,
    days_since,
    enough_of_a_day,
    percent,
    proven_gain,
    proven_loss,
    proving,
)
from outcry.review.standing import MILLIONTHS, Standing, Thresholds


def _flagged(one: Standing) -> str:
    return "not flagged" if one.flagged_at_ms is None else ""


def _unflagged(one: Standing) -> str:
    return "" if one.flagged_at_ms is None else "flagged already"


def _proving_unflagged(one: Standing) -> str:
    return _unflagged(one) or proving(one)


def _running(one: Standing) -> str:
    return "" if one.paused_at_ms is None else "paused already"


def _paused(one: Standing) -> str:
    if one.paused_at_ms is None:
        return "not paused"
    return "" if one.paused_by_rule else "paused, but not for a fall: whoever paused it ends it"


def _retire_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    """Shown to lose, or behind for all the days it was given. Who does not trade, or could not, is not behind."""
    days = days_since(one.flagged_at_ms, now_ms)
    behind = days >= limits.flag_days and one.settled_since_flag > 0 and one.net_since_flag_micros < 0
    if one.edge.loses or one.edge_since_flag.loses or (behind and not one.starved):
        return
    yield from proven_loss(one.edge, "a proven loss in its stage")
    yield from proven_loss(one.edge_since_flag, "or since its flag")
    month = f"or {limits.flag_days:g} days flagged with a loss ({days:.2f}, {_since_flag(one)})"
    yield f"{month}, in which it could trade" if behind else month


def _recover_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    """A flag comes off after as many days without a loss, and at once on proof of a gain since."""
    days = days_since(one.flagged_at_ms, now_ms)
    earned = days >= limits.flag_days and one.settled_since_flag > 0 and one.net_since_flag_micros >= 0
    if not (one.edge_since_flag.gains or earned):
        yield from proven_gain(one.edge_since_flag, "a proven gain since its flag")
        yield f"or {limits.flag_days:g} days flagged without a loss ({days:.2f}, {_since_flag(one)})"


def _flag_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    """Of a flag's end, one way or the other."""
    return {
        "flagged_days": round(days_since(one.flagged_at_ms, now_ms), 2),
        "needs_days": limits.flag_days,
        "settled_since_flag": one.settled_since_flag,
        "net_since_flag_micros": one.net_since_flag_micros,
        **one.edge.figures("edge"),
        **one.edge_since_flag.figures("edge_since_flag"),
    }


def _loss_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    """Who buys dear wins most days and may lose money all the same: a win rate alone would not show it."""
    yield from proven_loss(one.edge, "a proven loss in its stage")


def _loss_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {"settled": one.settled, "net_micros": one.net_micros, **one.edge.figures("edge")}


def _losing_day_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    won = day_rate_millionths(one)
    yield from enough_of_a_day(one, limits)
    if won is not None and won >= limits.flag_win_millionths:
        yield f"a day with less than {percent(limits.flag_win_millionths)} won ({day_rate_in_words(one)})"


def _losing_day_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {
        **day_figures(one),
        "below": limits.flag_win_millionths,
        **one.edge.figures("edge"),
    }


def _shrink_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    days = days_since(one.shrunk_at_ms, now_ms)
    if one.week_sharpe is None:
        yield "a week of which a Sharpe ratio can be told"
    elif one.week_sharpe >= limits.shrink_sharpe:
        yield f"a week's Sharpe ratio below {limits.shrink_sharpe:g} ({one.week_sharpe:.2f})"
    if not one.daily_since_flag.loses:
        yield from proven_loss(one.daily, "proof that it is so poor")
    if days < limits.shrink_days:
        yield f"{limits.shrink_days - days:.2f} more days since the last halving"
    if one.allocation_micros <= one.birth_allocation_micros:
        yield f"an allocation above that of birth, ${one.birth_allocation_micros / MILLIONTHS:,.2f}"


def _shrink_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {
        "week_sharpe": None if one.week_sharpe is None else round(one.week_sharpe, 3),
        "below": limits.shrink_sharpe,
        "allocation_micros": max(one.birth_allocation_micros, one.allocation_micros // 2),
        **one.daily.figures("daily"),
        **one.daily_since_flag.figures("daily_since_flag"),
    }


def _pause_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    if one.drawdown_millionths <= limits.pause_drawdown_millionths:
        yield (
            f"a fall of more than {percent(limits.pause_drawdown_millionths)} from its highest equity"
            f" ({percent(one.drawdown_millionths)})"
        )


def _pause_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {"drawdown_millionths": one.drawdown_millionths, "above": limits.pause_drawdown_millionths}


def _resume_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    days = days_since(one.paused_at_ms, now_ms)
    if days < limits.pause_days:
        yield f"{limits.pause_days - days:.2f} more days paused ({days:.2f} of {limits.pause_days:g})"


def _resume_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {"paused_days": round(days_since(one.paused_at_ms, now_ms), 2), "needs": limits.pause_days}


def _since_flag(one: Standing) -> str:
    return f"{one.settled_since_flag} trades settled, net {one.net_since_flag_micros / MILLIONTHS:+.2f}"


RETIRE = Rule("flagged, proven loss or a month behind", "retire", _flagged, _retire_lacks, _flag_figures)
UNFLAG = Rule("flag outlived", "unflag", _flagged, _recover_lacks, _flag_figures)
LOSS = Rule("proven loss", "flag", _proving_unflagged, _loss_lacks, _loss_figures)
LOSING_DAY = Rule("losing day", "flag", _unflagged, _losing_day_lacks, _losing_day_figures)
SHRINK = Rule("poor week, proven", "shrink", proving, _shrink_lacks, _shrink_figures)
PAUSE = Rule("drawdown", "pause", _running, _pause_lacks, _pause_figures)
RESUME = Rule("pause outlived", "resume", _paused, _resume_lacks, _resume_figures)
