from dataclasses import dataclass

import pytest

from outcry.domain.order import Side
from outcry.domain.view import Intent, View
from outcry.research import lookahead
from outcry.strategies import catalogue
from outcry.strategies.strategy import Strategy


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return lookahead.made_up(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("name", catalogue.names())
def test_no_strategy_looks_ahead_or_needs_more_history_than_it_says(name, file):
    found = lookahead.on_made_up(catalogue.build(name, {}), file)
    assert found.wrong == []
    assert found.looks > 500 and found.after > 200  # there was something to look at, and something to leave out


@dataclass(frozen=True, slots=True)
class Forgetful(Strategy):
    """Says that it needs a second of history, and reads all there is: its price tells how much that was."""

    @property
    def warm_up_ms(self) -> int:
        return 22_500

    def decide(self, view: View) -> Intent:
        return Intent(view.market.ticker, Side.BID, 100 * (1 + len(view.index)), "all there is")


def test_a_warm_up_that_is_too_short_is_found(file):
    found = lookahead.on_made_up(Forgetful(), file)
    assert "with 3 times its warm-up of 22500 ms Intent(" in found.wrong[0]


_future: dict[tuple[str, int], int | None] = {}


@dataclass(frozen=True, slots=True)
class Clairvoyant(Strategy):
    """Remembers what it once saw ten seconds later: whatever way the future comes in, the answers give it away."""

    @property
    def warm_up_ms(self) -> int:
        return 0

    def decide(self, view: View) -> str:
        ticker, second = view.market.ticker, view.now_ms // 1_000
        _future[ticker, second] = view.quote.bid_cc
        return f"it will be {_future.get((ticker, second + 10))}"


def test_answers_that_depend_on_what_comes_later_are_found(file):
    _future.clear()
    found = lookahead.on_made_up(Clairvoyant(), file)
    assert any("cut off" in wrong and "the answer" in wrong for wrong in found.wrong)
    assert any("made into something else" in wrong for wrong in found.wrong)
