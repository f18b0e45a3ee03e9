"""Proposals: kept once, taken once, never gone; and how often a tape was looked at."""

import sqlite3

import pytest

from outcry.domain.errors import Misconfigured
from outcry.store import agents, proposals
from proposed import propose

TAPE = {"2026-11-19": "sha256:1"}


@pytest.fixture
def kept(db):
    return propose(db, {"lookback_ms": 60_000})


def child(db, name="momentum-2"):
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    agents.add(db, agents.Agent(name, "momentum", {}, "birth", 0, sha256, 1))
    return name


def test_what_was_kept_is_read_back(db, kept):
    found = proposals.get(db, kept)
    assert (found.strategy, found.parameters, found.tape, found.trials) == (
        "momentum", {"lookback_ms": 60_000}, TAPE, 40,
    )  # fmt: skip
    assert (found.recommended, found.taken_as, found.taken_at_ms) == (True, None, None)
    with pytest.raises(Misconfigured, match="no proposal 77"):
        proposals.get(db, 77)


def test_the_same_conclusion_of_a_study_is_kept_once_and_more_trials_are_another(db, kept):
    assert propose(db, {"lookback_ms": 60_000}, now_ms=9) == kept
    assert propose(db, {"lookback_ms": 60_000}, trials=80) != kept
    assert [one.trials for one in proposals.everything(db)] == [80, 40]


def test_one_is_taken_once_and_says_by_whom(db, kept):
    proposals.take(db, kept, child(db), "person", 7)
    found = proposals.get(db, kept)
    assert (found.taken_as, found.taken_by, found.taken_at_ms) == ("momentum-2", "person", 7)
    with pytest.raises(Misconfigured, match="taken already: momentum-2"):
        proposals.take(db, kept, child(db, "momentum-3"), "person", 8)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM proposals", "UPDATE proposals SET recommended = 0", "UPDATE proposals SET trials = 1",
     "UPDATE proposals SET taken_by = 'nobody'"],
)  # fmt: skip
def test_what_was_found_cannot_be_made_into_something_else(db, kept, statement):
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def test_only_what_is_recommended_of_the_same_code_and_free_waits(db, kept):
    code = proposals.get(db, kept).code_sha256
    propose(db, {"lookback_ms": 1}, study="b", recommended=False)
    newest = propose(db, {"lookback_ms": 2}, study="c")
    propose(db, {"lookback_ms": 3}, study="d", code_sha256=agents.keep_version(db, "momentum", "older", 1))
    propose(db, {}, strategy="coin_flip")
    assert [one.number for one in proposals.waiting(db, "momentum", code)] == [newest, kept]
    proposals.take(db, newest, child(db), "a rule", 7)
    assert [one.number for one in proposals.waiting(db, "momentum", code)] == [kept]


def test_looks_at_a_tape_are_those_of_other_studies_each_with_all_its_trials(db, kept):
    propose(db, {"lookback_ms": 2}, trials=90)
    propose(db, {"lookback_ms": 1}, study="grid", trials=25)
    propose(db, {"lookback_ms": 1}, study="other days", trials=500, tape={"2026-11-20": "sha256:2"})
    propose(db, {}, strategy="coin_flip", study="coins", trials=500)
    assert proposals.trials_elsewhere(db, "momentum", TAPE, "momentum-tpe") == 25
    assert proposals.trials_elsewhere(db, "momentum", TAPE, "genetic") == 115
    assert proposals.trials_elsewhere(db, "momentum", {}, "genetic") == 0
