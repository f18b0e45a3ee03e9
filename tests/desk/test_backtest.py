"""bin/backtest: what it prints, for people and for programs, and what it answers to mistakes."""

import json

import pytest

from outcry.desk import backtest as program
from outcry.domain.errors import Misconfigured
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.research import lookahead
from outcry.strategies import catalogue


@pytest.fixture(scope="module")
def floor(tmp_path_factory) -> Floor:
    """A floor with one day of generated tape, and no books."""
    floor = Floor(Settings(time_factor=22.5), tmp_path_factory.mktemp("floor") / "embedded")
    floor.tape.mkdir(parents=True)
    lookahead.made_up(floor.tape)
    return floor


def run(floor, name="coin_flip", changed=("chance_millionths=500000",), **more):
    terms = {"latency_ms": 50, "proportional": False, "as_json": False, "plot": None}
    program.run(floor, name, (), changed, **(terms | more))


def test_a_report_for_programs_says_what_was_run_on_what(floor, capsys, tmp_path):
    picture = tmp_path / "curve.png"
    run(floor, as_json=True, plot=picture)
    told = json.loads(capsys.readouterr().out)
    assert (told["strategy"], told["parameters"]) == ("coin_flip", {"chance_millionths": 500_000})
    assert list(told["tape"]) == ["2026-11-20"] and set(told["beside"]) == {"coin_flip", "hold"}
    assert told["orders"] + told["refused"] > 0 and not told["conclusive"]
    assert {"net", "net_low", "break_even", "markouts_cc", "brier", "worst_day", "assumptions"} <= told.keys()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_report_for_people_says_what_it_does_not_prove_and_what_it_assumes(floor, capsys):
    run(floor)
    out, err = capsys.readouterr()
    assert "below 30 no conclusion is possible" in out
    assert "orders, cancels and renewals act 50 ms after the decision" in out
    assert "none of them ahead of us (pessimistic)" in out
    assert err == ""  # a bar is for terminals
    run(floor, proportional=True)
    assert "shared out in proportion" in capsys.readouterr().out


def test_exits_are_switched_off_for_hold_only_where_there_are_any():
    assert program.held("coin_flip", {"stake_millionths": 5}) == {
        "stake_millionths": 5, "stop_loss_millionths": 1_000_000, "take_profit_millionths": None, "hold_ms": None,
    }  # fmt: skip
    assert program.held("order_flow", {"hold_ms": 5_000}) == {
        "stop_loss_millionths": 1_000_000, "take_profit_millionths": 100_000_000, "hold_ms": 86_400_000,
    }  # fmt: skip
    arbitrage = {setting.name for setting in catalogue.settings("arbitrage")}
    assert program.held("arbitrage", {}).keys() <= arbitrage


@pytest.mark.parametrize("name", catalogue.names())
def test_every_strategy_can_be_held_beside_itself(name):
    strategy = catalogue.build(name, program.held(name, {}))
    assert getattr(strategy, "stop_loss_millionths", 1_000_000) == 1_000_000, "all of the cost"


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("coin_flap", (), "did you mean 'coin_flip'"),
        ("coin_flip", ("chance",), "has no value"),
        ("coin_flip", ("chance_millionths=often",), "no whole number"),
        ("coin_flip", ("chances=3",), "has no parameter 'chances'"),
        ("coin_flip", ("chance_millionths=0",), "from 1 to"),
    ],
)
def test_a_mistake_is_one_line(floor, name, changed, message):
    with pytest.raises(Misconfigured, match=message):
        run(floor, name, changed)


def test_checking_says_that_all_is_well_and_needs_no_tape(floor, capsys):
    assert program.check(floor, "favorite", ()) == 0
    assert "favorite: the same " in capsys.readouterr().out


def test_replaying_needs_the_books_of_the_floor(floor):
    with pytest.raises(Misconfigured, match="no books in"):
        program.replay(floor, "2026-11-20", as_json=False)
