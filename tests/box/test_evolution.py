"""The plan's three criteria, on an installed floor under systemd and cron: a loser is removed, a clone of a winner is
deployed and trades, and nobody decides anything. What is planted: tests/support/planted.py."""

import json
import os
import random
import time
from pathlib import Path

import pytest

import planted
from boxed import Box
from outcry.domain.units import ONE_DOLLAR_MICROS
from planted import LOSER, WINNER, Deed, Plan, by_hand, deeds, fills_of, running, when

pytestmark = pytest.mark.box
SERIES = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE")
# Who buys what is cheap wins seldom and earns. These two say only when to look; what decides is the proof.
LOOKS = "clone_win_millionths = 500000\nflag_win_millionths = 500000\n"
# A floor's hour is ten seconds; its windows are shortened by 90 alone, so look-backs are set four times as long.
QUICK = Plan(
    factor=360.0,
    window_s=10,
    average_s=1,
    lag_ms=5_000,
    last_ms=1_000,
    winner=("lookback_ms=3600000", "average_ms=360000", "edge_cc=3000"),
    loser=("lookback_ms=1440000", "move_millionths=2000"),
    assets=SERIES,
    evolution=f"{LOOKS}children = 1\nflag_days = 0.25\n",  # a month behind: a minute here
)
CLONE = f"{WINNER}-2"
WITHIN_S = 75  # a turn of cron, and what a busy machine takes


def test_a_winner_is_cloned_a_loser_removed_and_nobody_decides(box: Box):
    """Cron's lines fire every twelve seconds here; everything else is as installed."""
    planted.quicken(box, 12)
    traders = planted.plant(box, QUICK)
    planted_at_ms = max(deed.at_ms for deed in deeds(box))
    box.wait_for(lambda: when(box, WINNER, "cloned"), f"{WINNER} to be cloned", 400)
    box.wait_for(lambda: fills_of(box, CLONE), f"{CLONE} to trade", 120)
    box.wait_for(lambda: gone(box, LOSER), f"{LOSER} to be flat and stopped", 300)
    is_a_deployed_clone(box)
    is_removed(box)
    assert box("sh", "-c", "cat /var/mail/* /var/spool/mail/* 2>/dev/null", check=False).stdout == ""
    assert "(root) CMD" in box.journal("cron")
    assert by_hand(box, planted_at_ms) == []
    assert box.query("SELECT name, detail FROM jobs WHERE result = 'failed'") == []
    box("systemctl", "stop", *(f"kalshi-trader@{name}" for name in (*traders, CLONE)))
    box.reconciled()


def is_a_deployed_clone(box: Box) -> None:
    """Made by the rule, on proof, at birth with small capital; its unit was started by the boss within a minute."""
    cloned = next(deed for deed in deeds(box, WINNER) if deed.act == "cloned")
    assert (cloned.rule, cloned.evidence["child"]) == ("winning day, proven gain", CLONE)
    assert cloned.evidence["edge_log_gain"] >= cloned.evidence["edge_needs"] > 0
    parent, generation, micros = box.query(
        f"SELECT parent, generation, allocation_micros FROM agents WHERE name = '{CLONE}'"
    )[0]
    assert (parent, generation) == (WINNER, 1)
    assert 0 < micros <= 30_000 * ONE_DOLLAR_MICROS
    assert 0 <= told_at_ms(box, "started_trader", CLONE) - cloned.at_ms <= WITHIN_S * 1_000
    unit = f"kalshi-trader@{CLONE}"
    assert box.states([unit]) == ["active"]
    assert box("systemctl", "is-enabled", unit).stdout == "enabled\n"


def is_removed(box: Box) -> None:
    """Flagged, retired on what it lost, entered nothing more, flat, stopped by the boss, its capital free."""
    acts = [deed.act for deed in deeds(box, LOSER)]
    assert acts.index("flagged") < acts.index("retired")
    retired = next(deed for deed in deeds(box, LOSER) if deed.act == "retired")
    assert retired.rule == "flagged, proven loss or a month behind"
    assert retired.evidence["evidence"]["net_dollars"] < 0
    late = f"SELECT count(*) FROM orders WHERE agent = '{LOSER}' AND purpose = 'entry' AND created_at_ms > "
    assert box.number(late + str(retired.at_ms + 2_000)) == 0, "it entered after it was retired"
    assert told_at_ms(box, "stopped_trader", LOSER) > retired.at_ms
    box.wait_for(
        lambda: box.number(f"SELECT allocation_micros FROM agents WHERE name = '{LOSER}'") == 0, "its capital", 60
    )


def gone(box: Box, agent: str) -> bool:
    """Retired, nothing open, and its unit neither runs nor is started at the next boot."""
    unit, open_still = f"kalshi-trader@{agent}", f"SELECT count(*) FROM positions WHERE agent = '{agent}'"
    return (
        bool(when(box, agent, "retired"))
        and box.states([unit]) == ["inactive"]
        and box("systemctl", "is-enabled", unit, check=False).stdout == "disabled\n"
        and box.number(open_still) == 0
    )


