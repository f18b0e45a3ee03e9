import pytest

from outcry.domain.order import Side
from outcry.domain.view import Bar
from outcry.strategies.technical import BREAKOUT, CROSS, RSI, Technical

WIDTH = 15_000
LEVEL = 80_000_000_000


def candle_bars(made, *closes):
    """One bar a second, flat within each candle; candles end with the last whole one before now."""
    end_ms = made.now_ms // WIDTH * WIDTH
    first_ms = end_ms - len(closes) * WIDTH
    return tuple(
        Bar("BTC-USD", first_ms + at * WIDTH + second * 1_000, *[LEVEL + close * 1_000_000] * 4)
        for at, close in enumerate(closes)
        for second in range(15)
    )


def swinging(made, *last):
    return candle_bars(made, *[0, 10] * 30, *last)


@pytest.mark.parametrize(
    ("pattern", "last", "side"),
    [
        (BREAKOUT, (11,), Side.BID),
        (BREAKOUT, (-1,), Side.ASK),
        (RSI, range(0, -200, -10), Side.BID),
        (RSI, range(0, 200, 10), Side.ASK),
    ],
)
def test_each_pattern_is_seen(made, pattern, last, side):
    intent = Technical(pattern=pattern).decide(made.view(index=swinging(made, *last)))
    assert (intent.side, intent.limit_cc) == (side, 6_000 if side is Side.BID else 5_900)


@pytest.mark.parametrize(("pattern", "last"), [(BREAKOUT, (10,)), (BREAKOUT, (0,)), (RSI, (5, 0, 10))])
def test_a_market_that_only_swings_has_no_pattern(made, pattern, last):
    assert Technical(pattern=pattern).decide(made.view(index=swinging(made, *last))) == "no pattern"


@pytest.mark.parametrize(("last", "side"), [((60,), Side.BID), ((-60,), Side.ASK)])
def test_averages_that_have_just_crossed(made, last, side):
    flat = [0] * 30
    assert Technical(pattern=CROSS).decide(made.view(index=candle_bars(made, *flat, *last))).side is side
    for later in (flat, [*flat, *last, *last]):
        assert Technical(pattern=CROSS).decide(made.view(index=candle_bars(made, *later))) == "no pattern"


def test_a_candle_that_is_not_over_says_nothing(made):
    bars = swinging(made, 10)
    going_on = Bar("BTC-USD", made.now_ms // WIDTH * WIDTH, *[LEVEL + 99_000_000] * 4)
    assert Technical().decide(made.view(index=(*bars, going_on))) == "no pattern"


def test_warms_up(made):
    assert Technical().warm_up_ms == 16 * WIDTH + 3_000
    assert Technical(pattern=RSI).warm_up_ms == 44 * WIDTH + 3_000
    bars = swinging(made, 11)
    assert Technical().decide(made.view(index=bars[-15 * 15 :])).side is Side.BID
    assert Technical().decide(made.view(index=bars[-14 * 15 :])) == "index history too short or with a gap"
    assert Technical().decide(made.view()) == "no index price for this market"
    assert Technical().decide(made.view(index=bars, position_ch=1)) == "already holds a position here"
