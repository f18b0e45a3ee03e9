from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from outcry.domain.errors import Misconfigured
from outcry.strategies import catalogue
from outcry.strategies.momentum import Momentum

ALL = catalogue.names()
UNITS = {"legs", "ms", "cc", "ch", "millionths", "bars", "choice", "points"}


SHARED = {"__init__", "catalogue", "setting", "strategy", "taking"}


def test_the_folder_is_the_catalogue():
    files = {file.stem for file in Path(catalogue.__file__).parent.glob("*.py")}
    assert sorted(files - SHARED) == ALL
    assert [catalogue.module(name) for name in ALL] == [f"outcry.strategies.{name}" for name in ALL]


def test_parameters_replace_defaults():
    assert catalogue.build("momentum", {}) == Momentum()
    assert catalogue.build("momentum", {"move_millionths": 700}) == Momentum(move_millionths=700)
    assert catalogue.build("momentum", {"hold_ms": None, "take_profit_millionths": 50_000}).hold_ms is None


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("momentun", {}, "did you mean 'momentum'"),
        ("zzz", {}, "there are arbitrage, coin_flip"),
        ("momentum", {"lookback": 60_000}, "did you mean 'lookback_ms'"),
        ("momentum", {"move_millionths": 0}, "from 1 to 500000"),
        ("momentum", {"move_millionths": 5_000.0}, "not a whole number"),
        ("momentum", {"move_millionths": float("nan")}, "not a whole number"),
        ("momentum", {"move_millionths": True}, "not a whole number"),
        ("momentum", {"move_millionths": "5000"}, "not a whole number"),
        ("momentum", {"stake_millionths": None}, "not a whole number"),
        ("momentum", {"warm_up_ms": 1}, "no parameter 'warm_up_ms'"),
    ],
)
def test_anything_else_is_refused_in_one_line(name, parameters, message):
    with pytest.raises(Misconfigured, match=message):
        catalogue.build(name, parameters)


@pytest.mark.parametrize("name", ALL)
def test_every_setting_is_declared_whole_and_its_default_and_bounds_are_valid(name):
    settings = catalogue.settings(name)
    assert [setting.name for setting in settings] == [field.name for field in fields(catalogue.CATALOGUE[name])]
    for setting in settings:
        assert setting.default is None or setting.low <= setting.default <= setting.high
        assert setting.low < setting.high and 0 < setting.step <= setting.high - setting.low
        assert setting.unit in UNITS and len(setting.meaning) > 10
        for edge in (setting.low, setting.high):
            assert getattr(catalogue.build(name, {setting.name: edge}), setting.name) == edge
        for beyond in (setting.low - 1, setting.high + 1):
            with pytest.raises(Misconfigured, match="whole number"):
                catalogue.build(name, {setting.name: beyond})


@pytest.mark.parametrize("name", ALL)
def test_every_strategy_says_where_its_idea_is_from_and_when_it_loses(name):
    words = import_module(catalogue.module(name)).__doc__
    assert "\nsource   " in words and "\nloses    " in words


@pytest.mark.parametrize("name", ALL)
def test_conditions_are_phrases_to_be_counted_and_looking_changes_nothing(name, made):
    strategy = catalogue.build(name, {})
    view = made.view(draw=0.9)
    answer = strategy.decide(view)
    assert isinstance(answer, str) and not any(character.isdigit() for character in answer)
    assert strategy.decide(view) == answer
