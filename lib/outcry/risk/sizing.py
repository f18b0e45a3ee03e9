"""How much to stake, before any rule: a quarter of Kelly net of fees, or a fixed share where no probability is stated.

Kelly (1956): betting at all-in cost c per dollar on probability p, the share of capital that grows fastest is
(p - c) / (1 - c). We stake `kelly_millionths` of it, a quarter by default and never above half, of the agent's capital.
A strategy without a probability stakes its own fixed share of the floor's capital; none is invented for it.
Fallback quotes are late: stakes are halved on them.
"""

from dataclasses import dataclass, field

from outcry.domain.limits import ALL
from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_MICROS
from outcry.risk.case import Case, dollars
from outcry.risk.edge import probability_millionths

NO_BOUND_CH = 10**15  # more contracts than there are dollars: the stake is the bound


@dataclass(frozen=True, slots=True)
class Size:
    """Whole contracts in hundredths; 0 with a reason when not one can be bought."""

    count_ch: int
    reason: str = ""
    numbers: dict[str, int | float | str] = field(default_factory=dict)


def size(case: Case) -> Size:
    """What the stake buys at the limit price, fee included."""
    if case.intent.probability is None:
        stake_micros = _halved(case, case.intent.stake_millionths * case.exposure.capital_micros // ALL)
        return _sized(case, case.largest_ch(stake_micros, NO_BOUND_CH), stake_micros)
    # Fees are rounded, so the cost of one contract depends on how many are bought, and how many on their cost. Begin
    # at the most that Kelly could ever stake, and come down to a size that fits the stake of its own cost.
    count_ch = case.largest_ch(
        case.limits.share_micros("kelly_millionths", case.exposure.allocation_micros), NO_BOUND_CH
    )
    stake_micros = 0
    while count_ch:
        stake_micros = _kelly_stake_micros(case, count_ch)
        fits_ch = case.largest_ch(stake_micros, count_ch)
        if fits_ch == count_ch:
            break
        count_ch = fits_ch
    return _sized(case, count_ch, stake_micros)


def kelly_micros(probability: int, cost_micros: int, capital_micros: int, kelly_millionths: int) -> int:
    """The stake of a fraction of Kelly, floored to a micro-dollar; 0 without an edge.

    probability  of winning, in millionths
    cost_micros  all-in cost of a contract that pays $1: price and fee
    source       Kelly (1956), "A New Interpretation of Information Rate"

    >>> kelly_micros(600_000, 500_000, 100_000_000, 250_000)
    5000000
    """
    if not cost_micros < probability <= ONE_DOLLAR_MICROS:
        return 0
    share = kelly_millionths * max(capital_micros, 0) * (probability - cost_micros)
    return share // ((ONE_DOLLAR_MICROS - cost_micros) * ALL)


def _kelly_stake_micros(case: Case, count_ch: int) -> int:
    """The stake at the all-in cost per contract of an order of this size, rounded up to a micro-dollar."""
    cost_micros = -(-case.cost_micros(count_ch) * ONE_CONTRACT_CH // count_ch)
    capital_micros = case.exposure.allocation_micros
    stake = kelly_micros(probability_millionths(case), cost_micros, capital_micros, case.limits.kelly_millionths)
    return _halved(case, stake)


def _halved(case: Case, stake_micros: int) -> int:
    if case.facts.quote.source == "stream":
        return stake_micros
    return case.limits.share_micros("rest_stake_millionths", stake_micros)


def _sized(case: Case, count_ch: int, stake_micros: int) -> Size:
    numbers: dict[str, int | float | str] = {"stake_micros": stake_micros, "quote_source": case.facts.quote.source}
    if count_ch:
        return Size(count_ch, "", numbers)
    one_micros = case.cost_micros(ONE_CONTRACT_CH)
    reason = f"a stake of {dollars(stake_micros)} buys no contract at {dollars(one_micros)}"
    return Size(0, reason, {**numbers, "contract_micros": one_micros})
