"""Let the floor trade again: lift the halt, say what still forbids entries, and book money that nothing explained."""

import click

from outcry.desk.common import connect
from outcry.desk.report import reconciled
from outcry.domain.errors import Misconfigured
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.reports.today_text import dollars
from outcry.store import accounts, system

CANCEL_ALL_MS = 60_000  # orders placed so soon after a cancel-all may be canceled by it too


def run(floor: Floor, reason: str, *, checked: bool) -> int:
    """Lift every halt of the floor; returns 1 when something else still forbids entries, else 0.

    checked  a person says to have looked; without that a halt is told and stays
    """
    db = connect.books(floor)
    try:
        at_ms = now_ms()
        lifted = [control for control in system.controls_now(db) if (control.scope, control.kind) == ("floor", "halt")]
        if not checked and (lifted or floor.halt_file.exists()):
            return _tell(floor, lifted)
        for control in lifted:
            system.set_control(
                db, "floor", "", "halt", False, cause=control.cause, reason=reason or "resumed", now_ms=at_ms
            )
        had_file = floor.halt_file.exists()
        floor.halt_file.unlink(missing_ok=True)
        if lifted or had_file:
            system.event(db, "warning", "resume", "resumed", reason or "no reason given", now_ms=at_ms)
        left = system.controls_now(db)
        known = reconciled(db)
    finally:
        db.close()
    if not floor.quiet:
        click.echo("the halt is lifted" if lifted or had_file else "the floor was not halted")
        wait_s = (CANCEL_ALL_MS - (at_ms - max((control.at_ms for control in lifted), default=0))) // 1000
        if wait_s > 0:
            click.echo(f"where its cancel-all went through, the exchange may cancel new orders for another {wait_s} s")
    for control in left:
        where = control.scope if not control.name else f"{control.scope} {control.name}"
        click.echo(f"resume: entries stay stopped on {where}: {control.cause}: {control.reason}", err=True)
    if not known.agreed:
        click.echo(f"resume: not reconciled: {known.detail}", err=True)
    return 1 if left else 0


def _tell(floor: Floor, halts: list[system.Control]) -> int:
    """Why it is halted, and what lifts that."""
    if floor.halt_file.exists():
        click.echo(
            f"resume: halted by {floor.halt_file}: {floor.halt_file.read_text(errors='replace').strip()}", err=True
        )
    for control in halts:
        click.echo(f"resume: halted by {control.cause}: {control.reason}", err=True)
    click.echo("resume: look at bin/status and bin/doctor; then: resume --i-have-checked", err=True)
    return 1


def book(floor: Floor, kind: str, note: str) -> int:
    """Book what the newest look could not explain, shard by shard, as a person judges it; returns 1 when nothing waits.

    kind    'deposit' or 'withdrawal' for money that came or went, 'adjustment' for profit or loss (interest, a reward)
    raises  Misconfigured without a note, or when positions differ: then it is no matter of money
    """
    if not note:
        raise Misconfigured("booking money needs a note", "--note says where it came from")
    db = connect.books(floor)
    try:
        waiting = [look for look in accounts.reconciliations_now(db) if not look.agreed]
        if any(not look.positions_agree for look in waiting):
            raise Misconfigured("positions differ, not only money", "bin/status names the markets")
        for look in waiting:
            accounts.record_cash(
                db,
                kind,
                look.exchange_index,
                look.difference_micros,
                at_ms=now_ms(),
                reference=f"person:{look.exchange_index}:{look.at_ms}",
                note=note,
            )
            what = f"shard {look.exchange_index}: {kind} of ${dollars(look.difference_micros, signed=True)}: {note}"
            system.event(db, "warning", "resume", "booked_cash", what, now_ms=now_ms())
            click.echo(f"booked {what}; the clerk looks again within seconds")
    finally:
        db.close()
    if not waiting:
        click.echo("nothing waits to be booked: the newest looks agree", err=True)
    return 0 if waiting else 1
