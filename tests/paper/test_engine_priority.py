"""Price, then time, among all participants: the exchange against a matcher that is slow and obvious.

Four traders (two of them one account's purses) and others send every kind of order and change; after each step both
must show the same book, the same place in the queue for each order, and the same fills at the same prices.
"""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, market
from exchange_histories import weighted
from histories import histories
from obvious import Obvious
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.records import AmendRequest, OrderStatus, Reject, SelfTrade
from outcry.paper.events import AccountFill, BookChange, Listed, Print

TRADERS = [("ann", 0), ("ann", 1), ("bob", 0), ("cat", 0)]
LIMIT_CH, WINDOW_MS, TAIL_MS = 100, 15_000, 40
FORCES = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
PRICES = st.one_of(  # bids below asks mostly, so that queues form; sometimes anywhere
    st.tuples(st.just(Side.BID), st.sampled_from([4100, 4200])),
    st.tuples(st.just(Side.ASK), st.sampled_from([4300, 4400])),
    st.tuples(st.sampled_from(Side), st.sampled_from([4100, 4200, 4300, 4400])),
)
WHO = st.integers(0, 3)
COUNTS, NUMBERS = st.integers(1, 30), st.integers(0, 30)
ORDER = st.tuples(
    st.just("order"), WHO, PRICES, COUNTS, FORCES, st.sampled_from(SelfTrade), st.booleans(), st.booleans()
)
STEPS = weighted(
    (10, ORDER),
    (3, st.tuples(st.just("print"), PRICES, COUNTS)),
    (4, st.tuples(st.just("change"), PRICES, st.integers(-25, 30))),
    (2, st.tuples(st.just("amend"), NUMBERS, PRICES, COUNTS)),
    (2, st.tuples(st.just("decrease"), NUMBERS, COUNTS)),
    (2, st.tuples(st.just("cancel"), NUMBERS)),
    (1, st.tuples(st.just("cancel all"), WHO)),
    (1, st.tuples(st.sampled_from(["trigger", "reset", "reset"]), WHO)),
    (1, st.tuples(st.just("wait"), st.sampled_from([10, 50, 15_000]))),
)


class Reference:
    """The rules of an exchange around the obvious matcher: groups, self trades, times in force, sweeps."""

    def __init__(self) -> None:
        self.book, self.now = Obvious(), 0
        self.groups: dict[str, int] = {}  # order: its trader, whose group it is in
        self.matched: dict[int, list[tuple[int, int]]] = {who: [] for who in range(4)}
        self.triggered: set[int] = set()
        self.swept: dict[str, int] = {}  # account: until when

    def order(self, key, who, is_bid, price, count, force, displace, post_only, grouped):
        """Returns unit fills, or None when it is refused."""
        if grouped and who in self.triggered:
            return None
        if post_only and self.book.crosses(is_bid, price):
            return None
        owner = TRADERS[who][0]
        if force is TimeInForce.FOK:
            left, met_own = self.trial(owner, is_bid, price, count, displace)
            if left and not met_own:
                return None
        if grouped:
            self.groups[key] = who
        return self.enter(key, owner, is_bid, price, count, displace, rests=force is TimeInForce.GTC)

    def trial(self, owner, is_bid, price, count, displace):
        """What would be left of an order, and whether it would meet one of its own account."""
        book = deepcopy(self.book)
        _, left, stopped = book.match(owner, is_bid, price, count, displace)
        mine = {key for key in self.keys(self.book) if self.book.owner[key] == owner}
        return left, stopped or bool(mine - self.keys(book))

    @staticmethod
    def keys(book):
        return {key for side in book.queues.values() for queue in side.values() for key in queue if key}

    def enter(self, key, owner, is_bid, price, count, displace, *, rests):
        traded, left, stopped = self.book.match(owner, is_bid, price, count, displace)
        self.count([(key, price) for _ in traded] + traded)
        group_gone = self.groups.get(key) in self.triggered
        if left and rests and not stopped and not group_gone and self.swept.get(owner, -1) <= self.now:
            self.book.rest(key, owner, is_bid, price, left)
        return [(other, at) for other, at in traded if other] + [(key, at) for _, at in traded]

    def count(self, fills):
        """Count what the orders of groups matched, and trigger."""
        for key, _ in fills:
            if key in self.groups:
                self.matched[self.groups[key]].append((self.now, 1))
        for who in set(self.groups.values()) - self.triggered:
            inside = [units for at_ms, units in self.matched[who] if at_ms > self.now - WINDOW_MS]
            if sum(inside) >= LIMIT_CH:
                self.trigger(who)

    def trigger(self, who):
        self.triggered.add(who)
        for key, of in self.groups.items():
            if of == who:
                self.book.withdraw(key)


