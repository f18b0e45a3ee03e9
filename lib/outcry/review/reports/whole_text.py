"""The whole report for people: one screen, and the pages that are asked for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from tabulate import tabulate

from outcry.domain.units import format_decimal
from outcry.review.reports import budget
from outcry.review.reports.today_text import as_text as figures_text
from outcry.review.reports.today_text import dollars, span
from outcry.review.reports.whole import Point, Program, Settlement, Target, Whole

PLOT_ROWS, BAR = 10, 30
MARKS = {True: "ok", False: "NOT MET", None: "–"}


def as_text(whole: Whole) -> str:
    """One screen."""
    parts = [heading(whole), figures_text(whole.report)]
    if whole.settlements:
        parts.append(_settlements(whole))
    parts.append(_targets(whole.targets))
    parts.append("\n".join(_state(whole)))
    return "\n\n".join(parts)


def heading(whole: Whole) -> str:
    floor, day = whole.report.floor, whole.report.day
    line = f"Outcry {floor.environment} · floor {floor.floor_id} · {whole.span.title} ({day.zone})"
    if whole.scored:
        line += "\ncounted by market once it has paid"
        line += f"; {whole.unscored} settlements not scored yet (bin/score)" if whole.unscored else ""
    return line


def _settlements(whole: Whole) -> str:
    table = [_settlement(one, whole.report.day.zone) for one in whole.settlements]
    heads = ["paid", "at", "result", "agents", "net"]
    text = tabulate(table, heads, tablefmt="simple", disable_numparse=True, colalign=["left"] * 4 + ["decimal"])
    return text if whole.complete else f"{text}\n… and more before these (--json)"


def _settlement(one: Settlement, zone: str) -> list[str]:
    result = one.result if one.value_cc in (0, 10_000) else f"{one.result} {one.value_cc / 10_000:.4f}"
    return [one.ticker, clock(one.settled_at_ms, zone), result, one.agents, dollars(one.net_micros, signed=True)]


def _targets(targets: Sequence[Target]) -> str:
    rows = [[one.name, one.wanted, one.actual, MARKS[one.met]] for one in targets]
    return tabulate(rows, ["target", "wanted", "is", ""], tablefmt="simple", disable_numparse=True)


def _state(whole: Whole) -> list[str]:
    lines = [f"FORBIDDEN     {one}" for one in whole.forbidden]
    lines += [f"finding {one.finding_id:<5} {one.severity}: {one.what}" for one in whole.findings[:3]]
    if len(whole.findings) > 3:
        lines.append(f"              … and {len(whole.findings) - 3} more: bin/auditor --findings")
    if whole.span.ended:
        return [*lines, f"findings      {whole.audit.findings_open} open"]
    lines.append(f"health        {programs_line(whole.programs)}")
    lines.append(f"jobs          {whole.jobs}")
    spent = whole.budget
    asked = "1 question" if spent.questions == 1 else f"{spent.questions} questions"
    lines.append(
        f"evolution     {asked} asked, {spent.discoveries} answered yes; of each kind's yes at most"
        f" {spent.millionths / 10_000:g} % may be luck (--evolution)"
    )
    if not whole.findings:
        lines.append(f"findings      none open, {whole.audit.findings_ever} ever")
    return lines


def programs_line(programs: Sequence[Program]) -> str:
    """Who runs and since when; the others by name."""
    if not programs:
        return "no program has run on this floor yet"
    running = [one for one in programs if one.running]
    ups = [one.up_ms for one in running if one.up_ms is not None]
    said = f"{len(running)} of {len(programs)} programs run"
    if ups:
        said += (
            f", up {span(min(ups))} to {span(max(ups))}" if span(min(ups)) != span(max(ups)) else f", up {span(ups[0])}"
        )
    dead = [f"{one.name} DOES NOT RUN ({one.state})" for one in programs if one.running is False]
    stopped = [one.name for one in programs if one.running is None]
    return "; ".join([said, *dead, *([f"stopped: {', '.join(stopped)}"] if stopped else [])])


def audit_text(whole: Whole) -> str:
    """What the auditor did and found."""
    audit, zone = whole.audit, whole.report.day.zone
    lines = [heading(whole), ""]
    if audit.seq:
        lines.append(
            f"trail         {audit.seq} records chained, the last {clock(audit.chained_at_ms, zone)}, head {audit.link}"
        )
    else:
        lines.append("trail         nothing chained yet: the auditor has not run")
    lines.append(f"              {audit.unchained} waiting; bin/auditor --verify walks all of it")
    made = ", ".join(f"{count} {name}" for name, count in audit.replays.items()) or "none in this time"
    lines.append(f"made again    {made}")
    lines.append(f"findings      {audit.findings_ever} ever, {audit.findings_open} open")
    lines += [
        f"  {one.finding_id:<5} {one.severity:<9} {clock(one.found_at_ms, zone)}  {one.what}" for one in whole.findings
    ]
    known = whole.report.floor.reconciled
    lines.append(f"reconciled    {str(known.agreed).lower()}{f': {known.detail}' if known.detail else ''}")
    return "\n".join(lines)


def costs_text(whole: Whole) -> str:
    """Who traded how much as what, and paid what for it."""
    rows = []
    for one in whole.costs:
        per_contract = one.fees_micros / one.count_ch / 100 if one.count_ch else 0.0
        rows.append(
            [
                one.agent,
                one.fills,
                f"{100 * one.taker_ch / one.count_ch:.1f} %" if one.count_ch else "–",
                format_decimal(one.count_ch, 2),
                dollars(one.traded_micros),
                dollars(one.fees_micros),
                f"{per_contract:.2f} ¢",
            ]
        )
    heads = ["agent", "fills", "as taker", "contracts", "traded", "fees", "a contract"]
    table = tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=["left"] + ["right"] * 6)
    total = sum(one.fees_micros for one in whole.costs)
    text = table if rows else "nobody traded"
    return f"{heading(whole)}\n\n{text}\n\nfees          ${dollars(total)} in all; traded: price of YES times contracts"


def evolution_text(whole: Whole) -> str:
    """What was decided about agents and why, and how much of what may be found by chance is used."""
    zone, spent = whole.report.day.zone, whole.budget
    lines = [f"{clock(one.at_ms, zone)}  {one.sentence}" for one in whole.evolution] or ["nothing was decided"]
    return "\n".join([heading(whole), "", *lines, "", budget.as_text(spent.kinds, spent.millionths / 1_000_000)])


def plot_text(whole: Whole) -> str:
    """The equity curve, and each day's result as a bar."""
    points = whole.curve
    if len(points) < 2:
        return f"{heading(whole)}\n\nno curve yet: it has a point for each trading day that began"
    return f"{heading(whole)}\n\n{_curve(points)}\n\n{_bars(points)}"


def _curve(points: Sequence[Point]) -> str:
    low, high = min(one.equity_micros for one in points), max(one.equity_micros for one in points)
    step = max(1, (high - low) / (PLOT_ROWS - 1))
    levels = [round((one.equity_micros - low) / step) for one in points]
    lines = []
    for row in range(PLOT_ROWS - 1, -1, -1):
        label = f"${(low + row * step) / 1e6:,.2f}"
        lines.append(f"{label:>12} ┤ " + "".join("● " if level == row else "  " for level in levels).rstrip())
    return "\n".join([*lines, f"{'':>13}  {points[0].day} … {points[-1].day}"])


def _bars(points: Sequence[Point]) -> str:
    days = [(before.day, one.result_micros or 0) for before, one in pairwise(points)]
    most = max(abs(result) for _, result in days) or 1
    lines = []
    for day, result in days:
        length = round(BAR * abs(result) / most)
        left, right = ("", "█" * length) if result >= 0 else ("█" * length, "")
        lines.append(f"{day}  {left:>{BAR}}│{right:<{BAR}} {dollars(result, signed=True)}")
    return "\n".join(lines)


def clock(at_ms: int, zone: str) -> str:
    """A time on people's clocks."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)):%m-%d %H:%M}"
