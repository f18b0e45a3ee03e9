"""The day's report: what each agent did, what it is worth now, and whether every cent reconciles.

`build` turns rows into figures, `as_json` hands them to programs, and `today_text` shows them to people. Nothing here
reads a clock: the day is handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from outcry.domain.units import ONE_DOLLAR_CC
from outcry.review.metrics import Summary, Trade, summary, together


@dataclass(frozen=True, slots=True)
class Day:
    """A trading day, or as much of it as has passed; or another span of time. Times in ms UTC, `now_ms` included."""

    name: str
    zone: str
    from_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent as its row has it, and its equity. Micro-dollars; equity includes the allocation.

    day_change_micros  change of equity since the roll of the day
    drawdown_micros    by how much it is below its highest equity now; None before anybody looked, and for a past day
    """

    name: str
    strategy: str
    stage: str
    paused: bool
    allocation_micros: int
    equity_micros: int
    day_change_micros: int
    drawdown_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """One open position. `mark_cc` on the YES scale; `mark_micros` what closing it now would move (signed)."""

    agent: str
    ticker: str
    position_ch: int
    mark_cc: int
    mark_micros: int
    close_at_ms: int | None = None


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
    changes_known           whether equity was fixed when the span began; if not, changes are 0, here and of the agents
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
    changes_known: bool = True


@dataclass(frozen=True, slots=True)
class AgentLine:
    facts: AgentFacts
    summary: Summary
    open_positions: int
    open_worth_micros: int


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An open position as people read it: its side, and prices of that side.

    paid_cc            average price paid, None where the entry is not known
    worth_micros       what the contracts would fetch if closed now: count at the mark of their side
    unrealized_micros  what closing now would add to the trade's cash so far, before fees
    cost_micros        what was paid for all that is held, fees included: no more can be lost; None: entry not known
    best_micros        the trade's result, net of fees, when the market pays all of this side ...
    worst_micros       ... and when it pays nothing
    close_at_ms        when the market closes; None: not known
    """

    agent: str
    ticker: str
    side: str
    count_ch: int
    paid_cc: float | None
    mark_cc: int
    worth_micros: int
    unrealized_micros: int
    cost_micros: int | None = None
    best_micros: int | None = None
    worst_micros: int | None = None
    close_at_ms: int | None = None


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
    added: Mapping[str, Summary] | None = None,
) -> Report:
    """The report of these agents.

    trades     their trades, closed at any time or open; only those closed on the day are counted
    positions  their open positions at mark
    added      of a long time: each agent's closed trades, added up already; then `trades` count no more
    """
    names = {agent.name for agent in agents}
    closed = [
        trade
        for trade in trades
        if trade.agent in names and trade.closed_at_ms is not None and day.from_ms <= trade.closed_at_ms <= day.now_ms
    ]
    opened = {(trade.agent, trade.ticker): trade for trade in trades if trade.closed_at_ms is None}
    mine = [position for position in positions if position.agent in names]
    open_lines = tuple(_open_line(position, opened.get((position.agent, position.ticker))) for position in mine)
    sums = {name: one for name, one in added.items() if name in names} if added is not None else None
    lines = tuple(
        AgentLine(
            facts,
            summary([trade for trade in closed if trade.agent == facts.name])
            if sums is None
            else sums.get(facts.name, summary([])),
            sum(line.agent == facts.name for line in open_lines),
            sum(line.worth_micros for line in open_lines if line.agent == facts.name),
        )
        for facts in agents
    )
    total = summary(closed) if sums is None else together(list(sums.values()))
    return Report(day, floor, lines, total, open_lines)


def _open_line(position: Position, trade: Trade | None) -> OpenLine:
    yes = position.position_ch > 0
    mark_cc = position.mark_cc if yes else ONE_DOLLAR_CC - position.mark_cc
    won_micros = max(0, position.position_ch) * ONE_DOLLAR_CC
    lost_micros = min(0, position.position_ch) * ONE_DOLLAR_CC
    return OpenLine(
        agent=position.agent,
        ticker=position.ticker,
        side="yes" if yes else "no",
        count_ch=abs(position.position_ch),
        paid_cc=trade.paid_micros / trade.count_ch if trade and trade.count_ch else None,
        mark_cc=mark_cc,
        worth_micros=abs(position.position_ch) * mark_cc,
        unrealized_micros=position.mark_micros + (trade.gross_micros if trade else 0),
        cost_micros=-(trade.net_micros + lost_micros) if trade else None,
        best_micros=trade.net_micros + won_micros if trade else None,
        worst_micros=trade.net_micros + lost_micros if trade else None,
        close_at_ms=position.close_at_ms,
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
        "day_change_micros": report.floor.day_change_micros if report.floor.changes_known else None,
        "internal_spread_micros": report.floor.internal_spread_micros,
        "total": _figures(report.total),
        "agents": [
            {
                **asdict(line.facts),
                "day_change_micros": line.facts.day_change_micros if report.floor.changes_known else None,
                **_figures(line.summary),
                "open_positions": line.open_positions,
                "open_worth_micros": line.open_worth_micros,
            }
            for line in report.agents
        ],
        "positions": [asdict(line) for line in report.positions],
    }


def _figures(figures: Summary) -> dict[str, Any]:
    return {name: value for name, value in asdict(figures).items() if name != "net_squares"}
