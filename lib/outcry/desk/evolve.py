"""The Floor Boss's judgement: one decision an agent and run, by the rules of review/selection.py.

`boss` then makes the running traders equal to the wanted ones.
"""

import json
import sqlite3
import textwrap

import click

from outcry.desk.common import connect, jobs
from outcry.desk.common.day import capital_micros
from outcry.desk.evolving import standings
from outcry.desk.evolving.acts import Acts
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review import selection
from outcry.review.selection import Decision
from outcry.store import agents, database, system
from outcry.store.report import one_instant

NAME = "evolve"

_log = log.get(__name__)


def run(floor: Floor, *, if_due: bool) -> None:
    """Decide and act. Raises Misconfigured when there is no database yet, Unavailable while another run is at it."""

    def work() -> str:
        db = connect.books(floor)
        try:
            done = once(db, floor, now_ms())
        finally:
            db.close()
        if not floor.quiet:
            click.echo("\n".join(done) if done else "nothing to decide")
        return "; ".join(done) or "nothing to decide"

    jobs.run(floor, NAME, work, if_due=if_due)


def once(db: sqlite3.Connection, floor: Floor, at_ms: int) -> list[str]:
    """One run; returns what was done, a line each."""
    acts = Acts(db, floor.settings, capital_micros(db, floor), at_ms)
    done = [f"{name}: retired and flat, its capital is free" for name in acts.release()]
    if cut := acts.fit():
        done.append(f"all allocations cut to the floor's capital: {', '.join(cut)}")
    found, decisions = _decide(db, floor, at_ms)
    for decision in decisions:
        if did := acts.apply(decision, found[decision.agent]):
            text = f"{decision.agent}: {did} ({decision.rule})"
            system.event(db, "info", NAME, "decided", text, now_ms=at_ms)
            _log.info("decided", agent=decision.agent, act=decision.act, rule=decision.rule)
            done.append(text)
    return done


def dry_run(floor: Floor) -> None:
    """Print what a run would decide now, with the figures; nothing is written."""
    db = database.ready(floor.database)
    try:
        _, decisions = _decide(db, floor, now_ms())
    finally:
        db.close()
    for decision in decisions:
        click.echo(f"{decision.agent}: {decision.act} ({decision.rule})  {json.dumps(dict(decision.figures))}")
    if not decisions:
        click.echo("nothing to decide")


def explain(floor: Floor, name: str) -> None:
    """Print what each rule says of an agent now, and the evidence. Raises Misconfigured when there is none."""
    db = database.ready(floor.database)
    try:
        agent = agents.get(db, name)
        at_ms = now_ms()
        with one_instant(db):
            found = standings.read(db, floor.settings, capital_micros(db, floor), at_ms).get(name)
    finally:
        db.close()
    if found is None:
        click.echo(f"{name} is {agent.stage}: no rule looks at it; bin/agent resurrect brings it back")
        return
    limits = standings.thresholds(floor.settings)
    click.echo(f"{name}: {agent.stage}{', flagged' if agent.flagged else ''}{', paused' if agent.paused else ''}")
    for fact, value in found.facts().items():
        click.echo(f"  {fact:<26} {'not shown yet' if value is None else value}")
    for act, rule, said in selection.explain(found.standing, limits, at_ms):
        click.echo(textwrap.fill(f"{act:<10} {rule}: {said}", 110, initial_indent="  ", subsequent_indent=" " * 13))


def _decide(db: sqlite3.Connection, floor: Floor, at_ms: int) -> tuple[dict[str, standings.Found], list[Decision]]:
    with one_instant(db):
        found = standings.read(db, floor.settings, capital_micros(db, floor), at_ms)
    limits = standings.thresholds(floor.settings)
    asked = (selection.decide(one.standing, limits, at_ms) for one in found.values())
    return found, [decision for decision in asked if decision is not None]
