"""One block made to be pasted whole: what runs, what is forbidden, how fresh the data is, what is held and ordered."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from outcry.desk.care import shown
from outcry.desk.common.day import trading_day
from outcry.desk.common.living import alive
from outcry.desk.report import reconciled
from outcry.domain.errors import OutcryError
from outcry.domain.units import format_decimal
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.review.reports.today_text import dollars
from outcry.store import accounts, agents, database, findings, orders, system
from outcry.store import report as rows

WIDTH = 110
MOST_PROGRAMS, MOST_AGENTS, MOST_POSITIONS, MOST_ORDERS, MOST_CONTROLS, EVENTS = 12, 8, 7, 6, 3, 10  # < 60 lines in all
SEVERITIES = ("critical", "warning", "info")


def run(floor: Floor) -> int:
    """Print the block; returns 1 when something needs a person, else 0."""
    at_ms = now_ms()
    lines, troubles = _heading(floor, at_ms)
    if not floor.database.exists():
        lines.append("no database yet: run bin/migrate")
        troubles += 1
    else:
        try:
            db = database.read_only(floor.database)
            try:
                with rows.one_instant(db):
                    more, worse = _body(db, floor, at_ms)
            finally:
                db.close()
            lines, troubles = lines + more, troubles + worse
        except (OutcryError, sqlite3.Error) as error:
            lines.append(f"database   CANNOT BE READ: {error}")
            troubles += 1
    click.echo("\n".join(line[:WIDTH] for line in lines))
    return 1 if troubles else 0


def _heading(floor: Floor, at_ms: int) -> tuple[list[str], int]:
    """What can be said without a database."""
    lines = [
        f"Outcry {place().build} · {floor.settings.environment} · {_stamp(at_ms)} UTC · {floor.folder}",
    ]
    if floor.halt_file.exists():
        lines.append(f"HALTED     {floor.halt_file.read_text(errors='replace').strip() or 'by its file'}")
    try:
        lines.append(f"exchange   {floor.addresses().rest_url}")
    except OutcryError as error:
        lines.append(f"exchange   {error}")
    disk_line, filling = shown.of_disk(floor)
    alerts_line, untold = shown.of_alerts(floor)
    lines += [f"disk       {disk_line}", f"alerts     {alerts_line}"]
    return lines, int(floor.halt_file.exists()) + int(filling) + int(untold)


def _body(db: sqlite3.Connection, floor: Floor, at_ms: int) -> tuple[list[str], int]:
    controls = system.controls_now(db)
    known = reconciled(db)
    beats = system.heartbeats(db)
    jobs_line, late = shown.of_jobs(db, floor, at_ms)
    lines = [
        *_capped([f"FORBIDDEN  {_control(control)}" for control in controls], MOST_CONTROLS, "controls"),
        *_feeds(rows.feeds(db), beats, at_ms),
        *_account(db, floor, known.at_ms, at_ms),
        f"reconciled {str(known.agreed).lower()}{f': {known.detail}' if known.detail else ''}",
        _findings(db, at_ms),
        f"jobs       {jobs_line}",
        *_capped([_program(beat, at_ms) for beat in beats], MOST_PROGRAMS, "programs"),
        *_agents(db, at_ms),
        *_positions(db),
        *_orders(db, at_ms),
        *_events(db, at_ms),
    ]
    sick = sum(not alive(beat, at_ms) and beat.state != "STOPPED" for beat in beats)
    looks = accounts.reconciliations_now(db)
    differing = sum(not look.agreed for look in looks) if looks else 1
    return lines, len(controls) + sick + differing + int(late)  # a booking since the last look needs nobody


def _feeds(found: rows.Feeds, beats: Sequence[system.Heartbeat], at_ms: int) -> list[str]:
    clerk = next((beat for beat in beats if beat.program == "clerk"), None)
    heard = clerk.detail.get("heard_at_ms") if clerk else None
    index = ", ".join(f"{symbol} {_age(at, at_ms)}" for symbol, at in found.index.items()) or "none"
    private = _age(heard, at_ms) if isinstance(heard, int) else "never"
    return [
        f"feeds      publish {found.publish} {_age(found.published_at_ms, at_ms)} · books {found.trusted} of"
        f" {found.books} trusted, quietest heard {_age(found.heard_at_ms, at_ms)}",
        f"           index {index} · account stream {private} at the clerk's beat",
    ]


def _account(db: sqlite3.Connection, floor: Floor, looked_at_ms: int | None, at_ms: int) -> list[str]:
    looks = accounts.reconciliations_now(db)
    balances = ", ".join(f"shard {look.exchange_index} ${dollars(look.balance_micros)}" for look in looks) or "not read"
    start = rows.day_capital_micros(db, trading_day(floor.settings, at_ms).name)
    equity = accounts.floor_equity_micros(db)
    today = f", {dollars(equity - start, signed=True)} since the day began" if start is not None else ""
    return [f"account    balance {balances} ({_age(looked_at_ms, at_ms)}) · equity ${dollars(equity)}{today}"]


def _findings(db: sqlite3.Connection, at_ms: int) -> str:
    """How many the auditor found, and the worst that is open: the oldest of the most severe."""
    ever, still = findings.count(db)
    found = f"findings   {ever} ever, {still} open"
    if not still:
        return found
    worst = min(findings.still_open(db), key=lambda kept: SEVERITIES.index(kept.severity))
    age = _age(worst.found_at_ms, at_ms)
    return f"{found} · worst {worst.severity} {worst.finding_id} {age}: {worst.what}"


def _program(beat: system.Heartbeat, at_ms: int) -> str:
    absent = "" if alive(beat, at_ms) else "  NOT RUNNING" if beat.state != "STOPPED" else "  stopped"
    why = beat.detail.get("why") or ""
    old = "" if absent or beat.version == place().build else f"  OLDER CODE ({beat.version}): restart it"
    since = _span(at_ms - beat.state_since_ms)
    return (
        f"{beat.program:<24} {beat.state:<12} for {since:<8} beat {_age(beat.beat_at_ms, at_ms)}"
        f" · pid {beat.pid}{absent}{old}{f' · {why}' if why else ''}"
    )


def _agents(db: sqlite3.Connection, at_ms: int) -> list[str]:
    equity = accounts.agent_equity_micros(db)
    lines = []
    for agent in agents.everyone(db):
        if agent.stage == "retired":
            continue
        paused = f" · PAUSED {agent.pause_reason}" if agent.paused else ""
        worth = agent.allocation_micros + equity.get(agent.name, 0)
        lines.append(
            f"agent      {agent.name:<20} {agent.stage:<10} equity ${dollars(worth)} of"
            f" ${dollars(agent.allocation_micros)}{paused}"
        )
    return _capped(lines, MOST_AGENTS, "agents")


def _positions(db: sqlite3.Connection) -> list[str]:
    lines = [
        f"position   {item.agent:<20} {item.ticker} {format_decimal(item.position_ch, 2)} marked at"
        f" {format_decimal(item.mark_cc, 4)}"
        for item in rows.open_positions(db)
    ]
    return _capped(lines or ["positions  none"], MOST_POSITIONS, "positions")


def _orders(db: sqlite3.Connection, at_ms: int) -> list[str]:
    lines = [
        f"order      {order.agent:<20} {order.ticker} {order.purpose} {order.side}"
        f" {format_decimal(order.remaining_ch, 2)} at {format_decimal(order.price_cc, 4)}, {order.state}"
        f" {_age(order.updated_at_ms, at_ms)}"
        for order in orders.open_orders(db)
    ]
    return _capped(lines or ["orders     none open"], MOST_ORDERS, "orders")


def _events(db: sqlite3.Connection, at_ms: int) -> list[str]:
    return [
        f"{_stamp(event['at_ms'])}  {event['level']:<8} {event['program']} {event['event']} {event['detail']}".rstrip()
        for event in reversed(system.recent_events(db, EVENTS))
    ]


def _control(control: system.Control) -> str:
    where = control.scope if not control.name else f"{control.scope} {control.name}"
    return f"{control.kind} on the {where} since {_stamp(control.at_ms)}: {control.cause}: {control.reason}"


def _capped(lines: list[str], most: int, what: str) -> list[str]:
    """No more than so many lines; the last says how many are left out."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"           and {len(lines) - most + 1} more {what}"]


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _age(at_ms: int | None, now: int) -> str:
    return "never" if not at_ms else f"{_span(now - at_ms)} ago"


def _span(ms: int) -> str:
    """A length of time in its two largest units.

    >>> _span(850), _span(65_000), _span(7_260_000)
    ('0.8 s', '1 m 5 s', '2 h 1 m')
    """
    seconds = max(0, ms) // 1000
    if seconds < 10:
        return f"{max(0, ms) // 100 / 10} s"
    for size, name, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {name} {seconds % size // smaller_size} {smaller}"
    return f"{seconds} s"
