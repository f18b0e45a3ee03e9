"""Spread and fee together, as a share of the price paid, for strategies that state no probability.

A limit further through the book than the touch gives away more than the spread, and counts as what it gives away. An
order that may only rest pays no spread: it gives away by how much it stands above the best of its own side.
"""

from outcry.domain.limits import ALL
from outcry.domain.order import Side
from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "spread_and_fee"


def check(case: Case, count_ch: int) -> Verdict | None:
    if case.intent.probability is not None:
        return None
    given_cc, price_micros = _given_away_cc(case), case.risk_cc * count_ch
    toll_micros = given_cc * count_ch + case.fee_micros(count_ch)
    limit = case.limits.max_spread_and_fee_millionths
    if toll_micros * ALL <= limit * price_micros:
        return None
    toll_millionths = -(-toll_micros * ALL // price_micros)
    return refused(
        RULE,
        f"spread and fee {toll_millionths / 10_000:.2f} % of the price > max {limit / 10_000:.2f} %",
        toll_micros=toll_micros,
        price_micros=price_micros,
        toll_millionths=toll_millionths,
        limit_millionths=limit,
    )


def _given_away_cc(case: Case) -> int:
    """What entering and leaving at once would lose per contract before fees; for what takes, at least the spread."""
    quote, limit_cc = case.facts.quote, case.intent.limit_cc
    bid_cc, ask_cc = quote.bids[0][0], quote.asks[0][0]
    beyond_cc = limit_cc - bid_cc if case.intent.side is Side.BID else ask_cc - limit_cc
    return max(0 if case.intent.post_only else ask_cc - bid_cc, beyond_cc)
