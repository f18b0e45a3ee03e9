"""What to do next: the one command that brings this floor further on its way from an empty folder to trading."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from outcry.desk import boss
from outcry.desk.common.living import alive
from outcry.domain.errors import Misconfigured, OutcryError
from outcry.ops import golive
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.store import database, system

STARTED_BY_HAND = frozenset({"exchange", "programs"})  # checks that starting what does not run makes good


def next_step(floor: Floor, mends: Mapping[str, str]) -> str:
    """
    mends    what the doctor's checks found wrong: name of the check -> what mends it, in the order they were made
    returns  one line that begins with a command wherever one will do
    """
    if shut := _gate(floor):
        return shut
    if not floor.database.exists():
        makes = "a database, a key, the first agents" if floor.local else "a database and the first agents"
        return f"bin/migrate    ({makes}; or `make demo`: a whole floor for three minutes)"
    if first := next((mend for check, mend in mends.items() if check not in STARTED_BY_HAND), ""):
        return first
    if idle := _idle(floor):
        return _start(idle)
    if floor.halt_file.exists():
        return "bin/status    (why the floor is halted; bin/resume --i-have-checked lifts it)"
    return next(iter(mends.values()), "bin/status    (and bin/report; bin/dashboard shows it in a browser)")


def _gate(floor: Floor) -> str:
    """What opens the gate to real money, where it is shut; "" everywhere else."""
    if floor.settings.environment != "production":
        return ""
    try:
        golive.check(floor.golive_file, floor.settings.risk)
    except Misconfigured as error:
        return f"bin/golive --check    (on the paper floor: {error.args[0]})"
    return "" if floor.settings.live else "live = true, in the settings"


def _idle(floor: Floor) -> list[str]:
    """What has to run for this floor to trade, and does not, in the order of starting."""
    try:
        with closing(database.ready(floor.database)) as db:
            at_ms = now_ms()
            running = {beat.program for beat in system.heartbeats(db) if alive(beat, at_ms)}
        traders = [f"trader@{name}" for name in boss.wanted(floor)]
    except (OutcryError, sqlite3.Error):
        return []  # the doctor's checks tell of it
    nouns = [*(["exchange"] if floor.local else []), "clerk", "auditor", "collector"]
    return [name for name in (*nouns, *traders) if name not in running]


def _start(idle: list[str]) -> str:
    if name := place().name:
        return f"systemctl start '{name}-*'"
    first, *others = (f"bin/{name.replace('@', ' ')}" for name in idle)
    return f"{first}    (then, each in a terminal of its own: {', '.join(others)})" if others else first
