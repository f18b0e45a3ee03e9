"""The block: short, whole, and right about what is wrong."""

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios

import jsonschema
import pytest

from account import OTHER, SHARD, TICKER, describe, market, our_id, plan
from outcry.desk import migrate, status
from outcry.desk.telling.block import WIDTH
from outcry.domain.fill import Fill
from outcry.domain.order import Side, State
from outcry.ops import settings as settings_file
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import accounts, agents, database, fills, findings, system
from running import HOME

PAGE = (HOME / "docs" / "dashboard.md").read_text()
SCHEMA = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])


@pytest.fixture
def floor(tmp_path):
    return Floor(settings_file.parse({}), tmp_path)


@pytest.fixture
def busy(floor):
    """More of everything than the block has room for; all well with it."""
    migrate.prepare(floor, now_ms())
    db = database.connect(floor.database)
    describe(db, market(), market(OTHER))
    sha256 = agents.everyone(db)[0].code_sha256
    accounts.open_shard(db, SHARD, 1_000_000_000, now_ms())
    for number in range(30):
        name = f"agent{number:02d}"
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 0, sha256, now_ms()))
        beat(db, f"trader@{name}")
        client_order_id = our_id(name, number)
        plan(db, client_order_id, name, State.SENT)
        floor_id = db.execute("SELECT floor_id FROM floor").fetchone()[0]
        named = f"oc-{floor_id}-{name}-1"
        fills.book(
            db, Fill(f"t{number}", f"y{number}", TICKER, SHARD, Side.BID, 5, 5, 0, True, 1, named), "rest", now_ms()
        )
        system.event(db, "info", "clerk", "did_something", f"long story {number} " * 20, now_ms=now_ms())
    accounts.record_reconciliation(db, accounts.Reconciliation(now_ms() + 1, SHARD, 1, 0, 1, True, True))
    yield db
    db.close()


def beat(db, program, pid=None, **facts):
    base = {"pid": pid or os.getpid(), "started_at_ms": 1, "state": "READY", "state_since_ms": now_ms(), "version": "0"}
    system.beat(db, program, **(base | facts), detail={"why": "all well"}, now_ms=facts.pop("now_ms", now_ms()))


def block(floor, capsys):
    code = status.run(floor)
    return code, capsys.readouterr().out


def test_it_is_one_block_of_less_than_60_lines_however_much_there_is(floor, busy, capsys):
    code, text = block(floor, capsys)
    assert code == 0, text
    lines = text.splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= WIDTH
    for what in ("programs", "agents", "positions", "orders"):
        assert re.search(rf"^ +and \d+ more {what}$", text, re.MULTILINE), what
    assert sum("did_something" in line for line in lines) == 10


def test_a_program_that_is_gone_hangs_or_stopped_is_told_apart(floor, busy, capsys):
    busy.execute("DELETE FROM heartbeats")
    beat(busy, "clerk")
    beat(busy, "collector", state="STOPPED", pid=2**22 + 1)
    code, text = block(floor, capsys)
    assert code == 0 and "NOT RUNNING  the floor" in text and "collector was stopped" in text
    beat(busy, "trader@gone", pid=2**22 + 1)
    busy.execute("UPDATE heartbeats SET beat_at_ms = beat_at_ms - 91000 WHERE program = 'clerk'")
    code, text = block(floor, capsys)
    assert code == 1
    dead = [line.split()[0] for line in text.splitlines() if re.search(r"pid \d+  NOT RUNNING", line)]
    assert sorted(dead) == ["clerk", "trader@gone"]
    assert re.search(r"^collector .* stopped", text, re.MULTILINE)


def test_the_worst_finding_that_is_open_is_named(floor, busy, capsys):
    assert "findings   0 ever, 0 open\n" in block(floor, capsys)[1]
    for subject, severity in (("a", "info"), ("b", "critical"), ("c", "warning"), ("d", "critical")):
        findings.keep(busy, "test", subject, severity, f"what {subject} is", {}, "mend", now_ms() - 3_000)
    assert "findings   4 ever, 4 open · worst critical 2 3." in block(floor, capsys)[1]
    assert "s ago: what b is\n" in block(floor, capsys)[1]
    for number in (2, 4):
        findings.end(busy, number, findings.PERSON, "judged", now_ms())
    assert "findings   4 ever, 2 open · worst warning 3 3." in block(floor, capsys)[1]


def test_without_a_database_it_says_what_to_do(floor, capsys):
    code, text = block(floor, capsys)
    assert code == 1
    assert "(next: bin/migrate)" in text and "start bin/exchange" in text


def test_a_halt_and_stopped_entries_stand_at_the_top_with_their_reasons(floor, busy, capsys):
    floor.halt_file.write_text("2026-11-20 by me: odd fills\n")
    system.set_control(
        busy, "floor", "", "stop_entries", True, cause="drift", reason="balance differs", now_ms=now_ms()
    )
    code, text = block(floor, capsys)
    assert code == 1
    assert text.splitlines()[1].startswith(
        "HALTED       the floor: 2026-11-20 by me: odd fills. Nobody enters anything"
    )
    words = " ".join(text.split())
    assert "bin/resume --i-have-checked" in words
    assert "STOPPED the floor, for 0 s: balance differs (drift). No new position" in words


