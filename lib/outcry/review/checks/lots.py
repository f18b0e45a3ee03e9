"""Lot matching: what an agent's fills in one market leave and what they earned, worked out oldest lot first.

The ledger keeps running totals; here every contract is followed from the fill that opened it to the one that closed it,
or to the settlement. Both must come to the same cent.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from outcry.review.checks.records import CRITICAL, Fill, Finding

CHECK = "ledger"


class Account(NamedTuple):
    """One agent in one market. Signed hundredths; micro-dollars.

    earned_micros  of lots that were closed or paid, before fees
    tied_micros    what open lots cost: paid for those bought (positive), received for those sold (negative)
    """

    position_ch: int = 0
    earned_micros: int = 0
    tied_micros: int = 0
    fees_micros: int = 0
    fills: int = 0

    @property
    def cash_micros(self) -> int:
        """What trading and settlement moved, before fees."""
        return self.earned_micros - self.tied_micros


class Books(NamedTuple):
    """What the ledger says of the same: position (0 once paid), cash with the payout in it, fees, number of fills."""

    position_ch: int
    cash_micros: int
    fees_micros: int
    fills: int


def match(fills: Iterable[Fill], value_cc: int | None) -> Account:
    """Follow every contract. `value_cc`: what the market paid; None while it has not."""
    lots: deque[tuple[int, int]] = deque()  # (signed count, price), oldest first
    earned = fees = number = 0
    for fill in sorted(fills, key=lambda fill: (fill.filled_at_ms, fill.fill_id)):
        left_ch, fees, number = fill.signed_ch, fees + fill.fee_micros, number + 1
        while left_ch and lots and lots[0][0] * left_ch < 0:
            held_ch, paid_cc = lots.popleft()
            closed_ch = min(abs(held_ch), abs(left_ch)) * (1 if held_ch > 0 else -1)
            earned += closed_ch * (fill.price_cc - paid_cc)
            left_ch += closed_ch
            if held_ch != closed_ch:
                lots.appendleft((held_ch - closed_ch, paid_cc))
        if left_ch:
            lots.append((left_ch, fill.price_cc))
    if value_cc is not None:
        earned += sum(count_ch * (value_cc - paid_cc) for count_ch, paid_cc in lots)
        lots.clear()
    tied = sum(count_ch * paid_cc for count_ch, paid_cc in lots)
    return Account(sum(count_ch for count_ch, _ in lots), earned, tied, fees, number)


def compare(agent: str, ticker: str, ours: Account, books: Books | None) -> Iterator[Finding]:
    """Where the ledger differs from the lots."""
    said = books or Books(0, 0, 0, 0)
    for what, matched, booked in (
        ("position_ch", ours.position_ch, said.position_ch),
        ("cash_micros", ours.cash_micros, said.cash_micros),
        ("fees_micros", ours.fees_micros, said.fees_micros),
        ("fills", ours.fills, said.fills),
    ):
        if matched != booked:
            yield Finding(
                CHECK,
                f"{agent} {ticker} {what}",
                CRITICAL,
                f"{agent} in {ticker}: the ledger's {what} is {booked}, its fills and settlement give {matched}",
                "stop the clerk, restore the ledger from its first records, and find out who wrote it",
                {"from_lots": matched, "ledger": booked},
            )


def compare_cash(agent: str, shard: int, ours: tuple[int, int], books: tuple[int, int]) -> Iterator[Finding]:
    """An agent's running cash and fees on a shard beside the sums over its markets."""
    for what, matched, booked in zip(("cash_micros", "fees_micros"), ours, books, strict=True):
        if matched != booked:
            yield Finding(
                CHECK,
                f"{agent} shard {shard} {what}",
                CRITICAL,
                f"{agent} on shard {shard}: the ledger's {what} is {booked}, its fills and settlements give {matched}",
                "stop the clerk, restore the ledger from its first records, and find out who wrote it",
                {"from_lots": matched, "ledger": booked},
            )