def told_at_ms(box: Box, event: str, agent: str) -> int:
    """When the boss wrote down that it did this."""
    return box.number(
        "SELECT coalesce(min(at_ms), 0) FROM system_events WHERE program = 'boss'"
        f" AND event = '{event}' AND detail LIKE '{agent}: %'"
    )


# ---- the long form --------------------------------------------------------------------------------------------------

# A floor's hour is five minutes, as often as cron's lines fire: nothing about them is changed.
LONG = Plan(
    factor=12.0,
    window_s=75,
    average_s=5,
    lag_ms=75_000,
    last_ms=5_000,
    winner=("edge_cc=3000",),
    loser=("move_millionths=8000",),
    assets=SERIES,
    jumps_per_hour=24.0,  # 2 x 12
    first=("coin_flip", "momentum"),
    evolution=f"{LOOKS}production_days = 0.25\n",
)
KILL_EVERY_S = 240
FEWEST_MINUTES = 45


@pytest.mark.deep
@pytest.mark.skipif(not os.environ.get("OUTCRY_DEEP"), reason="runs for an hour; OUTCRY_DEEP=1 runs it")
def test_hours_without_a_person(box: Box, tmp_path: Path):
    """An hour, twelve of the floor's: every four minutes one of its programs is killed, and nobody does anything.

    OUTCRY_DEEP_MINUTES  another length
    """
    minutes = int(os.environ.get("OUTCRY_DEEP_MINUTES", "60"))
    assert minutes >= FEWEST_MINUTES
    planted.plant(box, LONG)
    began_at_ms = max(deed.at_ms for deed in deeds(box))
    random_, killed = random.Random(1), []
    for kill_at in range(KILL_EVERY_S, minutes * 60 + 1, KILL_EVERY_S):
        time.sleep(max(0.0, began_at_ms / 1_000 + kill_at - time.time()))
        units = [unit for unit in running(wanted(box)) if box.states([unit]) == ["active"]]
        killed.append(random_.choice(units))
        box.kill(killed[-1])
        print(told(box, began_at_ms, killed), flush=True)
    box.wait_for(lambda: set(box.states(running(wanted(box)))) == {"active"}, "everything to run", 120)
    print(told(box, began_at_ms, killed), flush=True)
    is_a_deployed_clone(box)
    is_removed(box)
    assert fills_of(box, CLONE) >= 10
    assert by_hand(box, began_at_ms) == []
    assert box.query("SELECT name, detail FROM jobs WHERE result = 'failed'") == []
    assert box.number("SELECT count(*) FROM jobs WHERE name = 'evolve' AND result = 'done'") >= minutes // 5 - 1
    assert box.query("SELECT what FROM findings_open WHERE severity = 'critical'") == []
    box("systemctl", "stop", *(f"kalshi-trader@{name}" for name in wanted(box)))
    box.reconciled()
    box.books_agree(tmp_path)


def wanted(box: Box) -> list[str]:
    """Agents whose unit has to run."""
    return box("/opt/kalshi/bin/boss", "--quiet").stdout.split()


def told(box: Box, began_at_ms: int, killed: list[str]) -> str:
    """Where it stands: what was decided and done, fills, starts, findings."""

    def minute(at_ms: int) -> str:
        return f"{(at_ms - began_at_ms) / 60_000:6.1f} min"

    done = [(deed.at_ms, f"{deed.act} {deed.agent} ({deed.rule}) {figures(deed)}") for deed in deeds(box)]
    done += [
        (at_ms, f"{event} {detail}")
        for at_ms, event, detail in box.query(
            "SELECT at_ms, event, detail FROM system_events WHERE program = 'boss' ORDER BY id"
        )
    ]
    work = box.query(
        "SELECT agent, count(*), sum(gross_micros > fees_micros), sum(gross_micros - fees_micros) / 1e6"
        " FROM settled_work GROUP BY agent"
    )
    fills = box.query("SELECT agent, count(*) FROM booked_fills GROUP BY agent")
    findings = box.query("SELECT found_at_ms, check_name, severity, what FROM findings")
    jobs = box.query("SELECT name, count(*), sum(result = 'done') FROM jobs GROUP BY name")
    return "\n".join(
        [
            "",
            *(f"{minute(at_ms)}  {text}" for at_ms, text in sorted(done)),
            f"killed   {' '.join(killed)}",
            *(f"fills    {name} {number}" for name, number in fills),
            *(f"settled  {name} {settled}, won {won}, net {net:+.2f}" for name, settled, won, net in work),
            *(f"jobs     {name} {number}, done {good}" for name, number, good in jobs),
            *(f"finding  {minute(at_ms)} {words}" for at_ms, *words in findings),
        ]
    )


def figures(deed: Deed) -> str:
    kept = ("settled", "net_micros", "edge_log_gain", "edge_log_loss", "edge_needs", "allocation_micros", "child")
    return json.dumps({name: deed.evidence[name] for name in kept if name in deed.evidence})
