"""The boss: who trades is what the agents' table says, but for whom a person stopped."""

import json

import pytest

from boxed import Box

pytestmark = pytest.mark.box
HAND = ("/usr/bin/python3", "-I", "/opt/kalshi/lib/outcry/ops/hand.py", "/opt/kalshi", "kalshi")
MIND = "/var/lib/kalshi.boss"


def test_the_boss_follows_the_agents_and_respects_people(box: Box):
    box("systemctl", "stop", "cron")  # each turn is taken by hand; that cron takes them: test_evolution.py
    box.trading()
    turn(box)
    remembers(box, momentum="runs", coin_flip="runs")

    box("kalshi", "agent", "add", "coin_flip-2", "--strategy", "coin_flip")
    box("systemctl", "stop", "kalshi-trader@momentum")  # a person
    turn(box)
    remembers(box, **{"momentum": "left", "coin_flip-2": "start"})
    assert box.states(["kalshi-trader@coin_flip-2", "kalshi-trader@momentum"]) == ["active", "inactive"]
    assert box("systemctl", "is-enabled", "kalshi-trader@coin_flip-2").stdout == "enabled\n"
    turn(box)
    assert events(box) == ["started_trader", "left_trader"], "told once"

    retire(box, "coin_flip-2", "retired")
    box.wait_for(lambda: gone(box, "coin_flip-2"), "it to leave its positions, and to be stopped")
    assert box("systemctl", "is-enabled", "kalshi-trader@coin_flip-2", check=False).stdout == "disabled\n"
    retire(box, "coin_flip-2", "birth")
    turn(box)
    assert box.states(["kalshi-trader@coin_flip-2"]) == ["active"], "what the boss stopped it may start"

    box("systemctl", "start", "kalshi-trader@momentum")
    turn(box)
    remembers(box, momentum="runs")
    box("systemctl", "stop", "kalshi-clerk")
    retire(box, "coin_flip-2", "retired")
    turn(box)
    assert box.states(["kalshi-trader@coin_flip-2"]) == ["active"], "without the clerk nothing is done"
    box("systemctl", "start", "kalshi-clerk")
    root_takes_nothing_but_well_formed_names(box)


def root_takes_nothing_but_well_formed_names(box: Box) -> None:
    """The half that is not root is replaced by one that lies."""
    box("rm", MIND)
    before = box.pids()
    for said in (
        "wanted a;reboot\n",
        "wanted ../x\n",
        "wanted momentum",
        "wanted -h\n",
        "wanted x.service\n",
        "",
        "x\n",
    ):
        box.write("/opt/kalshi/bin/boss", f"import sys; sys.stdout.write({said!r}); sys.stdout.flush()\n")
        box(*HAND, check=False)
    assert box.pids() == before
    assert box("test", "-e", MIND, check=False).returncode != 0, "nobody was listened to"


def turn(box: Box) -> None:
    """One turn of the boss, whatever the minute: its own record says it was done in this one."""
    box.change("DELETE FROM jobs WHERE name = 'boss'")
    done = box(*HAND)
    assert (done.stdout, done.stderr) == ("", "")


def gone(box: Box, agent: str) -> bool:
    turn(box)
    return box.states([f"kalshi-trader@{agent}"]) == ["inactive"]


def retire(box: Box, agent: str, stage: str) -> None:
    box.change(f"UPDATE agents SET stage = '{stage}' WHERE name = '{agent}'")


def remembers(box: Box, **lots: str) -> None:
    known = json.loads(box("cat", MIND).stdout)
    assert {name: known.get(name) for name in lots} == lots


def events(box: Box) -> list[str]:
    return [event for (event,) in box.query("SELECT event FROM system_events WHERE program = 'boss' ORDER BY id")]