class Both:
    """The exchange and the reference, side by side."""

    def __init__(self) -> None:
        self.rig = Rig(cash=10**12, tier="advanced", manners=Manners(cancel_all_tail_ms=TAIL_MS))
        engine = self.rig.engine
        engine.add_account("cat", {SHARD: 10**12}, "advanced")
        self.rig.does(engine.create_subaccount("ann", self.rig.now, SHARD))
        self.rig.does(engine.transfer_subaccount("ann", "t", 0, 1, 10**11, self.rig.now, exchange_index=SHARD))
        self.rig.feed(Listed(market(fee=FeeTerms("quadratic", 0), close_at_ms=1_000 * CLOSE_MS), self.rig.now))
        self.groups = [
            rig_group.group_id
            for account, subaccount in TRADERS
            for rig_group in [
                self.rig.does(
                    engine.create_group(account, LIMIT_CH, self.rig.now, subaccount=subaccount, exchange_index=SHARD)
                )
            ]
        ]
        self.reference = Reference()
        self.ids: dict[str, str] = {}  # the reference's key of each order, by its id

    def do(self, step: tuple) -> None:
        kind, *rest = step
        self.reference.now = self.rig.now
        self.rig.events = []
        expected = getattr(self, "do_" + kind.replace(" ", "_"))(*rest)
        self.compare(expected or [])

    def compare(self, expected: list[tuple[str, int]]) -> None:
        told: dict[tuple[str, int], int] = {}
        for fill in self.rig.events:
            if isinstance(fill, AccountFill):
                pair = self.ids.get(fill.order_id, "new"), fill.price_cc
                told[pair] = told.get(pair, 0) + fill.count_ch
        assert told == {pair: expected.count(pair) for pair in expected}
        book = self.reference.book
        assert self.rig.engine.displayed(TICKER) == (book.shown(True), book.shown(False))
        resting, queues = {}, [queue for side in book.queues.values() for queue in side.values()]
        for order_id, key in self.ids.items():
            order = self.rig.engine.state.orders[order_id]
            if order.status is OrderStatus.RESTING:
                resting[key] = order.remaining_ch, self.rig.engine.queue_position(order.account, order_id)
        assert resting == {key: (queue.count(key), queue.index(key)) for queue in queues for key in set(queue) - {""}}

    def do_order(self, who, sided, count, force, self_trade, post_only, grouped):
        (account, subaccount), (side, price) = TRADERS[who], sided
        post_only = post_only and force is TimeInForce.GTC
        key, displace = f"o{len(self.ids)}", self_trade is SelfTrade.MAKER
        is_bid = side is Side.BID
        expected = self.reference.order(key, who, is_bid, price, count, force, displace, post_only, grouped)
        try:
            order = self.rig.order(
                side,
                price,
                count,
                account,
                subaccount=subaccount,
                time_in_force=force,
                self_trade=self_trade,
                post_only=post_only,
                order_group_id=self.groups[who] if grouped else "",
            )
        except Reject:
            assert expected is None
            return []
        assert expected is not None
        self.ids[order.order_id] = key
        return expected

    def do_print(self, sided, count):
        side, price = sided
        expected = self.reference.book.printed(price, count, side is Side.ASK)
        self.reference.count(expected)
        self.rig.feed(Print(TICKER, price, count, side.opposite, self.rig.now))
        return expected

    def do_change(self, sided, change):
        side, price = sided
        foreign = self.rig.engine.market(TICKER).book.foreign_ch(side is Side.BID, price)[0]
        expected = self.reference.book.change(side is Side.BID, price, max(change, -foreign))
        self.reference.count(expected)
        self.rig.feed(BookChange(TICKER, side, price, max(change, -foreign), self.rig.now))
        return expected

    def chosen(self, number):
        resting = [self.rig.engine.state.orders[order_id] for order_id in self.ids]
        resting = [order for order in resting if order.status is OrderStatus.RESTING]
        return resting[number % len(resting)] if resting else None

    def do_cancel(self, number):
        if order := self.chosen(number):
            self.reference.book.withdraw(self.ids[order.order_id])
            where = {"subaccount": order.subaccount}
            self.rig.does(self.rig.engine.cancel(order.account, order.order_id, TICKER, None, self.rig.now, **where))

    def do_decrease(self, number, count):
        if order := self.chosen(number):
            self.reference.book.shrink(self.ids[order.order_id], max(0, order.remaining_ch - count))
            where = {"ticker": TICKER, "subaccount": order.subaccount, "reduce_by_ch": count}
            self.rig.does(self.rig.engine.decrease(order.account, order.order_id, self.rig.now, **where))

    def do_amend(self, number, sided, count):
        if not (order := self.chosen(number)):
            return []
        key, book, price = self.ids[order.order_id], self.reference.book, sided[1]
        expected: list[tuple[str, int]] = []
        if order.post_only and book.crosses(order.is_bid, price) and (price, count) != (order.price_cc, count):
            expected = None
        elif price == order.price_cc and count <= order.remaining_ch:
            book.shrink(key, count)
        else:
            book.withdraw(key)
            swept, self.reference.swept = self.reference.swept, {}  # an amended order is none placed anew
            displace = order.self_trade is SelfTrade.MAKER
            expected = self.reference.enter(key, order.account, order.is_bid, price, count, displace, rests=True)
            self.reference.swept = swept
        request = AmendRequest(TICKER, order.side, price, order.filled_ch + count, subaccount=order.subaccount)
        try:
            self.rig.does(self.rig.engine.amend(order.account, order.order_id, request, self.rig.now))
        except Reject:
            assert expected is None
        return expected

    def do_cancel_all(self, who):
        account = TRADERS[who][0]
        for order_id, key in self.ids.items():
            if self.rig.engine.state.orders[order_id].account == account:
                self.reference.book.withdraw(key)
        self.reference.swept[account] = self.rig.now + TAIL_MS
        self.rig.does(self.rig.engine.cancel_all(account, self.rig.now))

    def do_trigger(self, who):
        self.reference.trigger(who)
        self._group("trigger_group", who)

    def do_reset(self, who):
        self.reference.triggered.discard(who)
        self.reference.matched[who].clear()
        self._group("reset_group", who)

    def _group(self, call, who):
        account, subaccount = TRADERS[who]
        where = {"subaccount": subaccount, "exchange_index": SHARD}
        self.rig.does(getattr(self.rig.engine, call)(account, self.groups[who], self.rig.now, **where))

    def do_wait(self, ms):
        self.rig.tick(self.rig.now + ms)


@histories(120, 3_000)
@given(st.lists(STEPS, min_size=15, max_size=50))
def test_price_then_time_as_the_obvious_exchange_has_it(steps):
    both = Both()
    for step in steps:
        both.do(step)
