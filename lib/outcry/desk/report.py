"""Print what the floor did today: read the database at one instant, hand the rows to the review, show the answer."""

import json
import sqlite3

import click

from outcry.desk.common.day import trading_day
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review import metrics
from outcry.review.reports import today, today_text
from outcry.store import accounts, agents, database, fills
from outcry.store import report as rows

OWNERS = {fills.MANUAL: "by hand", fills.PARKED: "owner being looked up"}


def run(floor: Floor, agent: str | None, *, as_json: bool) -> None:
    """Print today's report, of one agent or of all.

    raises  Misconfigured when there is no such agent, or no database yet
    """
    db = database.read_only(floor.database)
    try:
        answer = build(db, floor.settings, agent, now_ms())
    finally:
        db.close()
    click.echo(json.dumps(today.as_json(answer), indent=2) if as_json else today_text.as_text(answer))


def build(db: sqlite3.Connection, settings: Settings, agent: str | None, at_ms: int) -> today.Report:
    """Today's report as of an instant."""
    with rows.one_instant(db):
        day = trading_day(settings, at_ms)
        if agent is not None:
            agents.get(db, agent)
        equity = accounts.agent_equity_micros(db)
        base = rows.day_equity_micros(db, day.name)
        wanted = _agents(db, equity, base)
        work = rows.work_since(db, day.from_ms)
        return today.build(
            day,
            _floor(db, day, equity),
            [facts for facts in wanted if agent in (None, facts.name)],
            [trade for item in work for trade in metrics.trades(item.agent, item.fills, item.settlement)],
            [
                today.Position(item.agent, item.ticker, item.position_ch, item.mark_cc, item.mark_micros)
                for item in rows.open_positions(db)
            ],
        )


def _agents(db: sqlite3.Connection, equity: dict[str, int], base: dict[str, int]) -> list[today.AgentFacts]:
    """All agents, and the owners that are no agents where they moved money."""
    listed = [
        today.AgentFacts(
            name=agent.name,
            strategy=agent.strategy,
            stage=agent.stage,
            paused=agent.paused,
            allocation_micros=agent.allocation_micros,
            equity_micros=agent.allocation_micros + equity.get(agent.name, 0),
            day_change_micros=equity.get(agent.name, 0) - base.get(agent.name, 0),
        )
        for agent in agents.everyone(db)
    ]
    return listed + [
        today.AgentFacts(name, what, "", False, 0, equity[name], equity[name] - base.get(name, 0))
        for name, what in OWNERS.items()
        if equity.get(name) or base.get(name)
    ]


def _floor(db: sqlite3.Connection, day: today.Day, equity: dict[str, int]) -> today.FloorFacts:
    floor_id, environment = rows.floor_facts(db)
    worth = accounts.floor_equity_micros(db)
    cash = accounts.cash_total_micros(db)
    start = rows.day_capital_micros(db, day.name)
    rolled_at_ms = rows.day_rolled_at_ms(db, day.name)
    moved = rows.cash_since_micros(db, rolled_at_ms + 1) if rolled_at_ms is not None else 0
    return today.FloorFacts(
        floor_id=floor_id,
        environment=environment,
        equity_micros=worth,
        deposits_micros=accounts.deposited_micros(db),
        day_change_micros=0 if start is None else worth - start - moved,
        internal_spread_micros=worth - cash - sum(equity.values()),
        reconciled=reconciled(db),
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
