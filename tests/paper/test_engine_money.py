"""On any history: money is conserved, free cash is never negative, the books add up, and subscribers see them so.

`engine_kit.check` runs after every step: deposits = cash + locked dollars + others' cash + fees; positions sum to zero;
reservations follow their formula; displayed = foreign - taken + orders; fills sum to orders; events rebuild the book.
"""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, market
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side, TimeInForce
from outcry.paper.events import BookChange, BookSet, Determined, Listed, Print, Settled
from outcry.paper.records import AmendRequest, OrderStatus, Reject, SelfTrade
from outcry.venue import fees

ACCOUNTS = st.sampled_from(["ann", "bob"])
SIDES = st.sampled_from(Side)
BOOK = {30: 900, 4200: 5000, 4300: 300}, {4500: 300, 4600: 5000, 9970: 900}
SIDED_PRICES = st.one_of(  # the foreign book keeps its shape mostly: bids up to 0.44, asks from 0.44
    st.tuples(st.just(Side.BID), st.sampled_from([30, 4200, 4300, 4400])),
    st.tuples(st.just(Side.ASK), st.sampled_from([4400, 4500, 4600, 9970])),
    st.tuples(SIDES, st.sampled_from([990, 4300, 4400, 4500, 9010])),
)
COUNTS = st.one_of(st.integers(1, 99), st.sampled_from([100, 300, 700]))
FORCES = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
ORDERS = st.fixed_dictionaries(
    {"time_in_force": FORCES, "self_trade": st.sampled_from(SelfTrade)},
    optional={"cancel_on_pause": st.just(True)},
)
REDUCING = st.just({"time_in_force": TimeInForce.IOC, "reduce_only": True})
RESTING = st.just({"time_in_force": TimeInForce.GTC, "post_only": True})
LEVELS = st.dictionaries(st.sampled_from([30, 4200, 4300]), COUNTS, max_size=3)
UPPER = st.dictionaries(st.sampled_from([4400, 4500, 9970]), COUNTS, max_size=3)
PLACED = st.tuples(st.just("order"), ACCOUNTS, SIDED_PRICES, COUNTS, st.one_of(ORDERS, ORDERS, RESTING, REDUCING))
TAKING = st.tuples(st.just("order"), ACCOUNTS, st.sampled_from([(Side.BID, 4600), (Side.ASK, 4200)]), COUNTS, ORDERS)
PRINTED = st.tuples(st.just("print"), SIDED_PRICES, COUNTS)
STEPS = st.one_of(
    PLACED,
    PLACED,
    TAKING,
    PRINTED,
    PRINTED,
    st.tuples(st.just("change"), SIDED_PRICES, st.integers(-400, 500)),
    st.one_of(
        st.tuples(st.just("set"), LEVELS, UPPER),
        st.tuples(st.just("cancel"), ACCOUNTS, st.integers(0, 20)),
        st.tuples(st.just("amend"), ACCOUNTS, st.integers(0, 20), SIDED_PRICES, COUNTS),
        st.tuples(st.just("paused"), st.one_of(PLACED, PRINTED)),
    ),
)
OUTCOMES = st.sampled_from([("yes", 10_000), ("no", 0), ("scalar", 3_333)])
TERMS = st.sampled_from([FeeTerms(), FeeTerms("quadratic_with_maker_fees"), FeeTerms("quadratic", 0)])
PRECISIONS = st.sampled_from([fees.DIRECT_MICROS, fees.NON_DIRECT_MICROS])


def act(rig: Rig, step: tuple) -> None:
    kind, *rest = step
    if kind == "order":
        account, (side, price), count, options = rest
        rig.order(side, price, count, account, **options)
    elif kind == "change":
        (side, price), change = rest
        foreign = rig.engine.market(TICKER).book.foreign_ch(side is Side.BID, price)[0]
        rig.feed(BookChange(TICKER, side, price, max(change, -foreign), rig.now))
    elif kind == "print":
        (hit, price), count = rest
        rig.feed(Print(TICKER, price, count, hit.opposite, rig.now))
    elif kind == "set":
        rig.feed(BookSet(TICKER, *rest, rig.now))
    elif kind == "paused":
        rig.told(rig.engine.pause(SHARD, rig.now))
        with suppress(Reject):
            act(rig, rest[0])
        rig.told(rig.engine.resume(SHARD, rig.now))
    else:
        act_on_resting(rig, kind, *rest)


