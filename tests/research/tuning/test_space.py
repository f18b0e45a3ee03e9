"""What is searched: on the steps of each setting, through its default, and never how much is traded."""

import math

import pytest

from outcry.domain.errors import Misconfigured
from outcry.research.tuning import space
from outcry.strategies import catalogue


@pytest.mark.parametrize("strategy", catalogue.names())
def test_every_place_of_every_strategy_is_a_legal_setting_and_the_default_is_one(strategy):
    known = {one.name: one for one in catalogue.settings(strategy)}
    for axis in space.axes(strategy, {}, ()):
        assert axis.name not in space.SIZES and known[axis.name].default is not None
        assert axis.value(axis.start) == known[axis.name].default
        for place in (1, axis.places):
            catalogue.build(strategy, {axis.name: axis.value(place)})
        assert axis.value(axis.places) + axis.step > known[axis.name].high


def test_what_is_named_is_searched_even_where_it_is_off_and_what_is_given_is_not():
    assert [axis.name for axis in space.axes("momentum", {}, ("hold_ms",))] == ["hold_ms"]
    names = [axis.name for axis in space.axes("momentum", {"lookback_ms": 60_000}, ())]
    assert names == ["move_millionths", "stop_loss_millionths", "take_profit_millionths"]


@pytest.mark.parametrize(
    ("fixed", "named", "message"),
    [
        ({}, ("look_back_ms",), "did you mean 'lookback_ms'"),
        ({}, ("stake_millionths",), "it is a size"),
        ({"hold_ms": 1_000}, ("hold_ms",), "it is given by --set"),
        ({one.name: one.default for one in catalogue.settings("momentum")}, (), "nothing is left to search"),
    ],
)
def test_what_cannot_be_searched_is_said_in_one_line(fixed, named, message):
    with pytest.raises(Misconfigured, match=message):
        space.axes("momentum", fixed, named)


@pytest.mark.parametrize("most", [1, 2, 7, 50, 100])
def test_a_grid_is_every_combination_of_its_levels_and_fits(most):
    axes = space.axes("momentum", {}, ())
    found = space.grid(axes, most)
    levels = [{places[axis.name] for places in found} for axis in axes]
    assert len(found) == math.prod(map(len, levels)) <= most
    assert len({tuple(places.items()) for places in found}) == len(found)
    assert all(1 <= place <= axis.places for axis, level in zip(axes, levels, strict=True) for place in level)
    for axis, level in zip(axes, levels, strict=True):
        assert len(level) > 1 or level == {axis.start}


def test_a_grid_of_a_short_setting_has_each_of_its_values():
    axes = space.axes("technical", {}, ("pattern",))
    assert [axes[0].value(places["pattern"]) for places in space.grid(axes, 100)] == [1, 2, 3]
