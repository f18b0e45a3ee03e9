"""What the floor is meant to keep to, beside what it does. The thresholds are those of the settings."""

from collections.abc import Mapping, Sequence

from outcry.ops.settings import Settings
from outcry.review.reports.today import Report
from outcry.review.reports.whole import Program, Span, Target

MILLION = 1_000_000


def build(
    settings: Settings,
    report: Report,
    span: Span,
    programs: Sequence[Program],
    findings: int,
    jobs_late: bool,
    capital_micros: int,
    sharpes: Mapping[str, float],
) -> tuple[Target, ...]:
    """Those of a span that is not over include how things stand now."""
    found = _of_trading(settings, report, span, capital_micros, sharpes)
    if not span.ended:
        found += _of_now(settings, report, programs, findings, jobs_late, capital_micros)
    return tuple(found)


def _of_trading(
    settings: Settings, report: Report, span: Span, capital_micros: int, sharpes: Mapping[str, float]
) -> list[Target]:
    total = report.total
    wins = Target("win rate", "no closed trade", "–", None)
    if total.win_rate is not None and total.break_even is not None:
        above = total.win_rate > total.break_even
        wins = Target(
            "win rate", f"> {100 * total.break_even:.1f} %, the break-even", f"{100 * total.win_rate:.1f} %", above
        )
    found = [wins]
    loss = settings.risk.floor_daily_loss_millionths
    floor = report.floor
    if span.kind in ("today", "day"):
        share = (
            None
            if not floor.changes_known or capital_micros <= 0
            else max(0, -floor.day_change_micros) * MILLION // capital_micros
        )
        found.append(_at_most("day's loss", loss, share))
    wanted = settings.evolution.shrink_sharpe
    good = sum(value >= wanted for value in sharpes.values())
    if sharpes and not span.ended:
        found.append(
            Target("Sharpe, 7 days", f"≥ {wanted:g}", f"{good} of {len(sharpes)} agents", good == len(sharpes))
        )
    return found


def _of_now(
    settings: Settings,
    report: Report,
    programs: Sequence[Program],
    findings: int,
    jobs_late: bool,
    capital_micros: int,
) -> list[Target]:
    falls = [  # of the highest equity: what it has now, and what it fell by
        fell * MILLION // (one.facts.equity_micros + fell)
        for one in report.agents
        if (fell := one.facts.drawdown_micros) is not None and one.facts.equity_micros + fell > 0
    ]
    costs = [line.cost_micros for line in report.positions]
    held = (
        None if None in costs or capital_micros <= 0 else sum(cost or 0 for cost in costs) * MILLION // capital_micros
    )
    wanted = [one for one in programs if one.running is not None]
    up = sum(bool(one.running) for one in wanted)
    return [
        _at_most("worst drawdown", settings.evolution.pause_drawdown_millionths, max(falls, default=None)),
        _at_most("at risk", settings.risk.per_floor_millionths, held),
        Target("programs up", "all", f"{up} of {len(wanted)}", up == len(wanted) if wanted else None),
        Target("open findings", "0", str(findings), findings == 0),
        Target("jobs", "in time", "late" if jobs_late else "in time", not jobs_late),
    ]


def _at_most(name: str, limit_millionths: int, actual_millionths: int | None) -> Target:
    wanted = f"< {limit_millionths / 10_000:g} %"
    if actual_millionths is None:
        return Target(name, wanted, "–", None)
    return Target(name, wanted, f"{actual_millionths / 10_000:.1f} %", actual_millionths < limit_millionths)
