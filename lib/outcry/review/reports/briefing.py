"""The morning briefing: what the owner has to know in two minutes, what needs them first. The words, for any medium."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from outcry.domain.units import ONE_DOLLAR_MICROS, format_decimal
from outcry.review.reports.today import OpenLine
from outcry.review.reports.today_text import span
from outcry.review.reports.whole import Change, Point, Whole
from outcry.review.reports.whole_text import clock, programs_line

RESULTS = 14  # days of bars


@dataclass(frozen=True, slots=True)
class Briefing:
    """
    day        the present trading day
    needs      what a person has to do something about, the most urgent first
    yesterday  the trading day that ended; None on a floor's first day
    today      since midnight
    due        what is open and closes before the day ends
    changes    what evolution and people did since yesterday began
    silence    why nothing happened, for each agent that did nothing
    """

    day: str
    needs: tuple[str, ...]
    yesterday: Whole | None
    today: Whole
    due: tuple[OpenLine, ...]
    changes: tuple[Change, ...]
    silence: tuple[str, ...]

    @property
    def results(self) -> tuple[tuple[str, int], ...]:
        """(day, result) of the last days that ended."""
        points = self.today.curve
        found = [(before.day, one.result_micros or 0) for before, one in pairwise(points)]
        return tuple(found[:-1][-RESULTS:])

    @property
    def equity(self) -> tuple[Point, ...]:
        return self.today.curve


@dataclass(frozen=True, slots=True)
class Table:
    """`right`: how many of the last columns hold numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: int


