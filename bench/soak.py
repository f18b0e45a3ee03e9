"""`make soak`: a whole floor at ten times its load; memory of each program and size of each file, and a verdict.

Ten times: the crowd changes the books ten times as often, and windows and look-backs are ten times as short, so there
are ten times as many messages, markets, decisions, orders and settlements as on the default floor. Limits that would
keep agents from trading after a bad day are wide open.

    python bench/soak.py [--minutes 60] [--folder FOLDER]

Memory is judged from the end of a warm-up (a sixth of the time) on: the mean of the last sixth against the mean of the
sixth after the warm-up; flat is within 5 %. Files are judged by what their growth in that sixth predicts for the rest;
write-ahead logs, which are used again, may stay below that.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outcry.ops.bar import bar
from outcry.ops.children import Children
from outcry.ops.installed import HOME
from outcry.store import database, progress

TIMES = 10
EVERY_S = 15.0
FLAT_PERCENT, PREDICTED_PERCENT = 5.0, 15.0
SMALL_BYTES = 8_000_000  # files that stay below this are not worth a prediction
AGENTS = ("momentum", "mean_reversion", "volume_spike", "coin_flip")
SETTINGS = f"""
environment = "embedded"
time_factor = {TIMES:.1f}
[local]
window_s = {900 // TIMES}
average_s = {60 // TIMES}
volatility = 2.0
jumps_per_hour = {2.0 * TIMES}
deposit_dollars = 100000
[agents]
birth_share_millionths = 100000
[risk]
min_time_to_close_ms = 2000
max_spread_and_fee_millionths = 300000
per_trade_millionths = 2000
orders_per_day = 100000
trades_per_day = 100000
agent_notional_per_day_millionths = 1000000000
agent_daily_loss_millionths = 500000
agent_drawdown_millionths = 1000000
losing_streak = 1000
floor_daily_loss_millionths = 500000
floor_drawdown_millionths = 500000
"""


@dataclass
class Series:
    """One figure over time: seconds since the start, bytes."""

    points: list[tuple[float, int]] = field(default_factory=list)

    def mean(self, from_s: float, to_s: float) -> float:
        found = [size for at_s, size in self.points if from_s <= at_s <= to_s]
        return sum(found) / len(found) if found else 0.0

    def at(self, at_s: float) -> int:
        return min(self.points, key=lambda point: abs(point[0] - at_s))[1]


class Soak:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder, self.state, self.seconds = folder, folder / "embedded", minutes * 60
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "floor.toml"
        settings.write_text(SETTINGS)
        self._options = ["--settings", str(settings), "--state", str(folder)]
        self._children = Children(folder / "log", self._options)
        self._exchange: subprocess.Popen[bytes] | None = None
        self.memory: dict[str, Series] = {}
        self.files: dict[str, Series] = {}
        self.gone: list[str] = []

    def run(self) -> None:
        self._start()
        try:
            started, told_s = time.monotonic(), 0
            with bar("soaking", int(self.seconds)) as more:
                while (at_s := time.monotonic() - started) < self.seconds and not self.gone:
                    self._sample(at_s)
                    more(int(at_s) - told_s)
                    told_s = int(at_s)
                    time.sleep(min(EVERY_S, self.seconds - at_s))
        finally:
            self._stop()

    def _start(self) -> None:
        subprocess.run([sys.executable, HOME / "bin" / "migrate", "--quiet", *self._options], check=True)
        with (self.folder / "log" / "exchange.log").open("ab") as log:
            command = [sys.executable, str(HOME / "bench" / "lively_exchange.py"), str(TIMES), *self._options]
            self._exchange = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not (self.state / "exchange.json").exists():
            if time.monotonic() > deadline:
                raise SystemExit(f"the exchange does not listen; see {self.folder}/log/exchange.log")
            time.sleep(0.1)
        for name in ("clerk", "auditor", "collector"):
            self._children.start(name, name)
        for agent in AGENTS:
            self._children.start(f"trader@{agent}", "trader", agent)

    def _stop(self) -> None:
        self._children.stop([f"trader@{agent}" for agent in AGENTS])
        self._children.stop(["auditor", "collector", "clerk"], patience_s=20)
        if self._exchange:
            self._exchange.terminate()
            self._exchange.wait(20)

    def _sample(self, at_s: float) -> None:
        running = {name: child.process for name, child in self._children.all.items()} | {"exchange": self._exchange}
        for name, process in running.items():
            if process is None or process.poll() is not None:
                self.gone.append(name)
                continue
            self.memory.setdefault(name, Series()).points.append((at_s, resident_bytes(process.pid)))
        sizes: dict[str, int] = {}
        for file in self.state.rglob("*"):
            if file.is_file():
                group = file.name if file.parent == self.state else f"{file.relative_to(self.state).parts[0]}/"
                sizes[group] = sizes.get(group, 0) + file.stat().st_blocks * 512
        for group, size in sizes.items():
            self.files.setdefault(group, Series()).points.append((at_s, size))
        if not sys.stderr.isatty():  # where somebody watches a bar, the tables at the end will do
            figures = (f"{name} {series.points[-1][1] / 1e6:.1f}" for name, series in sorted(self.memory.items()))
            print(f"{at_s / 60:6.1f} min  " + "  ".join(figures), flush=True)

    # ---- verdict ----------------------------------------------------------------------------------------------------

    def verdict(self) -> int:
        """Print the tables; 0 when all is flat and as predicted."""
        sixth, end_s = self.seconds / 6, self.seconds
        bad = list(self.gone)
        print(f"\n{self._work()}\n\n{'resident memory':<24}{'MB then':>10}{'MB now':>10}{'change':>10}")
        for name, series in sorted(self.memory.items()):
            then, now = series.mean(sixth, 2 * sixth), series.mean(end_s - sixth, end_s)
            percent = 100 * (now / then - 1) if then else 0.0
            flat = abs(percent) <= FLAT_PERCENT
            bad += [] if flat else [name]
            print(f"{name:<24}{then / 1e6:>10.1f}{now / 1e6:>10.1f}{percent:>9.1f} %{'' if flat else '  NOT FLAT'}")
        print(f"\n{'file':<24}{'MB':>10}{'predicted':>10}{'MB/hour':>10}")
        for name, series in sorted(self.files.items()):
            first, second, last = series.at(sixth), series.at(2 * sixth), series.at(end_s)
            predicted = first + (second - first) * 5
            over = last - predicted if name.endswith("-wal") else abs(last - predicted)  # a log is used again: a mark
            usual = over <= max(SMALL_BYTES, predicted * PREDICTED_PERCENT / 100)
            bad += [] if usual else [name]
            rate = (last - first) / (end_s - sixth) * 3600
            print(f"{name:<24}{last / 1e6:>10.1f}{predicted / 1e6:>10.1f}{rate / 1e6:>10.1f}{'' if usual else '  OFF'}")
        print(f"\n{'as it should be' if not bad else 'look at: ' + ', '.join(bad)}")
        return 1 if bad else 0

    def _work(self) -> str:
        db = database.read_only(self.state / "kalshi.db")
        try:
            done = progress.read(db)
        finally:
            db.close()
        return (
            f"{self.seconds / 60:.0f} minutes: {done.publishes:,} publishes, {done.decisions:,} decisions,"
            f" {done.orders:,} orders, {done.fills:,} fills, {done.settled_markets:,} markets settled; reconciled"
            f" {done.reconciled}"
        )


def resident_bytes(pid: int) -> int:
    with Path(f"/proc/{pid}/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, help="where the floor's state goes  [default: a new one in /tmp]")
    asked = parser.parse_args(arguments)
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="outcry-soak-"))).absolute()
    print(f"state in {folder}", flush=True)
    soak = Soak(folder, asked.minutes)
    soak.run()
    return soak.verdict()


if __name__ == "__main__":
    sys.exit(main())
