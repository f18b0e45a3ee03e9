"""The day's report for people: dollars, contracts and per cent."""

from collections.abc import Sequence

from tabulate import tabulate

from outcry.domain.units import format_decimal
from outcry.review.metrics import Summary
from outcry.review.reports.today import AgentLine, OpenLine, Report


def as_text(report: Report) -> str:
    """For people: dollars, contracts and per cent, under 100 columns."""
    parts = [_heading(report), _agents_table(report)]
    if report.positions:
        parts.append(_positions_table(report.positions))
    parts.append(_floor_lines(report))
    return "\n\n".join(parts)


def _heading(report: Report) -> str:
    day, floor = report.day, report.floor
    return f"Outcry {floor.environment} · floor {floor.floor_id} · trading day {day.name} ({day.zone})"


def _agents_table(report: Report) -> str:
    rows = [[line.facts.name, *_figures(line.summary), *_holdings(line)] for line in report.agents]
    if len(report.agents) > 1:
        agents = [line.facts for line in report.agents]
        rows.append(
            [
                "all",
                *_figures(report.total),
                sum(line.open_positions for line in report.agents),
                dollars(sum(line.open_worth_micros for line in report.agents)),
                dollars(sum(agent.equity_micros for agent in agents)),
                dollars(sum(agent.day_change_micros for agent in agents), signed=True),
            ]
        )
    heads = ["agent", "trades", "won", "needs", "gross", "fees", "net", "open", "worth", "equity", "today"]
    return tabulate(
        rows,
        heads,
        tablefmt="simple",
        disable_numparse=True,
        colalign=[
            "left",
            "right",
            "right",
            "right",
            "decimal",
            "decimal",
            "decimal",
            "right",
            "decimal",
            "decimal",
            "decimal",
        ],
    )


def _figures(figures: Summary) -> list[object]:
    return [
        figures.trades,
        _percent(figures.win_rate),
        _percent(figures.break_even),
        dollars(figures.gross_micros, signed=True),
        dollars(figures.fees_micros),
        dollars(figures.net_micros, signed=True),
    ]


def _holdings(line: AgentLine) -> list[object]:
    return [
        line.open_positions,
        dollars(line.open_worth_micros),
        dollars(line.facts.equity_micros),
        dollars(line.facts.day_change_micros, signed=True),
    ]


def _positions_table(lines: Sequence[OpenLine]) -> str:
    rows = [
        [
            line.agent,
            line.ticker,
            line.side,
            format_decimal(line.count_ch, 2),
            "–" if line.paid_cc is None else f"{line.paid_cc / 10_000:.4f}",
            format_decimal(line.mark_cc, 4),
            dollars(line.unrealized_micros, signed=True),
        ]
        for line in lines
    ]
    heads = ["open position", "market", "side", "contracts", "paid", "mark", "unrealized"]
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=["left"] * 3 + ["right"] * 4)


def _floor_lines(report: Report) -> str:
    floor, total = report.floor, report.total
    lines = [
        f"floor equity  ${dollars(floor.equity_micros)}, {dollars(floor.day_change_micros, signed=True)} today;"
        f" deposits ${dollars(floor.deposits_micros)}, of which the agents may use"
        f" ${dollars(sum(line.facts.allocation_micros for line in report.agents))}"
    ]
    if floor.internal_spread_micros:
        lines.append(
            f"              agents hold opposite sides: internal spread ${dollars(floor.internal_spread_micros)}"
        )
    if total.win_low is not None and total.win_high is not None:
        lines.append(
            f"win rate      {_percent(total.win_rate)} of {total.trades} closed trades ({total.settled} by settlement),"
            f" 95 % interval {_percent(total.win_low)} to {_percent(total.win_high)};"
            f" break-even {_percent(total.break_even)}"
        )
    if total.mean_net_micros is not None and total.mean_error_micros is not None:
        lines.append(
            f"net per trade ${total.mean_net_micros / 1e6:+.4f} ± {total.mean_error_micros / 1e6:.4f} (95 %,"
            f" {total.trades} trades)"
        )
    known = floor.reconciled
    lines.append(f"reconciled    {str(known.agreed).lower()}{f': {known.detail}' if known.detail else ''}")
    return "\n".join(lines)


def dollars(micros: int, *, signed: bool = False) -> str:
    """Exact dollars with as many places as they need, at least two.

    >>> dollars(1_500_000), dollars(-17_500), dollars(20_000, signed=True)
    ('1.50', '-0.0175', '+0.02')
    """
    text = format_decimal(micros, 6)
    whole, _, fraction = text.partition(".")
    text = f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
    return f"+{text}" if signed and micros >= 0 else text


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"
