"""The programs themselves on one floor: what settled is scored, one agent is retired, another could not trade, and a
person brings the first one back."""

import subprocess
import sys
from pathlib import Path

from outcry.desk import migrate
from outcry.ops import settings as settings_file
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import accounts, agents, database, looks
from settled import MINUTE_MS, Played

HOME = Path(__file__).resolve().parents[2]
DAY_MS = 1_440 * MINUTE_MS


def run(state, program, *arguments):
    done = subprocess.run(
        [sys.executable, HOME / "bin" / program, *arguments, "--state", str(state)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def a_month_ago(state):
    """Two agents flagged 31 days ago have lost a dollar since; one of them looked at markets in the last week."""
    floor = Floor(settings_file.parse({}), state / "embedded", quiet=True)
    at_ms = now_ms()
    migrate.prepare(floor, at_ms - 40 * DAY_MS)
    db = database.connect(floor.database)
    accounts.record_day(db, "2026-11-01", 1_000_000_000, {}, at_ms - 40 * DAY_MS)
    played = Played(db)
    for number, name in enumerate(("momentum", "volume_spike")):
        agents.set_flagged(db, name, True, at_ms - 31 * DAY_MS, rule="losing day", evidence={})
        played.bet(name, f"E{number}", False, at_ms=at_ms - 30 * DAY_MS)
    looks.add(db, "volume_spike", {("T", at_ms - MINUTE_MS, "no volume spike", "signal"): 1})
    db.close()


def test_score_evolve_explain_and_a_person(tmp_path):
    a_month_ago(tmp_path)
    assert "volume_spike" in run(tmp_path, "score")
    assert run(tmp_path, "evolve") == "volume_spike: retired (flagged, proven loss or a month behind)\n"
    told = run(tmp_path, "evolve", "--explain", "momentum")
    assert "starved    not punished: it looked at no market in the last week" in told
    assert "(31.00, 1 trades settled, net -0.51), in which it could" in " ".join(told.split())

    said = run(tmp_path, "agent", "resurrect", "volume_spike", "--why", "its feed was down")
    assert said == "resurrected volume_spike at birth stage, allocation $10.00\n"
    shown = run(tmp_path, "agent", "show", "volume_spike")
    assert "volume_spike: volume_spike " in shown and ", birth, generation 0" in shown
    past = [line.split("  ")[2] for line in shown.split("history\n")[1].splitlines()]
    assert past == [
        "added by first", "flagged by losing day", "retired by flagged, proven loss or a month behind",
        "resurrected by person", "allocated by birth",
    ]  # fmt: skip
    told = run(tmp_path, "evolve", "--explain", "volume_spike")
    assert "person     respected: no rule is applied for another 7.00 days: a person decided" in told
    report = run(tmp_path, "report", "--evolution")
    assert 'volume_spike was brought back: a person decided so, "its feed was down"' in report
    assert "does it lose since its flag?" in report
