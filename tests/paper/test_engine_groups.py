"""Order groups: 15 seconds of matches counted, orders canceled at the limit, nothing new until the reset."""

import pytest

from engine_kit import SHARD, TICKER, Rig, market
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.records import AmendRequest, OrderStatus, Reject
from outcry.paper.events import BookSet, GroupChanged, Listed, Print

IOC = TimeInForce.IOC
BOOK = {4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000}


def made(rig: Rig, limit_ch: int = 1000, account: str = "ann", **where) -> str:
    where = {"exchange_index": SHARD} | where
    return rig.does(rig.engine.create_group(account, limit_ch, rig.now, **where)).group_id


def kinds(rig: Rig) -> list[str]:
    return [event.kind for event in rig.events if isinstance(event, GroupChanged)]


def refused(act) -> tuple[int, str]:
    with pytest.raises(Reject) as caught:
        act()
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("at_limit", "triggering"), [(True, (999, 1)), (False, (1000, 1))], ids=["at the limit", "beyond it"]
)
def test_it_triggers_at_its_limit_or_beyond_it(at_limit, triggering):
    rig = Rig(*BOOK, manners=Manners(group_triggers_at_limit=at_limit))
    group = made(rig)
    resting, other = rig.bid(4300, 5000, order_group_id=group), rig.bid(4300, 500)
    for count in triggering:
        assert resting.status is OrderStatus.RESTING
        rig.bid(4600, count, time_in_force=IOC, order_group_id=group)
    assert (resting.status, other.status) == (OrderStatus.CANCELED, OrderStatus.RESTING)
    assert kinds(rig) == ["triggered"]
    assert refused(lambda: rig.bid(4300, 10, order_group_id=group)) == (400, "exceeded_order_group_risk_limit")


def test_maker_fills_count_and_other_orders_of_the_group_go():
    rig = Rig(*BOOK)
    group = made(rig, 100)
    hit, waits = rig.bid(4400, 300, order_group_id=group), rig.ask(4700, 50, order_group_id=group)
    rig.feed(Print(TICKER, 4400, 120, Side.ASK, rig.now))
    assert (hit.filled_ch, hit.status, waits.status) == (120, OrderStatus.CANCELED, OrderStatus.CANCELED)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 0


def test_what_an_order_takes_counts_only_where_that_is_the_manner():
    for counts, status in ((True, OrderStatus.CANCELED), (False, OrderStatus.RESTING)):
        rig = Rig(*BOOK, manners=Manners(group_counts_takers=counts))
        group = made(rig, 100)
        order = rig.bid(4500, 1500, order_group_id=group)  # takes 1000; what it matched stands
        assert (order.filled_ch, order.status) == (1000, status)


def test_an_amend_that_takes_counts():
    rig = Rig(*BOOK)
    group = made(rig, 100)
    order = rig.bid(4300, 1500, order_group_id=group)
    rig.does(rig.engine.amend("ann", order.order_id, AmendRequest(TICKER, Side.BID, 4500, 1500), rig.now))
    assert (order.filled_ch, order.status) == (1000, OrderStatus.CANCELED)


def test_the_window_rolls():
    rig = Rig(*BOOK)
    group = made(rig, 100)
    for at_ms in (3_000, 18_000, 33_000):  # 15 seconds apart: never two within the window
        rig.tick(at_ms)
        rig.bid(4600, 60, time_in_force=IOC, order_group_id=group)
        assert kinds(rig) == []
    rig.tick(47_999)
    rig.bid(4600, 60, time_in_force=IOC, order_group_id=group)
    assert kinds(rig) == ["triggered"]


def test_a_reset_counts_from_zero():
    rig = Rig(*BOOK)
    group = made(rig, 100)
    rig.bid(4600, 99, time_in_force=IOC, order_group_id=group)
    rig.does(rig.engine.trigger_group("ann", group, rig.now, exchange_index=SHARD))
    assert kinds(rig) == ["triggered"]
    rig.does(rig.engine.trigger_group("ann", group, rig.now, exchange_index=SHARD))
    assert kinds(rig) == []
    rig.does(rig.engine.reset_group("ann", group, rig.now, exchange_index=SHARD))
    assert kinds(rig) == ["reset"]
    assert rig.bid(4600, 99, time_in_force=IOC, order_group_id=group).filled_ch == 99
    assert not rig.engine.group("ann", group).triggered


def test_a_lower_limit_that_is_reached_already_triggers_at_once():
    rig = Rig(*BOOK)
    group = made(rig, 1000)
    order = rig.bid(4300, 100, order_group_id=group)
    rig.bid(4600, 400, time_in_force=IOC, order_group_id=group)
    rig.does(rig.engine.limit_group("ann", group, 401, rig.now, exchange_index=SHARD))
    assert rig.events == [GroupChanged("ann", group, "limit_updated", rig.now, 401)]
    rig.does(rig.engine.limit_group("ann", group, 400, rig.now, exchange_index=SHARD))
    assert kinds(rig) == ["limit_updated", "triggered"]
    assert order.status is OrderStatus.CANCELED


def test_a_deleted_group_is_gone_with_its_orders():
    rig = Rig(*BOOK)
    group = made(rig)
    order = rig.bid(4300, 100, order_group_id=group)
    rig.does(rig.engine.delete_group("ann", group, rig.now, exchange_index=SHARD))
    assert (kinds(rig), order.status) == (["deleted"], OrderStatus.CANCELED)
    assert rig.engine.groups("ann") == []
    assert refused(lambda: rig.bid(4300, 10, order_group_id=group)) == (404, "order_group_not_found")
    assert refused(lambda: rig.engine.group("ann", group)) == (404, "order_group_not_found")


def test_a_group_is_found_only_by_its_account_and_on_its_shard():
    rig = Rig(*BOOK)
    here, elsewhere = made(rig), made(rig, exchange_index=0)
    rig.feed(Listed(market("KXZERO-1-1", exchange_index=0), rig.now), BookSet("KXZERO-1-1", {}, {}, rig.now))
    for act in (
        lambda: rig.bid(4300, 10, order_group_id=elsewhere),
        lambda: rig.bid(4300, 10, "bob", order_group_id=here),
        lambda: rig.bid(4300, 10, order_group_id="none"),
        lambda: rig.engine.trigger_group("ann", here, rig.now),
        lambda: rig.engine.reset_group("bob", here, rig.now, exchange_index=SHARD),
        lambda: rig.engine.delete_group("ann", here, rig.now, subaccount=1, exchange_index=SHARD),
    ):
        assert refused(act) == (404, "order_group_not_found")
    assert [group.group_id for group in rig.engine.groups("ann")] == [here, elsewhere]


@pytest.mark.parametrize("limit_ch", [0, 99, 100_000_001])
def test_a_limit_lies_between_one_and_a_million_contracts(limit_ch):
    rig = Rig()
    assert refused(lambda: made(rig, limit_ch)) == (400, "invalid_parameters")
    group = made(rig, 100)
    change = lambda: rig.engine.limit_group("ann", group, limit_ch, rig.now, exchange_index=SHARD)  # noqa: E731
    assert refused(change) == (400, "invalid_parameters")
    assert rig.engine.group("ann", group).limit_ch == 100


def test_a_new_group_is_told_with_its_limit():
    rig = Rig()
    group = made(rig, 250)
    assert rig.events == [GroupChanged("ann", group, "created", rig.now, 250)]
