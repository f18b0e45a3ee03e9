"""The block of bin/status: what runs, what holds it back, how fresh the data is, what is held and ordered.

Made to be pasted whole: fewer than 60 lines of no more than 110 columns, however much there is. What needs somebody is
wrapped and never cut; lists share the room that is left.
"""

import sqlite3
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

from outcry.desk.care import shown
from outcry.desk.common.day import trading_day
from outcry.desk.common.living import alive
from outcry.desk.report import reconciled
from outcry.desk.telling import hindrances
from outcry.domain.errors import OutcryError
from outcry.domain.units import format_decimal
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.review.reports.funnel_text import hindrance_lines
from outcry.review.reports.hindrances import LIFTED, Hindrance, Kind
from outcry.review.reports.today_text import dollars
from outcry.store import accounts, agents, findings, orders, system
from outcry.store import report as rows

WIDTH, LINES, EVENTS = 110, 59, 10
HELD_LINES = 14  # of what holds the floor back; the rest is bin/why's
LEAST = 3  # lines of each list, where it has so many
SEVERITIES = ("critical", "warning", "info")


def head(floor: Floor, at_ms: int) -> tuple[list[str], list[str]]:
    """What can be said without a database, and what of it needs a person."""
    lines = [f"Outcry {place().build} · {floor.settings.environment} · {_stamp(at_ms)} UTC · {floor.folder}"]
    try:
        lines.append(f"exchange   {floor.addresses().rest_url}")
    except OutcryError as error:
        lines.append(f"exchange   {error}")
    disk_line, filling = shown.of_disk(floor)
    alerts_line, untold = shown.of_alerts(floor)
    lines += [*_wrapped("disk", disk_line, 3), *_wrapped("alerts", alerts_line, 3)]
    needs = ["the floor is halted by its file"] if floor.halt_file.exists() else []
    needs += ["the disk is filling"] if filling else []
    return lines, needs + (["alerts are open, or cannot be sent"] if untold else [])


def without_books(floor: Floor, at_ms: int, why: str) -> list[str]:
    """The block where there is no database, or none that can be read."""
    lines, _ = head(floor, at_ms)
    by_file = hindrances.halted_by_file(floor)
    held = (Hindrance(Kind.HALTED, "floor", "", by_file, LIFTED, needs=True),) if by_file else ()
    return _cut([lines[0], *hindrance_lines(held, at_ms, WIDTH), *lines[1:], *_wrapped("database", why, 4)])


def lines(db: sqlite3.Connection, floor: Floor, at_ms: int) -> list[str]:
    """The whole block, inside the caller's read transaction."""
    top, _ = head(floor, at_ms)
    held = hindrance_lines(hindrances.gather(db, floor, at_ms), at_ms, WIDTH, HELD_LINES)
    known, beats = reconciled(db), system.heartbeats(db)
    jobs_line, _ = shown.of_jobs(db, floor, at_ms)
    told = [
        top[0],
        *held,
        *top[1:],
        *_feeds(rows.feeds(db), beats, at_ms),
        *_account(db, floor, known.at_ms, at_ms),
        *_wrapped("reconciled", f"{str(known.agreed).lower()}{f': {known.detail}' if known.detail else ''}", 4),
        *_wrapped("findings", _findings(db, at_ms), 3),
        *_wrapped("jobs", jobs_line, 3),
    ]
    lists = [
        ([_program(beat, at_ms) for beat in beats], "programs"),
        (_agents(db), "agents"),
        (_positions(db), "positions"),
        (_orders(db, at_ms), "orders"),
    ]
    events = _events(db)
    room = shares([len(found) for found, _ in lists], LINES - len(told) - len(events))
    for (found, what), most in zip(lists, room, strict=True):
        told += _capped(found, most, what)
    return _cut(told + events)


