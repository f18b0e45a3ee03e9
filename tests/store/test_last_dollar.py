"""Ten processes that all want the last dollar of the floor's limit: the whole gate, in the reserving transaction."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from outcry.domain.order import State
from outcry.store import agents, database, orders
from placing_floor import furnish, plan, request

RACERS = 10
LIMIT_MICROS = 300_000_000  # 30 % of $1 000
FILLER = (("FILL-1-1", 23_700), ("FILL-2-1", 23_700), ("FILL-3-1", 23_790))  # contracts in hundredths at $0.42
LEFT_MICROS = LIMIT_MICROS - sum(count_ch for _, count_ch in FILLER) * 4_200  # $1.002: two contracts, and change
RACER = Path(__file__).resolve().parents[1] / "support" / "racing.py"


@pytest.fixture
def race(tmp_path):
    """A floor with a dollar left, and racers that wait for a word."""
    file = tmp_path / "kalshi.db"
    db = database.connect(file, timeout_ms=60_000)
    database.migrate(db)
    db.execute("PRAGMA synchronous = OFF")
    furnish(db)
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    for number in range(RACERS):
        agents.add(db, agents.Agent(f"racer{number}", "momentum", {}, "birth", 100_000_000, sha256, 1))
    for ticker, count_ch in FILLER:
        plan(db, request("bear", ticker=ticker), count_ch=count_ch)
    racers = [
        subprocess.Popen(
            [sys.executable, RACER, str(file), f"racer{number}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)},
        )
        for number in range(RACERS)
    ]  # fmt: skip
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * RACERS
    yield db, racers
    for racer in racers:
        racer.stdin.close()
        racer.wait(timeout=30)
        racer.stdout.close()
    db.close()


def at_risk_micros(db):
    return db.execute("SELECT sum(reserved_micros) FROM open_orders").fetchone()[0]


def run(db, racers, rounds):
    """Rounds of all against all; what a round placed is taken back before the next."""
    winners = set()
    for _ in range(rounds):
        for racer in racers:
            racer.stdin.write("go\n")
        for racer in racers:
            racer.stdin.flush()
        got_ch = [int(racer.stdout.readline()) for racer in racers]
        assert sum(got_ch) == max(got_ch) == 200, got_ch
        assert LIMIT_MICROS - at_risk_micros(db) == LEFT_MICROS - 200 * 4_200, "nothing is freed within a round"
        winners.add(got_ch.index(200))
        for number in range(RACERS):
            for order in orders.open_orders(db, f"racer{number}"):
                orders.update(db, order.client_order_id, State.ABANDONED, source="trader", now_ms=200_000)
    return winners


def refusals(db):
    rows = db.execute(
        "SELECT rule, count(*) FROM decisions WHERE agent LIKE 'racer%' AND answer = 'refused' GROUP BY rule"
    )
    return dict(tuple(row) for row in rows)


@pytest.mark.floor
def test_never_more_than_one_of_ten_gets_it(race):
    db, racers = race
    rounds = 50
    assert len(run(db, racers, rounds)) > 1, "it was a race"
    assert refusals(db) == {"floor": rounds * (RACERS - 1)}
    numbers = db.execute("SELECT numbers FROM decisions WHERE rule = 'floor' AND answer = 'refused'").fetchone()[0]
    assert f'"limit_micros":{LIMIT_MICROS}' in numbers.replace(" ", "")


@pytest.mark.floor
@pytest.mark.deep
@pytest.mark.skipif("OUTCRY_DEEP" not in os.environ, reason="set OUTCRY_DEEP to run proofs that take minutes")
def test_never_in_a_thousand_rounds(race):
    db, racers = race
    assert len(run(db, racers, 1_000)) > 1
    assert refusals(db) == {"floor": 1_000 * (RACERS - 1)}
