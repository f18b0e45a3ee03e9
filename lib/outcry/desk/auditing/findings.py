"""What becomes of findings: kept once, told once, over when they are gone or judged; critical ones stop entries."""

import sqlite3
from collections.abc import Iterable

from outcry.ops import log
from outcry.review.checks.records import CRITICAL, Finding
from outcry.store import audit, findings, system
from outcry.store.database import write
from outcry.store.findings import GONE, Kept

CAUSE = "audit"
PROGRAM = "auditor"

_log = log.get(__name__)


def keep(db: sqlite3.Connection, found: Iterable[Finding], now_ms: int) -> list[Finding]:
    """Keep those that are new, and say so. Raises Unavailable when the database refuses."""
    new = []
    for finding in found:
        with write(db):
            number = findings.keep(
                db,
                finding.check,
                finding.subject,
                finding.severity,
                finding.what,
                finding.evidence,
                finding.mend,
                now_ms,
            )
            if number is None:
                continue
            system.event(db, finding.severity, PROGRAM, "found", f"{number}: {finding.what}", now_ms=now_ms)
        say = _log.error if finding.severity == CRITICAL else _log.warning
        say(
            "found", number=number, check=finding.check, severity=finding.severity, what=finding.what, mend=finding.mend
        )
        new.append(finding)
    return new


def end_gone(db: sqlite3.Connection, gone: Iterable[Kept], note: str, now_ms: int) -> None:
    """Say of findings that are states that they are over."""
    for kept in gone:
        findings.end(db, kept.finding_id, GONE, note, now_ms)
        system.event(db, "info", PROGRAM, "cleared", f"{kept.finding_id}: {kept.what}", now_ms=now_ms)
        _log.info("cleared", number=kept.finding_id, check=kept.check_name, subject=kept.subject)


def enforce(db: sqlite3.Connection, now_ms: int) -> list[Kept]:
    """Stop entries while a critical finding is open, and let them go on when none is. Returns the critical ones.

    Where a person lifted the control, only a finding that is newer stops entries again.
    """
    critical = [kept for kept in findings.still_open(db) if kept.severity == CRITICAL]
    lifted_at_ms = audit.control_lifted_ms(db, CAUSE)
    stopping = [kept for kept in critical if kept.found_at_ms >= lifted_at_ms]
    active = any(control.cause == CAUSE for control in system.controls_now(db))
    if bool(stopping) == active:
        return critical
    reason = "no critical finding is open"
    if stopping:
        more = f" and {len(stopping) - 1} more" if len(stopping) > 1 else ""
        reason = f"finding {stopping[0].finding_id}: {stopping[0].what}{more} (bin/auditor --findings)"
    what, level = ("stopped_entries", "critical") if stopping else ("allowed_entries", "info")
    with write(db):
        system.set_control(db, "floor", "", "stop_entries", bool(stopping), cause=CAUSE, reason=reason, now_ms=now_ms)
        system.event(db, level, PROGRAM, what, f"{CAUSE}: {reason}", now_ms=now_ms)
    (_log.error if stopping else _log.info)(what, cause=CAUSE, reason=reason)
    return critical
