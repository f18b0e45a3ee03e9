"""Minimum edge after fees, for strategies that state a probability of their side.

The edge is the expected payout less price and fee at the limit price, as a share of the price paid. At any better
price it is larger.
"""

from outcry.domain.limits import ALL
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "edge"


def check(case: Case, count_ch: int) -> Verdict | None:
    if case.intent.probability is None:
        return None
    expected_micros = probability_millionths(case) * count_ch // ONE_CONTRACT_CH
    edge_micros = expected_micros - case.cost_micros(count_ch)
    price_micros = case.risk_cc * count_ch
    if edge_micros * ALL >= case.limits.min_edge_millionths * price_micros and edge_micros >= 0:
        return None
    edge_millionths = edge_micros * ALL // price_micros
    return refused(
        RULE,
        f"edge after fees {edge_millionths / 10_000:.2f} % of the price < min "
        f"{case.limits.min_edge_millionths / 10_000:.2f} %",
        edge_micros=edge_micros,
        price_micros=price_micros,
        edge_millionths=edge_millionths,
        limit_millionths=case.limits.min_edge_millionths,
    )


def probability_millionths(case: Case) -> int:
    """The stated probability, floored to a millionth: from there on integers decide. One contract's expected micros."""
    return int((case.intent.probability or 0.0) * ALL)
