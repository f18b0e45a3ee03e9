"""The gate to real money: each condition, the typed words, the record, and every program that asks for it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from outcry.desk import golive as desk
from outcry.desk import migrate
from outcry.domain.errors import Misconfigured
from outcry.domain.fill import Fill, Settlement
from outcry.domain.limits import Limits
from outcry.domain.order import Side
from outcry.ops import golive
from outcry.ops.floor import open_floor
from outcry.ops.settings import Golive, Settings
from outcry.store import accounts, chain, database, fills, findings, settlements, system

HOME = Path(__file__).resolve().parents[2]
NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
WORDS = ("limits reviewed", "real money {floor_id}")


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """A paper floor that has shown everything: 14 days, 31 settled trades, a clean audit, a drill."""
    monkeypatch.setattr(desk, "now_ms", lambda: NOW_MS)
    floor = open_floor(Settings(environment="paper", golive=Golive(14, 30)), tmp_path)
    migrate.prepare(floor, NOW_MS)
    db = database.connect(floor.database)
    accounts.open_shard(db, 2, 1_000_000_000, NOW_MS - 20 * DAY_MS)
    for number in range(31):
        at_ms, ticker = NOW_MS - (number % 14) * DAY_MS - 1_000, f"KXBTC15M-{number}-15"
        fill = Fill(f"t{number}", f"o{number}", ticker, 2, Side.BID, 4000, 100, 0, True, at_ms)
        fills.book(db, fill, "rest", at_ms)
        fills.attribute(db, number + 1, "momentum", why="ours", now_ms=at_ms)
        settlements.record(db, Settlement(ticker, 2, "yes", 10_000, at_ms + 1), "rest", at_ms + 1)
    look(db)
    chain.append(db, NOW_MS)
    beat(db)
    db.close()
    drill(floor)
    return floor


def look(db, **changes) -> None:
    expected = accounts.expected_micros(db, 2)
    facts = {"at_ms": NOW_MS, "exchange_index": 2, "balance_micros": expected, "resting_micros": 0,
             "expected_micros": expected, "positions_agree": True, "agreed": True}  # fmt: skip
    accounts.record_reconciliation(db, accounts.Reconciliation(**(facts | changes)))


def beat(db, state: str = "WATCHING", **detail) -> None:
    read = db.execute("SELECT max(seq) FROM happenings").fetchone()[0]
    system.beat(db, "auditor", pid=os.getpid(), started_at_ms=NOW_MS, state=state, state_since_ms=NOW_MS, version="1",
                detail={"read": read} | detail, now_ms=NOW_MS)  # fmt: skip


def drill(floor, **changes) -> None:
    facts = {"passed": True, "build": desk.place().build, "machine": golive.machine(),
             "ended_at": datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat(timespec="seconds")}  # fmt: skip
    (floor.folder.parent / "drill.json").write_text(json.dumps({"table": facts | changes}))


def tamper(db) -> None:
    """As somebody does who has the file in his hands."""
    db.execute("DROP TRIGGER audit_chain_no_update")
    db.execute("UPDATE audit_chain SET link = 'x' WHERE seq = 3")


def unmet(floor) -> list[str]:
    db = database.read_only(floor.database)
    try:
        return [one.name for one in desk.look(floor, db, NOW_MS) if not one.met]
    finally:
        db.close()


def type_in(call, *lines: str):
    """Run it with a person at the keyboard."""

    @click.command()
    def command():
        sys.exit(call())

    return CliRunner().invoke(command, input="".join(f"{line}\n" for line in lines))


def floor_id(floor) -> str:
    db = database.read_only(floor.database)
    try:
        return db.execute("SELECT floor_id FROM floor").fetchone()[0]
    finally:
        db.close()


def go(floor, *lines: str):
    said = lines or [words.format(floor_id=floor_id(floor)) for words in WORDS]
    return type_in(lambda: desk.run(floor, only_look=False), *said)


# ---- conditions -----------------------------------------------------------------------------------------------------


def test_a_floor_that_has_shown_everything_meets_all(paper):
    assert unmet(paper) == []


@pytest.mark.parametrize(
    ("what", "missing"),
    [
        (lambda floor, db: findings.keep(db, "chart", "x", "warning", "w", {}, "m", NOW_MS), ["audit"]),
        (lambda floor, db: db.execute("DELETE FROM heartbeats"), ["auditor"]),
        (lambda floor, db: beat(db, "ALARMED"), ["auditor"]),
        (lambda floor, db: beat(db, "CATCHING_UP"), ["auditor"]),
        (lambda floor, db: beat(db, read=-chain.BATCH), ["auditor"]),
        (lambda floor, db: look(db, agreed=False, detail="off", at_ms=NOW_MS + 1), ["reconciled"]),
        (lambda floor, db: tamper(db), ["audit trail"]),
        (lambda floor, db: drill(floor, passed=False), ["drill"]),
        (lambda floor, db: drill(floor, machine="another"), ["drill"]),
        (lambda floor, db: drill(floor, build="older"), ["drill"]),
        (lambda floor, db: drill(floor, ended_at="2026-01-01T00:00:00+00:00"), ["drill"]),
        (lambda floor, db: (floor.folder.parent / "drill.json").write_text("{}"), ["drill"]),
        (lambda floor, db: (floor.folder.parent / "drill.json").unlink(), ["drill"]),
    ],
)  # fmt: skip
def test_each_condition_alone_keeps_the_floor_on_paper(paper, what, missing):
    db = database.connect(paper.database)
    what(paper, db)
    db.close()
    assert unmet(paper) == missing
    done = go(paper)
    assert done.exit_code == 1
    assert "NOT MET" in done.output
    assert not (paper.folder.parent / "production").exists()


def test_days_and_trades_are_counted_not_fills_by_hand(paper):
    more = replace(paper, settings=msgspec.structs.replace(paper.settings, golive=Golive(15, 32)))
    assert unmet(more) == ["days of paper", "settled trades"]


def test_another_environment_has_nothing_to_show(tmp_path):
    with pytest.raises(Misconfigured, match="paper floor"):
        desk.run(open_floor(Settings(), tmp_path), only_look=True)


# ---- a person, and the record ---------------------------------------------------------------------------------------


def test_typed_confirmation_writes_a_record_with_its_evidence_and_the_gate_opens(paper):
    done = go(paper)
    assert done.exit_code == 0, done.output
    assert "per_trade_millionths" in done.output
    file = paper.folder.parent / "production" / "golive.json"
    record = golive.read(file)
    assert record.evidence["settled trades"] == "31 of 30"
    assert "head" in record.evidence["audit trail"]
    assert record.limits == asdict(Limits())
    golive.check(file, Limits())
    open_floor(Settings(environment="production", live=True), paper.folder.parent)


@pytest.mark.parametrize("lines", [["limits reviewed", "yes"], ["ok"], ["limits reviewed"], []])
def test_anything_else_typed_writes_nothing(paper, lines):
    done = go(paper, *(lines or [""]))
    assert done.exit_code != 0
    assert not (paper.folder.parent / "production").exists()


def test_only_looking_asks_nothing(paper):
    done = type_in(lambda: desk.run(paper, only_look=True))
    assert (done.exit_code, done.output.count("ok ")) == (0, 7)
    assert not (paper.folder.parent / "production").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.unlink(), "needs"),
        (lambda file: file.write_text("{}"), "is no golive record"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "is no golive record"),
        (lambda file: file.write_text(file.read_text().replace("31 of 30", "99 of 30")), "not as bin/golive wrote it"),
    ],
)
def test_a_record_that_is_missing_or_made_up_is_none(paper, spoil, words):
    go(paper)
    file = paper.folder.parent / "production" / "golive.json"
    spoil(file)
    with pytest.raises(Misconfigured, match=words):
        open_floor(Settings(environment="production", live=True), paper.folder.parent)


def test_another_machine_needs_its_own_drill_and_a_person(paper, monkeypatch):
    go(paper)
    monkeypatch.setattr(golive, "machine", lambda: "another")
    settings = Settings(environment="production", live=True)
    with pytest.raises(Misconfigured, match="another machine"):
        open_floor(settings, paper.folder.parent)
    production = open_floor(settings, paper.folder.parent, gated=False)
    assert type_in(lambda: desk.review(production), "limits reviewed", "real money goes on").exit_code == 1
    drill(paper, machine="another")
    assert type_in(lambda: desk.review(production), "limits reviewed", "real money goes on").exit_code == 0
    open_floor(settings, paper.folder.parent)


def test_a_changed_limit_is_named_and_has_to_be_read_again(paper):
    go(paper)
    wider = Settings(environment="production", live=True, risk=Limits(per_trade_millionths=50_000))
    with pytest.raises(Misconfigured, match=r"risk\.per_trade_millionths was 20000, is 50000"):
        open_floor(wider, paper.folder.parent)
    production = open_floor(wider, paper.folder.parent, gated=False)
    done = type_in(lambda: desk.review(production), "limits reviewed", "real money goes on")
    assert "was 20000" in done.output
    open_floor(wider, paper.folder.parent)
    assert "31 of 30" in golive.read(production.golive_file).evidence["settled trades"]


# ---- every program --------------------------------------------------------------------------------------------------

GATED = [("exchange",), ("clerk",), ("collector",), ("auditor",), ("trader", "momentum"), ("migrate",), ("resume",)]
BEHIND_NO_GATE = [("status",), ("alert",), ("backup", "ls"), ("doctor", "--settings")]


def started(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "production.toml"
    settings.write_text('environment = "production"\nlive = true\n')
    command = [sys.executable, HOME / "bin" / words[0], *words[1:]]
    environment = os.environ | {"OUTCRY_SETTINGS": str(settings), "OUTCRY_STATE": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.floor
@pytest.mark.parametrize("words", GATED, ids=" ".join)
def test_without_a_record_every_program_that_could_enter_something_refuses_in_one_line(tmp_path, words):
    done = started(tmp_path, *words)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (78, 1, "")
    assert "golive.json (run bin/golive on the paper floor)" in done.stderr
    assert not (tmp_path / "production").exists()


@pytest.mark.floor
@pytest.mark.parametrize("words", BEHIND_NO_GATE, ids=" ".join)
def test_who_looks_warns_or_copies_works_without_it(tmp_path, words):
    done = started(tmp_path, *words)
    assert done.returncode in (0, 1), done.stderr
    assert "golive" not in done.stderr


@pytest.mark.floor
def test_halt_works_without_it_as_far_as_the_key_allows(tmp_path):
    done = started(tmp_path, "halt", "--reason", "in doubt")
    assert (tmp_path / "production" / "HALT").exists()
    assert "golive" not in done.stderr
