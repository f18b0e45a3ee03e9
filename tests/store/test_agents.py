import sqlite3

import pytest

from outcry.domain.errors import Misconfigured
from outcry.store import agents


@pytest.fixture
def momentum(db):
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    agent = agents.Agent("momentum", "momentum", {"rise_millionths": 7}, "birth", 10_000_000, sha256, 1)
    agents.add(db, agent)
    return agent


def acts(db):
    return [(event["rule"], event["act"]) for event in agents.history(db, "momentum")]


def test_an_agent_comes_back_as_it_was_put_in(db, momentum):
    assert agents.get(db, "momentum") == momentum
    assert agents.everyone(db) == [momentum]
    assert acts(db) == [("person", "added")]


@pytest.mark.parametrize("name", ["momentum", "manual", "parked", "Momentum", "9lives", "a b", "", "x" * 33])
def test_a_bad_name_is_refused(db, momentum, name):
    with pytest.raises(Misconfigured):
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 0, momentum.code_sha256, 1))


def test_an_unknown_agent_is_told_with_those_there_are(db, momentum):
    with pytest.raises(Misconfigured, match="agents here: momentum"):
        agents.get(db, "momentun")


def test_a_pause_is_recorded_once_with_its_reason(db, momentum):
    assert agents.set_paused(db, "momentum", True, reason="looks odd", now_ms=5)
    assert not agents.set_paused(db, "momentum", True, reason="looks odd", now_ms=6)
    assert (agents.get(db, "momentum").paused, agents.get(db, "momentum").pause_reason) == (True, "looks odd")
    assert agents.set_paused(db, "momentum", False, reason="", now_ms=7)
    assert [act for _, act in acts(db)] == ["added", "paused", "resumed"]
    assert agents.history(db, "momentum")[1]["evidence"] == {"reason": "looks odd"}


def test_an_allocation_changes_with_its_evidence(db, momentum):
    agents.set_allocation(db, "momentum", 5, 9, rule="opening", evidence={"capital_micros": 500})
    assert agents.get(db, "momentum").allocation_micros == 5
    assert agents.history(db, "momentum")[-1]["evidence"] == {"allocation_micros": 5, "capital_micros": 500}


def test_a_new_version_of_the_code_is_noted_and_the_old_one_kept(db, momentum):
    newer = agents.keep_version(db, "momentum", "better source", 2)
    assert agents.set_code(db, "momentum", newer, 3)
    assert not agents.set_code(db, "momentum", newer, 4)
    assert db.execute("SELECT count(*) FROM strategy_versions").fetchone()[0] == 2


def test_history_cannot_be_rewritten(db, momentum):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM evolution_events")


def test_a_database_of_another_environment_is_refused(db):
    assert agents.open_floor(db, "abcdef", "embedded", 1) == "abcdef"
    assert agents.open_floor(db, "ghijkl", "embedded", 2) == "abcdef"
    with pytest.raises(Misconfigured, match="belongs to environment embedded, not demo"):
        agents.open_floor(db, "ghijkl", "demo", 3)


def test_an_agent_that_the_schema_refuses_is_told_why(db, momentum):
    with pytest.raises(Misconfigured, match="agent bull does not fit: CHECK constraint failed"):
        agents.add(db, agents.Agent("bull", "momentum", {}, "champion", 0, momentum.code_sha256, 1))
