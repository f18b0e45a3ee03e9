import json

import pytest

from outcry.desk import agent, migrate
from outcry.domain.errors import Misconfigured
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.store import accounts, agents, database


@pytest.fixture
def floor(tmp_path):
    floor = Floor(settings_file.parse({}), tmp_path)
    migrate.prepare(floor, 1_000)
    return floor


def get(floor, name):
    db = database.read_only(floor.database)
    try:
        return agents.get(db, name)
    finally:
        db.close()


def test_a_variation_is_an_agent_with_other_parameters(floor, capsys):
    agent.add(floor, "momentum-2", "momentum", ["stake_millionths=10_000", "hold_ms=none"], "12.50")
    made = get(floor, "momentum-2")
    assert (made.strategy, made.parameters) == ("momentum", {"stake_millionths": 10_000, "hold_ms": None})
    assert (made.stage, made.allocation_micros) == ("birth", 12_500_000)
    assert "start it with: bin/trader momentum-2" in capsys.readouterr().out


def test_its_strategy_is_that_of_its_name_and_its_allocation_the_birth_share(floor):
    db = database.connect(floor.database)
    accounts.record_day(db, "2026-11-20", 3_000_000_000, {}, 1)
    db.close()
    agent.add(floor, "coin_flip_2", "coin_flip", [], None)
    assert get(floor, "coin_flip_2").allocation_micros == 30_000_000


@pytest.mark.parametrize(
    ("name", "strategy", "settings", "allocation", "says"),
    [
        ("x", "momentun", [], None, "did you mean 'momentum'"),
        ("x", "momentum", ["stake_millionth=1"], None, "did you mean 'stake_millionths'"),
        ("x", "momentum", ["stake_millionths"], None, "write it as name=value"),
        ("x", "momentum", ["stake_millionths=two"], None, "is not a whole number"),
        ("x", "momentum", ["stake_millionths=-5"], None, "is not a whole number from"),
        ("x", "momentum", [], "ten", "is no amount of dollars"),
        ("x", "momentum", [], "-3", "cannot be negative"),
        ("momentum", None, [], None, "there is already an agent momentum"),
        ("manual", "momentum", [], None, "cannot be an agent's name"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(floor, name, strategy, settings, allocation, says):
    with pytest.raises(Misconfigured) as refused:
        agent.add(floor, name, strategy, settings, allocation)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_pause_and_resume_say_when_nothing_changes(floor, capsys):
    agent.pause(floor, "momentum", "odd fills")
    agent.pause(floor, "momentum", "odd fills")
    assert get(floor, "momentum").paused
    agent.resume(floor, "momentum")
    agent.resume(floor, "momentum")
    assert not get(floor, "momentum").paused
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "paused momentum: it enters nothing more, and still exits",
        "momentum is paused already",
        "resumed momentum",
        "momentum is not paused",
    ]
    with pytest.raises(Misconfigured, match="agents here"):
        agent.pause(floor, "nobody", "")


def test_the_list_and_one_agent_for_people_and_programs(floor, capsys):
    agent.add(floor, "momentum-2", "momentum", ["stake_millionths=10000"], None)
    agent.pause(floor, "momentum-2", "odd fills")
    capsys.readouterr()
    agent.ls(floor, as_json=False)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("momentum-2"))
    assert "birth, paused: odd fills" in line and "never ran" in line and "stake_millionths=10000" in line
    agent.ls(floor, as_json=True)
    assert [row["name"] for row in json.loads(capsys.readouterr().out)][-2:] == ["momentum-2", "volume_spike"]
    agent.show(floor, "momentum-2", as_json=False)
    text = capsys.readouterr().out
    assert "stake_millionths = 10000\n" in text and "(default)" in text and "paused by person  reason=odd fills" in text
    agent.show(floor, "momentum-2", as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["parameters"] == {"stake_millionths": 10_000}
    assert answer["running_parameters"]["stake_millionths"] == 10_000
    assert len(answer["running_parameters"]) > 3
