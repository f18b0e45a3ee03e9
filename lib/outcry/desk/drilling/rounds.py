"""The drill's work: one row for each thing done to the floor, and after each the proof that nothing came of it."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from outcry.desk.drilling import mishaps
from outcry.desk.drilling.boundaries import BOUNDARIES, FIRST, HALT, Boundary, Needs
from outcry.desk.drilling.floor import AGENTS, READY_PATIENCE_S, DrillFloor
from outcry.desk.drilling.mishaps import CUT_STREAM, LOST_ANSWERS, LOST_TWICE, UNHEARD, Disk
from outcry.domain.errors import OutcryError, Unavailable

REACH_PATIENCE_S = 75.0  # a market settles every 30 s
PROVOKED_S = 20.0
LOCK_S, FULL_S = 45.0, 12.0
LOAD_S = 2.0  # of undisturbed trading between two acts


@dataclass(slots=True)
class Row:
    """One act.

    result  "" when all agreed afterwards, else what did not
    missed  what the act itself did not achieve: a boundary that nobody came by proves nothing
    """

    name: str
    kills: int = 0
    result: str = ""
    missed: str = ""
    agreed_after_s: float = 0.0
    differences: list[str] = field(default_factory=list)


class Rounds:
    """Acts on a floor. `told` hears each row when it is done."""

    def __init__(self, drilled: DrillFloor, disk: Disk, seed: int, told: Callable[[Row], None]) -> None:
        self.floor, self._disk, self._random, self._told = drilled, disk, Random(seed), told
        self.rows: list[Row] = []

    # ---- a whole drill ----------------------------------------------------------------------------------------------

    def begin(self, *, first: bool) -> None:
        """Bring the floor up; with `first`, the clerk dies in its very first pass."""
        drilled = self.floor
        drilled.prepare()
        drilled.start("exchange")
        if first:
            with self._row(FIRST.name) as row:
                self._die_at(row, "clerk", FIRST.point, 1)
                drilled.start_all(after=FIRST.point)
        drilled.start_all()
        if not drilled.wait(lambda: (now := drilled.progress()) is not None and now.fills >= 3, READY_PATIENCE_S):
            raise Unavailable(f"the drill's floor does not trade: {'; '.join(drilled.deaths[:3]) or drilled.ready()}")

    def table(self) -> None:
        """Every boundary once, in its order, then everything else that goes wrong."""
        for boundary in BOUNDARIES:
            self.kill_at(boundary)
        self.lost_answers()
        self.cut_stream()
        self.lock(LOCK_S)
        self.fill_disk(FULL_S)
        for point in HALT:
            self.halt(point)
        self.power_cut()

    def at_random(self, seconds: float) -> None:
        """Acts drawn from the seed until the time is up; rare ones seldom."""
        acts: list[tuple[float, Callable[[], None]]] = [
            (40, lambda: self.kill(self._any(self.floor.names))),
            (30, lambda: self.kill_at(self._random.choice(BOUNDARIES))),
            (6, self.power_cut),
            (5, self.lost_answers),
            (5, self.cut_stream),
            (5, lambda: self.lock(self._random.uniform(1, 12))),
            (1, lambda: self.lock(LOCK_S)),
            (4, lambda: self.fill_disk(self._random.uniform(2, FULL_S))),
            (1, lambda: self.halt(self._random.choice(HALT))),
        ]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def finish(self) -> None:
        """Traders stop, everything is canceled and sold, or paid; then the last proof, with nothing under way."""
        drilled = self.floor
        with self._row("the end: everything sold, canceled or paid") as row:
            drilled.stop_traders()
            drilled.names = [name for name in drilled.names if not name.startswith("trader")]
            drilled.verb("halt", "--flatten", "--reason", "the drill is over", may_fail=True)
            if not drilled.wait(self._nothing_held, drilled.floor.settings.local.window_s + READY_PATIENCE_S):
                row.result = "something is still held"

    def _nothing_held(self) -> bool:
        return not any(one.positions_ch for one in self.floor.statements())

    # ---- acts -------------------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """One program, wherever it is."""
        with self._row(f"{name.partition('@')[0]}: anywhere") as row:
            self.floor.hold(self._random.uniform(0.0, LOAD_S))
            self.floor.kill(name)
            row.kills = 1
            self.floor.hold(self._random.choice((0.0, 0.0, 1.0, 4.0)))
            self.floor.start(name, after="a kill anywhere")

    def kill_at(self, boundary: Boundary) -> None:
        """One program at one of its boundaries."""
        name, nth = boundary.program, self._random.randint(1, boundary.most)
        if name == "trader":
            name = f"trader@{self._any(AGENTS)}"
        with self._row(boundary.name) as row:
            self.floor.kill(name)
            self._die_at(row, name, boundary.point, nth, boundary.needs)
            self.floor.start(name, after=boundary.point)

    def _die_at(self, row: Row, name: str, point: str, nth: int, needs: Needs = Needs.NOTHING) -> None:
        """Start a program so that it dies at a point, and have it come by there."""
        drilled = self.floor
        drilled.start(name, point=point, nth=nth)
        reached = self._provoked(name, needs)
        row.kills = int(reached)
        if not reached:
            row.missed = f"nobody came to {point}"
        drilled.kills += row.kills
        drilled.kill(name)

    def _provoked(self, name: str, needs: Needs) -> bool:
        drilled = self.floor
        if needs not in (Needs.LOCK, Needs.LOST_ANSWERS):
            return drilled.wait(lambda: drilled.struck(name), REACH_PATIENCE_S)
        drilled.wait(lambda: name not in drilled.ready() or drilled.struck(name), READY_PATIENCE_S)
        for _ in range(3):
            if drilled.struck(name):
                break
            if needs is Needs.LOCK:
                with mishaps.locked(drilled):
                    drilled.wait(lambda: drilled.struck(name), PROVOKED_S / 4)
            else:
                mishaps.strike(drilled, LOST_TWICE, PROVOKED_S)
            drilled.wait(lambda: drilled.struck(name), PROVOKED_S / 2)
        return drilled.struck(name)

    def power_cut(self) -> None:
        """Everything at the same moment."""
        with self._row("everything at once") as row:
            for name in list(self.floor.names):
                self.floor.kill(name)
                row.kills += 1
            self.floor.start_all(after="a power cut")

    def lost_answers(self) -> None:
        with self._row("answers of the exchange lost") as row:
            times = mishaps.strike(self.floor, LOST_ANSWERS, PROVOKED_S)
            row.missed = "" if times else "no request came by"

    def cut_stream(self) -> None:
        with self._row("streams cut, fills and orders not heard") as row:
            times = mishaps.strike(self.floor, CUT_STREAM + UNHEARD, PROVOKED_S)
            row.missed = "" if times else "no message came by"

    def lock(self, seconds: float) -> None:
        with self._row(f"database locked for {_about(seconds, LOCK_S)}"), mishaps.locked(self.floor):
            self.floor.hold(seconds)

    def fill_disk(self, seconds: float) -> None:
        with self._row(f"disk full for {_about(seconds, FULL_S)}"), self._disk.full(self.floor):
            self.floor.hold(seconds)

    def halt(self, point: str) -> None:
        """bin/halt dies half-way, and is called again; then the floor goes on."""
        drilled = self.floor
        with self._row(f"halt: {point}") as row:
            row.kills = int(drilled.verb("halt", "--reason", "drill", point=point, may_fail=True) == -signal.SIGKILL)
            row.missed = "" if row.kills else f"nobody came to {point}"
            drilled.kills += row.kills
            if not drilled.floor.halt_file.exists():
                row.result = "the floor is not halted"
            drilled.verb("halt", "--reason", "drill, again")
            if resting := [name for name, line in drilled.statements()[1].orders.items() if line.state == "resting"]:
                row.result = f"{len(resting)} orders still rest"
            drilled.verb("resume", "--i-have-checked", "--reason", "drill", may_fail=True)  # 1: others stop entries too
            if drilled.floor.halt_file.exists():
                row.result = "the halt cannot be lifted"

    # ---- after each -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _row(self, name: str) -> Iterator[Row]:
        """One act; afterwards everybody is ready again, and the books agree, or the row says what not."""
        drilled, row = self.floor, Row(name)
        deaths = len(drilled.deaths)
        try:
            yield row
        except (OutcryError, sqlite3.Error) as error:
            row.result = str(error)
            drilled.start_all(after="an act that failed")
        began = time.monotonic()
        if not drilled.wait(lambda: not drilled.ready(), READY_PATIENCE_S):
            row.result = row.result or f"not ready: {', '.join(drilled.ready())}"
        row.differences = drilled.differences()
        row.agreed_after_s = time.monotonic() - began
        if row.differences:
            row.result = f"{len(row.differences)} differences: {row.differences[0]}"
        elif died := drilled.deaths[deaths:]:
            row.result = row.result or died[0]
        self.rows.append(row)
        self._told(row)

    def _any(self, names: Sequence[str]) -> str:
        return self._random.choice(list(names))


def _about(seconds: float, most_s: float) -> str:
    return f"{seconds:.0f} s" if seconds == most_s else "some seconds"
