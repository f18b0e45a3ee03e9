"""Money that moves without a trade: in and out, between shards, between subaccounts, towards target shares."""

import pytest

from engine_kit import SHARD, TICKER, Rig
from outcry.domain.order import TimeInForce
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.money_records import MoveKind, Reservation, TransferStatus
from outcry.paper.engine.money_requests import Place
from outcry.paper.engine.records import OrderStatus, Reject
from outcry.paper.events import Determined, Settled

DOLLAR = 1_000_000
BOOK = {4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000}
IOC = TimeInForce.IOC


@pytest.fixture
def rig() -> Rig:
    return Rig(*BOOK, cash=100 * DOLLAR, tier="advanced")


def cash(rig: Rig, shard: int = SHARD, subaccount: int = 0, account: str = "ann") -> int:
    return rig.engine.balance(account, shard, subaccount).cash_micros


def refused(act) -> tuple[int, str]:
    with pytest.raises(Reject) as caught:
        act()
    return caught.value.status, caught.value.code


# ---- in and out -----------------------------------------------------------------------------------------------------


def test_deposits_and_withdrawals_are_records(rig):
    moved = rig.does(rig.engine.deposit("ann", SHARD, 5 * DOLLAR, 3_000))
    rig.does(rig.engine.withdraw("ann", SHARD, 25 * DOLLAR, 4_000))
    assert cash(rig) == 80 * DOLLAR
    assert rig.engine.moves("ann", MoveKind.DEPOSIT)[0] is moved
    assert [move.amount_micros for move in rig.engine.moves("ann", MoveKind.DEPOSIT)] == [5 * DOLLAR, 100 * DOLLAR]
    assert [(move.amount_micros, move.at_ms) for move in rig.engine.moves("ann", MoveKind.WITHDRAWAL)] == [
        (25 * DOLLAR, 4_000)
    ]


def test_what_orders_hold_back_cannot_leave(rig):
    rig.bid(4300, 20_000)  # $86
    assert refused(lambda: rig.engine.withdraw("ann", SHARD, 15 * DOLLAR, rig.now))[1] == "available_balance_too_low"
    for act in (
        lambda: rig.engine.transfer("ann", Place(SHARD), Place(0), 15 * DOLLAR, rig.now),
        lambda: rig.engine.withdraw("ann", SHARD, 15 * DOLLAR, rig.now),
    ):
        assert refused(act) == (400, "available_balance_too_low")
    rig.does(rig.engine.withdraw("ann", SHARD, 13 * DOLLAR, rig.now))


# ---- between shards -------------------------------------------------------------------------------------------------


def test_a_transfer_leaves_at_once_and_arrives_later(rig):
    sent = rig.does(rig.engine.transfer("ann", Place(SHARD), Place(0), 30 * DOLLAR, rig.now))
    assert (cash(rig), cash(rig, 0), sent.status) == (70 * DOLLAR, 0, TransferStatus.PENDING)
    rig.tick(rig.now + 999)
    assert sent.status is TransferStatus.PENDING
    rig.tick(rig.now + 1)
    assert (cash(rig, 0), sent.status) == (30 * DOLLAR, TransferStatus.COMPLETE)
    rig.tick(rig.now + 10_000)
    assert cash(rig, 0) == 30 * DOLLAR
    assert rig.engine.transfers("ann") == [sent] and rig.engine.transfers("bob") == []
    assert rig.engine.one_transfer("ann", sent.transfer_id) is sent
    assert refused(lambda: rig.engine.one_transfer("bob", sent.transfer_id)) == (404, "not_found")


@pytest.mark.parametrize(
    ("source", "destination", "micros", "refusal"),
    [
        (Place(SHARD), Place(SHARD), 1, (400, "invalid_parameters")),
        (Place(SHARD), Place(0), 0, (400, "invalid_parameters")),
        (Place(SHARD), Place(101), 1, (400, "invalid_parameters")),
        (Place(SHARD), Place(0), 101 * DOLLAR, (400, "available_balance_too_low")),
        (Place(0), Place(SHARD), 1, (400, "available_balance_too_low")),
        (Place(SHARD), Place(0, 1), 1, (404, "not_found")),
        (Place(SHARD, 1), Place(0), 1, (404, "not_found")),
    ],
)
def test_a_transfer_that_cannot_be_changes_nothing(rig, source, destination, micros, refusal):
    assert refused(lambda: rig.engine.transfer("ann", source, destination, micros, rig.now)) == refusal
    rig.tick(rig.now)
    assert cash(rig) == 100 * DOLLAR and rig.engine.transfers("ann") == []


