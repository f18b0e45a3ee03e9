"""What is unsound about a question, in words; and the edges of what is sound."""

import pytest

from outcry.domain.order import TimeInForce
from outcry.risk import sound

NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exposure__floor_micros": 1.0}, "floor_micros is not a whole number"),
        ({"quote__volume_ch": NAN}, "the quote holds something that is not a whole number"),
        ({"quote__bids": ((5_900, 1.5),)}, "the quote holds something that is not a whole number"),
        ({"facts__predecessor_volume_ch": 1.0}, "a time or volume is not a whole number"),
        ({"now_ms": True}, "a time or volume is not a whole number"),
        ({"intent__side": "bid"}, "side or limit is of the wrong kind"),
        ({"intent__limit_cc": 6_000.0}, "side or limit is of the wrong kind"),
        ({"intent__probability": True}, "the probability is not a number"),
        ({"intent__probability": "0.7"}, "the probability is not a number"),
        ({"intent__probability": NAN}, "the probability is not between 0 and 1"),
        ({"intent__probability": 1.0}, "the probability is not between 0 and 1"),
        ({"intent__probability": 0.0}, "the probability is not between 0 and 1"),
        ({"intent__stake_millionths": 0}, "the stake is not a share of capital"),
        ({"intent__stake_millionths": 1_000_001}, "the stake is not a share of capital"),
        ({"intent__post_only": True}, "only an order that may rest can be post-only"),
        ({"intent__stop_loss_millionths": 0}, "the stop-loss is not a share of cost"),
        ({"intent__stop_loss_millionths": 1_000_001}, "the stop-loss is not a share of cost"),
        ({"intent__take_profit_millionths": 0}, "the take-profit is not above zero"),
        ({"intent__hold_ms": 0}, "the time exit is not above zero"),
        ({"intent__hold_ms": 1.0}, "the time exit is not above zero"),
    ],
)
def test_what_is_wrong(floor, changes, said):
    verdict = sound.check(floor.make(**changes))
    assert (str(verdict.answer), verdict.rule, verdict.reason, verdict.numbers) == ("refused", "sound", said, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"intent__stake_millionths": 1},
        {"intent__stake_millionths": 1_000_000},
        {"intent__stop_loss_millionths": 1},
        {"intent__stop_loss_millionths": 1_000_000},
        {"intent__take_profit_millionths": 1},
        {"intent__hold_ms": 1},
        {"intent__probability": 1e-9},
        {"intent__post_only": True, "intent__time_in_force": TimeInForce.GTC},
    ],
)
def test_what_is_just_sound(floor, changes):
    assert sound.check(floor.make(**changes)) is None
