import random
from collections import Counter

import pytest

from outcry.domain.order import Side, TimeInForce
from outcry.strategies.coin_flip import CoinFlip

TAKE, JOIN = (TimeInForce.IOC, False), (TimeInForce.GTC, True)


@pytest.mark.parametrize(
    ("draw", "side", "limit_cc", "manner"),
    [
        (0.0, Side.BID, 6_000, TAKE),
        (0.0049, Side.BID, 6_000, TAKE),
        (0.0051, Side.BID, 5_900, JOIN),
        (0.0101, Side.ASK, 5_900, TAKE),
        (0.0151, Side.ASK, 6_000, JOIN),
        (0.019999, Side.ASK, 6_000, JOIN),
    ],
)
def test_one_draw_decides_side_and_manner(made, draw, side, limit_cc, manner):
    intent = CoinFlip().decide(made.view(draw=draw))
    assert (intent.side, intent.limit_cc, (intent.time_in_force, intent.post_only)) == (side, limit_cc, manner)
    assert (intent.probability, intent.stake_millionths, intent.stop_loss_millionths) == (None, 20_000, 200_000)


@pytest.mark.parametrize("draw", [0.02, 0.5, 0.999999, float("nan"), -0.01])
def test_mostly_it_stays_out(made, draw):
    assert CoinFlip().decide(made.view(draw=draw)) == "the coin said no"


def test_the_faces_are_even_and_as_frequent_as_set(made):
    generator, coin = random.Random(1), CoinFlip(chance_millionths=100_000)
    faces = Counter()
    for _ in range(20_000):
        intent = coin.decide(made.view(draw=generator.random()))
        if not isinstance(intent, str):
            faces[intent.side, intent.time_in_force] += 1
    assert len(faces) == 4
    assert 1_800 < sum(faces.values()) < 2_200
    assert all(400 < count < 600 for count in faces.values())


def test_needs_a_two_sided_book_and_no_position_yet(made):
    assert CoinFlip().decide(made.view(quote__bids=())) == "the book has one side or none"
    assert CoinFlip().decide(made.view(quote__asks=())) == "the book has one side or none"
    assert CoinFlip().decide(made.view(position_ch=100)) == "already holds a position here"


def test_needs_no_history(made):
    assert CoinFlip().warm_up_ms == 0


def test_a_hold_is_shortened_with_the_floors_time(made):
    assert CoinFlip(hold_ms=60_000).decide(made.view(time_factor=15.0)).hold_ms == 4_000
    assert CoinFlip().decide(made.view(time_factor=15.0)).hold_ms is None
