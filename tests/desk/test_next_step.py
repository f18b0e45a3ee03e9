"""The newcomer's way from an empty folder to trading: at every place the next command is said."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_exchange import now_ms
from outcry.desk import agent, boss, briefing, doctor, migrate, report, status
from outcry.desk.care import next_step as steps
from outcry.desk.care.next_step import next_step
from outcry.domain.errors import Misconfigured
from outcry.ops import installed
from outcry.ops.floor import Floor
from outcry.ops.installed import HOME, Place, spoken
from outcry.ops.settings import Settings, parse
from outcry.store import database, system

ALL = ("exchange", "clerk", "auditor", "collector")
TRADERS = ("coin_flip", "mean_reversion", "momentum", "volume_spike")
# On a checkout that nobody has touched: each is told off at another place.
LINES = ["agent ls", "backup", "backup ls", "clerk", "exchange", "report", "trader momentum"]


@pytest.fixture
def floor(tmp_path):
    return Floor(Settings(), tmp_path / "embedded")


@pytest.fixture
def ready(floor):
    migrate.prepare(floor, now_ms())
    return floor


def runs(floor, *names):
    """As if they did: they beat, under a process that lives."""
    db = database.connect(floor.database)
    for name in names:
        system.beat(
            db, name, pid=os.getpid(), started_at_ms=0, state="READY", state_since_ms=0, version="", detail={},
            now_ms=now_ms(),
        )  # fmt: skip
    db.close()


def test_an_empty_folder_is_migrated_or_a_demo_shows_it_all(floor):
    said = next_step(floor, {"key": "put it there", "exchange": "start bin/exchange"})
    assert said.startswith("bin/migrate ") and "`make demo`" in said


def test_where_real_money_is_the_gate_comes_first(tmp_path):
    shut = Floor(parse({"environment": "production"}), tmp_path / "production")
    assert next_step(shut, {}).startswith("bin/golive --check    (on the paper floor: environment 'production' needs ")


def test_with_a_key_of_ones_own_none_is_made(tmp_path):
    assert next_step(Floor(parse({"environment": "demo"}), tmp_path / "demo"), {}).startswith(
        "bin/migrate    (a database and the first agents;"
    )


def test_then_its_programs_are_started_in_their_order(ready):
    assert next_step(ready, {"exchange": "start bin/exchange"}) == (
        "bin/exchange    (then, each in a terminal of its own: bin/clerk, bin/auditor, bin/collector, "
        + ", ".join(f"bin/trader {name}" for name in TRADERS)
        + ")"
    )
    runs(ready, *ALL, *(f"trader@{name}" for name in TRADERS[:-1]))
    assert next_step(ready, {}) == "bin/trader volume_spike"


def test_what_starting_does_not_mend_comes_first(ready):
    assert next_step(ready, {"exchange": "start bin/exchange", "disk": "make room"}) == "make room"


def test_a_floor_that_runs_is_looked_at_and_a_halted_one_resumed(ready):
    runs(ready, *ALL, *(f"trader@{name}" for name in TRADERS))
    assert next_step(ready, {}).startswith("bin/status    (and bin/report")
    assert next_step(ready, {"exchange": "switch it off"}) == "switch it off"
    ready.halt_file.write_text("")
    assert "bin/resume --i-have-checked" in next_step(ready, {})


def test_where_it_is_installed_systemd_starts_it_and_programs_have_their_other_name(ready, monkeypatch, capsys):
    there = Place("two", Path("/etc/two/floor.toml"), Path("/var/lib/two"), "build")
    monkeypatch.setattr(steps, "place", lambda: there)
    monkeypatch.setattr(installed, "place", lambda: there)
    assert next_step(ready, {}) == "systemctl start 'two-*'"
    assert installed.starts() == "systemctl start 'two-*' starts them."
    assert installed.starts("trader@momentum") == "systemctl start two-trader@momentum starts it."
    assert spoken("bin/halt, then /opt/two/bin/halt") == "two halt, then /opt/two/bin/halt"
    doctor.run(ready)
    said = capsys.readouterr().out
    assert "mend: start two exchange" in said and "bin/" not in said
    assert said.splitlines()[-1] == "next:   systemctl start 'two-*'"


def test_a_checkout_keeps_its_names():
    assert installed.starts("clerk", "trader@momentum") == "bin/clerk, bin/trader momentum start them."
    assert spoken("run bin/migrate") == "run bin/migrate"


@pytest.fixture
def older(ready):
    """The floor after an update of the programs: its database lacks what they read."""
    db = database.connect(ready.database)
    last = db.execute("SELECT max(name) FROM migrations").fetchone()[0]
    db.execute("DELETE FROM migrations WHERE name = ?", (last,))
    db.close()
    return ready, f"lacks {last} (next: bin/migrate)"


@pytest.mark.parametrize("look", [boss.show, briefing.show, lambda floor: agent.ls(floor, as_json=False), report.run])
def test_after_an_update_whoever_reads_asks_for_a_migration(older, look):
    floor, said = older
    with pytest.raises(Misconfigured, match=re.escape(said)):
        look(floor)


def test_after_an_update_status_says_so_itself(older, capsys):
    floor, said = older
    status.run(floor)
    assert f"kalshi.db {said}" in " ".join(capsys.readouterr().out.split())


def test_whatever_is_run_first_names_what_to_run_next(tmp_path):
    """And migrate, when it has done its part, names the first program."""
    options = ["--state", tmp_path, "--settings", HOME / "etc" / "floor.toml"]

    def start(line: str) -> subprocess.Popen[str]:
        program, *words = line.split()
        command = [sys.executable, HOME / "bin" / program, *words, *options]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    said = {line: running.communicate()[1] for line, running in [(line, start(line)) for line in LINES]}
    assert {line: text for line, text in said.items() if "(next: bin/" not in text.splitlines()[-1]} == {}
    assert "next: bin/exchange " in start("migrate").communicate()[1]
