"""The ledger's arithmetic: two functions move money, and one identity ties us to the exchange.

A fill moves position, cash and fee; a settlement pays position times value. Nothing else. All in integers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill, Settlement
from outcry.domain.units import ONE_DOLLAR_CC


@dataclass(frozen=True, slots=True)
class Holding:
    """One agent's account in one market. Signed position in hundredths; cash and fees in micro-dollars.

    cash_micros  what trades (and settlement) moved, before fees; may be negative
    fees_micros  what fees took, positive
    """

    position_ch: int = 0
    cash_micros: int = 0
    fees_micros: int = 0

    @property
    def net_cash_micros(self) -> int:
        return self.cash_micros - self.fees_micros


def apply_fill(holding: Holding, fill: Fill) -> Holding:
    """The holding after a fill.

    raises  InvariantBroken on an impossible fill (count not positive, price outside $0 to $1)
    """
    if fill.count_ch <= 0 or not 0 <= fill.price_cc <= ONE_DOLLAR_CC:
        raise InvariantBroken(f"fill {fill.trade_id} of {fill.count_ch} hundredths at {fill.price_cc} centicents")
    return Holding(
        holding.position_ch + fill.position_change_ch,
        holding.cash_micros + fill.cash_change_micros,
        holding.fees_micros + fill.fee_micros,
    )


def settle(holding: Holding, settlement: Settlement) -> Holding:
    """The holding after its market settled: position times value in cash, position gone."""
    if not 0 <= settlement.value_cc <= ONE_DOLLAR_CC:
        raise InvariantBroken(f"{settlement.ticker} settled at {settlement.value_cc} centicents")
    return replace(holding, position_ch=0, cash_micros=holding.cash_micros + holding.position_ch * settlement.value_cc)


def liquidation_micros(position_ch: int, bid_cc: int | None, ask_cc: int | None) -> int:
    """What closing a position now would move in cash: sell at the best bid, buy back at the best ask.

    No bid is worth 0, and no ask costs $1 (a mark is what closing now would bring). Negative for a short position.
    """
    if position_ch >= 0:
        return position_ch * (bid_cc or 0)
    return position_ch * (ONE_DOLLAR_CC if ask_cc is None else ask_cc)


def netted_micros(net_positions_ch: Iterable[int]) -> int:
    """Dollars the exchange holds against net short positions: $1 for each contract of max(0, -Q)."""
    return sum(ONE_DOLLAR_CC * -position for position in net_positions_ch if position < 0)


def expected_balance_micros(deposits_micros: int, net_cash_micros: int, net_positions_ch: Iterable[int]) -> int:
    """One shard's side of the exchange identity, before collateral of resting orders.

    deposits_micros   deposits - withdrawals + adjustments - transfers in flight
    net_cash_micros   sum of net cash over agents, `manual` and `rounding`
    net_positions_ch  the account's net position in each market that has not settled
    """
    return deposits_micros + net_cash_micros - netted_micros(net_positions_ch)


def scalar_rounding_micros(positions_ch: Mapping[str, int], value_cc: int, precision_micros: int = 100) -> int:
    """What flooring the payout on the net position loses against the exact sum over agents (never positive).

    The payout of a net short position is $1 less value on each NO contract, floored; the netted dollar is certain.
    """
    net_ch = sum(positions_ch.values())
    per_contract_cc = value_cc if net_ch >= 0 else ONE_DOLLAR_CC - value_cc
    exact = abs(net_ch) * per_contract_cc
    return exact // precision_micros * precision_micros - exact


def realized_micros(fills: Iterable[Fill]) -> int:
    """Average-cost realised profit of one agent's fills in one market, gross of fees, in time order.

    Closing part of a position realises its share of the cost, rounded toward zero to a micro-dollar; the rest stays.
    """
    position_ch = cost_micros = realized = 0
    for fill in fills:
        change = fill.position_change_ch
        if position_ch * change >= 0:
            position_ch, cost_micros = position_ch + change, cost_micros + change * fill.price_cc
            continue
        closed = min(abs(change), abs(position_ch)) * (1 if position_ch > 0 else -1)
        cost_share = _toward_zero(cost_micros * closed, position_ch)
        realized += closed * fill.price_cc - cost_share
        position_ch, cost_micros = position_ch - closed, cost_micros - cost_share
        opened = change + closed
        position_ch, cost_micros = position_ch + opened, cost_micros + opened * fill.price_cc
    return realized


def _toward_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient
