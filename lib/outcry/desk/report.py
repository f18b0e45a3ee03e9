"""The figures of a report: the database read at one instant, its rows handed to the review."""

import sqlite3
from typing import Any

from outcry.desk.telling import spans
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review import metrics
from outcry.review.metrics import Summary
from outcry.review.reports import today
from outcry.review.reports.whole import Span
from outcry.store import accounts, agents, fills, peaks, periods
from outcry.store import report as rows

OWNERS = {fills.MANUAL: "by hand", fills.PARKED: "owner being looked up"}
LONG_MS = 8 * 24 * spans.HOUR_MS  # of a longer time trades are not followed fill by fill


def run(floor: Floor, **ask: Any) -> None:
    """Print the report that was asked for: telling/printing.py, which reads bin/status's part as that reads ours."""
    from outcry.desk.telling import printing

    printing.show(floor, printing.Ask(**ask))


def keep(floor: Floor, kind: str, *, if_due: bool) -> None:
    """Write one into reports/."""
    from outcry.desk.care import keeping

    keeping.keep(floor, kind, if_due=if_due)


def build(db: sqlite3.Connection, settings: Settings, agent: str | None, at_ms: int) -> today.Report:
    """Today's report as of an instant."""
    with rows.one_instant(db):
        return of_span(db, settings, spans.today(settings, at_ms), agent=agent)


def of_span(
    db: sqlite3.Connection, settings: Settings, span: Span, *, agent: str | None = None, market: str | None = None
) -> today.Report:
    """A span's report, inside the caller's read transaction.

    raises  Misconfigured when there is no such agent
    """
    if agent is not None and agent not in OWNERS:
        agents.get(db, agent)
    end = periods.roll_after(db, span.days[-1]) if span.ended else None
    after = rows.day_equity_micros(db, end.day) if end else None
    equity = accounts.agent_equity_micros(db) if after is None else after
    fixed = _is_midnight(db, span)
    wanted = _agents(db, equity, rows.day_equity_micros(db, span.days[0]) if fixed else None, now=after is None)
    long = span.to_ms - span.from_ms > LONG_MS
    # of a long time only what is still open is followed
    work = list(periods.work(db, span.to_ms if long else span.from_ms, span.to_ms, agent, market))
    return today.build(
        today.Day(span.days[-1], settings.time_zone, span.from_ms, span.to_ms - 1),
        _floor(db, span, equity, end),
        [facts for facts in wanted if agent in (None, facts.name)],
        [trade for item in work for trade in metrics.trades(item.agent, item.fills, item.settlement)],
        [] if span.ended else _positions(db, market),
        {one.agent: _summary(one) for one in periods.paid_work(db, span.from_ms, span.to_ms, agent, market)}
        if long
        else None,
    )


def _is_midnight(db: sqlite3.Connection, span: Span) -> bool:
    """Whether the equity that the span began with was fixed: it begins with a day that was rolled."""
    return span.kind in ("today", "day", "week") and rows.day_capital_micros(db, span.days[0]) is not None


def _positions(db: sqlite3.Connection, market: str | None) -> list[today.Position]:
    return [
        today.Position(item.agent, item.ticker, item.position_ch, item.mark_cc, item.mark_micros, item.close_at_ms)
        for item in rows.open_positions(db)
        if market in (None, item.ticker)
    ]


def _summary(paid: periods.Paid) -> Summary:
    return metrics.finish(
        Summary(
            paid.trades,
            paid.trades,
            paid.won,
            paid.gross_micros,
            paid.fees_micros,
            paid.gross_micros - paid.fees_micros,
            contracts_ch=paid.contracts_ch,
            paid_micros=paid.paid_micros,
            net_squares=paid.net_squares,
        )
    )


def _agents(
    db: sqlite3.Connection, equity: dict[str, int], base: dict[str, int] | None, *, now: bool
) -> list[today.AgentFacts]:
    """All agents, and the owners that are no agents where they moved money.

    base  equity when the span began; None: nobody fixed it
    now   whether the equity is the present one
    """

    def change(name: str) -> int:
        return 0 if base is None else equity.get(name, 0) - base.get(name, 0)

    def below(name: str) -> int | None:
        peak = peaks.kept_micros(db, "agent", name) if now else None
        return None if peak is None else max(0, peak - equity.get(name, 0))

    listed = [
        today.AgentFacts(
            name=agent.name,
            strategy=agent.strategy,
            stage=agent.stage,
            paused=agent.paused,
            allocation_micros=agent.allocation_micros,
            equity_micros=agent.allocation_micros + equity.get(agent.name, 0) - agent.began_micros,
            day_change_micros=change(agent.name),
            drawdown_micros=below(agent.name),
        )
        for agent in agents.everyone(db)
    ]
    return listed + [
        today.AgentFacts(name, what, "", False, 0, equity[name], change(name))
        for name, what in OWNERS.items()
        if equity.get(name) or (base or {}).get(name)
    ]


def _floor(db: sqlite3.Connection, span: Span, equity: dict[str, int], end: periods.Roll | None) -> today.FloorFacts:
    floor_id, environment = rows.floor_facts(db)
    worth = end.equity_micros if end else accounts.floor_equity_micros(db)
    cash = accounts.cash_total_micros(db)
    start = rows.day_capital_micros(db, span.days[0]) if _is_midnight(db, span) else None
    rolled_at_ms = rows.day_rolled_at_ms(db, span.days[0]) or 0
    until_ms = end.at_ms + 1 if end else span.to_ms
    return today.FloorFacts(
        floor_id=floor_id,
        environment=environment,
        equity_micros=worth,
        deposits_micros=accounts.deposited_micros(db),
        day_change_micros=0
        if start is None
        else worth - start - periods.cash_micros(db, rolled_at_ms + 1, max(until_ms, rolled_at_ms + 1)),
        internal_spread_micros=0 if end else worth - cash - sum(equity.values()),
        reconciled=reconciled(db),
        changes_known=start is not None,
    )


def reconciled(db: sqlite3.Connection) -> today.Reconciled:
    """Whether every shard agreed when it was last looked at, and nothing was booked since."""
    looks = accounts.reconciliations_now(db)
    if not looks:
        return today.Reconciled(False, None, "the clerk has not compared the ledger with the exchange yet")
    at_ms = min(look.at_ms for look in looks)
    clauses = [f"shard {look.exchange_index}: {look.detail}" for look in looks if not look.agreed]
    if wrong := fills.misbooked(db):
        clauses.append(f"running totals differ from the fills: {', '.join(wrong)}")
    if parked := len(fills.parked(db)):
        clauses.append(f"fills whose owner is being looked up: {parked}")
    if rows.last_booking_ms(db) > at_ms:
        clauses.append("booked since the last comparison with the exchange")
    return today.Reconciled(not clauses, at_ms, "; ".join(clauses))
