"""Who is wanted; the line between the two halves; and traders that are child processes."""

import io
import json
import sys

import pytest

from outcry.desk import boss, migrate
from outcry.ops.clock import now_ms
from outcry.ops.floor import open_floor
from outcry.ops.settings import Settings
from outcry.store import database, jobs, system

HELD = """
    INSERT INTO holdings (agent, ticker, exchange_index, position_ch, bought_ch, sold_ch, cash_micros, fees_micros,
                          fills, last_fill_at_ms)
    VALUES ('momentum', 'T', 0, 300, 300, 0, 0, 0, 1, 1)
"""


@pytest.fixture
def floor(tmp_path):
    floor = open_floor(Settings(), tmp_path)
    migrate.prepare(floor, now_ms())
    return floor


def sql(floor, statement):
    db = database.connect(floor.database)
    db.execute(statement)
    db.close()


def test_a_retired_agent_is_wanted_until_it_holds_nothing(floor):
    assert boss.wanted(floor) == ["coin_flip", "mean_reversion", "momentum", "volume_spike"]
    sql(floor, "UPDATE agents SET stage = 'retired' WHERE name IN ('momentum', 'coin_flip')")
    sql(floor, HELD)
    assert boss.wanted(floor) == ["mean_reversion", "momentum", "volume_spike"]
    sql(floor, "UPDATE holdings SET position_ch = 0")
    assert boss.wanted(floor) == ["mean_reversion", "volume_spike"]


def test_it_says_a_line_hears_what_was_done_and_writes_it_down(floor, monkeypatch, capsys):
    heard = [("momentum", "start", ""), ("coin_flip", "left", "")]
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(heard)))
    boss.hand(floor)
    assert capsys.readouterr().out == "wanted coin_flip mean_reversion momentum volume_spike\n"
    db = database.read_only(floor.database)
    assert [(row["level"], row["event"]) for row in system.recent_events(db)] == [
        ("warning", "left_trader"),
        ("info", "started_trader"),
    ]
    row = jobs.last(db)["boss"]
    db.close()
    assert (row.result, row.detail) == ("done", "momentum: start, coin_flip: left")


def test_a_second_time_in_the_same_minute_it_says_nothing(floor, monkeypatch, capsys):
    monkeypatch.setattr("outcry.desk.common.jobs.now_ms", lambda: 1_800_000_000_000)
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        boss.hand(floor)
    assert capsys.readouterr().out.count("wanted") == 1


class Children:
    """Stands in for processes."""

    def __init__(self):
        self.all = {}

    def start(self, name, program, *arguments):
        self.all[name] = type("Child", (), {"exit_code": None})()

    def stop(self, names):
        for name in names:
            self.all[name].exit_code = 0


def test_child_processes_follow_the_agents(floor):
    children = Children()
    crew = boss.Crew(floor, children)
    assert crew.follow() == ["coin_flip", "mean_reversion", "momentum", "volume_spike"]
    assert crew.follow() == []
    sql(floor, "UPDATE agents SET stage = 'retired' WHERE name = 'momentum'")
    children.all["trader@coin_flip"].exit_code = 1  # it died: that is for a person
    assert crew.follow() == []
    assert "trader@momentum" not in children.all
    sql(floor, "UPDATE agents SET stage = 'birth' WHERE name = 'momentum'")
    assert crew.follow() == ["momentum"]
    db = database.read_only(floor.database)
    said = [row["detail"].partition(":")[0] for row in system.recent_events(db) if row["event"] == "left_trader"]
    db.close()
    assert said == ["coin_flip"]