def needs(db: sqlite3.Connection, floor: Floor, at_ms: int) -> list[str]:
    """What needs a person: everything that is forbidden, who died, what differs, what is late."""
    _, found = head(floor, at_ms)
    found += [f"{one.kind} on the {one.scope} {one.name}".rstrip() for one in system.controls_now(db)]
    dead = [beat for beat in system.heartbeats(db) if not alive(beat, at_ms) and beat.state != "STOPPED"]
    found += [f"{beat.program} does not run" for beat in dead]
    looks = accounts.reconciliations_now(db)
    if not looks or any(not look.agreed for look in looks):  # a booking since the last look needs nobody
        found.append("ledger and exchange do not agree")
    if shown.of_jobs(db, floor, at_ms)[1]:
        found.append("jobs are late")
    return found


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """Lines for each of several lists: a few for each, then in turn for whoever has more, until the room is taken.

    >>> shares([30, 1, 0, 30], 20), shares([2, 2], 20)
    ([10, 1, 0, 9], [2, 2])
    """
    given = [min(most, LEAST) for most in wanted]
    while sum(given) < room and given != list(wanted):
        for place_, most in enumerate(wanted):
            if given[place_] < most and sum(given) < room:
                given[place_] += 1
    return given


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
    found = f"{ever} ever, {still} open"
    if not still:
        return found
    worst = min(findings.still_open(db), key=lambda kept: SEVERITIES.index(kept.severity))
    age = _age(worst.found_at_ms, at_ms)
    return f"{found} · worst {worst.severity} {worst.finding_id} {age}: {worst.what}"


def _program(beat: system.Heartbeat, at_ms: int) -> str:
    """`for`: in this state; `up`: since it was started."""
    lives = alive(beat, at_ms)
    absent = "" if lives else "  NOT RUNNING" if beat.state != "STOPPED" else "  stopped"
    why = beat.detail.get("why") or beat.detail.get("reason") or ""
    old = "" if absent or beat.version == place().build else f"  OLDER CODE ({beat.version}): restart it"
    up = f" · up {_span(at_ms - beat.started_at_ms)}" if lives else ""
    since = _span(at_ms - beat.state_since_ms)
    return (
        f"{beat.program:<23} {beat.state:<11} for {since}{up} · beat {_span(at_ms - beat.beat_at_ms)}"
        f" · pid {beat.pid}{absent}{old}{f' · {why}' if why else ''}"
    )


def _agents(db: sqlite3.Connection) -> list[str]:
    equity = accounts.agent_equity_micros(db)
    told = []
    for agent in agents.everyone(db):
        if agent.stage == "retired":
            continue
        paused = f" · PAUSED {agent.pause_reason}" if agent.paused else ""
        worth = agent.allocation_micros + equity.get(agent.name, 0) - agent.began_micros
        told.append(
            f"agent      {agent.name:<20} {agent.stage:<10} equity ${dollars(worth)} of"
            f" ${dollars(agent.allocation_micros)}{paused}"
        )
    return told


def _positions(db: sqlite3.Connection) -> list[str]:
    told = [
        f"position   {item.agent:<20} {item.ticker} {format_decimal(item.position_ch, 2)} marked at"
        f" {format_decimal(item.mark_cc, 4)}"
        for item in rows.open_positions(db)
    ]
    return told or ["positions  none"]


def _orders(db: sqlite3.Connection, at_ms: int) -> list[str]:
    told = [
        f"order      {order.agent:<20} {order.ticker} {order.purpose} {order.side}"
        f" {format_decimal(order.remaining_ch, 2)} at {format_decimal(order.price_cc, 4)}, {order.state}"
        f" {_age(order.updated_at_ms, at_ms)}"
        for order in orders.open_orders(db)
    ]
    return told or ["orders     none open"]


def _events(db: sqlite3.Connection) -> list[str]:
    return [
        f"{_stamp(event['at_ms'])}  {event['level']:<8} {event['program']} {event['event']} {event['detail']}".rstrip()
        for event in reversed(system.recent_events(db, EVENTS))
    ]


def _wrapped(label: str, text: str, most: int) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<11}", subsequent_indent=" " * 11, max_lines=most, placeholder=" …",
        break_on_hyphens=False,
    )  # fmt: skip


def _capped(found: list[str], most: int, what: str) -> list[str]:
    """No more than so many lines; the last says how many are left out."""
    if len(found) <= most:
        return found
    return [*found[: most - 1], f"           and {len(found) - most + 1} more {what}"]


def _cut(told: list[str]) -> list[str]:
    """One line each, whatever is in it."""
    single = [" ".join(line.split("\n")) for line in told]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in single]


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
