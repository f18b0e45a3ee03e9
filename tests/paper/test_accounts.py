"""The till that makes every cent come from somewhere."""

from outcry.domain.order import Side
from outcry.paper.engine.accounts import Account, House, imbalance_micros, purses_of

SHARD, T = 2, "KXT-1-1"


def test_the_till_balances_and_says_when_it_does_not():
    account, house = Account("ann", "basic"), House()
    made = account.primary
    made.move(SHARD, 1_000_000)
    made.book(made.position(T, SHARD), Side.ASK, 4_000, 100, 1_700)
    house.book(SHARD, T, Side.BID, 4_000, 100)
    house.earn(SHARD, 1_700)
    assert imbalance_micros(purses_of([account]), house, SHARD) == 0
    house.earn(SHARD, 1)
    assert imbalance_micros(purses_of([account]), house, SHARD) == 1
