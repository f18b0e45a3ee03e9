"""One run of `score` over 50 agents with a year of trades each, of which the last five minutes are new: seconds.

The bound is the plan's: under 5 s with 100 000 trades each. So many are made where OUTCRY_DEEP is set (it takes minutes
and three gigabytes), else a tenth of it. What was scored before is written as scoring leaves it; what is new comes from
first records.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

AGENTS, RUNS, NEW = 50, 3, 20  # new trades of each agent between two runs
TRADES = 100_000 if os.environ.get("OUTCRY_DEEP") else 10_000
CHUNK = 5_000  # of a year's trades are made in one transaction
YEAR_MS = 365 * 86_400_000
NOW = 1_800_000_000_000


def main() -> list[str]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        return measure(Path(folder))


def measure(folder: Path) -> list[str]:
    """Make a floor of that age in a folder, then time runs on it."""
    from outcry.desk.scoring import agents as scoring
    from outcry.desk.scoring import figures
    from outcry.store import database

    db = database.connect(folder / "kalshi.db", checkpoints=True)
    database.migrate(db)
    names = [f"agent-{number}" for number in range(AGENTS)]
    furnish(db, names)
    spans = scoring.Spans.of(1)
    grow_old(db, names, spans)
    took, worked = [], []
    for run in range(RUNS):
        trade(db, names, run)
        started, began = time.perf_counter(), time.process_time()
        looked = scoring.take_in(db, spans)
        kept = figures.rewrite(db, spans, 0.1, NOW)
        took.append(time.perf_counter() - started)
        worked.append(time.process_time() - began)
        assert looked >= NEW, looked
    whole = db.execute("SELECT count(*) FROM settled_work").fetchone()[0]
    db.close()
    return [
        f"{AGENTS} agents, {whole:,} trades scored before, {AGENTS * NEW:,} new: {statistics.median(took):.2f} s"
        f" (bound 5 s), of which {statistics.median(worked):.2f} s at work; {kept:,} figures"
    ]


def furnish(db, names):
    """The agents, in trial for a year."""
    from outcry.store import agents

    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    for name in names:
        agents.add(db, agents.Agent(name, "momentum", {}, "trial", 10_000_000, sha256, NOW - YEAR_MS))


def grow_old(db, names, spans):
    """Settled work, observations, running sums and evidence of a year, written by SQLite itself."""
    from outcry.review.bets import Bets
    from outcry.store import database

    bets = Bets()
    bets.take([0.49, -0.51] * 500)
    facts = {"from": NOW - YEAR_MS, "every": YEAR_MS // TRADES}
    for first in range(0, TRADES, CHUNK):
        with database.quick(db):
            facts |= {"first": first, "last": min(first + CHUNK, TRADES) - 1}
            db.execute(
                "WITH RECURSIVE k(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM k WHERE i < :last)"
                " INSERT INTO settled_work SELECT printf('OLD-%07d-1', i), name, printf('OLD-%07d', i), 'trial',"
                " :from + i * :every, :from + i * :every + 900000, 100, 500000, CASE i % 2 WHEN 0 THEN 500000 ELSE"
                " -500000 END, 10000, 0, 100, 900000, NULL, NULL, 0, 100, 0, 0, '' FROM k, agents ORDER BY i, name",
                facts,
            )
            db.execute(
                "WITH RECURSIVE k(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM k WHERE i < :last)"
                " INSERT INTO observations SELECT number, printf('OLD-%07d', i), 1, CASE i % 2 WHEN 0 THEN 490000 ELSE"
                " -510000 END, 100, CASE i % 2 WHEN 0 THEN 0.49 ELSE -0.51 END FROM k, questions ORDER BY i, number",
                facts,
            )
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    with database.quick(db):
        for width_ms in (spans.hour_ms, spans.day_ms):
            db.execute(
                "INSERT INTO score_sums (agent, stage, width_ms, start_ms, clusters, settled, won, contracts_ch,"
                " paid_micros, gross_micros, fees_micros, won_micros, lost_micros, cluster_squares, traded_ch)"
                " SELECT agent, stage, :width, settled_at_ms / :width * :width, count(*), count(*),"
                " sum(gross_micros > 0), sum(contracts_ch), sum(paid_micros), sum(gross_micros), sum(fees_micros),"
                " sum(max(0, gross_micros - fees_micros)), sum(max(0, fees_micros - gross_micros)),"
                " count(*) * 0.25, sum(traded_ch) FROM settled_work GROUP BY agent, settled_at_ms / :width",
                {"width": width_ms},
            )
        for number in range(1, len(names) + 1):
            row = (number, TRADES, TRADES, -10_000 * TRADES, 100 * TRADES, NOW, bets.packed())
            db.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def trade(db, names, run):
    """Every agent in each of some new markets, and what those paid: first records, as the clerk writes them."""
    from outcry.domain.fill import Fill, Settlement
    from outcry.domain.order import Side
    from outcry.store import fills, settlements

    for number in range(NEW):
        ticker = f"NEW-{run}-{number}"
        for name in names:
            trade_id = f"t-{ticker}-{name}"
            made = Fill(trade_id, f"x-{trade_id}", ticker, 0, Side.BID, 5_000, 100, 10_000, True, NOW - 600_000)
            fills.book(db, made, "stream", NOW)
            fill_id = db.execute("SELECT id FROM fills WHERE trade_id = ?", (trade_id,)).fetchone()[0]
            fills.attribute(db, fill_id, name, why="bench", now_ms=NOW)
        settlements.record(db, Settlement(ticker, 0, "yes", 10_000, NOW - 60_000 * number), "rest", NOW)
