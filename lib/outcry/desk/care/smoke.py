"""The smoke test after an upgrade: does every program run this build, did every trader calibrate, is doctor content?"""

import time

import click

from outcry.desk import boss, doctor
from outcry.desk.common.living import alive
from outcry.domain.errors import OutcryError
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.store import database, system

PATIENCE_S, LOOK_S = 60.0, 0.5
STARTING = frozenset({"IDLE", "CALIBRATING", "CONNECTING", "ERROR", "FAILED"})


def run(floor: Floor) -> int:
    """Wait until all that has to run does, then look at everything; returns 1 and says what is wrong, else 0."""
    deadline = time.monotonic() + PATIENCE_S
    while (late := _late(floor)) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    for line in late:
        click.echo(f"{'TROUBLE':<8}{line}, {PATIENCE_S:.0f} s after the start")
    return doctor.run(floor) or int(bool(late))


def _late(floor: Floor) -> list[str]:
    """Who has to run and does not, or not yet, or another build."""
    nouns = ["clerk", "collector", "auditor", *(["exchange"] if floor.local else [])]
    try:
        wanted = [*nouns, *(f"trader@{name}" for name in boss.wanted(floor))]
        db = database.ready(floor.database)
    except OutcryError as error:
        return [str(error)]
    try:
        beats = {beat.program: beat for beat in system.heartbeats(db)}
    finally:
        db.close()
    return [why for name in wanted if (why := _why(name, beats.get(name), now_ms()))]


def _why(name: str, beat: system.Heartbeat | None, at_ms: int) -> str:
    if beat is None or not alive(beat, at_ms):
        return f"{name} does not run"
    if beat.version != place().build:
        return f"{name} runs {beat.version}, not {place().build}"
    return f"{name} is {beat.state}: {beat.detail.get('why') or 'no reason told'}" if beat.state in STARTING else ""
