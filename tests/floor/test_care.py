"""A whole floor is copied while it trades, brought back, and trades on; its jobs run beside it and say how it went."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.floor
CRON = [("alert", "send"), ("report", "--keep", "hourly"), ("report", "--keep", "daily"), ("backup",), ("upkeep",)]


def test_copied_while_trading_restored_and_trading_on(floor):
    floor.start("exchange", "clerk", "auditor", "collector", "trader@coin_flip", "trader@momentum")
    floor.wait_for(lambda: floor.progress().fills >= 2, 90, "the floor trades")
    for words in CRON * 2:
        done = floor.run(*words, "--due", "--quiet")
        assert (done.stdout, done.stderr) == ("", ""), words
    archive = min((floor.state / "backups").glob("embedded-*.tar.gz"))
    assert {file.suffix for file in (floor.state / "reports").iterdir()} == {".json", ".txt"}
    assert {row["result"] for row in floor.query("SELECT result FROM jobs")} == {"done"}
    refused = floor.run("backup", "restore", str(archive), check=False)
    assert (refused.returncode, "stop the floor first" in refused.stderr) == (75, True)
    copied = floor.progress()
    floor.wait_for(lambda: floor.progress().fills > copied.fills, 120, "it traded on after the copy")
    assert floor.stop() == []
    said = floor.run("backup", "restore", str(archive)).stdout
    assert f"restored {archive.name}" in said and "the floor is halted" in said
    (aside,) = floor.state.glob("replaced-*")
    assert (aside / "kalshi.db").exists()
    back = floor.progress()
    assert 2 <= back.fills <= copied.fills
    floor.start("exchange", "clerk", "auditor", "collector", "trader@coin_flip", "trader@momentum")
    floor.wait_for(lambda: floor.state_of("clerk") == "READY", 60, "the clerk knows the account again")
    floor.wait_for(lambda: floor.report()["reconciled"], 60, "the ledger agrees with the restored exchange")
    floor.run("resume", "--i-have-checked", "--reason", "restored", check=False)
    orders = floor.progress().orders
    floor.wait_for(lambda: floor.progress().orders > orders, 120, "it trades on")
    floor.settle_down()
    assert [row["what"] for row in floor.query("SELECT what FROM findings WHERE severity = 'critical'")] == []
    kept = json.loads(next(Path(floor.state / "reports").glob("*T*.json")).read_text())
    assert kept["environment"] == "embedded"