def act_on_resting(rig: Rig, kind: str, account: str, number: int, sided=(Side.BID, 0), count: int = 0) -> None:
    resting = rig.engine.orders(account, status=OrderStatus.RESTING)
    if not resting:
        return
    order = resting[number % len(resting)]
    if kind == "cancel":
        rig.told(rig.engine.cancel(account, order.order_id, TICKER, SHARD, rig.now)[2])
    else:
        request = AmendRequest(TICKER, order.side, sided[1], order.filled_ch + count)
        rig.told(rig.engine.amend(account, order.order_id, request, rig.now)[1])


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=50), st.integers(1_000_000, 30_000_000), TERMS, PRECISIONS, OUTCOMES)
def test_on_any_history_every_cent_is_somewhere_and_none_is_missing(steps, cash, terms, precision, outcome):
    rig = Rig(*BOOK, cash=cash // precision * precision, precision_micros=precision)
    rig.feed(Listed(market(fee=terms), rig.now))
    for step in steps:
        with suppress(Reject):
            act(rig, step)
        rig.tick(rig.now + 1)
    rig.feed(Determined(TICKER, *outcome, CLOSE_MS + 1_000), Settled(TICKER, CLOSE_MS + 2_000))
    house = rig.engine.state.house
    balances = [rig.engine.balance(name, SHARD) for name in ("ann", "bob")]
    total = sum(balance.cash_micros for balance in balances) + house.foreign.get(SHARD, 0) + house.fees.get(SHARD, 0)
    assert total == 2 * (cash // precision * precision)
    assert all(balance.reserved_micros == 0 == balance.value_micros for balance in balances)
    assert all(balance.cash_micros % precision == 0 for balance in balances)
    assert house.positions == {}
    for name in ("ann", "bob"):
        for held in rig.engine.positions(name, settled=True):
            assert rig.engine.balance(name).cash_micros == (
                cash // precision * precision + held.realized_micros - held.fees_micros - rounding(rig, name)
            )


def rounding(rig: Rig, name: str) -> int:
    """What rounding a scalar payout down took: the exact value of the net position less what was paid."""
    (paid,) = rig.engine.settlements(name)
    net = paid.yes_count_ch - paid.no_count_ch
    return abs(net) * (paid.value_cc if net >= 0 else 10_000 - paid.value_cc) - paid.revenue_micros


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_on_a_frozen_book_no_actions_raise_equity(steps):
    """Others stand still: whatever one account does, cash plus what closing would bring never rises."""
    rig = Rig({4200: 5000, 4300: 1000}, {4500: 1000, 9010: 5000})
    equity = worth(rig)
    for step in steps:
        if step[0] in ("order", "cancel", "amend"):
            with suppress(Reject):
                act(rig, (step[0], "ann", *step[2:]))
            rig.tick(rig.now + 1)
            assert worth(rig) <= equity
            equity = worth(rig)


def worth(rig: Rig) -> int:
    """Liquidation equity against foreign size as it stood at the start: the account's own orders are no market."""
    q = rig.engine.position("ann", TICKER).position_ch
    cash = rig.engine.balance("ann").cash_micros
    return cash + (q * 4300 if q >= 0 else -q * 10_000 + q * 4500)


def test_the_same_history_gives_the_same_events():
    def run() -> list:
        rig = Rig({4200: 5000}, {4500: 1000})
        told = []
        for number in range(60):
            side = Side.BID if number % 3 else Side.ASK
            with suppress(Reject):
                rig.order(side, 4200 + 100 * (number * 7 % 5), 10 + number, "ann" if number % 2 else "bob")
                told += rig.events
            told += rig.feed(Print(TICKER, 4200 + 100 * (number % 4), 25, side.opposite, rig.now))
        return told

    assert run() == run()
