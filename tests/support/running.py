"""A whole floor of real processes on loopback, with windows short enough for a test; and who is still alive."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from outcry.ops.children import Children
from outcry.store import database, progress

HOME = Path(__file__).resolve().parents[2]
# Short windows, nothing refused for its price, nobody paused for bad luck: a test must not wait for luck.
SETTINGS = """
environment = "embedded"
time_factor = 45.0
[local]
window_s = 20
average_s = 2
volatility = 6.0
seed = 7
[agents]
birth_share_millionths = 50000
[risk]
min_time_to_close_ms = 2000
max_spread_and_fee_millionths = 1000000
agent_drawdown_millionths = 1000000
"""


class RunningFloor:
    """Programs of one floor in a folder of its own; `names` as people speak of them: `trader@momentum`."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        self.folder, self.state = folder, folder / "embedded"
        self.settings = folder / "floor.toml"
        self.settings.write_text(settings)
        self.options = ["--settings", str(self.settings), "--state", str(folder)]
        self.children = Children(folder / "log", self.options)
        self.run("migrate", "--quiet")

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        done = subprocess.run(
            [sys.executable, HOME / "bin" / program, *arguments, *self.options],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, (program, arguments, done.stdout, done.stderr)
        return done

    def start(self, *names: str) -> None:
        for name in names:
            program, _, agent = name.partition("@")
            self.children.start(name, program, *([agent] if agent else []))
            if name == "exchange":
                self.wait_for((self.state / "exchange.json").exists, 15, "the exchange listens")

    def everything(self) -> None:
        self.start("exchange", "clerk", "collector", "trader@coin_flip", "trader@momentum")

    def pid(self, name: str) -> int:
        return self.children.all[name].process.pid

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would."""
        self.children.all[name].process.kill()
        self.children.all[name].process.wait()

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        db = database.read_only(self.state / "kalshi.db")
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def progress(self) -> progress.Progress:
        db = database.read_only(self.state / "kalshi.db")
        try:
            return progress.read(db)
        finally:
            db.close()

    def state_of(self, name: str) -> str:
        rows = self.query("SELECT state FROM heartbeats WHERE program = ? AND pid = ?", name, self.pid(name))
        return rows[0]["state"] if rows else ""

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s for: {what}\n{self.last_words()}"
            time.sleep(0.05)

    def last_words(self) -> str:
        return "\n".join(f"{name}: {child.last_words(4)}" for name, child in self.children.all.items())

    def stop(self) -> list[str]:
        """In order; returns who had to be killed."""
        traders = [name for name in self.children.all if name.startswith("trader")]
        return (
            self.children.stop(traders)
            + self.children.stop(["auditor", "collector", "clerk"])
            + self.children.stop(["exchange"])
        )

    def settle_down(self) -> None:
        """Stop the traders, and wait until the ledger agrees with the exchange after their last booking."""
        self.children.stop([name for name in self.children.all if name.startswith("trader")])
        self.wait_for(lambda: self.report()["reconciled"], 40, "the ledger agrees with the exchange")

    def report(self) -> dict[str, object]:
        return json.loads(self.run("report", "--today", "--json").stdout)


def descendants(pid: int) -> set[int]:
    """Every process below one, now."""
    found: set[int] = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found |= {int(folder.name)} | descendants(int(folder.name))
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run (a zombie does not)."""
    running = set()
    for pid in pids:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.add(pid)
    return running
