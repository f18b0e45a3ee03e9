"""The auditor beside a whole floor: clean, it finds nothing; a fault planted while it runs stops entries."""

import sqlite3

import pytest

from outcry.store import database

pytestmark = pytest.mark.floor


def test_a_clean_floor_yields_no_finding_and_every_record_is_chained_within_seconds(floor):
    floor.start("exchange", "clerk", "auditor", "collector", "trader@coin_flip", "trader@momentum")
    floor.wait_for(lambda: floor.progress().fills >= 2 and floor.progress().settled_markets, 120, "fills and a payment")
    there = floor.query("SELECT count(*) AS n FROM happenings")[0]["n"]
    floor.wait_for(lambda: figures(floor)["read"] >= there, 40, "the auditor has read all that was there")
    newest = floor.query("SELECT max(seq) AS seq FROM happenings")[0]["seq"]
    floor.wait_for(lambda: floor.query("SELECT 1 FROM audit_chain WHERE seq = ?", newest), 5, "the newest is chained")
    assert findings(floor) == []
    assert {row["outcome"] for row in floor.query("SELECT outcome FROM replays")} == {"same"}
    head = floor.query("SELECT link FROM audit_chain ORDER BY seq DESC LIMIT 1")[0]["link"]
    plant(floor, "fills", "fee_micros = fee_micros + 1 WHERE id = 1")
    floor.wait_for(lambda: "audit" in causes(floor), 30, "entries stopped")
    assert {"exchange", "ledger"} & {row["check_name"] for row in findings(floor)}
    said = floor.run("auditor", "--verify", "--head", head, check=False)
    assert (said.returncode, "fill 1 (link" in said.stderr) == (1, True)
    assert floor.run("auditor", "--findings", check=False).returncode == 1
    assert floor.stop() == []
    assert floor.children.all["auditor"].exit_code == 0


def figures(floor) -> dict[str, int]:
    rows = floor.query("SELECT detail ->> 'read' AS read FROM heartbeats WHERE program = 'auditor'")
    return {"read": rows[0]["read"] or 0} if rows else {"read": 0}


def findings(floor) -> list[sqlite3.Row]:
    return floor.query("SELECT check_name, severity, what FROM findings")


def causes(floor) -> list[str]:
    return [row["cause"] for row in floor.query("SELECT cause FROM controls_now")]


def plant(floor, table: str, change: str) -> None:
    """Edit a record as somebody with the file in his hands can; the triggers are back at once."""
    db = database.connect(floor.state / "kalshi.db")
    with database.write(db):
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,))
        triggers = rows.fetchall()
        for row in triggers:
            db.execute(f"DROP TRIGGER {row['name']}")
        db.execute(f"UPDATE {table} SET {change}")
        for row in triggers:
            db.execute(row["sql"])
    db.close()
