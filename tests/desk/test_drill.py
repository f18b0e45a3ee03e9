"""The drill itself: it kills where it says, its proof notices what is planted, and it leaves nothing behind."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outcry import failpoints
from outcry.desk.drilling import mishaps, told
from outcry.desk.drilling.boundaries import BOUNDARIES, FIRST, HALT, Boundary, Needs
from outcry.desk.drilling.floor import DrillFloor, Recovery
from outcry.desk.drilling.rounds import Rounds, Row
from outcry.desk.exchange import ACCOUNT
from outcry.domain.errors import Unavailable
from outcry.review import proof
from outcry.store import statements
from running import alive, descendants

HOME = Path(__file__).resolve().parents[2]
NASTIEST = (
    Boundary("trader", "sent.committed", 2),
    Boundary("trader", "post.answered", 2),
    Boundary("clerk", "fill.commit", 2),
    Boundary("exchange", "books.kept", 2),
    Boundary("trader", "exit.spooled", needs=Needs.LOCK),
)
# What is planted in a copy of the exchange's books, and what the proof says of it.
PLANTED = {
    "an order twice": "INSERT INTO orders SELECT 'again', {orders} FROM orders WHERE rowid = 1",
    "an order of nobody": "UPDATE orders SET client_order_id = 'alien' WHERE rowid = 1",
    "a fee off by a micro-dollar": "UPDATE fills SET fee_micros = fee_micros + 1 WHERE id = 1",
    "a fill that we lack": "UPDATE fills SET trade_id = 'unheard' WHERE id = 1",
    "cash": "UPDATE cash SET cash_micros = cash_micros - 1",
    "a position": "UPDATE positions SET settled = 0, position_ch = position_ch + 1",
}


def test_every_point_in_the_code_is_a_boundary_of_the_drill():
    drilled = {boundary.point for boundary in (FIRST, *BOUNDARIES)} | set(HALT)
    assert drilled == set(failpoints.POINTS)


def figures(**more):
    facts = {
        "kind": "table",
        "passed": True,
        "build": "1",
        "machine": "m",
        "ended_at": "2026-11-20T15:00:00+00:00",
        "seed": 1,
    }
    facts |= {"took_s": 61, "acts": 2, "orders": 1_234, "fills": 9, "settlements": 3, "fees_micros": 1_500_000}
    facts |= {"kills": 7, "differences": 0, "recoveries": 2, "slowest_recovery_ms": 5_100, "over_promise": 1}
    return told.Figures(**facts | {"slowest_recovery_of": "clerk after x", "disk": "a quota"} | more)


def test_the_record_keeps_the_last_drill_of_each_kind(tmp_path):
    state = tmp_path / "state"
    told.keep(state, figures())
    told.keep(state, figures(kind="minutes", orders=5))
    file = told.keep(state, figures(passed=False))
    kept = json.loads(file.read_text())
    assert file == state / "drill.json" and list(state.iterdir()) == [file]
    assert (kept["table"]["passed"], kept["minutes"]["passed"], kept["minutes"]["orders"]) == (False, True, 5)
    file.write_text("torn")
    assert set(json.loads(told.keep(state, figures()).read_text())) == {"table"}


def test_what_a_person_reads():
    rows = [Row("a", 1), Row("a", 2, missed="nobody came"), Row("b", 3, "2 differences: cash"), Row("b", 1)]
    lines = [line.split() for line in told.table(rows).splitlines()[2:]]
    assert lines == [
        ["a", "2", "3", "agrees;", "1", "times", "nobody", "came"],
        ["b", "2", "4", "2", "differences:", "cash"],
    ]
    recoveries = [Recovery("clerk", 5.1, "x", 0.5), Recovery("trader@heads", 1.0, "y", 0.5)]
    text = told.as_text(figures(), recoveries)
    assert "orders       1,234; fills 9; settlements 3; fees $1.5000" in text
    assert "slowest 5.1 s (clerk after x); 1 of 2 within 5 s" in text
    assert "  trader     1 times, half within 1.0 s, slowest 1.0 s" in text
    assert told.slowest(recoveries) == (5_100, "clerk after x, load 0.5 a core")
    assert told.slowest([]) == (0, "")


@pytest.mark.parametrize("keep", [True, False])
def test_what_lay_on_the_small_disk_stays_where_it_lay_when_it_is_to_be_kept(tmp_path, keep):
    try:
        disk = mishaps.SmallDisk(tmp_path / "floor")
    except Unavailable:
        pytest.skip("no small disk can be mounted here")
    (disk.folder / "kalshi.db").write_text("books")
    disk.close(keep=keep)
    assert not disk.folder.is_mount()
    assert [file.name for file in disk.folder.iterdir()] == ["kalshi.db"] * keep


@pytest.fixture
def drilled(tmp_path):
    floor = DrillFloor(tmp_path / "floor", 1)
    yield floor
    floor.close()


@pytest.mark.floor
def test_killed_at_the_nastiest_boundaries_nothing_differs_and_planted_differences_are_found(drilled, tmp_path):
    rows = []
    rounds = Rounds(drilled, mishaps.Quota(), 1, rows.append)
    rounds.begin(first=True)
    for boundary in NASTIEST:
        rounds.kill_at(boundary)
    rounds.power_cut()
    assert [(row.name, row.result, row.missed) for row in rows if row.result or row.missed] == []
    assert [row.kills for row in rows] == [1] * (1 + len(NASTIEST)) + [len(drilled.names)]
    assert drilled.deaths == []
    assert drilled.recoveries
    drilled.stop()
    assert drilled.deaths == []
    theirs = drilled.statements()[1]
    assert len(theirs.orders) > 10 and theirs.fees_micros > 0
    for what, statement in PLANTED.items():
        assert planted(drilled, tmp_path / "planted", statement), what


def planted(drilled, folder, statement):
    """What the proof says when something is changed in a copy of the exchange's books."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(drilled.floor.folder, folder)
    with contextlib.closing(sqlite3.connect(folder / "exchange.db")) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        columns = [row[1] for row in db.execute("PRAGMA table_info(orders)") if row[1] != "order_id"]
        assert db.execute(statement.format(orders=", ".join(columns))).rowcount > 0
    before = proof.differences(*drilled.statements())
    return set(proof.differences(*statements.both(folder / "kalshi.db", folder / "exchange.db", ACCOUNT))) - set(before)


@pytest.mark.floor
def test_an_interrupted_drill_leaves_no_process_and_no_folder(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, HOME / "bin" / "drill", "--minutes", "5", "--state", tmp_path / "state"]
    drill = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline, started = time.monotonic() + 120, set()
    while len(started) < 5:
        assert time.monotonic() < deadline and drill.poll() is None
        started = descendants(drill.pid)
        time.sleep(0.05)
    drill.send_signal(signal.SIGINT)
    _, said = drill.communicate(timeout=60)
    assert (drill.returncode, "Traceback" in said) == (130, False), said
    assert alive(started) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.floor
@pytest.mark.deep
@pytest.mark.parametrize("options", [(), ("--minutes", "5")])
def test_a_whole_drill_passes_and_leaves_its_record(options, tmp_path):
    if not os.environ.get("OUTCRY_DEEP"):
        pytest.skip("takes minutes: set OUTCRY_DEEP=1")
    command = [sys.executable, HOME / "bin" / "drill", *options, "--state", tmp_path / "state"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "state" / "drill.json").read_text())["minutes" if options else "table"]
    assert kept["passed"] and kept["differences"] == 0 and kept["orders"] > 500
