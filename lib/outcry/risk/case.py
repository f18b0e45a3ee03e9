"""What a rule is asked: one intent, the facts around it, what is already at risk, and the limits."""

from collections.abc import Callable
from dataclasses import dataclass

from outcry.domain.errors import InvariantBroken
from outcry.domain.limits import Limits
from outcry.domain.market import Market
from outcry.domain.order import Side, worst_cost_micros
from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_CC
from outcry.domain.view import Answer, Exposure, Intent, Quote, Verdict

Fee = Callable[[bool, int, int], int]  # (is_taker, price_cc, count_ch) -> micro-dollars, estimated upwards


@dataclass(frozen=True, slots=True)
class Facts:
    """The world an intent would be sent into, as of now. The reasons are "" where nothing is in force.

    predecessor_volume_ch  what the previous market of the same series traded; 0 when there was none
    index_at_ms    when the newest price of the market's underlying was current (the end of its bar); None without one
    halted         why the floor is halted (the HALT file, or a halt control of any scope that names us)
    stopped        why entries are stopped (a stop_entries control on the floor, this agent or this market)
    paused         why this agent is paused
    stage          the agent's stage; a retired agent only manages what it holds
    exchange_open  False while the exchange says that trading is off
    """

    market: Market
    quote: Quote
    predecessor_volume_ch: int = 0
    index_at_ms: int | None = None
    halted: str = ""
    stopped: str = ""
    paused: str = ""
    stage: str = "birth"
    exchange_open: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the rules. Counts in hundredths, money in micro-dollars.

    most_ch  the most that was asked for; None where the gate alone sizes it
    """

    intent: Intent
    facts: Facts
    exposure: Exposure
    limits: Limits
    now_ms: int
    fee: Fee
    most_ch: int | None = None

    @property
    def risk_cc(self) -> int:
        """The price paid for one contract of the intent's own side: YES for a bid, NO for an ask."""
        return self.intent.limit_cc if self.intent.side is Side.BID else ONE_DOLLAR_CC - self.intent.limit_cc

    def fee_micros(self, count_ch: int) -> int:
        """The fee estimate at the limit price; whatever may cross is charged as a taker.

        raises  InvariantBroken when the estimate is no whole number of micro-dollars, or negative
        """
        fee = self.fee(not self.intent.post_only, self.intent.limit_cc, count_ch)
        if not whole(fee) or fee < 0:
            raise InvariantBroken(f"a fee estimate of {fee!r} for {count_ch} hundredths at {self.intent.limit_cc}")
        return fee

    def cost_micros(self, count_ch: int) -> int:
        """The most that an order of this size can cost, its fee included.

        A fill at a better price costs less, fee included: what the fee can gain is a small part of what is saved.
        """
        return worst_cost_micros(self.intent.side, self.intent.limit_cc, count_ch, self.fee_micros(count_ch))

    def largest_ch(self, budget_micros: int, at_most_ch: int) -> int:
        """The largest whole number of contracts, up to `at_most_ch`, whose worst-case cost fits the budget."""
        fits, above = 0, at_most_ch // ONE_CONTRACT_CH + 1
        above = min(above, max(budget_micros, 0) // (self.risk_cc * ONE_CONTRACT_CH) + 1)
        while above - fits > 1:
            middle = (fits + above) // 2
            if self.cost_micros(middle * ONE_CONTRACT_CH) <= budget_micros:
                fits = middle
            else:
                above = middle
        return fits * ONE_CONTRACT_CH


def whole(value: object) -> bool:
    """Whether it is an integer (of any unit), and not a float, NaN or truth value in its clothes."""
    return isinstance(value, int) and not isinstance(value, bool)


def refused(rule: str, reason: str, **numbers: int | float | str) -> Verdict:
    return Verdict(Answer.REFUSED, 0, rule, reason, tuple(numbers.items()))


def cut(rule: str, count_ch: int, reason: str, **numbers: int | float | str) -> Verdict:
    """Reduced to what the limit leaves room for, or refused when that is not one contract."""
    if count_ch <= 0:
        return refused(rule, reason, **numbers)
    return Verdict(Answer.REDUCED, count_ch, rule, reason, tuple(numbers.items()))


def fit(case: Case, rule: str, count_ch: int, limit: tuple[str, int], used_micros: int) -> Verdict | None:
    """Cut an order to the room that a money limit leaves; None when it fits whole.

    limit  what it is called, and its micro-dollars
    """
    name, limit_micros = limit
    fits_ch = case.largest_ch(limit_micros - used_micros, count_ch)
    if fits_ch >= count_ch:
        return None
    asked_micros = case.cost_micros(count_ch)
    return cut(
        rule,
        fits_ch,
        f"{dollars(used_micros)} in use and {dollars(asked_micros)} asked > {name} {dollars(limit_micros)}",
        used_micros=used_micros,
        asked_micros=asked_micros,
        limit_micros=limit_micros,
    )


def dollars(micros: int) -> str:
    """Micro-dollars for people, to the cent, rounded toward zero.

    >>> dollars(20_009_999), dollars(-5_000)
    ('$20.00', '-$0.00')
    """
    cents = abs(micros) // 10_000
    return f"{'-' if micros < 0 else ''}${cents // 100}.{cents % 100:02d}"
