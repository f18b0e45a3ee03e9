import pytest

from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import OwnOrder, Quoting
from outcry.strategies.spread_capture import SpreadCapture

WIDE = {"quote__bids": ((5_500, 40_000), (5_400, 90_000)), "quote__asks": ((6_100, 30_000), (6_200, 90_000))}


def look(made, touches=None, settings=None, **more):
    return SpreadCapture(**settings or {}).decide(made.view(touches=touches or made.touches(), **WIDE | more))


def made_by_somebody(made):
    """Even, two-sided, and back within a second each time it is hit."""
    return made.touches(
        *(
            (ago, 5_500, 5_000 if ago % 4 == 0 else 40_000, 6_100, 30_000, 0)
            for ago in range(28, 2, -1)
            if ago % 4 in (0, 3)
        )
    )


def prices(answer):
    assert isinstance(answer, Quoting)
    return answer.bid and answer.bid.limit_cc, answer.ask and answer.ask.limit_cc


def test_quotes_both_sides_a_tick_inside_a_wide_spread_where_nobody_makes_the_market(made):
    gone = [(ago, None, 0, 6_100, 30_000, 0) for ago in range(29, 8, -1)]
    answer = look(made, made.touches(*gone, (8, 5_500, 40_000, 6_100, 30_000, 0)))
    assert prices(answer) == (5_600, 6_000)
    assert {(side.time_in_force, side.post_only) for side in (answer.bid, answer.ask)} == {(TimeInForce.GTC, True)}
    assert (answer.bid.side, answer.ask.side, answer.bid.probability) == (Side.BID, Side.ASK, None)


def test_joins_the_touch_where_somebody_makes_the_market(made):
    assert prices(look(made, made_by_somebody(made))) == (5_500, 6_100)


def test_a_spread_that_does_not_pay_is_left_alone(made):
    narrow = look(made, quote__bids=((5_900, 40_000),), quote__asks=((6_000, 30_000),))
    assert narrow == "the spread does not pay for itself"
    dear = look(made, market__fee=made.view().market.fee.__class__("quadratic_with_maker_fees", 20_000_000))
    assert dear == "the spread does not pay for itself"
    lively = [(ago, 5_500 + 600 * (ago % 2), 100, 6_100 + 600 * (ago % 2), 100, 0) for ago in range(20, 2, -1)]
    assert look(made, made.touches(*lively)) == "the spread does not pay for itself"


@pytest.mark.parametrize(("held_ch", "expected"), [(500, (5_500 - 100, 6_100 - 100)), (-500, (5_600, 6_200))])
def test_leans_against_what_it_holds(made, held_ch, expected):
    assert prices(look(made, made_by_somebody(made), position_ch=held_ch)) == expected


def test_adds_to_no_side_beyond_its_most(made):
    assert look(made, position_ch=1_000).bid is None and look(made, position_ch=1_000).ask is not None
    assert look(made, position_ch=-1_000).ask is None


def test_pulls_when_the_flow_is_one_sided_the_index_moves_or_the_close_is_near(made):
    assert look(made, made.touches((2, 5_500, 40_000, 6_100, 30_000, 90_000))) == "the flow is one-sided"
    assert look(made, index=made.index(40_000_000, 5)) == "the index moves"
    assert look(made, market__close_at_ms=made.now_ms + 59_999) == "too near to the close to quote"
    assert look(made, made.touches(before_s=29)) == "touch history too short"


def test_its_own_orders_are_not_the_market(made):
    """Alone at the best bid, it would otherwise climb above itself at every look."""
    own = (OwnOrder(Side.BID, 5_600, 300), OwnOrder(Side.ASK, 6_000, 300))
    seen = {
        "quote__bids": ((5_600, 300), (5_500, 40_000)),
        "quote__asks": ((6_000, 300), (6_100, 30_000)),
    }
    assert prices(look(made, resting=own, **seen)) == prices(look(made))


def test_it_quotes_and_reads_the_touch():
    assert SpreadCapture.quotes and SpreadCapture.reads_touch and SpreadCapture().warm_up_ms == 33_000
