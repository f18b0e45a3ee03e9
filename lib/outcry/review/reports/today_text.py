"""The figures of a report for people: dollars, contracts and per cent."""

from collections.abc import Sequence

from tabulate import tabulate

from outcry.domain.units import format_decimal
from outcry.review.metrics import Summary
from outcry.review.reports.today import AgentLine, OpenLine, Report


def as_text(report: Report) -> str:
    """The figures: agents, what is open, the floor."""
    parts = [_agents_table(report)]
    if report.positions:
        parts.append(_positions_table(report.positions, report.day.now_ms))
    parts.append(_floor_lines(report))
    return "\n\n".join(parts)


def _agents_table(report: Report) -> str:
    rows = [
        [line.facts.name, _stage(line), *_figures(line.summary), *_holdings(line, report)] for line in report.agents
    ]
    if len(report.agents) > 1:
        agents = [line.facts for line in report.agents]
        rows.append(
            [
                "all",
                "",
                *_figures(report.total),
                sum(line.open_positions for line in report.agents),
                "",
                dollars(sum(agent.allocation_micros for agent in agents)),
                dollars(sum(agent.equity_micros for agent in agents)),
                _change(sum(agent.day_change_micros for agent in agents), report),
            ]
        )
    heads = ["agent", "stage", "trades", "won", "needs", "net", "±", "open", "fallen", "may use", "equity", "change"]
    aligned = ["left", "left", *["right"] * 3, "decimal", "right", "right", *["decimal"] * 4]
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=aligned)


def _stage(line: AgentLine) -> str:
    return f"{line.facts.stage} paused" if line.facts.paused else line.facts.stage


def _figures(figures: Summary) -> list[object]:
    error = figures.net_error_micros
    return [
        figures.trades,
        _percent(figures.win_rate),
        _percent(figures.break_even),
        dollars(figures.net_micros, signed=True),
        "–" if error is None else f"{error / 1e6:.2f}",
    ]


def _change(micros: int, report: Report) -> str:
    return dollars(micros, signed=True) if report.floor.changes_known else "–"


def _holdings(line: AgentLine, report: Report) -> list[object]:
    fallen = line.facts.drawdown_micros
    return [
        line.open_positions,
        "–" if fallen is None else dollars(fallen),
        dollars(line.facts.allocation_micros),
        dollars(line.facts.equity_micros),
        _change(line.facts.day_change_micros, report),
    ]


def _positions_table(lines: Sequence[OpenLine], now_ms: int) -> str:
    rows = [
        [
            line.agent,
            line.ticker,
            line.side,
            format_decimal(line.count_ch, 2),
            _money(line.cost_micros),
            format_decimal(line.mark_cc, 4),
            dollars(line.unrealized_micros, signed=True),
            _money(line.best_micros, signed=True),
            _money(line.worst_micros, signed=True),
            "–" if line.close_at_ms is None else span(line.close_at_ms - now_ms),
        ]
        for line in lines
    ]
    heads = ["open position", "market", "side", "held", "cost", "mark", "unrealized", "best", "worst", "closes in"]
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=["left"] * 3 + ["right"] * 7)


def _floor_lines(report: Report) -> str:
    floor, total = report.floor, report.total
    allotted = sum(line.facts.allocation_micros for line in report.agents)
    change = f", {dollars(floor.day_change_micros, signed=True)} in this time" if floor.changes_known else ""
    lines = [
        f"floor equity  ${dollars(floor.equity_micros)}{change}; deposits ${dollars(floor.deposits_micros)}, of which"
        f" the agents may use ${dollars(allotted)}"
    ]
    if floor.internal_spread_micros:
        lines.append(
            f"              agents hold opposite sides: internal spread ${dollars(floor.internal_spread_micros)}"
        )
    if total.trades:
        lines.append(
            f"profit        gross {dollars(total.gross_micros, signed=True)}, fees {dollars(total.fees_micros)}, net"
            f" {dollars(total.net_micros, signed=True)} of {total.trades} closed trades ({total.settled} by settlement)"
        )
        error = total.net_error_micros
        if error is not None:
            low, high = (total.net_micros - error) / 1e6, (total.net_micros + error) / 1e6
            lines.append(f"              95 % interval of the net {low:+.2f} to {high:+.2f}")
    if total.win_low is not None and total.win_high is not None:
        lines.append(
            f"win rate      {_percent(total.win_rate)}, 95 % interval {_percent(total.win_low)} to"
            f" {_percent(total.win_high)}; break-even {_percent(total.break_even)}"
        )
    known = floor.reconciled
    lines.append(f"reconciled    {str(known.agreed).lower()}{f': {known.detail}' if known.detail else ''}")
    return "\n".join(lines)


def span(ms: int) -> str:
    """A length of time in its two largest units.

    >>> span(93_784_000), span(59_000), span(-1)
    ('1 d 2 h', '59 s', 'closed')
    """
    if ms < 0:
        return "closed"
    units = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
    seconds = ms // 1000
    parts: list[str] = []
    for name, length in units.items():
        if seconds >= length or (name == "s" and not parts):
            parts.append(f"{seconds // length} {name}")
            seconds %= length
    return " ".join(parts[:2])


def _money(micros: int | None, *, signed: bool = False) -> str:
    return "–" if micros is None else dollars(micros, signed=signed)


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