def test_what_needs_somebody_is_wrapped_and_its_mend_never_cut(floor, busy, capsys):
    for number, cause in enumerate(("audit", "drift", "disk", "unread", "schema")):
        reason = f"reason {number} " * 60
        system.set_control(busy, "floor", "", "stop_entries", True, cause=cause, reason=reason, now_ms=now_ms())
    look = accounts.Reconciliation(now_ms() + 5, SHARD, 1, 0, 2, True, False, "differs " * 30 + "at KX-LAST")
    accounts.record_reconciliation(busy, look)
    _, text = block(floor, capsys)
    assert len(text.splitlines()) < 60 and max(map(len, text.splitlines())) <= WIDTH
    words = " ".join(text.split())
    assert "bin/auditor --findings lists them." in words and "differs at KX-LAST" in words
    assert re.search(r"and \d more: bin/why", words)
    assert sum("did_something" in line for line in text.splitlines()) == 10


def test_paused_calibrating_and_starved_are_said_in_words(floor, busy, capsys):
    agents.set_paused(busy, "agent00", True, reason="a look at its fills", now_ms=now_ms())
    beat(busy, "trader@agent01", state="CALIBRATING")
    beat(busy, "collector")
    words = " ".join(block(floor, capsys)[1].split())
    assert "PAUSED agent agent00: a look at its fills. It opens no new position" in words
    assert "CALIBRATING agent agent01" in words and "makes sure of every order it ever sent" in words
    assert "STARVED the floor" in words and "no price has come yet" in words


# ---- for programs, and followed -------------------------------------------------------------------------------------


def test_the_json_is_what_the_page_says(floor, busy, capsys):
    check = jsonschema.Draft202012Validator(SCHEMA | {"$ref": "#/$defs/bin_status"})
    assert status.run(floor, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    check.validate(told)
    assert (told["error"], told["needs_person"]) == ("", [])
    floor.halt_file.write_text("by me")
    assert status.run(floor, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    check.validate(told)
    assert told["needs_person"] == ["the floor is halted by its file"]
    assert told["hindrances"][0]["kind"] == "halted"
    with pytest.raises(jsonschema.ValidationError):
        check.validate(told | {"unexpected": 1})


def test_the_json_of_a_floor_without_books_says_so(floor, capsys):
    check = jsonschema.Draft202012Validator(SCHEMA | {"$ref": "#/$defs/bin_status"})
    for prepare in (lambda: None, lambda: floor.database.write_bytes(b"this is no database, and longer " * 8)):
        prepare()
        assert status.run(floor, as_json=True) == 1
        told = json.loads(capsys.readouterr().out)
        check.validate(told)
        assert told["error"] and told["needs_person"]


def test_piped_it_has_no_colour_and_is_watched_once(floor, busy, capsys):
    floor.halt_file.write_text("by me")
    assert status.run(floor, watch=True) == 1
    text = capsys.readouterr().out
    assert "HALTED" in text and "\x1b" not in text


def test_it_is_followed_on_a_terminal_until_ctrl_c(tmp_path):
    settings = tmp_path / "floor.toml"
    settings.write_text("")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 90, 0, 0))
    options = ["--watch", "--settings", str(settings), "--state", str(tmp_path / "state")]
    with subprocess.Popen(
        [sys.executable, HOME / "bin" / "status", *options], stdout=theirs, stderr=subprocess.PIPE, text=True
    ) as following:
        os.close(theirs)
        seen = b""
        while seen.count(b"none yet") < 2:  # drawn, and drawn anew
            seen += os.read(ours, 4096)
        following.send_signal(signal.SIGINT)
        said = following.stderr.read()
        assert following.wait(60) == 130 and "Traceback" not in said, said
    os.close(ours)
    frames = seen.decode().split("\x1b[H")
    assert frames[-1].startswith("Outcry ") and "\x1b[K" in frames[-1]
    assert all(len(line) <= 90 for line in re.sub(r"\x1b\[\w", "", frames[-1]).splitlines())


def test_a_database_that_cannot_be_read_does_not_hide_the_halt(floor, capsys):
    floor.database.write_bytes(b"this is no database, and longer than a hundred bytes " * 4)
    floor.halt_file.write_text("by me")
    code, text = block(floor, capsys)
    assert code == 1
    assert "HALTED" in text and "CANNOT BE READ" in text


def test_what_does_not_reconcile_needs_a_person(floor, busy, capsys):
    look = accounts.Reconciliation(
        now_ms() + 5, SHARD, 1, 0, 2, True, False, "balance differs from the ledger by -0.000001"
    )
    accounts.record_reconciliation(busy, look)
    code, text = block(floor, capsys)
    assert code == 1
    assert "reconciled false: shard 2: balance differs from the ledger by -0.000001" in text
