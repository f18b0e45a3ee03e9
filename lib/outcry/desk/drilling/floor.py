"""The drill's own floor: real programs in a folder of its own, started, killed and started again by the drill."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from outcry import failpoints
from outcry.desk.exchange import ACCOUNT
from outcry.domain.errors import OutcryError, Unavailable
from outcry.domain.statement import Statement
from outcry.ops import floor as floors
from outcry.ops import settings as settings_file
from outcry.ops.children import Child, Children
from outcry.ops.installed import HOME
from outcry.review import proof
from outcry.store import database, progress, statements, system

AGENTS = ("heads", "tails", "edges")
COIN = {"chance_millionths": 1_000_000, "stake_millionths": 2, "hold_ms": 30_000}  # held for a second
READY = {
    "clerk": ("READY",),
    "collector": ("LIVE",),
    "auditor": ("CATCHING_UP", "WATCHING", "ALARMED"),
    "trader": ("READY", "ACTING"),
}
TURN_S = 0.02
RESTART_S = 1.0
VERB_PATIENCE_S = 180
READY_PATIENCE_S, AGREE_PATIENCE_S, AGREE_EVERY_S = 60.0, 100.0, 0.25


class Stopped(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long a program took from its start to READY.

    after  what had ended the one before it
    load   runnable processes a core on this box then: above 1 everything waits for its turn
    """

    program: str
    seconds: float
    after: str
    load: float


@dataclass(slots=True)
class Running:
    """One program as it is meant to be. `since` is when the clock of its recovery began; None while it is no use."""

    child: Child
    since: float | None
    after: str
    point: str = ""
    ready: bool = False


