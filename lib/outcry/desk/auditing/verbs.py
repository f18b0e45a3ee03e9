"""What a person asks of the auditor's records: verify the trail, list findings, judge one."""

import json
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

import click

from outcry.desk.auditing import findings as auditor_findings
from outcry.desk.common import connect
from outcry.domain.errors import Misconfigured
from outcry.ops.bar import bar
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import audit, chain, database, findings, system
from outcry.store.findings import PERSON


def verify(floor: Floor, head: str) -> int:
    """Walk the whole trail; returns 0 when every record is as it was chained, else 1, and names the first that is not.

    head  a head that was noted earlier, or ""
    """
    db = database.ready(floor.database)
    try:
        db.execute("BEGIN")
        found = chain.verify(db, head)
    finally:
        db.close()
    if found.fault:
        click.echo(f"auditor: {found.fault}", err=True)
        return 1
    if not floor.quiet:
        waiting = f"; {found.waiting} records wait to be chained" if found.waiting else ""
        click.echo(f"{found.links} links hold{waiting}; head {found.head.link}")
    return 0


def catch_up(floor: Floor, seconds: int) -> int:
    """Wait until the running auditor has made every decision again, as before their code goes; 75 when it does not."""
    deadline, waiting = time.monotonic() + seconds, _waiting(floor)
    with bar("decisions made again", waiting, quiet=floor.quiet) as more:
        while waiting and time.monotonic() <= deadline:
            time.sleep(0.2)
            before, waiting = waiting, _waiting(floor)
            more(before - waiting)
    if waiting:
        click.echo(f"auditor: {waiting} decisions are not made again after {seconds} s; does it run?", err=True)
    return 75 if waiting else 0


def _waiting(floor: Floor) -> int:
    with closing(database.ready(floor.database)) as db:
        return audit.not_yet_replayed(db)


def show(floor: Floor, *, as_json: bool) -> int:
    """List what is open; returns 1 when anything is, else 0."""
    db = database.ready(floor.database)
    try:
        still = findings.still_open(db)
        ever, _ = findings.count(db)
    finally:
        db.close()
    if as_json:
        click.echo(json.dumps([asdict(kept) for kept in still], indent=2))
        return 1 if still else 0
    for kept in still:
        clock = datetime.fromtimestamp(kept.found_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{kept.finding_id}  {clock}  {kept.severity}  {kept.check_name}: {kept.what}")
        click.echo(f"    {' '.join(f'{name}={value}' for name, value in kept.evidence.items())}")
        click.echo(f"    mend: {kept.mend}")
    if not floor.quiet:
        click.echo(f"{len(still)} open of {ever} found")
    return 1 if still else 0


def resolve(floor: Floor, finding_id: int, note: str) -> int:
    """Say that a person has judged a finding; entries go on when no critical one is left. Returns 1 when none is open.

    raises  Misconfigured without a note
    """
    if not note:
        raise Misconfigured("judging a finding needs a note", "--note says what was found out")
    db = connect.books(floor)
    try:
        at_ms = now_ms()
        if not findings.end(db, finding_id, PERSON, note, at_ms):
            click.echo(f"auditor: no open finding {finding_id}", err=True)
            return 1
        system.event(db, "warning", "auditor", "resolved", f"{finding_id}: {note}", now_ms=at_ms)
        left = auditor_findings.enforce(db, at_ms)
    finally:
        db.close()
    if not floor.quiet:
        click.echo(f"resolved {finding_id}; {len(left)} critical findings are open")
    return 0
