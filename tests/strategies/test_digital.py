from math import sqrt
from random import Random

import pytest

from outcry.domain.order import Side
from outcry.domain.view import Bar
from outcry.signals.digital import average, chance_at_least
from outcry.strategies.digital import Digital

STRIKE = 80_000_000_000
REACH = {"market__strike_micros": STRIKE, "market__strike_type": "greater_or_equal"}
AN_HOUR = 700


def walk(made, last_micros, step_micros=8_000_000, seconds=AN_HOUR, now_ms=None):
    """An index that swings by a step up and down every five seconds around a level: 0.01 % is a step of $8."""
    now_ms = now_ms or made.now_ms
    prices = [last_micros + (step_micros if (at // 5) % 2 else 0) for at in range(seconds)]
    prices[-1] = last_micros
    return tuple(
        Bar("BTC-USD", now_ms - (seconds - at) * 1_000, price, price, price, price) for at, price in enumerate(prices)
    )


def test_buys_what_is_cheaper_than_fair_and_says_how_likely_it_is(made):
    # 0.0001 every 5 s is 0.0000447 a second; over 240 s and a third of the last minute, some $57
    intent = Digital().decide(made.view(index=walk(made, STRIKE + 57_000_000), **REACH))
    assert (intent.side, intent.limit_cc) == (Side.BID, 6_000)
    assert intent.probability == pytest.approx(0.841, abs=0.01)
    assert (intent.take_profit_millionths, intent.stop_loss_millionths, intent.hold_ms) == (None, 500_000, None)


def test_sells_what_is_dearer(made):
    intent = Digital().decide(made.view(index=walk(made, STRIKE), **REACH))
    assert (intent.side, intent.limit_cc) == (Side.ASK, 5_900)
    assert intent.probability == pytest.approx(0.5, abs=0.01)


def test_stays_out_when_the_price_is_fair(made):
    fair = walk(made, STRIKE + 14_000_000)  # a quarter of a deviation: 60 cents
    assert Digital().decide(made.view(index=fair, **REACH)) == "the price is near its fair value"


def test_a_market_that_pays_below_the_strike_is_the_mirror(made):
    bars = walk(made, STRIKE + 57_000_000)
    intent = Digital().decide(made.view(index=bars, **REACH | {"market__strike_type": "less"}))
    assert intent.side is Side.ASK and intent.probability == pytest.approx(0.841, abs=0.01)


def test_inside_the_last_minute_what_was_averaged_already_is_certain(made):
    """40 s of 60 are known to be $40 above: a third of the average is still open, and would have to fall far."""
    closing = {"market__close_at_ms": made.now_ms + 20_000}
    intent = Digital().decide(made.view(index=walk(made, STRIKE + 40_000_000), **REACH, **closing))
    assert intent.side is Side.BID and intent.probability == 0.98, "the tails are fatter than the formula's"
    # The newest price is below the strike now, yet the average stays above.
    bars = [*walk(made, STRIKE + 40_000_000)]
    bars[-1] = Bar("BTC-USD", bars[-1].at_ms, *[STRIKE - 20_000_000] * 4)
    assert Digital().decide(made.view(index=tuple(bars), **REACH, **closing)).side is Side.BID


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"market__strike_micros": None}, "no strike that an index has to reach"),
        ({"market__strike_type": "between"}, "no strike that an index has to reach"),
        ({"market__underlying": ""}, "no index price for this market"),
        ({"position_ch": 100}, "already holds a position here"),
        ({"quote__bids": (), "quote__asks": ()}, "the book has one side or none"),
    ],
)
def test_what_it_needs(made, changes, condition):
    assert Digital().decide(made.view(index=walk(made, STRIKE), **REACH | changes)) == condition


def test_warms_up_and_needs_a_living_index(made):
    assert Digital().warm_up_ms == 603_000
    bars = walk(made, STRIKE)
    assert Digital().decide(made.view(index=bars[-290:], **REACH)) == "index history too short or with a gap"
    assert Digital().decide(made.view(index=bars[:-5], **REACH)) == "index history too short or with a gap"
    flat = walk(made, STRIKE, step_micros=0)
    assert Digital().decide(made.view(index=flat, **REACH)) == "the index stands still"


def test_the_probability_is_that_of_many_walks(made):
    """The closed form against walks of the very index it assumes, before and inside the averaging window."""
    dice, step = Random(4), 4e-5
    for left_s in (150, 30):
        bars = walk(made, STRIKE + 10_000_000)
        known = average(bars, made.now_ms, made.now_ms + left_s * 1_000, 60_000)
        level, hits, runs = known.last, 0, 4_000
        for _ in range(runs):
            price, total = level, known.seen
            for second in range(1, left_s + 1):
                price += dice.gauss(0, level * step)
                total += price if left_s - second < 60 else 0
            hits += total / 60 >= STRIKE
        said = chance_at_least(STRIKE, known.expected, known.deviation(step))
        assert hits / runs == pytest.approx(said, abs=4 * sqrt(said * (1 - said) / runs))
