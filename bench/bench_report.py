"""Reports over a year of trades: 1 000 000 fills of ten agents in 100 000 markets, every option, as printed.

The bound is one second for any report. The tax lots of a whole year are as many lines as there were trades: they
stream. The database is filled through the ledger's own triggers.
"""

import contextlib
import io
import resource
import statistics
import tempfile
import time
from pathlib import Path

FILLS, AGENTS, MARKETS, RUNS = 1_000_000, 10, 100_000, 3
NOW = int(time.time() * 1000)
YEAR_MS = 365 * 86_400_000
BEGINNING = time.strftime("%Y-%m-%d", time.gmtime((NOW - YEAR_MS) / 1000 + 86_400))
HALF = time.strftime("%Y-%m-%d", time.gmtime((NOW - YEAR_MS // 2) / 1000))
ASKED: dict[str, dict[str, object]] = {
    "--today": {},
    "--hour": {"hour": True},
    "--day, half a year ago": {"day": HALF},
    "--week": {"week": True},
    "--since, a year": {"since": BEGINNING},
    "--week --agent": {"week": True, "agent": "a3"},
    "--since, a year, --agent": {"since": BEGINNING, "agent": "a3"},
    "--since, a year, --market": {"since": BEGINNING, "market": f"KX-{MARKETS // 2:06}"},
    "--week --audit": {"week": True, "form": "audit"},
    "--week --costs": {"week": True, "form": "costs"},
    "--week --evolution": {"week": True, "form": "evolution"},
    "--week --plot": {"week": True, "form": "plot"},
    "--week --json": {"week": True, "form": "json"},
    "--since, a year, --json": {"since": BEGINNING, "form": "json"},
    "--csv": {"form": "csv"},
    "--week --csv": {"week": True, "form": "csv"},
}


def main() -> list[str]:
    from outcry.ops.floor import Floor
    from outcry.ops.settings import Settings
    from outcry.store import database

    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Settings(time_zone="America/New_York"), Path(folder))
        db = database.connect(floor.database)
        database.migrate(db)
        _fill(db)
        lines = [_asked(floor, name, ask) for name, ask in ASKED.items()]
        lines.append(_streamed(floor))
        db.close()
    return [f"{FILLS:,} fills in {MARKETS:,} markets", *lines]


def _asked(floor, name: str, ask: dict[str, object]) -> str:
    """Once to warm the disk's cache, then measured."""
    from outcry.desk.telling import printing

    took, worked = [], []
    for _ in range(RUNS + 1):
        started, began, out = time.perf_counter(), time.process_time(), io.StringIO()
        with contextlib.redirect_stdout(out):
            printing.show(floor, printing.Ask(**ask))
        took.append(time.perf_counter() - started)
        worked.append(time.process_time() - began)
    seconds, busy = statistics.median(took[1:]), statistics.median(worked[1:])
    return f"{name}: {seconds:.3f} s ({busy:.3f} s of work), {len(out.getvalue()):,} letters (bound 1 s)"


class _Counted(io.TextIOBase):
    """Counts lines and forgets them; when the first one came."""

    def __init__(self) -> None:
        self.lines, self.first_at = 0, 0.0

    def write(self, text: str) -> int:
        self.first_at = self.first_at or (time.perf_counter() if self.lines else 0.0)
        self.lines += text.count("\n")
        return len(text)


def _streamed(floor) -> str:
    from outcry.desk.telling import printing

    before, started, out = _peak_mb(), time.perf_counter(), _Counted()
    with contextlib.redirect_stdout(out):
        printing.show(floor, printing.Ask(since=BEGINNING, form="csv"))
    took, first = time.perf_counter() - started, out.first_at - started
    return (
        f"--since, a year, --csv: {out.lines - 1:,} lots in {took:.0f} s ({out.lines / took:,.0f} a second), the first"
        f" after {first:.2f} s, {_peak_mb() - before:.0f} MB more memory"
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _fill(db) -> None:
    from outcry.store import agents
    from outcry.store.database import write

    agents.open_floor(db, "abcdef", "embedded", NOW)
    sha256 = agents.keep_version(db, "momentum", "source", NOW)
    for number in range(AGENTS):
        agents.add(db, agents.Agent(f"a{number}", "momentum", {}, "birth", 10_000_000, sha256, NOW))
    step_ms, of_market = YEAR_MS // MARKETS, FILLS // MARKETS
    db.execute("PRAGMA synchronous = OFF")
    for first in range(0, MARKETS, 5_000):
        fills, owners, paid, work = [], [], [], []
        for number in range(first, first + 5_000):
            ticker, at_ms = f"KX-{number:06}", NOW - YEAR_MS + number * step_ms
            pair = (f"a{number % AGENTS}", f"a{(number + 1) % AGENTS}")
            for fill in range(of_market):
                fill_id = number * of_market + fill + 1
                side = "bid" if fill % 2 else "ask"
                row = (fill_id, f"t{fill_id}", f"x{fill_id}", ticker, 0, side, 4_000 + fill * 100, 100, 10_000, 1)
                fills.append((*row, at_ms, at_ms, "stream"))
                owners.append((fill_id, pair[fill // (of_market // 2) % 2], at_ms))
            paid.append((ticker, 0, "yes", 10_000, at_ms + 900_000, at_ms + 900_000, "rest"))
            work += [(ticker, agent, ticker, "birth", at_ms, at_ms + 900_000, 300, 900_000, number % 7 * 1_000, 50_000,
                      0, 500, 1, None, None, 0, 0, 0, 0, "") for agent in pair]  # fmt: skip
        with write(db):
            db.executemany(f"INSERT INTO fills VALUES ({', '.join('?' * 13)})", fills)  # noqa: S608  question marks
            db.executemany("INSERT INTO attributions (fill_id, agent, at_ms) VALUES (?, ?, ?)", owners)
            db.executemany(
                "INSERT INTO settlements (ticker, exchange_index, result, value_cc, settled_at_ms, recorded_at_ms,"
                " source) VALUES (?, ?, ?, ?, ?, ?, ?)",
                paid,
            )
            db.executemany(f"INSERT INTO settled_work VALUES ({', '.join('?' * 20)})", work)  # noqa: S608
