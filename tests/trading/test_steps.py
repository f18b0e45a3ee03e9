"""Each look that leads to nothing says at which step between market and trade it ended."""

import pytest

from hand_fed import Desk, intent
from outcry.domain.funnel import LOOKED, Step
from outcry.domain.order import Side
from outcry.domain.view import Lacking
from outcry.trading.events import Note, Topic


@pytest.fixture
def desk():
    desk = Desk()
    desk.start()
    return desk


def ended(commands) -> dict[str, Step]:
    return {one.text: one.step for one in commands if isinstance(one, Note) and one.topic is Topic.LOOKED}


@pytest.mark.parametrize(
    ("control", "condition"),
    [
        ({"halted": "by me"}, "floor halted"),
        ({"stopped": "drift"}, "entries stopped"),
        ({"paused": "a person"}, "agent paused"),
        ({"retired": True}, "agent retired"),
        ({"trouble": "no exchange"}, "state ERROR"),
    ],
)
def test_who_may_not_enter_is_not_free(desk, control, condition):
    desk.control(**control)
    assert ended(desk.clock(31_000)) == {condition: Step.FREE}


def test_what_the_strategy_says_is_told_apart_from_what_it_lacks(desk):
    desk.strategy.answer = "index has not moved enough"
    assert ended(desk.clock(31_000)) == {"index has not moved enough": Step.SIGNAL}
    desk.strategy.answer = Lacking("no index price for this market")
    assert ended(desk.clock(31_000)) == {"no index price for this market": Step.TRUSTED}
    desk.strategy.answer = ValueError("broken")
    assert ended(desk.clock(31_000)) == {"strategy raised": Step.SIGNAL}


def test_a_wish_that_meets_an_open_order_or_no_price_ends_at_the_limits(desk):
    desk.strategy.answer = intent(Side.BID, 5)
    assert ended(desk.clock(31_000)) == {"no tradable price on that side": Step.RISK}
    assert set(Step) > set(LOOKED) > {Step.FREE, Step.TRUSTED, Step.SIGNAL}


def test_a_wish_that_is_asked_about_ends_nowhere_yet(desk):
    desk.strategy.answer = intent()
    assert ended(desk.clock(31_000)) == {}
