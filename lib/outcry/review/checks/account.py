"""Our first records beside the exchange's own: every fill, order, settlement, position and balance.

Read through a connection of the auditor's own. What was traded a moment ago may be in one list and not yet in the
other, so what is missing counts only after a while, and positions and balances only when they differ twice in the same
way with nothing traded between (the caller sees to both).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from outcry.review.checks.records import CRITICAL, DOLLAR_CC, Fill, Finding, Order, Settlement

CHECK = "exchange"
NOW = "exchange_now"  # a state, that is over when it is not seen any more
MOST_FEE_CC = 700  # per contract: no fee formula of the exchange takes more
LOOK = "compare with the exchange's own record by hand; bin/status says what the clerk sees"


class TheirOrder(NamedTuple):
    """An order as the exchange lists it."""

    order_id: str
    client_order_id: str
    ticker: str
    side: str
    price_cc: int
    initial_ch: int
    filled_ch: int
    remaining_ch: int
    resting: bool


class Shard(NamedTuple):
    """One shard's identity. `cash_micros`: of all owners, fees taken; `moved_micros`: deposits and adjustments."""

    exchange_index: int
    balance_micros: int
    moved_micros: int
    cash_micros: int
    short_ch: int
    resting: tuple[TheirOrder, ...]


def fills(ours: Mapping[tuple[str, str], Fill], theirs: Iterable[Fill]) -> Iterator[Finding]:
    """Fills that both have, and that differ in anything."""
    for their in theirs:
        our = ours.get((their.trade_id, their.order_id))
        if our is None:
            continue
        for what in ("ticker", "exchange_index", "side", "price_cc", "count_ch", "fee_micros", "is_taker"):
            booked, said = getattr(our, what), getattr(their, what)
            if booked != said:
                name = f"fill {our.trade_id} of {our.order_id}"
                text = f"{name} in {our.ticker}: booked with {what} {booked}, the exchange says {said}"
                yield _finding(f"{name} {what}", text, booked=booked, exchange=said)


def absent(
    ours: Mapping[tuple[str, str], Fill], theirs: Mapping[tuple[str, str], Fill], listed_from_ms: int
) -> Iterator[Finding]:
    """Fills that only one of us has, among those since `listed_from_ms`."""
    for key in sorted(theirs.keys() - ours.keys()):
        fill = theirs[key]
        text = f"fill {fill.trade_id} of {fill.order_id} in {fill.ticker}: {fill.count_ch} hundredths are not booked"
        yield _state(f"fill {fill.trade_id} of {fill.order_id} missing", text, filled_at_ms=fill.filled_at_ms)
    for key, fill in sorted(ours.items()):
        if key not in theirs and fill.filled_at_ms >= listed_from_ms:
            text = f"fill {fill.trade_id} of {fill.order_id} in {fill.ticker} is booked, and the exchange has none such"
            yield _state(f"fill {fill.trade_id} of {fill.order_id} invented", text, filled_at_ms=fill.filled_at_ms)


def orders(ours: Mapping[str, Order], theirs: Iterable[TheirOrder]) -> Iterator[Finding]:
    """Orders that are not what we planned."""
    for their in theirs:
        our = ours.get(their.client_order_id)
        if our is None:
            continue
        name = f"order {their.client_order_id}"
        for what, planned, said in (
            ("ticker", our.ticker, their.ticker),
            ("side", our.side, their.side),
            ("price_cc", our.price_cc, their.price_cc),
        ):
            if planned != said:
                text = f"{name}: planned with {what} {planned}, the exchange has {said}"
                yield _finding(f"{name} {what}", text, planned=planned, exchange=said)
        if their.filled_ch > our.count_ch:
            yield _finding(f"{name} count", f"{name} of {our.count_ch} hundredths filled {their.filled_ch}")


def unplanned(ours: Mapping[str, Order], theirs: Iterable[TheirOrder], prefix: str) -> Iterator[Finding]:
    """Orders under our name that we have no record of. `prefix`: of every client_order_id of this floor."""
    for their in theirs:
        if their.client_order_id.startswith(prefix) and their.client_order_id not in ours:
            name = f"order {their.client_order_id}"
            yield _state(f"{name} unknown", f"{name} in {their.ticker} is at the exchange and was never planned")


def settlements(ours: Mapping[str, Settlement], theirs: Iterable[Settlement]) -> Iterator[Finding]:
    """Markets that paid otherwise than we booked; scalar values are known in whole cents only."""
    for their in theirs:
        our = ours.get(their.ticker)
        if our is None:
            continue
        apart_cc = abs(our.value_cc - their.value_cc)
        if our.result != their.result or apart_cc > (99 if their.result == "scalar" else 0):
            text = f"{their.ticker}: booked as {our.result} {our.value_cc}, paid as {their.result} {their.value_cc}"
            yield _finding(f"settlement {their.ticker}", text, booked=our.value_cc, exchange=their.value_cc)


def positions(ours_ch: Mapping[str, int], theirs_ch: Mapping[str, int]) -> Iterator[Finding]:
    """Net positions of markets that have not paid."""
    for ticker in sorted(ours_ch.keys() | theirs_ch.keys()):
        our, their = ours_ch.get(ticker, 0), theirs_ch.get(ticker, 0)
        if our != their:
            text = f"{ticker}: fills give {our} hundredths net, the exchange holds {their}"
            yield _state(f"position {ticker}", text, from_fills_ch=our, exchange_ch=their)


def balance(shard: Shard) -> Iterator[Finding]:
    """The shard's cash: deposits, trading, and a dollar for each contract the account is net short.

    Exact while nothing rests; else within what resting orders could hold back.
    """
    expected = shard.moved_micros + shard.cash_micros - DOLLAR_CC * shard.short_ch
    held_back = sum(_most_micros(order) for order in shard.resting)
    if not shard.balance_micros <= expected <= shard.balance_micros + held_back:
        name = f"balance shard {shard.exchange_index}"
        text = f"shard {shard.exchange_index}: first records give {expected} micro-dollars, the exchange"
        text += f" {shard.balance_micros}" + (f" and up to {held_back} held for orders" if held_back else "")
        yield _state(name, text, expected=expected, exchange=shard.balance_micros)


def _most_micros(order: TheirOrder) -> int:
    risk_cc = order.price_cc if order.side == "bid" else DOLLAR_CC - order.price_cc
    return (risk_cc + MOST_FEE_CC) * order.remaining_ch


def _finding(subject: str, what: str, **evidence: object) -> Finding:
    return Finding(CHECK, subject, CRITICAL, what, LOOK, evidence)


def _state(subject: str, what: str, **evidence: object) -> Finding:
    return Finding(NOW, subject, CRITICAL, what, LOOK, evidence)
