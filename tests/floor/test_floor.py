"""A whole floor: it trades, settles, reconciles, survives kills, and one program's death takes nothing else with it."""

import json

import pytest

pytestmark = pytest.mark.floor


def test_it_trades_settles_and_reconciles_to_the_cent(floor):
    floor.everything()
    floor.wait_for(lambda: floor.progress().settled_trades >= 1, 180, "a settled trade")
    floor.wait_for(lambda: floor.progress().reconciled, 20, "the ledger agrees with the exchange")
    status = floor.run("status").stdout
    assert "embedded" in status
    assert status.count("\n") < 60
    floor.settle_down()
    assert floor.stop() == []
    assert all(child.exit_code == 0 for child in floor.children.all.values()), floor.last_words()
    last = {row["program"]: row["state"] for row in floor.query("SELECT program, state FROM heartbeats")}
    assert set(last.values()) == {"STOPPED"} and len(last) == 5, last
    rows = floor.query("SELECT sum(difference_micros <> 0) AS differing, count(*) AS looks FROM reconciliations")
    assert rows[0]["looks"] > 0
    assert floor.query("SELECT agent, ticker, position_ch, cash_micros, fees_micros FROM holdings WHERE fills > 0") == (
        floor.query("SELECT agent, ticker, position_ch, cash_micros, fees_micros FROM holdings_check")
    )
    assert floor.query("SELECT 1 FROM orders WHERE state IN ('sent', 'unknown', 'planned')") == []
    the_funnel_says_what_the_books_hold(floor)


def the_funnel_says_what_the_books_hold(floor):
    """bin/why against the tables, each figure by a question of its own."""
    told = json.loads(floor.run("why", "--json").stdout)
    left = {stage["step"]: stage["left"] for stage in told["stages"]}
    ended = {row["step"]: row["n"] for row in floor.query("SELECT step, sum(looks) AS n FROM looks GROUP BY step")}
    entries = "SELECT count(*) AS n FROM decisions WHERE purpose = 'entry'"
    orders = "SELECT count(*) AS n FROM orders WHERE purpose = 'entry'"
    (asked,), (allowed,) = floor.query(entries)[0], floor.query(f"{entries} AND answer <> 'refused'")[0]
    (sent,) = floor.query(f"{orders} AND order_id <> ''")[0]
    (filled,) = floor.query(f"{orders} AND filled_ch > 0")[0]
    assert min(ended["signal"], allowed, filled) > 0
    assert (left["seen"], left["risk"], left["filled"]) == (sum(ended.values()) + asked, allowed, filled)
    assert sent <= left["sent"] <= allowed
    early = "SELECT count(*) AS n FROM decisions WHERE purpose = 'entry' AND answer = 'refused' AND rule IN"
    (free, trusted), (edge,) = (
        [floor.query(f"{early} ('{rule}')")[0]["n"] for rule in ("controls", "stale")],
        floor.query(f"{early} ('edge', 'spread_and_fee')")[0],
    )
    assert left["free"] == left["seen"] - ended.get("free", 0) - free
    assert left["trusted"] == left["free"] - ended.get("trusted", 0) - trusted
    assert left["signal"] == left["trusted"] - ended["signal"] and left["edge"] == left["signal"] - edge
    (count_ch,) = floor.query("SELECT sum(filled_ch) FROM orders WHERE purpose = 'entry'")[0]
    assert told["filled_ch"] == count_ch
    assert [one["why"] for one in told["hindrances"]] == ["every program was stopped"]


@pytest.mark.parametrize("victim", ["trader@coin_flip", "clerk", "collector", "exchange"])
def test_a_kill_of_any_program_is_survived(floor, victim):
    floor.everything()
    floor.wait_for(lambda: floor.progress().fills >= 1, 60, "a fill")
    others = {name: floor.pid(name) for name in floor.children.all if name != victim}
    floor.kill(victim)
    floor.start(victim)
    floor.wait_for(lambda: floor.state_of(victim) not in ("", "STARTING"), 10, f"{victim} is back")
    fills = floor.progress().fills
    floor.wait_for(lambda: floor.progress().fills > fills, 90, "the floor trades on")
    floor.settle_down()
    assert {name: floor.pid(name) for name in others} == others
    assert all(floor.children.all[name].exit_code is None for name in others if not name.startswith("trader"))
    twice = floor.query("SELECT decision_id FROM orders GROUP BY decision_id HAVING count(*) > 1")
    assert twice == []


def test_halt_leaves_nothing_resting_and_stops_entries(floor):
    floor.everything()
    floor.wait_for(lambda: floor.progress().orders >= 2, 60, "orders")
    said = floor.run("halt", "--reason", "a test")
    assert "rest" in said.stdout + said.stderr
    orders = floor.query("SELECT count(*) AS n FROM orders WHERE purpose = 'entry'")[0]["n"]
    floor.wait_for(lambda: not floor.query("SELECT 1 FROM open_orders"), 15, "no order of ours is open")
    publishes = floor.progress().publishes
    floor.wait_for(lambda: floor.progress().publishes > publishes + 100, 30, "the world moved on")
    assert floor.query("SELECT count(*) AS n FROM orders WHERE purpose = 'entry'")[0]["n"] == orders
    assert (floor.state / "HALT").exists()
    told = json.loads(floor.run("why", "--json").stdout)
    assert told["hindrances"][0]["kind"] == "halted" and "a test" in told["hindrances"][0]["why"]
    assert "floor halted" in [lost["what"] for lost in told["stages"][1]["lost"]]
    status = floor.run("status", check=False)
    assert status.returncode == 1 and status.stdout.splitlines()[1].startswith("HALTED       the floor")
