import pytest
from hypothesis import given
from hypothesis import strategies as st

from hand_fed import TICKER, intent, market, quote
from outcry.domain.order import Side
from outcry.domain.view import Answer, Exposure
from outcry.trading import exits
from outcry.trading.positions import Position


def position(position_ch=1_000, cost_cc=5_000, **plan):
    return Position(TICKER, position_ch, abs(position_ch) * cost_cc, 10_000, 10_000, intent(**plan))


def test_without_a_price_or_a_plan_for_it_nothing_is_reached():
    assert exits.price_exit(position(), quote(None, 5_000)) == ""
    assert exits.price_exit(position(), quote(9_900, 9_950)) == "", "no take-profit was planned"
    assert exits.time_exit(position(), 10**12) == ""


def test_a_stop_of_everything_never_fires_while_anything_is_bid():
    assert exits.price_exit(position(stop_loss_millionths=1_000_000), quote(1, 5_000)) == ""


@given(st.integers(1, 9_998), st.integers(1, 9_998), st.integers(1, 10_000), st.sampled_from([1, -1]))
def test_the_stop_is_exact_on_both_sides(cost_cc, touch_cc, count_ch, sign):
    held = position(sign * count_ch, cost_cc)
    book = quote(touch_cc, touch_cc + 1) if sign > 0 else quote(touch_cc - 1, touch_cc)
    worth_cc = touch_cc if sign > 0 else 10_000 - touch_cc
    assert (exits.price_exit(held, book) != "") is (worth_cc * 5 <= cost_cc * 4)


@pytest.mark.parametrize(
    ("position_ch", "touch", "why", "side", "limit_cc"),
    [(1_000, (5_000, 5_100), "stop-loss", Side.ASK, 4_700), (1_000, (5_000, 5_100), "take-profit", Side.ASK, 5_000),
     (1_000, (200, 300), "time", Side.ASK, 10), (1_000, (1_150, 1_300), "stop-loss", Side.ASK, 850),
     (-1_000, (5_000, 5_100), "stop-loss", Side.BID, 5_400), (-1_000, (9_700, 9_800), "time", Side.BID, 9_990),
     (-1_000, (5_000, 5_100), "take-profit", Side.BID, 5_100)],
)  # fmt: skip
def test_the_order_that_leaves_is_on_the_grid_and_as_urgent_as_its_reason(position_ch, touch, why, side, limit_cc):
    leaving = exits.leave(position(position_ch), quote(*touch), market(), why)
    assert (leaving.side, leaving.limit_cc) == (side, limit_cc)
    assert market().on_grid(leaving.limit_cc)


def test_there_is_no_order_while_there_is_nobody_to_trade_with():
    assert exits.leave(position(), quote(None, 5_000), market(), "stop-loss") is None
    assert exits.leave(position(-1), quote(5_000, None), market(), "stop-loss") is None


@pytest.mark.parametrize(
    ("side", "held_ch", "in_flight_ch", "answer", "count_ch"),
    [(Side.ASK, 1_000, 0, Answer.ALLOWED, 500), (Side.ASK, 500, 0, Answer.ALLOWED, 500),
     (Side.ASK, 499, 0, Answer.REDUCED, 499), (Side.ASK, 0, 0, Answer.REFUSED, 0),
     (Side.ASK, -500, 0, Answer.REFUSED, 0), (Side.BID, -500, 0, Answer.ALLOWED, 500),
     (Side.BID, 500, 0, Answer.REFUSED, 0), (Side.ASK, 1_000, 1, Answer.REFUSED, 0)],
)  # fmt: skip
def test_an_exit_only_ever_reduces(side, held_ch, in_flight_ch, answer, count_ch):
    exposure = Exposure(0, 0, position_ch=held_ch, exits_in_flight_ch=in_flight_ch)
    verdict = exits.gate(intent(side, 4_000), 500, exposure)
    assert (verdict.answer, verdict.count_ch) == (answer, count_ch)
