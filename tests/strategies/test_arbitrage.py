from dataclasses import replace

import pytest

from outcry.domain.market import Status
from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Basket, Sibling
from outcry.strategies.arbitrage import Arbitrage


def event(made, books, *, exclusive=True, exhaustive_of=0, position_ch=0, **changes):
    """A view of the first of some markets: ((bid_cc, ask_cc, size_ch), …)."""
    markets = []
    for at, (bid_cc, ask_cc, size_ch) in enumerate(books):
        plain = made.view(
            market__ticker=f"KXWHO-26-{'ABCD'[at]}", market__underlying="", market__exclusive=exclusive,
            market__exhaustive_of=exhaustive_of, quote__ticker=f"KXWHO-26-{'ABCD'[at]}",
            quote__bids=((bid_cc, size_ch),), quote__asks=((ask_cc, size_ch),), **changes,
        )  # fmt: skip
        markets.append(Sibling(plain.market, plain.quote, position_ch if at else 0))
    return replace(made.view(), market=markets[0].market, quote=markets[0].quote, siblings=tuple(markets[1:]))


CHEAP_YES = ((2_000, 2_200, 500), (2_800, 3_000, 300), (3_800, 4_000, 900))  # 92 cents for a dollar
DEAR_NO = ((3_500, 3_700, 500), (3_500, 3_700, 300), (4_000, 4_200, 900))  # bids of 110 cents together


def test_buys_all_yes_of_an_event_that_the_settings_list_as_exhaustive(made):
    basket = Arbitrage().decide(event(made, CHEAP_YES, exclusive=False, exhaustive_of=3))
    assert isinstance(basket, Basket) and basket.count_ch == 300, "no more than the thinnest leg shows"
    assert [leg.ticker[-1] for leg in basket.legs] == ["B", "A", "C"], "the thinnest first"
    assert [(leg.side, leg.limit_cc) for leg in basket.legs] == [
        (Side.BID, 3_000),
        (Side.BID, 2_200),
        (Side.BID, 4_000),
    ]
    for leg in basket.legs:
        assert leg.time_in_force is TimeInForce.IOC and len(leg.basket) == 3 and leg.stop_loss_millionths == 1_000_000
    assert sum(leg.probability for leg in basket.legs) == pytest.approx(1.0), "together they pay one dollar, no more"


def test_never_buys_all_yes_of_an_event_nobody_vouches_for_or_of_a_part_of_one(made):
    assert Arbitrage().decide(event(made, CHEAP_YES)) == "the event's markets are not cheap together"
    assert (
        Arbitrage().decide(event(made, CHEAP_YES, exclusive=False, exhaustive_of=4))
        == "no basket of this event can be had whole"
    )
    unknown = event(made, CHEAP_YES, exclusive=False)
    assert Arbitrage().decide(unknown) == "nothing is known of how the event's markets hang together"


def test_buys_all_no_of_an_exclusive_event(made):
    basket = Arbitrage().decide(event(made, DEAR_NO))
    assert {(leg.ticker[-1], leg.side, leg.limit_cc) for leg in basket.legs} == {
        ("A", Side.ASK, 3_500), ("B", Side.ASK, 3_500), ("C", Side.ASK, 4_000),
    }  # fmt: skip
    assert sum(leg.probability for leg in basket.legs) == pytest.approx(2.0), "two of three pay"


def test_every_leg_of_an_event_wants_the_same_basket(made):
    """Each leg is decided on a view of its own market; the auditor decides it again."""
    first = event(made, DEAR_NO)
    here = Sibling(first.market, first.quote, 0)
    for other in first.siblings:
        rest = tuple(market for market in (here, *first.siblings) if market is not other)
        turned = replace(first, market=other.market, quote=other.quote, siblings=rest)
        assert Arbitrage().decide(turned) == Arbitrage().decide(first)


def test_fees_count(made):
    free = event(made, ((3_400, 3_500, 500), (3_300, 3_400, 500), (3_450, 3_550, 500)))
    assert Arbitrage().decide(free) == "the event's markets are not cheap together", "101.5 in bids, 4.7 in fees"


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({"position_ch": 100}, "already holds a position in this event"),
        ({"quote__trusted": False}, "no basket of this event can be had whole"),
        ({"market__status": Status.INACTIVE}, "no basket of this event can be had whole"),
    ],
)
def test_what_it_needs(made, changes, condition):
    assert Arbitrage().decide(event(made, DEAR_NO, **changes)) == condition


def test_yes_and_no_below_a_dollar_in_one_market_is_an_alarm(made):
    crossed = event(made, ((6_000, 5_900, 500), *DEAR_NO[1:]))
    assert Arbitrage().decide(crossed) == "a crossed book: an alarm, not a chance"


def test_more_legs_than_may_be_held_are_left_out_or_left_alone(made):
    four = (*DEAR_NO, (3_000, 3_200, 500))
    assert len(Arbitrage().decide(event(made, four)).legs) == 3
    many = event(made, tuple((bid - 800, ask - 800, 500) for bid, ask, _ in four), exclusive=False, exhaustive_of=4)
    assert Arbitrage().decide(many) == "no basket of this event can be had whole"
    assert isinstance(Arbitrage(most_legs=4).decide(many), str | Basket)
