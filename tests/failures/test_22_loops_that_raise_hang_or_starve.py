"""Failure 22: a loop raises, hangs or hears nothing, and nobody notices: what could say so hangs with it.

It is noticed by what does not happen: no exit, no sign of life, no data. Restarts with growing pauses, giving up and
the one alert are the supervisor's, and tested under a real one in tests/box/test_crashes.py.
"""

import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from beside import BIN
from hand_fed import Desk, market, places, quote
from local_exchange import now_ms
from outcry.desk.care import alarms
from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.desk.dealing.record import Record
from outcry.domain.limits import Limits
from outcry.domain.order import Purpose
from outcry.ops.alerts.book import Level
from outcry.store import findings, orders
from outcry.trading.coordinator import LONGEST_RETRY_MS
from outcry.trading.events import Note, Topic
from played import Played
from survived import assert_told_once

HOUR_S, FAR_MS = 3_600, 36_000_000


# ---- it raises ------------------------------------------------------------------------------------------------------


def test_a_strategy_that_raises_for_an_hour_is_asked_ever_more_rarely_told_once_and_its_position_is_left(db, tmp_path):
    desk = Desk()
    desk.start(quotes=False)
    desk.quote(quote(heard_at_ms=FAR_MS), markets=(market(close_at_ms=FAR_MS),))
    desk.hold()
    record = recorded(db, tmp_path, desk)
    desk.strategy.answer = ZeroDivisionError("no volume")
    raised = []
    for _ in range(HOUR_S):
        for command in desk.clock(1_000):
            if isinstance(command, Note):
                record.note(command)
                raised += [command.at_ms] if command.topic is Topic.RAISED else []
    pauses_ms = [later - earlier for earlier, later in pairwise(raised)]
    assert len(raised) < 80 and pauses_ms == sorted(pauses_ms) and max(pauses_ms) <= LONGEST_RETRY_MS + 1_000
    told = db.execute("SELECT event, detail FROM system_events WHERE level <> 'info'").fetchall()
    assert sorted(row["event"] for row in told) == ["moved", "raised"]
    assert all("no volume" in row["detail"] for row in told)
    asked = places(desk.quote(quote(1_000, 1_200, publish=desk.publish + 1, heard_at_ms=FAR_MS)))
    assert [place.purpose for place in asked] == [Purpose.EXIT], "a stop-loss asks no strategy"


def recorded(db, folder, desk) -> Record:
    refusals = Refusals(db, folder / "kalshi.db", "trader@bull", "program", "trader@bull", Limits())
    owed = Owed(db, folder / "spool.jsonl", "trader@bull", refusals, lambda: desk.now_ms)
    return Record(db, "bull", desk.trader, folder, lambda: desk.now_ms, dict, owed)


# ---- it hangs -------------------------------------------------------------------------------------------------------


class Silenced(Played):
    """A desk whose collector can fall silent."""

    def quiet(self, condition, what: str, seconds: float) -> None:
        """As `wait`, with nothing published."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.said()}"
            time.sleep(0.1)


@pytest.fixture
def desk(tmp_path):
    silenced = Silenced(tmp_path, ("heads",))
    yield silenced
    silenced.close()


def start_auditor(desk) -> None:
    options = ["--state", desk.floor.folder.parent, "--settings", desk.settings]
    with (desk.floor.folder / "auditor.log").open("ab") as log:
        desk.processes.append(subprocess.Popen([sys.executable, BIN / "auditor", *options], stderr=log))


@pytest.mark.floor
def test_a_trader_that_hangs_is_noticed_by_the_exit_that_does_not_come(desk):
    """Held for a second and no longer, says its plan: the auditor finds that nobody acts, with the mend, once."""
    start_auditor(desk)
    trader = desk.trader("heads")
    desk.wait(lambda: desk.count("positions") == 1, "a position", 120)
    trader.send_signal(signal.SIGSTOP)
    desk.wait(lambda: desk.count("findings WHERE check_name = 'exits'"), "the finding", 90)
    for _ in range(20):
        desk.publish()
    assert_told_once(desk.floor.folder, "auditor found", "heads", "no exit was asked for")
    trader.send_signal(signal.SIGCONT)
    desk.wait(lambda: desk.count("orders WHERE purpose = 'exit' AND state = 'executed'"), "the exit", 90)
    kept = findings.still_open(desk.db)
    assert {one.check_name for one in kept} == {"exits"}, "it stays until a person has judged it"
    desk.survived()


@pytest.mark.floor
def test_while_the_clerk_hangs_nobody_enters_and_a_person_is_told_who_is_silent(desk):
    """Nobody books: what would be bought now has no stop-loss. Its last beat is set back instead of waited for."""
    clerk = desk.processes[0]
    clerk.send_signal(signal.SIGSTOP)
    desk.db.execute("UPDATE heartbeats SET beat_at_ms = beat_at_ms - 200000 WHERE program = 'clerk'")
    desk.trader("heads")
    refused = "decisions WHERE reason LIKE 'stopped: the clerk gave no sign of life%'"
    desk.wait(lambda: desk.count(refused), "an entry that is refused", 90)
    assert desk.count("orders") == 0
    wrong = {one.key: one for one in alarms.look(desk.floor, now_ms()).wrong}
    assert wrong["program clerk"].level is Level.CRITICAL and not wrong["program clerk"].faint
    assert "no sign of life" in wrong["program clerk"].text
    clerk.send_signal(signal.SIGCONT)
    desk.db.execute("UPDATE heartbeats SET beat_at_ms = ? WHERE program = 'clerk'", (now_ms(),))
    desk.wait(lambda: desk.count("fills"), "entries go on", 120)
    desk.survived()


# ---- it starves -----------------------------------------------------------------------------------------------------


@pytest.mark.floor
def test_a_collector_that_hangs_starves_nobody_into_trading_on_old_books(desk):
    """Its last quotes still say that they are to be trusted. What rests is pulled; nobody enters; then all goes on."""
    desk.trader("heads")
    desk.wait(lambda: desk.count("fills") >= 1, "a fill", 120)
    began_ms = now_ms()
    desk.quiet(lambda: now_ms() - began_ms >= 9_000 and not resting(desk), "an empty book", 90)
    entries = "orders WHERE purpose = 'entry'"
    assert desk.count(f"{entries} AND created_at_ms > {began_ms + 7_000}") == 0
    assert desk.count(f"decisions WHERE rule = 'stale' AND at_ms > {began_ms}") >= 1
    before = desk.count(entries)
    desk.wait(lambda: desk.count(entries) > before, "entries go on", 120)
    desk.survived()


def resting(desk) -> list:
    return [one for one in orders.open_orders(desk.db) if one.state == "resting"]
