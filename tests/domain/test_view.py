"""What a strategy may want, one intent at a time; and what a book shows."""

from outcry.domain.order import Side
from outcry.domain.view import Basket, Intent, Quoting, intents

BID, ASK = Intent("T", Side.BID, 4_000, "up"), Intent("T", Side.ASK, 4_200, "down")


def test_every_wish_is_one_or_more_intents_in_their_order():
    assert intents(BID) == (BID,)
    assert intents(Basket((ASK, BID), 100)) == (ASK, BID)
    assert intents(Quoting(BID, ASK)) == (BID, ASK)
    assert (intents(Quoting(bid=BID)), intents(Quoting(ask=ASK)), intents(Quoting())) == ((BID,), (ASK,), ())
