from dataclasses import fields

import pytest

from outcry.domain.errors import Misconfigured
from outcry.strategies import catalogue
from outcry.strategies.momentum import Momentum

ALL = ["coin_flip", "mean_reversion", "momentum", "volume_spike"]


def test_names_and_where_each_lives():
    assert catalogue.names() == ALL
    assert [catalogue.module(name) for name in ALL] == [f"outcry.strategies.{name}" for name in ALL]


def test_parameters_replace_defaults():
    assert catalogue.build("momentum", {}) == Momentum()
    assert catalogue.build("momentum", {"move_millionths": 700}) == Momentum(move_millionths=700)
    assert catalogue.build("momentum", {"hold_ms": None, "take_profit_millionths": 50_000}).hold_ms is None


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("momentun", {}, "did you mean 'momentum'"),
        ("zzz", {}, "there are coin_flip, mean_reversion"),
        ("momentum", {"lookback": 60_000}, "did you mean 'lookback_ms'"),
        ("momentum", {"move_millionths": 0}, "from 1 to 500000"),
        ("momentum", {"move_millionths": 5_000.0}, "not a whole number"),
        ("momentum", {"move_millionths": float("nan")}, "not a whole number"),
        ("momentum", {"move_millionths": True}, "not a whole number"),
        ("momentum", {"move_millionths": "5000"}, "not a whole number"),
        ("momentum", {"stake_millionths": None}, "not a whole number"),
        ("momentum", {"RANGES": {}}, "no parameter 'RANGES'"),
    ],
)
def test_anything_else_is_refused_in_one_line(name, parameters, message):
    with pytest.raises(Misconfigured, match=message):
        catalogue.build(name, parameters)


@pytest.mark.parametrize("name", ALL)
def test_every_setting_has_a_range_that_its_default_is_in(name):
    strategy = catalogue.build(name, {})
    assert sorted(strategy.RANGES) == sorted(field.name for field in fields(strategy))
    for setting, (low, high) in strategy.RANGES.items():
        default = getattr(strategy, setting)
        assert default is None or low <= default <= high
        for edge in (low, high):
            assert getattr(catalogue.build(name, {setting: edge}), setting) == edge


@pytest.mark.parametrize("name", ALL)
def test_conditions_are_phrases_to_be_counted_and_looking_changes_nothing(name, made):
    strategy = catalogue.build(name, {})
    view = made.view(draw=0.9)
    answer = strategy.decide(view)
    assert isinstance(answer, str) and not any(character.isdigit() for character in answer)
    assert strategy.decide(view) == answer
