import pytest

from outcry.domain.order import Side
from outcry.strategies.order_flow import OrderFlow

UP, DOWN = 80_000, -80_000  # the depth of these touches is 350 contracts: 80 000 is 2.3 times it


def pushed(made, ofi_ch, signed_ch, volume_ch=9_000, **more):
    touches = made.touches((3, 5_900, 40_000, 6_000, 30_000, ofi_ch))
    return made.view(touches=touches, prints=made.prints(0, volume_ch, signed_ch), **more)


@pytest.mark.parametrize(
    ("ofi_ch", "signed_ch", "side", "limit_cc"), [(UP, 3_000, Side.BID, 6_000), (DOWN, -3_000, Side.ASK, 5_900)]
)
def test_goes_with_a_push_that_is_paid_for(made, ofi_ch, signed_ch, side, limit_cc):
    intent = OrderFlow().decide(pushed(made, ofi_ch, signed_ch))
    assert (intent.side, intent.limit_cc, intent.hold_ms) == (side, limit_cc, 60_000)


@pytest.mark.parametrize(("ofi_ch", "signed_ch"), [(UP, -3_000), (UP, 2_600), (DOWN, 3_000), (UP, 0)])
def test_stays_out_when_prints_do_not_go_along(made, ofi_ch, signed_ch):
    assert OrderFlow().decide(pushed(made, ofi_ch, signed_ch)) == "prints do not go the way the book is pushed"


def test_stays_out_of_a_book_that_is_not_pushed_or_was_long_ago(made):
    assert OrderFlow().decide(pushed(made, 40_000, 3_000)) == "nobody pushes the book"
    old = made.touches((11, 5_900, 40_000, 6_000, 30_000, UP))
    assert OrderFlow().decide(made.view(touches=old, prints=made.prints(0, 9_000, 9_000))) == "nobody pushes the book"


def test_warms_up_and_holds_one_position(made):
    assert OrderFlow().warm_up_ms == 13_000 and OrderFlow.reads_touch
    short = made.touches(before_s=9)
    assert OrderFlow().decide(made.view(touches=short)) == "touch history too short"
    assert OrderFlow().decide(made.view()) == "touch history too short"
    assert OrderFlow().decide(pushed(made, UP, 3_000, position_ch=1)) == "already holds a position here"
