"""Random histories of an exchange: what several accounts, their subaccounts, others and time may do, and doing it."""

from contextlib import suppress

from hypothesis import strategies as st

from engine_kit import SHARD, TICKER, Rig
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.money_records import Reservation
from outcry.paper.engine.money_requests import Place
from outcry.paper.engine.records import AmendRequest, OrderStatus, Reject, SelfTrade
from outcry.paper.events import BookChange, BookSet, Print


def weighted(*choices: tuple[int, st.SearchStrategy]) -> st.SearchStrategy:
    """One of these, as often as it weighs (`one_of` would count what is nested in it one by one)."""
    return st.sampled_from([choice for weight, choice in choices for _ in range(weight)]).flatmap(lambda choice: choice)


CENT = 10_000
BOOK = {30: 900, 4200: 5000, 4300: 300}, {4500: 300, 4600: 5000, 9970: 900}
ACCOUNTS = st.sampled_from(["ann", "bob"])
PURSES = st.tuples(ACCOUNTS, st.sampled_from([0, 0, 0, 1]))
SIDES = st.sampled_from(Side)
SIDED_PRICES = st.one_of(  # the foreign book keeps its shape mostly: bids up to 0.44, asks from 0.44
    st.tuples(st.just(Side.BID), st.sampled_from([30, 4200, 4300, 4400])),
    st.tuples(st.just(Side.ASK), st.sampled_from([4400, 4500, 4600, 9970])),
    st.tuples(SIDES, st.sampled_from([990, 4300, 4400, 4500, 9010])),
)
COUNTS = st.one_of(st.integers(1, 99), st.sampled_from([100, 300, 700]))
FORCES = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
ORDERS = st.fixed_dictionaries(
    {"time_in_force": FORCES, "self_trade": st.sampled_from(SelfTrade)},
    optional={"cancel_on_pause": st.just(True), "group": st.integers(0, 3)},
)
REDUCING = st.just({"time_in_force": TimeInForce.IOC, "reduce_only": True})
RESTING = st.just({"time_in_force": TimeInForce.GTC, "post_only": True})
LEVELS = st.dictionaries(st.sampled_from([30, 4200, 4300]), COUNTS, max_size=3)
UPPER = st.dictionaries(st.sampled_from([4400, 4500, 9970]), COUNTS, max_size=3)
KINDS = weighted((6, ORDERS), (2, RESTING), (1, REDUCING))
PLACED = st.tuples(st.just("order"), PURSES, SIDED_PRICES, COUNTS, KINDS)
TAKING = st.tuples(st.just("order"), PURSES, st.sampled_from([(Side.BID, 4600), (Side.ASK, 4200)]), COUNTS, ORDERS)
PRINTED = st.tuples(st.just("print"), SIDED_PRICES, COUNTS)
CHANGES = st.one_of(
    st.tuples(st.just("change"), SIDED_PRICES, st.integers(-400, 500)),
    st.tuples(st.just("set"), LEVELS, UPPER),
    st.tuples(st.just("cancel"), PURSES, st.integers(0, 20)),
    st.tuples(st.just("amend"), PURSES, st.integers(0, 20), SIDED_PRICES, COUNTS),
    st.tuples(st.just("decrease"), PURSES, st.integers(0, 20), st.just(None), COUNTS),
    st.tuples(st.just("paused"), st.one_of(PLACED, PRINTED)),
    st.tuples(st.just("decrease"), PURSES, st.integers(0, 20), st.just(None), st.integers(1, 99)),
)
CENTS = st.integers(1, 600)
SHARDS = st.sampled_from([0, SHARD])
MONEY = st.one_of(
    st.tuples(st.sampled_from(["deposit", "withdraw"]), ACCOUNTS, SHARDS, CENTS),
    st.tuples(st.just("transfer"), ACCOUNTS, st.builds(Place, SHARDS, st.integers(0, 1)),
              st.builds(Place, SHARDS, st.integers(0, 1)), CENTS),
    st.tuples(st.just("between"), ACCOUNTS, st.permutations([0, 1]), CENTS, SHARDS),
    st.tuples(st.just("target"), ACCOUNTS, st.sampled_from([{}, {0: 30, SHARD: 70}, {SHARD: 100}]),
              st.sampled_from(Reservation)),
)  # fmt: skip
GROUPS = st.one_of(
    st.tuples(st.just("group"), PURSES, st.sampled_from([100, 300, 2_000])),
    st.tuples(st.sampled_from(["trigger", "reset", "delete"]), ACCOUNTS, st.integers(0, 3)),
    st.tuples(st.just("limit"), ACCOUNTS, st.integers(0, 3), st.sampled_from([100, 1_000])),
)
WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 500, 4_000, 11_000]))
SWEEPS = st.tuples(st.just("cancel all"), ACCOUNTS)


TRADES = weighted((8, PLACED), (3, TAKING), (3, PRINTED), (6, CHANGES))
STEPS = weighted((16, TRADES), (2, MONEY), (2, GROUPS), (2, WAITS), (1, SWEEPS))


