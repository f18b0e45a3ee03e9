"""The exchange's accounts, everybody else, and the till: what makes every cent come from somewhere. Pure integers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.money_records import Target
from outcry.paper.engine.purse import Purse


class Account:
    """One customer: a usage tier, a primary purse and up to 63 more, and where its cash is to lie."""

    def __init__(self, name: str, tier: str) -> None:
        self.name, self.tier = name, tier
        self.purses: dict[int, Purse] = {0: Purse(name, 0)}
        self.target: Target | None = None

    @property
    def primary(self) -> Purse:
        return self.purses[0]


@dataclass(slots=True)
class House:
    """Everybody else, and the exchange's own till: what makes every cent come from somewhere.

    foreign      cash of all others per shard, from 0; may be negative (they are good for it)
    positions    their signed net position per market: the mirror of the accounts'
    fees         what the exchange kept, per shard
    """

    foreign: dict[int, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    fees: dict[int, int] = field(default_factory=dict)

    def book(self, exchange_index: int, ticker: str, side: Side, price_cc: int, count_ch: int) -> None:
        """Others' side of a match with an account."""
        self.positions[ticker] = self.positions.get(ticker, 0) + side.sign * count_ch
        self.foreign[exchange_index] = self.foreign.get(exchange_index, 0) - side.sign * price_cc * count_ch

    def earn(self, exchange_index: int, micros: int) -> None:
        self.fees[exchange_index] = self.fees.get(exchange_index, 0) + micros

    def settle(self, exchange_index: int, ticker: str, value_cc: int) -> None:
        position_ch = self.positions.pop(ticker, 0)
        self.foreign[exchange_index] = self.foreign.get(exchange_index, 0) + position_ch * value_cc


def purses_of(accounts: Iterable[Account]) -> Iterator[Purse]:
    """Every purse of these accounts."""
    for account in accounts:
        yield from account.purses.values()


def imbalance_micros(purses: Iterable[Purse], house: House, exchange_index: int) -> int:
    """What is missing (or too much) on a shard: what came in must equal cash, locked dollars, others' cash and fees."""
    total = house.foreign.get(exchange_index, 0) + house.fees.get(exchange_index, 0)
    for purse in purses:
        total += purse.cash.get(exchange_index, 0) - purse.moved_in.get(exchange_index, 0)
        for held in purse.positions.values():
            if held.exchange_index == exchange_index:
                total += ONE_DOLLAR_CC * max(0, -held.position_ch)
    return total
