"""What a person does to agents by hand: done, kept with why, refused in one line where it cannot be."""

import contextlib

import pytest

from outcry.desk import agent, migrate
from outcry.desk.evolving import people
from outcry.domain.errors import Misconfigured
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.store import agents, database, proposals, questions
from proposed import propose


@pytest.fixture
def floor(tmp_path):
    made = Floor(settings_file.parse({}), tmp_path)
    migrate.prepare(made, 1_000)
    return made


def read(floor, ask):
    db = database.read_only(floor.database)
    try:
        return ask(db)
    finally:
        db.close()


def get(floor, name="momentum"):
    return read(floor, lambda db: agents.get(db, name))


def last(floor, name="momentum"):
    return read(floor, lambda db: agents.history(db, name))[-1]


def test_other_parameters_begin_another_question(floor, capsys):
    people.set_parameters(floor, "momentum", agent.settings_of(["stake_millionths=10_000"]), "calmer")
    assert get(floor).parameters == {"stake_millionths": 10_000}
    assert (last(floor)["act"], last(floor)["rule"], last(floor)["evidence"]["why"]) == ("set", "person", "calmer")
    asked = [one for one in read(floor, questions.everything) if one.agent == "momentum"]
    assert [one.ended_at_ms is None for one in asked] == [False, True]
    assert capsys.readouterr().out == "set momentum: stake_millionths=10000\n"
    with pytest.raises(Misconfigured, match="nothing changes"):
        people.set_parameters(floor, "momentum", {"stake_millionths": 10_000}, "")
    with pytest.raises(Misconfigured, match="did you mean"):
        people.set_parameters(floor, "momentum", {"stake_millionth": 1}, "")


def test_a_clone_differs_as_said_or_as_it_varies(floor):
    people.clone(floor, "momentum", {"stake_millionths": 10_000}, "smaller")
    people.clone(floor, "momentum", {}, "")
    people.clone(floor, "momentum-2", {}, "")
    assert get(floor, "momentum-2").parameters == {"stake_millionths": 10_000}
    assert get(floor, "momentum-3").parameters
    grandchild = get(floor, "momentum-2-2")
    assert (grandchild.parent, grandchild.generation, grandchild.stage) == ("momentum-2", 2, "birth")
    assert last(floor)["evidence"]["child"] == "momentum-3"
    kinds = [one.kind for one in read(floor, questions.everything) if one.agent == "momentum-2"]
    assert kinds == ["birth", "challenge"]


def test_a_clone_is_made_of_a_proposal_once_and_keeps_its_parents_stake(floor, capsys):
    with contextlib.closing(database.connect(floor.database)) as db:
        older = agents.keep_version(db, "momentum", "older code", 1)
        number = propose(db, {"lookback_ms": 60_000, "hold_ms": None}, recommended=False, code_sha256=older)
        coins = propose(db, {}, strategy="coin_flip")
    people.set_parameters(floor, "momentum", {"stake_millionths": 10_000}, "")
    people.clone(floor, "momentum", {}, "held in the test", number)
    assert get(floor, "momentum-2").parameters == {
        "stake_millionths": 10_000, "lookback_ms": 60_000, "hold_ms": None,
    }  # fmt: skip
    assert last(floor)["evidence"]["proposal"] == number and last(floor)["evidence"]["why"] == "held in the test"
    taken = read(floor, lambda db: proposals.get(db, number))
    assert (taken.taken_as, taken.taken_by) == ("momentum-2", "person")
    told = capsys.readouterr().out
    assert f"proposal {number} is not recommended: no conclusion possible" in told
    assert f"proposal {number} was found with other code of momentum than runs now" in told
    for wanted, parameters, message in (
        (number, {}, "taken already: momentum-2"),
        (coins, {}, "is for coin_flip; momentum runs momentum"),
        (number, {"stake_millionths": 1}, "either as proposed or as --set says"),
        (99, {}, "no proposal 99"),
    ):
        with pytest.raises(Misconfigured, match=message):
            people.clone(floor, "momentum", parameters, "", wanted)
    assert [one.name for one in read(floor, agents.everyone) if one.parent] == ["momentum-2"]


def test_retired_and_brought_back_with_its_history(floor):
    agents_before = len(read(floor, agents.everyone))
    people.clone(floor, "momentum", {}, "")
    people.retire(floor, "momentum-2", "odd fills")
    assert get(floor, "momentum-2").stage == "retired" and last(floor, "momentum-2")["evidence"]["why"] == "odd fills"
    assert all(one.ended_at_ms for one in read(floor, questions.everything) if one.agent == "momentum-2")
    for refused in (people.retire, people.resurrect):
        name = "momentum-2" if refused is people.retire else "momentum"
        with pytest.raises(Misconfigured, match=r"retired"):
            refused(floor, name, "")
    people.resurrect(floor, "momentum-2", "again")
    assert get(floor, "momentum-2").stage == "birth" and len(read(floor, agents.everyone)) == agents_before + 1
    open_kinds = [
        one.kind for one in read(floor, questions.everything) if one.agent == "momentum-2" and not one.ended_at_ms
    ]
    assert open_kinds == ["birth", "challenge"]


def test_allocations_stay_within_the_capital(floor):
    people.allocate(floor, "momentum", agent.micros_of("$400"), "more of it")
    assert get(floor).allocation_micros == 400_000_000 and last(floor)["rule"] == "person"
    with pytest.raises(Misconfigured, match=r"the floor's capital leaves \$970.00"):
        people.allocate(floor, "momentum", 970_000_001, "")
    people.allocate(floor, "momentum", 970_000_000, "")
    people.clone(floor, "momentum", {}, "")
    assert get(floor, "momentum-2").allocation_micros == 0, "nothing is left"


def test_what_fails_leaves_nothing_behind(floor, monkeypatch):
    monkeypatch.setattr(questions, "begin", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        people.clone(floor, "momentum", {}, "")
    assert len(read(floor, agents.everyone)) == 4 and last(floor)["act"] == "added"


def test_the_tree(floor, capsys):
    people.clone(floor, "momentum", {"stake_millionths": 10_000}, "")
    people.clone(floor, "momentum-2", {"stake_millionths": 5_000}, "")
    people.clone(floor, "momentum", {"stake_millionths": 30_000}, "")
    people.retire(floor, "momentum-3", "")
    capsys.readouterr()
    people.tree(floor)
    assert capsys.readouterr().out.splitlines() == [
        "coin_flip  birth  $10.00",
        "mean_reversion  birth  $10.00",
        "momentum  birth  $10.00",
        "├─ momentum-2  birth  $10.00  stake_millionths=10000",
        "│  └─ momentum-2-2  birth  $10.00  stake_millionths=5000",
        "└─ momentum-3  retired  $10.00  stake_millionths=30000",
        "volume_spike  birth  $10.00",
    ]
