"""Ten programs on one Basic account: processes that share nothing but the budget file, against real token buckets."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from metered_exchange import BASIC, HALF, MeteredExchange
from outcry.store.budget import BudgetFile

PROGRAM = Path(__file__).parents[1] / "support" / "hungry_program.py"
LIB = Path(__file__).parents[2] / "lib"
SECONDS = 3.0

pytestmark = pytest.mark.floor


def started(roles, exchange, budget_file, seconds=SECONDS):
    """Programs that are ready and wait for a line."""
    programs = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), role, exchange.url, str(budget_file), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(LIB)},
        )
        for role in roles
    ]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    return programs


def go(program):
    program.stdin.write("go\n")
    program.stdin.flush()


def told(programs):
    """What each says at its end."""
    for program in programs:
        go(program)
    said = [json.loads(program.communicate(timeout=60)[0]) for program in programs]
    assert [program.returncode for program in programs] == [0] * len(programs)
    return said


def sums(said, role):
    return sum(
        (Counter({k: v for k, v in one.items() if k != "role"}) for one in said if one["role"] == role), Counter()
    )


def test_ten_programs_make_no_storm_and_cancels_always_get_through(tmp_path):
    roles = ["enter"] * 6 + ["read"] * 2 + ["batch", "cancel"]
    with MeteredExchange(BASIC) as exchange:
        said = told(started(roles, exchange, tmp_path / "budget.db"))
    calls = exchange.taken.total() + exchange.refused.total()
    # At most one call in fifty meets a 429, however the machine's delays bunch them; as a rule none does.
    assert exchange.refused.total() <= calls // 50
    # None of the cancels was refused or held back behind seven programs that never stop entering.
    cancels = sums(said, "cancel")
    assert exchange.refused["cancel"] == cancels["held back"] == cancels["refused"] == 0
    assert exchange.taken["cancel"] == cancels["done"] >= SECONDS / 0.2
    assert next(one["longest_s"] for one in said if one["role"] == "cancel") < 2
    # And thrift is not starvation: most of what the account is allowed was used.
    assert exchange.taken["create"] * 10 + exchange.taken["cancel"] * 2 >= 0.7 * SECONDS * 90
    assert exchange.taken["read"] * 10 >= 0.7 * (432 + SECONDS * 180)
    assert exchange.taken["batch"] * 30 >= 0.7 * SECONDS * 90


def test_429_without_a_header_slows_all_programs_down_together(tmp_path):
    """A stranger takes half of what we think is ours: refusals come, a few a second for ten programs together."""
    roles = ["enter"] * 6 + ["read"] * 4
    with MeteredExchange(HALF) as exchange:
        said = told(started(roles, exchange, tmp_path / "budget.db"))
    # After a refusal the common bucket is empty: nobody enters before it holds 18 + 10 tokens again, at 90 a second;
    # nobody reads before 108 + 10, at 180. With what was under way already that is at most this many:
    entering, reading = SECONDS / (28 / 90) + 6, SECONDS / (118 / 180) + 4
    assert 0 < exchange.refused["create"] <= entering
    assert exchange.refused["read"] <= reading
    # Entries are not resent: each refusal was told to the program, each order that was done was done once.
    entries, reads = sums(said, "enter"), sums(said, "read")
    assert entries["refused"] == exchange.refused["create"]
    assert entries["done"] == exchange.taken["create"] > 0
    # Reads wait and ask again by themselves.
    assert reads["done"] == exchange.taken["read"] > 0
    assert reads["refused"] == reads["unknown"] == 0


def test_a_program_that_is_killed_and_started_again_finds_the_budget_as_it_left_it(tmp_path):
    """Six lives of one program within a second. Each alone could place seven orders at once; together they cannot."""
    with MeteredExchange(BASIC) as exchange:
        lives = started(["enter"] * 6, exchange, tmp_path / "budget.db", 60)
        began_s = time.monotonic()
        for life in lives:
            go(life)
            time.sleep(0.15)
            life.kill()
            life.communicate(timeout=60)
        took_s = time.monotonic() - began_s
    sent = exchange.taken["create"] + exchange.refused["create"]
    assert 7 <= sent <= 7 + took_s * 9 + 1
    assert exchange.refused["create"] == 0
    file = BudgetFile(tmp_path / "budget.db")
    seen = []
    file.update("write:2", "write", lambda state, _rate: seen.append(state) or state)
    file.close()
    assert seen[0][0] <= 18_000 + took_s * 90_000
