"""Price-time matching of accounts' orders against displayed foreign size, with an honest queue. Pure integers.

The book shows  foreign - taken + orders  at each price. Foreign size comes from a tape or a generator and does not know
of us; `taken` is what our takers removed from it; orders are the accounts' own. The rules, chosen to flatter nobody:

- An order joins the back of the queue: `ahead` is the foreign size displayed at its price when it arrives.
- A print at our price, by a taker from the other side, first consumes what is ahead; only the rest fills us.
- A print through our price fills an order that had queued there behind others, whole: whoever printed beyond it must
  have emptied that queue. An order that improved the quote (nobody stood there) is filled by prints at its price or
  worse, up to their size.
- A print of unknown taker fills nobody. A price that was only touched fills nobody.
- Foreign size that shrinks without a print was cancelled. By default none of that stood ahead of us (pessimistic); a
  share of the proportional guess can be chosen for sensitivity. `ahead` never exceeds what is displayed.
- Takers walk the displayed levels, which are finite. What they took is gone for as long as the tape goes on showing
  it: size newly added is available, and the debt is forgotten only as the level shrinks or empties.
- Foreign size that arrives at or through the price of a resting order (and is not merely crossing other foreign size
  for the instant between two changes) would have met it: it fills the order, at the order's price, and is taken.

Backtests, the local exchange and the mirror of a real one call the same code.
Source: the queue models of hftbacktest's documentation (order fill), here in their most conservative form.
"""

from collections.abc import Callable

from outcry.domain.book import Book
from outcry.paper.engine.queue import Level, Match, Plan, Resting

OnLevel = Callable[[bool, int, int], None]


