"""The day's report: what each agent did, what it is worth now, and whether every cent reconciles.

`build` turns rows into figures, `as_json` and `as_text` show them. Nothing here reads a clock: the day is handed in.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tabulate import tabulate

from outcry.domain.units import ONE_DOLLAR_CC, format_decimal
from outcry.review.metrics import Summary, Trade, summary


@dataclass(frozen=True, slots=True)
class Day:
    """A trading day, or as much of it as has passed. Times in ms UTC."""

    name: str
    zone: str
    from_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent as its row has it, and its equity. Micro-dollars; equity includes the allocation.

    day_change_micros  change of equity since the roll of the day
    """

    name: str
    strategy: str
    stage: str
    paused: bool
    allocation_micros: int
    equity_micros: int
    day_change_micros: int


@dataclass(frozen=True, slots=True)
class Position:
    """One open position. `mark_cc` on the YES scale; `mark_micros` what closing it now would move (signed)."""

    agent: str
    ticker: str
    position_ch: int
    mark_cc: int
    mark_micros: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Whether ledger and exchange agree, as of when, and what does not."""

    agreed: bool
    at_ms: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class FloorFacts:
    """The floor as a whole. Micro-dollars.

    equity_micros           with the account's net positions at mark
    day_change_micros       change since the roll of the day, deposits taken out
    internal_spread_micros  equity of the floor less deposits and agents' profits: agents on opposite sides of a market
                            are each marked at their own side of the spread
    """

    floor_id: str
    environment: str
    equity_micros: int
    deposits_micros: int
    day_change_micros: int
    internal_spread_micros: int
    reconciled: Reconciled


@dataclass(frozen=True, slots=True)
class AgentLine:
    facts: AgentFacts
    summary: Summary
    open_positions: int
    open_mark_micros: int


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An open position as people read it: its side, and prices of that side.

    paid_cc            average price paid, None where the entry is not known
    unrealized_micros  what closing now would add to the trade's cash so far, before fees
    """

    agent: str
    ticker: str
    side: str
    count_ch: int
    paid_cc: float | None
    mark_cc: int
    mark_micros: int
    unrealized_micros: int


@dataclass(frozen=True, slots=True)
class Report:
    day: Day
    floor: FloorFacts
    agents: tuple[AgentLine, ...]
    total: Summary
    positions: tuple[OpenLine, ...]


def build(
    day: Day,
    floor: FloorFacts,
    agents: Sequence[AgentFacts],
    trades: Sequence[Trade],
    positions: Sequence[Position],
) -> Report:
    """The report of these agents.

    trades     their trades, closed at any time or open; only those closed on the day are counted
    positions  their open positions at mark
    """
    names = {agent.name for agent in agents}
    closed = [
        trade
        for trade in trades
        if trade.agent in names and trade.closed_at_ms is not None and day.from_ms <= trade.closed_at_ms <= day.now_ms
    ]
    opened = {(trade.agent, trade.ticker): trade for trade in trades if trade.closed_at_ms is None}
    mine = [position for position in positions if position.agent in names]
    lines = tuple(
        AgentLine(
            facts,
            summary([trade for trade in closed if trade.agent == facts.name]),
            sum(position.agent == facts.name for position in mine),
            sum(position.mark_micros for position in mine if position.agent == facts.name),
        )
        for facts in agents
    )
    open_lines = tuple(_open_line(position, opened.get((position.agent, position.ticker))) for position in mine)
    return Report(day, floor, lines, summary(closed), open_lines)


def _open_line(position: Position, trade: Trade | None) -> OpenLine:
    yes = position.position_ch > 0
    return OpenLine(
        agent=position.agent,
        ticker=position.ticker,
        side="yes" if yes else "no",
        count_ch=abs(position.position_ch),
        paid_cc=trade.paid_micros / trade.count_ch if trade and trade.count_ch else None,
        mark_cc=position.mark_cc if yes else ONE_DOLLAR_CC - position.mark_cc,
        mark_micros=position.mark_micros,
        unrealized_micros=position.mark_micros + (trade.gross_micros if trade else 0),
    )


def as_json(report: Report) -> dict[str, Any]:
    """Everything, in integers with their unit in the name; rates from 0 to 1, null without trades."""
    return {
        "day": report.day.name,
        "zone": report.day.zone,
        "from_ms": report.day.from_ms,
        "now_ms": report.day.now_ms,
        "environment": report.floor.environment,
        "floor": report.floor.floor_id,
        "reconciled": report.floor.reconciled.agreed,
        "reconciled_at_ms": report.floor.reconciled.at_ms,
        "reconciled_detail": report.floor.reconciled.detail,
        "equity_micros": report.floor.equity_micros,
        "deposits_micros": report.floor.deposits_micros,
        "day_change_micros": report.floor.day_change_micros,
        "internal_spread_micros": report.floor.internal_spread_micros,
        "total": asdict(report.total),
        "agents": [
            {
                **asdict(line.facts),
                **asdict(line.summary),
                "open_positions": line.open_positions,
                "open_mark_micros": line.open_mark_micros,
            }
            for line in report.agents
        ],
        "positions": [asdict(line) for line in report.positions],
    }


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
                dollars(sum(line.open_mark_micros for line in report.agents)),
                dollars(sum(agent.equity_micros for agent in agents)),
                dollars(sum(agent.day_change_micros for agent in agents), signed=True),
            ]
        )
    heads = ["agent", "trades", "won", "needs", "gross", "fees", "net", "open", "at mark", "equity", "today"]
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=["left", *["right"] * 10])


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
        dollars(line.open_mark_micros),
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
        f" deposits ${dollars(floor.deposits_micros)}"
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