def new_rig(cash: int, **options) -> Rig:
    """`ann` and `bob`, each with two subaccounts that share its cash, and a group."""
    rig = Rig(*BOOK, cash=cash, tier="advanced", **options)
    for name in ("ann", "bob"):
        rig.does(rig.engine.create_subaccount(name, rig.now, SHARD))
        half = cash // 2 // CENT * CENT
        rig.does(rig.engine.transfer_subaccount(name, "start", 0, 1, half, rig.now, exchange_index=SHARD))
        rig.does(rig.engine.create_group(name, 300, rig.now, exchange_index=SHARD))
    return rig


def act(rig: Rig, step: tuple) -> None:
    """Do one step; a Reject is the exchange's good right."""
    kind, *rest = step
    with suppress(Reject):
        if kind in ("order", "cancel", "amend", "decrease", "cancel all"):
            _trade(rig, kind, *rest)
        elif kind in ("group", "trigger", "reset", "delete", "limit"):
            _group(rig, kind, *rest)
        elif kind in ("deposit", "withdraw", "transfer", "between", "target"):
            _money(rig, kind, *rest)
        else:
            _world(rig, kind, *rest)


def _trade(rig: Rig, kind: str, purse, *rest) -> None:
    if kind == "cancel all":
        rig.does(rig.engine.cancel_all(purse, rig.now))
        return
    account, subaccount = purse
    if kind == "order":
        (side, price), count, options = rest
        groups = rig.engine.groups(account)
        options = {name: value for name, value in options.items() if name != "group"}
        if "group" in rest[2] and groups:
            options["order_group_id"] = groups[rest[2]["group"] % len(groups)].group_id
        rig.order(side, price, count, account, subaccount=subaccount, **options)
        return
    resting = rig.engine.orders(account, status=OrderStatus.RESTING, subaccount=subaccount)
    if resting:
        _change(rig, kind, resting[rest[0] % len(resting)], *rest[1:])


def _change(rig: Rig, kind: str, order, sided=None, count: int = 0) -> None:
    engine, account, subaccount = rig.engine, order.account, order.subaccount
    if kind == "cancel":
        rig.does(engine.cancel(account, order.order_id, TICKER, SHARD, rig.now, subaccount=subaccount))
    elif kind == "amend":
        request = AmendRequest(TICKER, order.side, sided[1], order.filled_ch + count, subaccount=subaccount)
        rig.does(engine.amend(account, order.order_id, request, rig.now))
    else:
        by = {"reduce_by_ch": count} if count % 2 else {"reduce_to_ch": count}
        rig.does(engine.decrease(account, order.order_id, rig.now, ticker=TICKER, subaccount=subaccount, **by))


def _group(rig: Rig, kind: str, who, number: int, limit_ch: int = 0) -> None:
    if kind == "group":
        account, subaccount = who
        rig.does(rig.engine.create_group(account, number, rig.now, subaccount=subaccount, exchange_index=SHARD))
        return
    groups = rig.engine.groups(who)
    if groups:
        group = groups[number % len(groups)]
        where = {"subaccount": group.subaccount, "exchange_index": SHARD}
        limit = (limit_ch,) if kind == "limit" else ()
        rig.does(getattr(rig.engine, f"{kind}_group")(who, group.group_id, *limit, rig.now, **where))


def _money(rig: Rig, kind: str, account: str, *rest) -> None:
    engine = rig.engine
    if kind in ("deposit", "withdraw"):
        shard, cents = rest
        if kind == "withdraw" and cents > 300:  # all there is: too much, as long as orders hold some of it back
            cents = engine.balance(account, shard).cash_micros // CENT
        rig.does(getattr(engine, kind)(account, shard, cents * CENT, rig.now))
    elif kind == "transfer":
        source, destination, cents = rest
        rig.does(engine.transfer(account, source, destination, cents * CENT, rig.now))
    elif kind == "between":
        (source, destination), cents, shard = rest
        key = f"t{len(engine.subaccount_transfers(account)) // 2 * 2}"  # sometimes used before
        answer = engine.transfer_subaccount(
            account, key, source, destination, cents * CENT, rig.now, exchange_index=shard
        )
        rig.does(answer)
    else:
        percents, reservation = rest
        rig.does(engine.set_target(account, percents, rig.now, reservation))


def _world(rig: Rig, kind: str, *rest) -> None:
    if kind == "change":
        (side, price), change = rest
        foreign = rig.engine.market(TICKER).book.foreign_ch(side is Side.BID, price)[0]
        rig.feed(BookChange(TICKER, side, price, max(change, -foreign), rig.now))
    elif kind == "print":
        (hit, price), count = rest
        rig.feed(Print(TICKER, price, count, hit.opposite, rig.now))
    elif kind == "set":
        rig.feed(BookSet(TICKER, *rest, rig.now))
    elif kind == "wait":
        rig.tick(rig.now + rest[0])
    else:
        rig.told(rig.engine.pause(SHARD, rig.now))
        act(rig, rest[0])
        rig.told(rig.engine.resume(SHARD, rig.now))
