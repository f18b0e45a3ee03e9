"""Reports over a year of trades: 1 000 000 fills of ten agents in 100 000 markets, each read whole and made to text.

The bound is one second for any report. The database is filled through the ledger's own triggers.
"""

import statistics
import tempfile
import time
from pathlib import Path

FILLS, AGENTS, MARKETS, RUNS = 1_000_000, 10, 100_000, 3
NOW = 1_800_000_000_000
YEAR_MS = 365 * 86_400_000


def main() -> list[str]:
    from outcry.desk.telling import printing, spans, whole
    from outcry.ops.floor import Floor
    from outcry.ops.settings import Settings
    from outcry.store import database

    lines = []
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Settings(time_zone="America/New_York"), Path(folder))
        db = database.connect(floor.database)
        database.migrate(db)
        _fill(db)
        asked = {
            "today": spans.today(floor.settings, NOW),
            "a day half a year ago": spans.day(floor.settings, "2026-07-15", NOW),
            "week": spans.week(floor.settings, NOW),
            "the whole year": spans.since(floor.settings, "2026-01-16", NOW),
        }
        for name, span in asked.items():
            took, worked = [], []
            for _ in range(RUNS):
                started, began = time.perf_counter(), time.process_time()
                made = whole.build(db, floor, span, NOW)
                text = "".join(printing.as_text(made, form) for form in ("text", "json", "costs", "plot"))
                took.append(time.perf_counter() - started)
                worked.append(time.process_time() - began)
            trades = made.report.total.trades
            seconds, busy = statistics.median(took), statistics.median(worked)
            lines.append(
                f"{name}: {seconds:.3f} s ({busy:.3f} s of work), {trades} trades, {len(text)} letters (bound 1 s)"
            )
        db.close()
    return [f"{FILLS:,} fills in {MARKETS:,} markets", *lines]


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