def shares(rig: Rig) -> list[int]:
    return [cash(rig, shard) // DOLLAR for shard in (0, SHARD)]


def test_idle_cash_is_brought_to_its_target_shares_every_ten_seconds(rig):
    rig.does(rig.engine.set_target("ann", {0: 25, SHARD: 75}, rig.now))
    rig.tick(rig.now + 9_999)
    assert shares(rig) == [0, 100]
    rig.tick(rig.now + 1)
    assert shares(rig) == [0, 75]  # 25 under way
    rig.tick(rig.now + 1_000)
    assert shares(rig) == [25, 75]
    (sent,) = rig.engine.transfers("ann")
    assert sent.automatic
    rig.does(rig.engine.deposit("ann", SHARD, 20 * DOLLAR, rig.now))
    rig.tick(rig.now + 10_000)
    rig.tick(rig.now + 1_000)
    assert shares(rig) == [30, 90]
    rig.does(rig.engine.set_target("ann", {}, rig.now))
    rig.does(rig.engine.deposit("ann", SHARD, 20 * DOLLAR, rig.now))
    rig.tick(rig.now + 60_000)
    assert shares(rig) == [30, 110] and rig.engine.target("ann") is None


def test_a_long_stall_rebalances_a_few_times_not_thousands(rig):
    rig.does(rig.engine.set_target("ann", {0: 100}, rig.now))
    rig.tick(rig.now + 365 * 86_400_000)
    assert shares(rig)[0] in (0, 100)
    assert len(rig.engine.transfers("ann")) == 1


@pytest.mark.parametrize(
    ("reservation", "moved"), [(Reservation.SUM, 25), (Reservation.MAX, 25), (Reservation.NONE, 50)]
)
def test_resting_margin_counts_as_the_account_chose(rig, reservation, moved):
    rig.bid(4200, 11_904)  # $49.9968 tied up in one market
    rig.does(rig.engine.set_target("ann", {0: 50, SHARD: 50}, rig.now, reservation))
    rig.tick(rig.now + 10_000)
    rig.tick(rig.now + 1_000)
    assert round(cash(rig, 0) / DOLLAR) == moved


@pytest.mark.parametrize("percents", [{0: 50}, {0: 101, SHARD: -1}, {101: 100}])
def test_target_shares_are_whole(rig, percents):
    assert refused(lambda: rig.engine.set_target("ann", percents, rig.now)) == (400, "invalid_parameters")
    assert rig.engine.target("ann") is None


# ---- subaccounts ----------------------------------------------------------------------------------------------------


def opened(rig: Rig, micros: int = 40 * DOLLAR) -> int:
    number = rig.does(rig.engine.create_subaccount("ann", rig.now, SHARD))
    rig.does(rig.engine.transfer_subaccount("ann", f"t{number}", 0, number, micros, rig.now, exchange_index=SHARD))
    return number


def test_subaccounts_are_numbered_and_need_a_higher_tier(rig):
    assert [rig.does(rig.engine.create_subaccount("ann", rig.now)) for _ in range(63)] == list(range(1, 64))
    assert refused(lambda: rig.engine.create_subaccount("ann", rig.now)) == (400, "invalid_parameters")
    rig.engine.add_account("small", {}, "basic")
    assert refused(lambda: rig.engine.create_subaccount("small", rig.now))[0] == 403


def test_a_subaccount_transfer_is_made_once(rig):
    number = opened(rig)
    assert (cash(rig), cash(rig, subaccount=number)) == (60 * DOLLAR, 40 * DOLLAR)
    again = lambda: rig.engine.transfer_subaccount("ann", "t1", 0, 1, DOLLAR, rig.now, exchange_index=SHARD)  # noqa: E731
    assert refused(again) == (409, "transfer_already_exists")
    assert (cash(rig), cash(rig, subaccount=number)) == (60 * DOLLAR, 40 * DOLLAR)
    assert [moved.client_transfer_id for moved in rig.engine.subaccount_transfers("ann")] == ["t1"]
    for act in (
        lambda: rig.engine.transfer_subaccount("ann", "t2", 0, 0, 1, rig.now, exchange_index=SHARD),
        lambda: rig.engine.transfer_subaccount("ann", "t2", 0, 1, 61 * DOLLAR, rig.now, exchange_index=SHARD),
        lambda: rig.engine.transfer_subaccount("ann", "t2", 0, 1, DOLLAR, rig.now),  # nothing lies on shard 0
    ):
        assert refused(act)[0] == 400
    assert rig.does(rig.engine.transfer_subaccount("ann", "t2", 1, 0, 1, rig.now, exchange_index=SHARD))


def test_a_subaccount_has_its_own_cash_orders_and_positions(rig):
    number = opened(rig)
    order = rig.bid(4500, 100, time_in_force=IOC, subaccount=number, client_order_id="mine")
    assert (rig.engine.fills("ann")[0].subaccount, order.subaccount) == (number, number)
    assert rig.engine.position("ann", TICKER, number).position_ch == 100
    assert rig.engine.position("ann", TICKER).position_ch == 0
    assert rig.engine.positions("ann") == [] and len(rig.engine.positions("ann", subaccount=None)) == 1
    assert cash(rig) == 60 * DOLLAR and cash(rig, subaccount=number) < 40 * DOLLAR
    assert rig.engine.orders("ann", subaccount=0) == [] and rig.engine.orders("ann") == [order]
    assert refused(lambda: rig.bid(4300, 100, client_order_id="mine"))[0] == 409  # ids are the account's
    assert refused(lambda: rig.bid(4300, 15_000, subaccount=number))[1] == "available_balance_too_low"
    flat = rig.ask(4300, 100, time_in_force=IOC, reduce_only=True)
    assert flat.filled_ch == 0
    assert rig.ask(4300, 100, time_in_force=IOC, reduce_only=True, subaccount=number).filled_ch == 100


def test_an_account_never_trades_with_its_own_subaccount(rig):
    number = opened(rig)
    mine = rig.ask(4400, 100, subaccount=number)
    order = rig.bid(4400, 100)
    assert (order.status, order.filled_ch, mine.status) == (OrderStatus.CANCELED, 0, OrderStatus.RESTING)


def test_an_order_is_found_only_in_its_subaccount(rig):
    number = opened(rig)
    order = rig.bid(4300, 100, subaccount=number)
    assert refused(lambda: rig.engine.cancel("ann", order.order_id, TICKER, SHARD, rig.now))[0] == 404
    assert rig.does(rig.engine.cancel_all("ann", rig.now, subaccount=0)) == []
    assert rig.does(rig.engine.cancel_all("ann", rig.now)) == [order]


def test_each_subaccount_is_paid_for_itself(rig):
    number = opened(rig)
    rig.bid(4500, 100, time_in_force=IOC)
    rig.ask(4300, 200, time_in_force=IOC, subaccount=number)
    rig.feed(Determined(TICKER, "yes", 10_000, 3_000), Settled(TICKER, 3_001))
    paid = rig.engine.settlements("ann")
    assert {(each.subaccount, each.revenue_micros) for each in paid} == {(0, DOLLAR), (number, 0)}
    assert len(rig.engine.settlements("ann", subaccount=number)) == 1


def test_money_goes_between_shards_and_subaccounts_at_once(rig):
    number = opened(rig)
    rig.does(rig.engine.transfer("ann", Place(SHARD, number), Place(0), 10 * DOLLAR, rig.now))
    rig.tick(rig.now + 1_000)
    assert (cash(rig, 0), cash(rig, SHARD, number)) == (10 * DOLLAR, 30 * DOLLAR)


def test_netting_is_remembered(rig):
    number = opened(rig)
    rig.engine.set_netting("ann", number, False)
    assert [(purse.number, purse.netting) for purse in rig.engine.purses("ann")] == [(0, True), (number, False)]
    assert refused(lambda: rig.engine.set_netting("ann", 9, False))[0] == 404


def test_a_transfer_takes_as_long_as_the_manners_say():
    rig = Rig(manners=Manners(transfer_ms=0))
    sent = rig.does(rig.engine.transfer("ann", Place(SHARD), Place(0), DOLLAR, rig.now))
    rig.tick(rig.now)
    assert sent.status is TransferStatus.COMPLETE