class MarketBook:
    """One market's book: what others display and what the accounts rest.

    on_level  told (is_bid, price_cc, change_ch) of every change of displayed size, except by `replace`
    cancel_share_millionths  share of an unexplained foreign decrease that stood ahead of us, as a part of the
              proportional guess ahead / displayed: 0 none of it (pessimistic), 1_000_000 just that
    shown     the displayed book: read it, do not write to it
    trading   whether resting orders may fill now; while it is False the book only shows
    """

    __slots__ = ("_asks", "_bids", "_blind", "_cancel_share", "_on_level", "_resting", "shown", "trading")

    def __init__(self, on_level: OnLevel | None = None, *, cancel_share_millionths: int = 0) -> None:
        self.shown = Book()
        self.trading = True
        self._bids: dict[int, Level] = {}
        self._asks: dict[int, Level] = {}
        self._resting: dict[str, Resting] = {}
        self._blind = True  # no foreign book seen yet: orders restored before one are at the back of it
        self._on_level = on_level
        self._cancel_share = cancel_share_millionths

    # ---- what others do ---------------------------------------------------------------------------------------------

    def change(self, is_bid: bool, price_cc: int, change_ch: int) -> list[Match]:
        """A signed change of foreign size at one level; returns orders it met.

        raises  InvariantBroken when foreign size would fall below zero
        """
        change_ch = self.follow(is_bid, price_cc, change_ch)
        if change_ch and self._on_level is not None:
            self._on_level(is_bid, price_cc, change_ch)
        return self.uncross()

    def follow(self, is_bid: bool, price_cc: int, change_ch: int) -> int:
        """The same while no order rests: it can meet nobody, and nobody is told. Returns what changed on display."""
        level = (self._bids if is_bid else self._asks).get(price_cc)
        if level is not None:
            change_ch = level.move_foreign(self._shown_ch(is_bid, price_cc), change_ch, self._cancel_share)
        self.shown.apply(is_bid, price_cc, change_ch)
        if level is not None:
            self._tidy(level, is_bid, price_cc)
        return change_ch

    def replace(self, bids: dict[int, int], asks: dict[int, int]) -> list[Match]:
        """Foreign size replaced whole: the same as the changes that lead to it. Returns orders it met.

        The first one after a start puts orders that were restored without a book at the back of the queue.
        """
        shown = []
        for is_bid, foreign in ((True, bids), (False, asks)):
            sizes = {price: size for price, size in foreign.items() if size > 0}
            for price, level in list((self._bids if is_bid else self._asks).items()):
                displayed = self._shown_ch(is_bid, price)
                change = foreign.get(price, 0) - level.foreign_ch(displayed)
                displayed += level.move_foreign(displayed, change, self._cancel_share)
                if self._blind:
                    for order in level.orders.values():
                        order.ahead_ch = foreign.get(price, 0)
                        order.joined = order.ahead_ch > 0
                if displayed:
                    sizes[price] = displayed
                else:
                    sizes.pop(price, None)
                self._tidy(level, is_bid, price)
            shown.append(sizes)
        self._blind = False
        self.shown.replace(*shown)
        return self.uncross()

    def printed(self, price_cc: int, count_ch: int, taker_is_bid: bool | None) -> list[Match]:
        """A public trade among others, told before the change that removes its size; returns orders it fills.

        taker_is_bid  True when a buyer crossed (asks were hit); None when unknown: fills nobody
        """
        if taker_is_bid is None or not self._resting or not self.trading:
            return []
        hits_bids = not taker_is_bid
        matches, left_ch = [], count_ch
        for price in self._prices(hits_bids):
            if price == price_cc or (price > price_cc) is not hits_bids:
                break
            for order in list(self._level(hits_bids, price).orders.values()):
                count = order.left_ch if order.joined else min(order.left_ch, left_ch)
                left_ch = max(0, left_ch - count)
                if count:
                    matches.append(self._fill(order, count))
        level = (self._bids if hits_bids else self._asks).get(price_cc)
        if level is not None and level.orders:
            matches += [self._fill(order, count) for order, count in level.hit(left_ch)]
            foreign_ch = level.foreign_ch(self._shown_ch(hits_bids, price_cc))
            level.printed_ch = min(level.printed_ch + count_ch, foreign_ch)
            self._tidy(level, hits_bids, price_cc)
        return matches

    # ---- what accounts do -------------------------------------------------------------------------------------------

    def plan(self, owner: str, is_bid: bool, limit_cc: int, count_ch: int, *, displace_own: bool = False) -> Plan:
        """What an incoming order would match now, best price first, then the queue in time order. Changes nothing.

        displace_own  whether resting orders of the same owner go (else the incoming order stops at the first)
        """
        shown = self.shown
        best = shown.ask_cc if is_bid else shown.bid_cc
        if best is None or ((best > limit_cc) if is_bid else (best < limit_cc)):
            return Plan([], count_ch, False, [])
        sizes, levels = (shown.asks, self._asks) if is_bid else (shown.bids, self._bids)
        matches: list[Match] = []
        displaced: list[Resting] = []
        for price in sorted((p for p in sizes if (p <= limit_cc if is_bid else p >= limit_cc)), reverse=not is_bid):
            level, passed_ch = levels.get(price), 0
            for order in () if level is None else level.orders.values():
                ahead_ch = min(count_ch, order.ahead_ch - passed_ch)
                if ahead_ch > 0:
                    matches.append(Match(price, ahead_ch, None))
                    passed_ch, count_ch = passed_ch + ahead_ch, count_ch - ahead_ch
                if count_ch and order.owner == owner:
                    if not displace_own:
                        return Plan(matches, count_ch, True, displaced)
                    displaced.append(order)
                elif count_ch:
                    count = min(count_ch, order.left_ch)
                    matches.append(Match(price, count, order))
                    count_ch -= count
            behind_ch = min(count_ch, sizes[price] - (level.own_ch if level else 0) - passed_ch)
            if behind_ch > 0:
                matches.append(Match(price, behind_ch, None))
                count_ch -= behind_ch
            if not count_ch:
                break
        return Plan(matches, count_ch, bool(displaced), displaced)

    def execute(self, plan: Plan, is_bid: bool) -> None:
        """Do what a plan said, for an incoming bid or ask. The book must not have changed in between.

        Displaced orders are the caller's to withdraw, before this.
        """
        consumed: dict[int, int] = {}
        for price_cc, count_ch, resting in plan.matches:
            if resting is None:
                consumed[price_cc] = consumed.get(price_cc, 0) + count_ch
            else:
                self._fill(resting, count_ch)
        for price_cc, count_ch in consumed.items():
            self._level(not is_bid, price_cc).take_foreign(count_ch)
            self._show(not is_bid, price_cc, -count_ch)

    def rest(self, key: str, owner: str, is_bid: bool, price_cc: int, count_ch: int) -> Resting:
        """Put an order at the back of the queue of its price. It must not cross: `plan` and `execute` come first."""
        level = self._level(is_bid, price_cc)
        ahead_ch = self._shown_ch(is_bid, price_cc) - level.own_ch
        order = Resting(key, owner, is_bid, price_cc, count_ch, ahead_ch)
        level.orders[key] = self._resting[key] = order
        level.own_ch += count_ch
        self._show(is_bid, price_cc, count_ch)
        return order

    def withdraw(self, key: str) -> int:
        """Take an order out; returns what was left of it, 0 when it does not rest here."""
        order = self._resting.get(key)
        return self.shrink(key, order.left_ch) if order else 0

    def shrink(self, key: str, by_ch: int) -> int:
        """Make a resting order smaller, in its place in the queue; returns by how much it shrank."""
        order = self._resting[key]
        by_ch = min(by_ch, order.left_ch)
        self._fill(order, by_ch)
        return by_ch

    def resting(self, key: str) -> Resting | None:
        """An order's place in the queue."""
        return self._resting.get(key)

    def ahead_ch(self, key: str) -> int:
        """Everything before an order at its price: foreign size and earlier orders of accounts."""
        order = self._resting[key]
        earlier_ch = 0
        for other in self._level(order.is_bid, order.price_cc).orders.values():
            if other is order:
                break
            earlier_ch += other.left_ch
        return order.ahead_ch + earlier_ch

    def foreign_ch(self, is_bid: bool, price_cc: int) -> tuple[int, int]:
        """(foreign size at a price as its source tells it, how much of that our takers have taken)."""
        level = (self._bids if is_bid else self._asks).get(price_cc)
        shown_ch = self._shown_ch(is_bid, price_cc)
        return (shown_ch, 0) if level is None else (level.foreign_ch(shown_ch), level.taken_ch)

    @property
    def rests(self) -> bool:
        """Whether any order is in this book."""
        return bool(self._resting)

    @property
    def untouched(self) -> bool:
        """Whether nothing of any account is in this book: no order, and nothing taken that its source still shows."""
        return not self._bids and not self._asks

    def holds(self, is_bid: bool, price_cc: int) -> bool:
        """Whether anything of any account is at a price: an order, or something taken."""
        return price_cc in (self._bids if is_bid else self._asks)

    def taken_at(self) -> frozenset[int]:
        """Where something was taken that its source still shows: +price of bids, -price of asks."""
        bids = (price for price, level in self._bids.items() if level.taken_ch)
        return frozenset(bids) | {-price for price, level in self._asks.items() if level.taken_ch}

    # ---- within -----------------------------------------------------------------------------------------------------

    def _shown_ch(self, is_bid: bool, price_cc: int) -> int:
        return (self.shown.bids if is_bid else self.shown.asks).get(price_cc, 0)

    def _level(self, is_bid: bool, price_cc: int) -> Level:
        levels = self._bids if is_bid else self._asks
        level = levels.get(price_cc)
        if level is None:
            level = levels[price_cc] = Level()
        return level

    def _tidy(self, level: Level, is_bid: bool, price_cc: int) -> None:
        if not level.orders and not level.taken_ch:
            (self._bids if is_bid else self._asks).pop(price_cc, None)

    def _prices(self, is_bid: bool) -> list[int]:
        """Prices at which accounts rest, best first."""
        levels = self._bids if is_bid else self._asks
        return sorted((price for price, level in levels.items() if level.orders), reverse=is_bid)

    def _show(self, is_bid: bool, price_cc: int, change_ch: int) -> None:
        self.shown.apply(is_bid, price_cc, change_ch)
        if change_ch and self._on_level is not None:
            self._on_level(is_bid, price_cc, change_ch)

    def _fill(self, order: Resting, count_ch: int) -> Match:
        """Take size from an order, wherever it went."""
        level = self._level(order.is_bid, order.price_cc)
        order.left_ch -= count_ch
        level.own_ch -= count_ch
        if not order.left_ch:
            del level.orders[order.key], self._resting[order.key]
            self._tidy(level, order.is_bid, order.price_cc)
        self._show(order.is_bid, order.price_cc, -count_ch)
        return Match(order.price_cc, count_ch, order)

    def _foreign_best(self, is_bid: bool) -> int | None:
        sizes, levels = (self.shown.bids, self._bids) if is_bid else (self.shown.asks, self._asks)
        there = (price for price, size in sizes.items() if price not in levels or size > levels[price].own_ch)
        return max(there, default=None) if is_bid else min(there, default=None)

    def uncross(self) -> list[Match]:
        """Fill resting orders that foreign size has arrived at or through; the better price goes to the newcomer.

        Every foreign change does this itself; call it when trading begins again.
        """
        if not self._resting or not self.trading or not self.shown.crossed:
            return []
        bid_cc, ask_cc = self._foreign_best(True), self._foreign_best(False)
        if bid_cc is not None and ask_cc is not None and bid_cc >= ask_cc:
            return []  # crossed among themselves, for the instant between two changes
        matches: list[Match] = []
        for is_bid, foreign_cc in ((True, ask_cc), (False, bid_cc)):
            if foreign_cc is None:
                continue
            for price in [p for p in self._prices(is_bid) if (p >= foreign_cc if is_bid else p <= foreign_cc)]:
                for order in list(self._level(is_bid, price).orders.values()):
                    plan = self.plan("", is_bid, price, order.left_ch)
                    count = order.left_ch - plan.left_ch
                    if count:
                        self.execute(plan, is_bid)
                        matches.append(self._fill(order, count))
        return matches