@dataclass(frozen=True, slots=True)
class Section:
    """`picture`: the name of what is shown with it; `urgent`: to be seen first."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None
    picture: str = ""
    urgent: bool = False


def subject(one: Briefing) -> str:
    """The whole briefing in a line."""
    if one.yesterday is None:
        first = "First day"
    else:
        figures = one.yesterday.report
        traded = [line for line in figures.agents if line.summary.trades or line.facts.day_change_micros]
        up = sum(line.facts.day_change_micros > 0 for line in traded)
        change = (
            money(figures.floor.day_change_micros) if figures.floor.changes_known else money(figures.total.net_micros)
        )
        first = (
            f"{change} yesterday ({up} of {len(figures.agents)} agents up)" if traded else "Nothing traded yesterday"
        )
    due = len({line.ticker for line in one.due})
    settles = "nothing settles today" if not due else f"{due} settle{'s' if due == 1 else ''} today"
    count = len(one.needs)
    needs = (
        "nothing needs you"
        if not count
        else f"{count} thing{'s' if count > 1 else ''} need{'s' if count == 1 else ''} you"
    )
    return f"{first}, {settles}, {needs}"


def sections(one: Briefing) -> list[Section]:
    """In the order in which they are read; what has nothing to say is left out, or says so in a line."""
    return [
        Section("What needs you", one.needs or ("Nothing.",), urgent=bool(one.needs)),
        _yesterday(one),
        _overnight(one.today),
        _due(one),
        Section(
            "What evolution did",
            tuple(_change(change, one) for change in one.changes) or ("Nothing: no rule had a reason.",),
        ),
        _agents(one),
        *_pictures(one),
        *([Section("Why nothing happened", one.silence)] if one.silence else []),
        _state(one),
    ]


def _yesterday(one: Briefing) -> Section:
    if one.yesterday is None:
        return Section(
            "Yesterday",
            ("No trading day has ended yet. Tomorrow this tells what was earned, by whom, and at what cost.",),
        )
    return Section(f"Yesterday, {one.yesterday.span.days[0]}", tuple(_trading(one.yesterday)))


def _overnight(today: Whole) -> Section:
    return Section("Overnight, since midnight", tuple(_trading(today)))


def _trading(whole: Whole) -> Iterator[str]:
    floor, total = whole.report.floor, whole.report.total
    if floor.changes_known:
        yield f"The floor is worth {dollars(floor.equity_micros)}, {money(floor.day_change_micros)}."
    else:
        yield f"The floor is worth {dollars(floor.equity_micros)}."
    if not total.trades:
        yield "No trade was closed."
        return
    fees = f"{money(total.gross_micros)} before fees of {dollars(total.fees_micros)}, {money(total.net_micros)} net"
    error = total.net_error_micros
    sure = "" if error is None else f" (95 %: {money(total.net_micros - error)} to {money(total.net_micros + error)})"
    yield f"{total.trades} trade{'s' if total.trades > 1 else ''} closed: {fees}{sure}."
    if total.win_rate is not None and total.break_even is not None:
        needed = f"{100 * total.break_even:.0f} %"
        yield f"{total.won} won, {100 * total.win_rate:.0f} %; to break even they needed {needed}."


def _due(one: Briefing) -> Section:
    if not one.due:
        held = len(one.today.report.positions)
        later = f" {held} position{'s' if held > 1 else ''} stay{'s' if held == 1 else ''} open longer." if held else ""
        return Section("What settles today", (f"Nothing.{later}",))
    costs = [line.cost_micros for line in one.due]
    known = sum(cost or 0 for cost in costs)
    said = f"{dollars(known)} at risk" + (", and what is not known of some" if None in costs else "") + "."
    table = Table(
        ("market", "agent", "holds", "cost", "best", "worst", "closes in"),
        tuple(_position(line, one.today.report.day.now_ms) for line in one.due),
        4,
    )
    return Section("What settles today", (said,), table)


def _position(line: OpenLine, now_ms: int) -> tuple[str, ...]:
    ends = (line.cost_micros, line.best_micros, line.worst_micros)
    cost, best, worst = ("–" if micros is None else money(micros, signed=at > 0) for at, micros in enumerate(ends))
    closes = "–" if line.close_at_ms is None else span(line.close_at_ms - now_ms)
    return line.ticker, line.agent, f"{format_decimal(line.count_ch, 2)} {line.side}", cost, best, worst, closes


def _change(change: Change, one: Briefing) -> str:
    return f"{clock(change.at_ms, one.today.report.day.zone)}: {change.sentence}."


def _agents(one: Briefing) -> Section:
    lines = one.today.report.agents
    if not lines:
        return Section("Agents", ("None yet: bin/migrate brings the first ones.",))
    before = {line.facts.name: line for line in one.yesterday.report.agents} if one.yesterday else {}
    rows = []
    for line in lines:
        past = before.get(line.facts.name)
        summary = past.summary if past else None
        won = "–" if summary is None or summary.win_rate is None else f"{100 * summary.win_rate:.0f} %"
        needs = "–" if summary is None or summary.break_even is None else f"{100 * summary.break_even:.0f} %"
        rows.append(
            (
                line.facts.name,
                f"{line.facts.stage}{', paused' if line.facts.paused else ''}",
                "–" if past is None else money(past.facts.day_change_micros),
                "0" if summary is None else str(summary.trades),
                won,
                needs,
                money(line.facts.day_change_micros) if one.today.report.floor.changes_known else "–",
                dollars(line.facts.equity_micros),
            )
        )
    heads = ("agent", "stage", "yesterday", "trades", "won", "needed", "overnight", "worth")
    return Section("Agents", (), Table(heads, tuple(rows), 6))


def _pictures(one: Briefing) -> Iterator[Section]:
    points = one.equity
    if len(points) > 1:
        values = [point.equity_micros for point in points]
        low, high = dollars(min(values)), dollars(max(values))
        yield Section(
            "Equity",
            (f"{points[0].day} to now: between {low} and {high}, now {dollars(values[-1])}, deposits included.",),
            picture="equity",
        )
    if results := one.results:
        best, worst = max(results, key=_result), min(results, key=_result)
        days = f"{len(results)} day{'s' if len(results) > 1 else ''}"
        said = f"{days}: best {best[0]} {money(best[1])}, worst {worst[0]} {money(worst[1])}."
        yield Section("Result by day", (said,), picture="results")


def _result(day: tuple[str, int]) -> int:
    return day[1]


def _state(one: Briefing) -> Section:
    whole, audit = one.today, one.today.audit
    known = whole.report.floor.reconciled
    costs = one.yesterday.costs if one.yesterday else ()
    fees, fills = sum(cost.fees_micros for cost in costs), sum(cost.fills for cost in costs)
    agrees = "Every cent reconciles with the exchange." if known.agreed else f"Ledger and exchange: {known.detail}."
    head = f"{audit.seq} records, head {audit.link[:16]}" if audit.seq else "nothing recorded yet"
    return Section(
        "Health, audit and costs",
        (
            agrees,
            f"Programs: {programs_line(whole.programs)}.",
            f"Jobs: {whole.jobs}.",
            f"Audit trail: {head}; {audit.findings_open} findings open, {audit.findings_ever} ever.",
            f"Costs yesterday: {dollars(fees)} of fees for {fills} fills." if fills else "Costs yesterday: none.",
        ),
    )


def dollars(micros: float) -> str:
    """To the cent: the report has the rest."""
    return money(micros, signed=False)


def money(micros: float, *, signed: bool = True) -> str:
    """
    >>> money(1_836_000), money(-12_345_678_900), money(-4_000), money(5_000_000, signed=False)
    ('+$1.84', '-$12,345.68', '+$0.00', '$5.00')
    """
    cents = round(micros / (ONE_DOLLAR_MICROS // 100))
    sign = "-" if cents < 0 else "+" if signed else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def needs_of(
    findings: Sequence[str], forbidden: Sequence[str], dead: Sequence[str], others: Sequence[str]
) -> tuple[str, ...]:
    """All that needs a person, in the order in which it costs money, each once."""
    return tuple(dict.fromkeys((*forbidden, *dead, *findings, *others)))
