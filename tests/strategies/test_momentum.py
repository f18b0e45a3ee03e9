import pytest

from outcry.domain.order import Side, TimeInForce
from outcry.strategies.momentum import Momentum

UP = 400_000_000  # 0.5 % of $80 000


def test_buys_up_when_the_index_has_risen(made):
    intent = Momentum().decide(made.view(index=made.index(UP, 300)))
    assert (intent.ticker, intent.side, intent.limit_cc) == (made.ticker, Side.BID, 6_000)
    assert (intent.time_in_force, intent.post_only, intent.probability) == (TimeInForce.IOC, False, None)
    assert (intent.stake_millionths, intent.stop_loss_millionths) == (20_000, 200_000)
    assert intent.why == "index moved +0.5000 % in 300 s"


def test_buys_down_when_it_has_fallen(made):
    intent = Momentum().decide(made.view(index=made.index(-UP, 300)))
    assert (intent.side, intent.limit_cc) == (Side.ASK, 5_900)


@pytest.mark.parametrize("change", [0, UP - 1, -UP + 1])
def test_stays_out_of_a_market_that_has_not_moved_enough(made, change):
    assert Momentum().decide(made.view(index=made.index(change, 300))) == "index has not moved enough"


def test_a_move_that_took_longer_does_not_count(made):
    assert Momentum().decide(made.view(index=made.index(UP, 330))) == "index has not moved enough"


def test_warms_up(made):
    bars = made.index(UP, 300)
    strategy = Momentum()
    assert strategy.warm_up_ms == 303_000
    assert strategy.decide(made.view(index=bars[-301:])).side is Side.BID
    assert strategy.decide(made.view(index=bars[-300:])) == "index history too short or with a gap"
    assert strategy.decide(made.view(index=bars[:-4])) == "index history too short or with a gap"
    assert strategy.decide(made.view()) == "no index price for this market"
    assert strategy.decide(made.view(index=bars, market__underlying="")) == "no index price for this market"


def test_the_look_back_is_shortened_with_the_floors_time(made):
    bars = made.index(UP, 300, factor=15)  # the same move within 20 s
    assert Momentum().decide(made.view(index=bars, time_factor=15.0)).side is Side.BID
    assert Momentum().decide(made.view(index=bars)).startswith("index history")  # 80 s are no 5 min
    assert Momentum().decide(made.view(index=bars[-20:], time_factor=15.0)).startswith("index history")
    hold = Momentum(hold_ms=150_000).decide(made.view(index=bars, time_factor=15.0))
    assert hold.hold_ms == 10_000


def test_needs_somebody_to_trade_with_and_no_position_yet(made):
    bars = made.index(UP, 300)
    assert Momentum().decide(made.view(index=bars, quote__asks=())) == "nobody to trade with on that side"
    assert Momentum().decide(made.view(index=bars, position_ch=-100)) == "already holds a position here"


def test_what_happens_after_now_changes_nothing(made):
    bars = made.index(UP, 300)
    later = made.index(-3 * UP, 5, now_ms=made.now_ms + 5_000)[-5:]
    assert Momentum().decide(made.view(index=bars + later)) == Momentum().decide(made.view(index=bars))