class DrillFloor:
    """`names` as people speak of them: `trader@heads`. Nothing outlives `close`."""

    def __init__(self, folder: Path, seed: int, *, books: Path | None = None) -> None:
        """
        folder  for everything; made anew
        books   a folder for the exchange's own file, so that it does not share the floor's disk
        """
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "floor.toml"
        text = (HOME / "etc" / "drill.toml").read_text()
        settings.write_text(text.replace("[local]\n", f"[local]\nseed = {seed}\n", 1))
        self.floor = floors.open_floor(settings_file.load(settings), folder)
        self._options = ["--settings", str(settings), "--state", str(folder)]
        self.children = Children((books or folder) / "log", self._options)
        self.names = ["exchange", "clerk", "collector", "auditor", *(f"trader@{name}" for name in AGENTS)]
        self.running: dict[str, Running] = {}
        self.recoveries: list[Recovery] = []
        self.deaths: list[str] = []  # programs that ended though nobody killed them
        self.kills = 0
        self.disturbed = False  # the drill holds the database, the disk or the exchange: recoveries do not count
        self._again: dict[str, float] = {}  # who left by himself -> when he is started again
        self.on_turn: Callable[[], None] = lambda: None
        self._exchange_since = 0.0
        if books is not None:
            self.floor.exchange_books.symlink_to(books / "exchange.db")

    # ---- programs ---------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """The database, the keys, the agents."""
        self.verb("migrate", "--quiet")
        for name in AGENTS:
            said = [f"--set={key}={value}" for key, value in COIN.items()]
            self.verb("agent", "add", name, "--strategy", "coin_flip", *said, "--quiet")

    def verb(self, program: str, *arguments: str, point: str = "", may_fail: bool = False) -> int:
        """Run a verb to its end; its exit code.

        raises  Unavailable when it fails and may not, or does not end
        """
        environment = os.environ | ({failpoints.VARIABLE: f"{point}:1"} if point else {})
        command = [str(HOME / "bin" / program), *arguments, *self._options]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment, timeout=VERB_PATIENCE_S
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"bin/{program} took longer than {VERB_PATIENCE_S} s") from error
        if done.returncode and not may_fail:
            raise Unavailable(f"bin/{program} failed with {done.returncode}: {(done.stdout + done.stderr).strip()}")
        return done.returncode

    def start(self, name: str, *, after: str = "", point: str = "", nth: int = 1) -> None:
        """Start a program; with a point, it dies at its nth pass there."""
        program, _, agent = name.partition("@")
        arguments = [agent] if agent else ["--faults"] if program == "exchange" else []
        environment = {failpoints.VARIABLE: f"{point}:{nth}"} if point else {}
        if program == "exchange":
            self.floor.exchange_file.unlink(missing_ok=True)  # of one that was killed
        self._again.pop(name, None)
        child = self.children.start(name, program, *arguments, environment=environment)
        since = None if self.disturbed or point else time.monotonic()
        self.running[name] = Running(child, since, after or "start", point)

    def start_all(self, *, after: str = "") -> None:
        """Everything that does not run."""
        for name in self.names:
            if name not in self.running:
                self.start(name, after=after)

    def kill(self, name: str) -> None:
        """SIGKILL. Nothing starts it again by itself."""
        self._again.pop(name, None)
        running = self.running.pop(name, None)
        if running is not None and running.child.exit_code is None:
            running.child.process.send_signal(signal.SIGKILL)
            running.child.process.wait()
            self.kills += 1

    def turn(self) -> None:
        """See who died and who is ready; a program that nobody killed and that left is started again, and told."""
        for name, running in list(self.running.items()):
            if running.child.exit_code is not None and not self.struck(name):
                words = running.child.last_words(1)
                self.deaths.append(f"{name} left with {running.child.exit_code}: {words} (log: {running.child.log})")
                self._again[name] = time.monotonic() + RESTART_S
                del self.running[name]
        for name in [name for name, due in self._again.items() if due <= time.monotonic()]:
            del self._again[name]
            if name not in self.running:
                self.start(name, after="its own death")
        self._see_ready()
        self.on_turn()

    def struck(self, name: str) -> bool:
        """Whether a program died at the point that it was started with."""
        running = self.running.get(name)
        return running is not None and bool(running.point) and running.child.exit_code == -signal.SIGKILL

    def wait(self, condition: Callable[[], object], seconds: float) -> bool:
        """Look after the floor until something is so; False when it was not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.turn()
            time.sleep(TURN_S)
        return True

    def hold(self, seconds: float) -> None:
        """Look after the floor for so long."""
        self.wait(lambda: False, seconds)

    def ready(self) -> list[str]:
        """Who is not ready yet."""
        return [name for name in self.names if name not in self.running or not self.running[name].ready]

    def _see_ready(self) -> None:
        waiting = [running for running in self.running.values() if not running.ready]
        if not waiting:
            return
        states = self._states()
        for running in sorted(waiting, key=lambda one: one.child.name != "exchange"):
            name = running.child.name
            if not self._is_ready(name, running.child.process.pid, states):
                continue
            running.ready, now = True, time.monotonic()
            if name == "exchange":
                self._exchange_since = now
            if running.since is not None and not self.disturbed:
                since = max(running.since, 0.0 if name == "exchange" else self._exchange_since)
                load = os.getloadavg()[0] / (os.cpu_count() or 1)
                self.recoveries.append(Recovery(name, now - since, running.after, load))

    def _states(self) -> dict[str, tuple[int, str]]:
        with contextlib.suppress(OutcryError, sqlite3.Error), contextlib.closing(self.read()) as db:
            return {beat.program: (beat.pid, beat.state) for beat in system.heartbeats(db)}
        return {}

    def _is_ready(self, name: str, pid: int, states: dict[str, tuple[int, str]]) -> bool:
        if name == "exchange":
            return self.floor.exchange_file.exists()
        known_pid, state = states.get(name, (0, ""))
        exchange = self.running.get("exchange")
        return pid == known_pid and state in READY[name.partition("@")[0]] and exchange is not None and exchange.ready

    # ---- books ------------------------------------------------------------------------------------------------------

    def read(self) -> sqlite3.Connection:
        """The ledger, for reading. Opened anew each time: one made before the first writer would see an old file."""
        return database.read_only(self.floor.database)

    def progress(self) -> progress.Progress | None:
        """Counts so far; None while the database cannot be read."""
        with contextlib.suppress(OutcryError, sqlite3.Error), contextlib.closing(self.read()) as db:
            return progress.read(db)
        return None

    def statements(self) -> tuple[Statement, Statement]:
        """Ours and the exchange's."""
        return statements.both(self.floor.database, self.floor.exchange_books.resolve(), ACCOUNT)

    def differences(self, patience_s: float = AGREE_PATIENCE_S) -> list[str]:
        """What still differs after so long; [] as soon as nothing does. What is only late arrives meanwhile."""
        deadline, found = time.monotonic() + patience_s, ["nothing was compared"]
        while found:
            try:
                found = proof.differences(*self.statements())
            except (OutcryError, sqlite3.Error) as error:
                found = [f"the books cannot be read: {error}"]
            if not found or time.monotonic() > deadline:
                break
            self.hold(AGREE_EVERY_S)
        return found

    # ---- the end ----------------------------------------------------------------------------------------------------

    def stop_traders(self) -> None:
        """In order, as at the end of a day; who has to be killed for it, or leaves badly, is told."""
        traders = [name for name in self.running if name.startswith("trader")]
        self._stop(traders)

    def stop(self) -> None:
        """The same for the rest."""
        self.stop_traders()
        for names in (["auditor", "collector"], ["clerk"], ["exchange"]):
            self._stop([name for name in names if name in self.running])

    def _stop(self, names: list[str]) -> None:
        killed = self.children.stop(names, patience_s=10.0)
        self.deaths += [f"{name} had to be killed to stop" for name in killed]
        for name in names:
            code = self.running.pop(name).child.exit_code
            if code and name not in killed:
                words = self.children.all[name].last_words(1)
                self.deaths.append(f"{name} stopped with {code}: {words} (log: {self.children.all[name].log})")

    def close(self) -> None:
        """End every process, at once."""
        for child in self.children.all.values():
            if child.exit_code is None:
                child.process.kill()
                child.process.wait()
        self.running.clear()
