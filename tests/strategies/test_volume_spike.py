import pytest

from outcry.domain.order import Side
from outcry.strategies.volume_spike import VolumeSpike

USUAL = 200  # two contracts a second: 30 in 15 s


@pytest.mark.parametrize(("signed_ch", "side", "limit_cc"), [(2_000, Side.BID, 6_000), (-2, Side.ASK, 5_900)])
def test_follows_a_spike_of_three_times_the_average(made, signed_ch, side, limit_cc):
    intent = VolumeSpike().decide(made.view(prints=made.prints(USUAL, 9_000, signed_ch)))
    assert (intent.side, intent.limit_cc, intent.probability) == (side, limit_cc, None)
    assert (intent.stake_millionths, intent.stop_loss_millionths) == (30_000, 200_000)
    assert intent.why.startswith("90.00 contracts in 15 s, usual 30.00")


def test_stays_out_below_it(made):
    assert VolumeSpike().decide(made.view(prints=made.prints(USUAL, 8_998, 8_998))) == "no volume spike"


def test_needs_a_direction(made):
    assert VolumeSpike().decide(made.view(prints=made.prints(USUAL, 9_000, 0))) == "nobody in a hurry on either side"


def test_an_average_of_next_to_nothing_says_nothing(made):
    quiet = made.view(prints=made.prints(6, 9_000, 9_000))  # 0.9 of a contract in 15 s
    assert VolumeSpike().decide(quiet) == "too few prints to say what is usual"


def test_warms_up(made):
    assert VolumeSpike().warm_up_ms == 318_000
    assert VolumeSpike().decide(made.view()) == "history of prints too short"
    half = made.prints(USUAL, 9_000, 9_000, seconds=165)
    assert VolumeSpike().decide(made.view(prints=half)).side is Side.BID
    assert VolumeSpike().decide(made.view(prints=half[1:])) == "history of prints too short"


def test_windows_are_shortened_with_the_floors_time(made):
    bars = made.prints(USUAL, 700, 700, window_s=1, seconds=21)  # a factor of 15: 1 s against 20 s
    intent = VolumeSpike().decide(made.view(prints=bars, time_factor=15.0))
    assert (intent.side, intent.hold_ms) == (Side.BID, 20_000)
    assert VolumeSpike().decide(made.view(prints=bars)) == "history of prints too short"


def test_needs_somebody_to_trade_with_and_no_position_yet(made):
    bars = made.prints(USUAL, 9_000, 9_000)
    assert VolumeSpike().decide(made.view(prints=bars, quote__asks=())) == "nobody to trade with on that side"
    assert VolumeSpike().decide(made.view(prints=bars, position_ch=1)) == "already holds a position here"
