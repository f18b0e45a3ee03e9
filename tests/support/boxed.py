"""An installed floor on a real systemd: boxes that boot from a layer on which `make install` was run once.

A box has a network of its own, so nothing here comes from the internet: `make test` fetches the programs' Python
packages beforehand, into .venv/.wheels.
"""

import fcntl
import json
import os
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import running
import survived
from outcry.ops import settings as settings_file

HOME = Path(__file__).resolve().parents[2]
WHEELS = HOME / ".venv" / ".wheels"
STATE = "/var/lib/kalshi/embedded"
NOUNS = ("exchange", "clerk", "collector", "auditor", "dashboard")
TRADERS = ("momentum", "coin_flip")
# As of other whole floors in tests; fewer traders, as several boxes run side by side.
SETTINGS = running.SETTINGS.replace("[agents]", f"[agents]\nfirst = {list(TRADERS)}").replace("'", '"')
LIMITS = settings_file.parse(tomllib.loads(SETTINGS)).risk
UNITS = (*(f"kalshi-{noun}" for noun in NOUNS), *(f"kalshi-trader@{name}" for name in TRADERS))
LEFT_OUT = (".git", ".venv", "state", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache")
INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
OFFLINE = ("PIP_CONFIG_FILE=/dev/null", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")


def why_not() -> str:
    """Why no box can be booted here; "" when one can."""
    if not os.access(os.environ.get("OUTCRY_BOX", ""), os.X_OK):
        return "OUTCRY_BOX does not name systemd-box: this test needs a real systemd"
    if os.geteuid() != 0:
        return "a box needs root"
    return "" if WHEELS.exists() else f"no {WHEELS}: `make test` fetches them when OUTCRY_BOX is set"


class Box:
    """One booted system, `kalshi` its floor unless said otherwise."""

    def __init__(self, name: str) -> None:
        self.name, self._pid = name, ""

    def tool(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [os.environ["OUTCRY_BOX"], "--name", self.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, (words, done.stdout[-4000:], done.stderr[-4000:])
        return done

    def __call__(
        self, *command: str, check: bool = True, timeout_s: int = 90, user: str = "root"
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it. (Entering the namespaces ourselves takes a tenth of what `systemd-box run` takes.)"""
        as_whom = () if user == "root" else ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups")
        enter = ("nsenter", "-t", self._pid, "-m", "-u", "-i", "-n", "-p", "-C", "--")
        at_most = ("timeout", "-s", "KILL", str(timeout_s))
        done = subprocess.run(
            [*enter, *at_most, *as_whom, *command],
            capture_output=True,
            text=True,
            check=False,
            env=INSIDE,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, (command, done.stdout[-4000:], done.stderr[-4000:])
        return done

    def up(self, *options: str) -> None:
        self.tool("up", "--timeout", "120", "--tie", str(os.getpid()), "--bind", f"{WHEELS}:/wheels", *options)
        self._pid = self.tool("pid").stdout.strip()

    def cut_power(self) -> None:
        """Everything is killed at once; then it boots again."""
        self.tool("reboot", "--hard", "--timeout", "120")
        self._pid = self.tool("pid").stdout.strip()

    def push_source(self) -> None:
        left_out = [word for name in LEFT_OUT for word in ("--exclude", name)]
        self.tool("push", *left_out, str(HOME), "/root/src")

    def make(self, *words: str, check: bool = True, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run make in the pushed source, offline."""
        command = f"printf '{answer}' | env {' '.join(OFFLINE)} make -sC /root/src {' '.join(words)}"
        return self("sh", "-c", command, check=check, timeout_s=300)

    def write(self, path: str, text: str) -> None:
        """A file in it; its folder is made."""
        self("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "-", path, text)

    def drop_in(self, unit: str, text: str) -> None:
        """Change a unit for this test."""
        self.write(f"/etc/systemd/system/{unit}.service.d/test.conf", text)
        self("systemctl", "daemon-reload")

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self("systemctl", "show", "-p", ",".join(names), unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def pids(self) -> dict[str, str]:
        """The main process of each of the floor's programs."""
        lines = self("systemctl", "show", "-p", "MainPID", "--value", *UNITS).stdout.split()
        return dict(zip(UNITS, lines, strict=True))

    def states(self, units: Sequence[str] = UNITS) -> list[str]:
        return self("systemctl", "is-active", *units, check=False).stdout.split()

    def kill(self, unit: str, signal: str = "KILL") -> None:
        self("systemctl", "kill", "-s", signal, "--kill-whom=main", unit)

    def journal(self, unit: str, *options: str) -> str:
        return self("journalctl", "-u", unit, "-o", "cat", "--no-pager", *options).stdout

    def query(self, sql: str) -> list[list]:
        """Ask the floor's database, inside: from outside, SQLite cannot follow the way into a box."""
        return json.loads(
            self.python(f"print(json.dumps(sqlite3.connect(BOOKS, timeout=30).execute({sql!r}).fetchall()))")
        )

    def change(self, sql: str) -> None:
        """Change the floor's database behind everybody's back."""
        self.python(f"db = sqlite3.connect(BOOKS, timeout=30); db.execute({sql!r}); db.commit()")

    def python(self, text: str) -> str:
        """Run Python inside, as the floor's user."""
        begin = f"import json, sqlite3; STATE = {STATE!r}; BOOKS = STATE + '/kalshi.db'\n"
        return self("/opt/kalshi/.venv/bin/python", "-c", begin + text, user="kalshi").stdout

    def survived(self, folder: Path, by_hand: Sequence[str] = ()) -> None:
        """What has to be true after anything (survived.py). The traders are stopped; clerk and exchange run."""
        self.books_agree(folder, by_hand)
        assert survived.limit_breaches(folder, LIMITS) == []

    def books_agree(self, folder: Path, by_hand: Sequence[str] = ()) -> None:
        """Wait until ours and the exchange's do, order by order and fill by fill."""
        copy = "; ".join(
            f"sqlite3.connect(STATE + '/{name}').execute(\"VACUUM INTO '/tmp/{name}'\")"
            for name in ("kalshi.db", "exchange.db")
        )
        found: list[str] = []

        def agrees() -> bool:
            self("rm", "-f", "/tmp/kalshi.db", "/tmp/exchange.db")
            self.python(copy)
            for name in ("kalshi.db", "exchange.db"):
                self.tool("pull", f"/tmp/{name}", str(folder / name))
            found[:] = survived.differences(folder, by_hand)
            return not found

        try:
            self.wait_for(agrees, "our books and the exchange's to agree", 60)
        except AssertionError as error:
            raise AssertionError("\n".join(found)) from error

    def number(self, sql: str) -> int:
        return self.query(sql)[0][0]

    def report(self) -> dict[str, object]:
        return json.loads(self("/opt/kalshi/bin/report", "--today", "--json").stdout)

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s for: {what}\n{self.last_words()}"
            time.sleep(0.4)

    def last_words(self) -> str:
        units = self("systemctl", "list-units", "--all", "--no-pager", "kalshi*", check=False).stdout
        status = self("kalshi", "status", check=False).stdout
        return f"{units}\n{status}\n{self('journalctl', '-n', '40', '-o', 'short', '--no-pager', check=False).stdout}"

    def trading(self) -> None:
        """Wait until everything runs and every trader has calibrated."""
        ready = "SELECT count(*) FROM heartbeats WHERE program LIKE 'trader@%' AND state IN ('READY', 'ACTING')"
        self.wait_for(lambda: self.states() == ["active"] * len(UNITS), "every unit to be active")
        self.wait_for(lambda: self.number(ready) >= len(TRADERS), "the traders to calibrate")

    def fills(self) -> int:
        return self.number("SELECT count(*) FROM fills")

    def filled(self) -> None:
        """Wait for the first fill."""
        self.wait_for(self.fills, "a fill")

    def works_on(self) -> None:
        """Wait until traders have looked at books again, and judged. (Whether they fill is the market's affair.)"""
        judged = "SELECT (SELECT coalesce(sum(looks), 0) FROM looks) + (SELECT count(*) FROM decisions)"
        before = self.number(judged)
        self.wait_for(lambda: self.number(judged) > before, "the traders to look again")

    def reconciled(self) -> None:
        self.wait_for(lambda: self.report()["reconciled"], "the ledger to agree with the exchange")


@contextmanager
def layer(shared: Path) -> Iterator[str]:
    """A disk on which `make install` was run, for all workers of a test run: made by the first, removed by the last.

    shared  a folder that they have in common
    """
    name, users = f"installed-{shared.name}-{shared.stat().st_ino}", shared / "users"
    with _alone(shared):
        count = int(users.read_text()) if users.exists() else 0
        if not count:
            _install(name)
        users.write_text(str(count + 1))
    yield name
    with _alone(shared):
        count = int(users.read_text()) - 1
        users.write_text(str(count))
        if not count:
            Box("any").tool("rm-layer", name)


def _install(name: str) -> None:
    maker = Box(f"maker-{name}")
    maker.up()
    maker.push_source()
    maker.write("/etc/kalshi/floor.toml", SETTINGS)
    maker("systemctl", "stop", "cron")  # a job that it starts now would be on every box's disk
    maker.make("install")
    maker("sh", "-c", "useradd -m -G kalshi member && useradd -m stranger")
    maker.tool("down", "--save", name)


@contextmanager
def _alone(shared: Path) -> Iterator[None]:
    with (shared / "layer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
