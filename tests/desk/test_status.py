"""The block: short, whole, and right about what is wrong."""

import os

import pytest

from account import OTHER, SHARD, TICKER, describe, market, our_id, plan
from outcry.desk import migrate, status
from outcry.domain.fill import Fill
from outcry.domain.order import Side, State
from outcry.ops import settings as settings_file
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import accounts, agents, database, fills, findings, system


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
    assert max(map(len, lines)) <= status.WIDTH
    assert "and 19 more programs" in text and "and 27 more agents" in text
    assert "and 24 more positions" in text and "and 25 more orders" in text
    assert sum("did_something" in line for line in lines) == 10


def test_a_program_that_is_gone_hangs_or_stopped_is_told_apart(floor, busy, capsys):
    busy.execute("DELETE FROM heartbeats")
    beat(busy, "clerk")
    beat(busy, "collector", state="STOPPED", pid=2**22 + 1)
    assert block(floor, capsys)[0] == 0
    beat(busy, "trader@gone", pid=2**22 + 1)
    busy.execute("UPDATE heartbeats SET beat_at_ms = beat_at_ms - 91000 WHERE program = 'clerk'")
    code, text = block(floor, capsys)
    assert code == 1
    dead = {line.split()[0]: line for line in text.splitlines() if "NOT RUNNING" in line}
    assert sorted(dead) == ["clerk", "trader@gone"]
    assert "collector" in text and "stopped" in text


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
    assert "run bin/migrate" in text and "start bin/exchange" in text


def test_a_halt_and_stopped_entries_stand_at_the_top_with_their_reasons(floor, busy, capsys):
    floor.halt_file.write_text("2026-11-20 by me: odd fills\n")
    system.set_control(
        busy, "floor", "", "stop_entries", True, cause="drift", reason="balance differs", now_ms=now_ms()
    )
    code, text = block(floor, capsys)
    assert code == 1
    assert "HALTED     2026-11-20 by me: odd fills" in text.splitlines()[1]
    assert "FORBIDDEN  stop_entries on the floor" in text and "drift: balance differs" in text


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
