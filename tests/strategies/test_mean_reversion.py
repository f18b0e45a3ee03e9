import pytest

from outcry.domain.order import Side
from outcry.strategies.mean_reversion import MeanReversion

ONE_PERCENT = 800_000_000


@pytest.mark.parametrize(
    ("change", "side", "limit_cc"), [(ONE_PERCENT + 1, Side.ASK, 5_900), (-ONE_PERCENT - 1, Side.BID, 6_000)]
)
def test_fades_a_move_of_more_than_one_percent(made, change, side, limit_cc):
    intent = MeanReversion().decide(made.view(index=made.index(change, 600)))
    assert (intent.side, intent.limit_cc, intent.probability) == (side, limit_cc, None)
    assert (intent.stake_millionths, intent.stop_loss_millionths, intent.hold_ms) == (20_000, 200_000, 600_000)


@pytest.mark.parametrize("change", [0, ONE_PERCENT, -ONE_PERCENT])
def test_leaves_a_smaller_move_alone(made, change):
    assert MeanReversion().decide(made.view(index=made.index(change, 600))) == "index has not moved enough"


def test_warms_up(made):
    bars = made.index(2 * ONE_PERCENT, 600)
    assert MeanReversion().warm_up_ms == 603_000
    assert MeanReversion().decide(made.view(index=bars[-600:])) == "index history too short or with a gap"
    assert MeanReversion().decide(made.view(index=bars[-601:])).side is Side.ASK
    assert MeanReversion().decide(made.view()) == "no index price for this market"


def test_the_look_back_and_the_hold_are_shortened_with_the_floors_time(made):
    bars = made.index(2 * ONE_PERCENT, 600, factor=15)
    intent = MeanReversion().decide(made.view(index=bars, time_factor=15.0))
    assert (intent.side, intent.hold_ms) == (Side.ASK, 40_000)
    assert MeanReversion().decide(made.view(index=bars[-40:], time_factor=15.0)).startswith("index history")


def test_needs_somebody_to_trade_with_and_no_position_yet(made):
    bars = made.index(2 * ONE_PERCENT, 600)
    assert MeanReversion().decide(made.view(index=bars, quote__bids=())) == "nobody to trade with on that side"
    assert MeanReversion().decide(made.view(index=bars, position_ch=1)) == "already holds a position here"
