"""What keeps the floor, an agent or a market from entering just now, read from the floor."""

import sqlite3
from collections.abc import Iterator, Sequence

from outcry.desk.common.living import alive
from outcry.ops.floor import Floor
from outcry.ops.installed import place, starts
from outcry.review.reports.hindrances import ENDS, LATE_MS, LIFTED, PASSES, Hindrance, Kind
from outcry.review.reports.today_text import span
from outcry.store import agents, funnel, system
from outcry.store import report as rows

HOSTED = ("embedded", "paper")  # where the exchange is a program of ours


def needed(floor: Floor) -> tuple[str, ...]:
    """Programs without which nobody enters."""
    own = ("exchange",) if floor.settings.environment in HOSTED else ()
    return (*own, "collector", "clerk")


def halted_by_file(floor: Floor) -> str:
    """What the halt file says; "" when there is none."""
    if not floor.halt_file.exists():
        return ""
    return floor.halt_file.read_text(errors="replace").strip() or "by its file"


def gather(db: sqlite3.Connection, floor: Floor, at_ms: int, *, retired: str = "") -> list[Hindrance]:
    """All there is, what stops everybody first.

    retired  a retired agent somebody asks about; the others are not mentioned
    """
    beats, controls = system.heartbeats(db), system.controls_now(db)
    found = [
        *_controls(halted_by_file(floor), controls),
        *_programs(beats, floor, at_ms),
        *_agents(agents.everyone(db), beats, at_ms, retired),
        *_starved(db, beats, at_ms),
    ]
    order = list(Kind)
    return sorted(found, key=lambda one: (one.scope != "floor", order.index(one.kind)))


def _controls(by_file: str, controls: Sequence[system.Control]) -> Iterator[Hindrance]:
    halts = [one for one in controls if one.kind == "halt" and one.scope == "floor"]
    if by_file:
        since_ms = min((one.at_ms for one in halts), default=None)
        yield Hindrance(Kind.HALTED, "floor", "", by_file, LIFTED, True, since_ms)
    for one in controls:
        why = f"{one.reason} ({one.cause})" if one.reason else one.cause
        if one.kind == "halt":
            if not (by_file and one in halts and one.cause == "person"):  # bin/halt leaves both
                yield Hindrance(Kind.HALTED, one.scope, one.name, why, LIFTED, True, one.at_ms)
        else:
            ends = ENDS.get(one.cause, PASSES)
            yield Hindrance(Kind.STOPPED, one.scope, one.name, why, ends, one.scope == "floor", one.at_ms)


def _programs(beats: Sequence[system.Heartbeat], floor: Floor, at_ms: int) -> Iterator[Hindrance]:
    if not beats:
        yield Hindrance(Kind.NOT_BEGUN, "floor", "", "no program has ever run here", starts(), needs=True)
        return
    gone = [beat for beat in beats if not alive(beat, at_ms)]
    if len(gone) == len(beats):
        last_ms = max(beat.beat_at_ms for beat in beats)
        died = [beat.program for beat in beats if beat.state != "STOPPED"]
        why = f"no program runs: {', '.join(died)} died" if died else "every program was stopped"
        yield Hindrance(Kind.NOT_RUNNING, "floor", "", why, starts(), needs=True, since_ms=last_ms)
        return
    for beat in gone:
        if beat.program in needed(floor):
            yield _absent(beat, "floor", "")


def _absent(beat: system.Heartbeat, scope: str, name: str) -> Hindrance:
    how = "was stopped" if beat.state == "STOPPED" else f"died in state {beat.state}"
    why, ends = f"{beat.program} {how}", starts(beat.program)
    return Hindrance(Kind.NOT_RUNNING, scope, name, why, ends, needs=True, since_ms=beat.beat_at_ms)


def _agents(
    everyone: Sequence[agents.Agent], beats: Sequence[system.Heartbeat], at_ms: int, retired: str
) -> Iterator[Hindrance]:
    told = {beat.program: beat for beat in beats}
    somebody = any(alive(beat, at_ms) for beat in beats)
    if beats and not everyone:
        yield Hindrance(Kind.NOT_BEGUN, "floor", "", "there is no agent", "bin/agent add makes one.", needs=True)
    for agent in everyone:
        name, beat = agent.name, told.get(f"trader@{agent.name}")
        if agent.stage == "retired":
            if name == retired:
                yield Hindrance(Kind.RETIRED, "agent", name, "", f"bin/agent resurrect {name} brings it back.")
            continue
        if agent.paused:
            ends = f"bin/agent resume {name} lets it enter again."
            yield Hindrance(Kind.PAUSED, "agent", name, agent.pause_reason, ends, needs=True)
        if beat is None and somebody:
            ends = "The boss starts it within a minute." if place().name else starts(f"trader@{name}")
            yield Hindrance(Kind.NOT_RUNNING, "agent", name, "its trader has never run", ends)
        elif beat is not None and somebody and not alive(beat, at_ms):
            yield _absent(beat, "agent", name)
        elif beat is not None and alive(beat, at_ms) and beat.state not in ("READY", "ACTING"):
            kind = Kind.ERROR if beat.state == "ERROR" else Kind.CALIBRATING
            why = str(beat.detail.get("reason") or "")
            yield Hindrance(kind, "agent", name, why, PASSES, since_ms=beat.state_since_ms)


def _starved(db: sqlite3.Connection, beats: Sequence[system.Heartbeat], at_ms: int) -> Iterator[Hindrance]:
    collector = next((beat for beat in beats if beat.program == "collector"), None)
    if collector is None or not alive(collector, at_ms):
        return  # who brings nothing because it does not run is told already
    feeds = rows.feeds(db)
    says = f"; the collector is {collector.state}: {collector.detail.get('why') or 'it says no more'}"

    def starved(why: str, since_ms: int | None = None) -> Hindrance:
        return Hindrance(Kind.STARVED, "floor", "", why, PASSES, since_ms=since_ms)

    if feeds.published_at_ms is None:
        yield starved(f"no price has come yet{says}", collector.started_at_ms)
        return
    if not feeds.books:
        yield starved("no market is followed: none of [discovery] is open and liquid enough just now")
    elif at_ms - feeds.published_at_ms > LATE_MS:
        yield starved(f"no price comes any more{says}", feeds.published_at_ms)
    elif not feeds.trusted:
        yield starved(f"none of {feeds.books} books is fit to trade on{says}")
    for symbol in funnel.underlyings(db):
        priced_ms = feeds.index.get(symbol)
        if priced_ms is None:
            yield starved(f"no price of {symbol} has ever come, and markets are followed that settle on it")
        elif at_ms - priced_ms > LATE_MS:
            yield starved(f"the last price of {symbol} is {span(at_ms - priced_ms)} old, and markets settle on it")
