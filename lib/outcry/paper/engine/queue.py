"""The queue at one price: who stands where, what we owe the tape there, and what a print or a cancel does to it.

Pure integers, in hundredths of a contract. The rules are told in `matching`, which owns the prices.
"""

from typing import NamedTuple

from outcry.domain.errors import InvariantBroken

MILLION = 1_000_000


class Resting:
    """One resting order in the queue of its price.

    ahead_ch  foreign size that stands before it
    joined    whether foreign size stood at its price when it arrived (else it improved the quote)
    """

    __slots__ = ("ahead_ch", "is_bid", "joined", "key", "left_ch", "owner", "price_cc")

    def __init__(self, key: str, owner: str, is_bid: bool, price_cc: int, left_ch: int, ahead_ch: int) -> None:
        self.key, self.owner, self.is_bid, self.price_cc = key, owner, is_bid, price_cc
        self.left_ch, self.ahead_ch, self.joined = left_ch, ahead_ch, ahead_ch > 0


class Match(NamedTuple):
    """Size that changes hands at one price. `resting` is the account's order that was met, None for foreign size."""

    price_cc: int
    count_ch: int
    resting: Resting | None


class Plan(NamedTuple):
    """What an incoming order would do now: nothing has happened yet.

    left_ch    what it could not match
    met_own    whether it met a resting order of its own owner
    displaced  own resting orders that have to go for it (only where the owner chose that)
    """

    matches: list[Match]
    left_ch: int
    met_own: bool
    displaced: list[Resting]


class Level:
    """What the plain book does not know of a price.

    orders      accounts' orders in time order, and own_ch their sum
    taken_ch    foreign size that our takers took and the tape goes on showing
    printed_ch  prints whose change of size has not been seen yet: that decrease is no cancel
    """

    __slots__ = ("orders", "own_ch", "printed_ch", "taken_ch")

    def __init__(self) -> None:
        self.orders: dict[str, Resting] = {}
        self.own_ch = self.taken_ch = self.printed_ch = 0

    def foreign_ch(self, shown_ch: int) -> int:
        """Foreign size as the tape tells it, from what is displayed."""
        return shown_ch - self.own_ch + self.taken_ch

    def move_foreign(self, shown_ch: int, change_ch: int, cancel_share_millionths: int) -> int:
        """A signed change of foreign size; returns how much the displayed size moves.

        raises  InvariantBroken when foreign size would fall below zero
        """
        available_ch = shown_ch - self.own_ch
        foreign_ch = available_ch + self.taken_ch + change_ch
        if foreign_ch < 0:
            raise InvariantBroken(f"foreign size of a level would be {foreign_ch} hundredths of a contract")
        self.taken_ch = min(self.taken_ch, foreign_ch)
        if change_ch < 0:
            explained_ch = min(-change_ch, self.printed_ch)
            self.printed_ch -= explained_ch
            if cancel_share_millionths:
                self._cancel(available_ch - explained_ch, -change_ch - explained_ch, cancel_share_millionths)
            for order in self.orders.values():
                order.ahead_ch = min(order.ahead_ch, foreign_ch - self.taken_ch)
        self.printed_ch = min(self.printed_ch, foreign_ch)
        return foreign_ch - self.taken_ch - available_ch

    def _cancel(self, displayed_ch: int, cancelled_ch: int, share_millionths: int) -> None:
        """Let a share of what was cancelled have stood ahead of us."""
        if displayed_ch <= 0:
            return
        cancelled_ch = min(cancelled_ch, displayed_ch)
        for order in self.orders.values():
            order.ahead_ch -= order.ahead_ch * cancelled_ch * share_millionths // (displayed_ch * MILLION)

    def take_foreign(self, count_ch: int) -> None:
        """A taker of ours took displayed foreign size, from the front."""
        self.taken_ch += count_ch
        for order in self.orders.values():
            order.ahead_ch = max(0, order.ahead_ch - count_ch)

    def hit(self, count_ch: int) -> list[tuple[Resting, int]]:
        """A print at this price: what is ahead of each order first, then the order. Returns what each order gets."""
        filled, passed_ch = [], 0
        for order in self.orders.values():
            ahead_ch = min(count_ch, order.ahead_ch - passed_ch)
            if ahead_ch > 0:
                passed_ch, count_ch = passed_ch + ahead_ch, count_ch - ahead_ch
            if not count_ch:
                break
            filled.append((order, min(count_ch, order.left_ch)))
            count_ch -= filled[-1][1]
        for order in self.orders.values():
            order.ahead_ch = max(0, order.ahead_ch - passed_ch)
        return filled
