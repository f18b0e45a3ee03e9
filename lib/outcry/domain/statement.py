"""A statement of account: what one side, we or the exchange, has written down of the same trading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class OrderLine(NamedTuple):
    """An order that reached the exchange."""

    order_id: str
    ticker: str
    side: str
    price_cc: int
    count_ch: int
    filled_ch: int
    state: str


class FillLine(NamedTuple):
    """One match of an order."""

    ticker: str
    exchange_index: int
    side: str
    price_cc: int
    count_ch: int
    fee_micros: int
    is_taker: int


class PaidLine(NamedTuple):
    """What a market paid a contract, and on how many contracts net."""

    result: str
    value_cc: int
    net_ch: int


@dataclass(frozen=True, slots=True)
class Statement:
    """
    orders        by our client id
    fills         by trade and order, each an id of the exchange's
    paid          by market
    positions_ch  by market that has not paid, signed, flat ones left out
    cash_micros   by shard, after netting, before collateral of resting orders
    unsound       what contradicts itself on this side alone, one clause each
    """

    orders: Mapping[str, OrderLine]
    fills: Mapping[tuple[str, str], FillLine]
    paid: Mapping[str, PaidLine]
    positions_ch: Mapping[str, int]
    cash_micros: Mapping[int, int]
    unsound: tuple[str, ...] = ()

    @property
    def fees_micros(self) -> int:
        """What all fills cost."""
        return sum(fill.fee_micros for fill in self.fills.values())
