"""A sound question: whole numbers, a price on the market's grid, a real probability, exits that can work.

Comparisons with NaN are all false, and a limit compared the wrong way round would let it pass. So nothing that is
not a plain number of the right kind reaches another rule.
"""

import math
from dataclasses import fields

from outcry.domain.limits import ALL
from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Exposure, Intent, Quote, Verdict
from outcry.risk.case import Case, refused, whole

RULE = "sound"
QUOTE_TIMES = ("heard_at_ms", "changed_at_ms", "ticker_moved_at_ms")


def check(case: Case) -> Verdict | None:
    intent, facts = case.intent, case.facts
    fault = (
        _numbers_fault(case.exposure, facts.quote, (case.now_ms, facts.predecessor_volume_ch, facts.index_at_ms))
        or _intent_fault(intent)
        or _exits_fault(intent)
    )
    if not fault and not intent.ticker == facts.market.ticker == facts.quote.ticker:
        fault = f"{intent.ticker} asked with {facts.market.ticker} and the quote of {facts.quote.ticker}"
    if not fault and not facts.market.on_grid(intent.limit_cc):
        fault = f"price {intent.limit_cc} is not on the market's grid"
    return refused(RULE, fault) if fault else None


def _numbers_fault(exposure: Exposure, quote: Quote, others: tuple[object, ...]) -> str:
    for field in fields(exposure):
        if not whole(getattr(exposure, field.name)):
            return f"{field.name} is not a whole number"
    levels = (figure for level in (*quote.bids, *quote.asks) for figure in level)
    times = (getattr(quote, name) for name in QUOTE_TIMES)
    if not all(whole(figure) for figure in (*levels, *times, quote.volume_ch)):
        return "the quote holds something that is not a whole number"
    if not all(other is None or whole(other) for other in others):
        return "a time or volume is not a whole number"
    return ""


def _intent_fault(intent: Intent) -> str:
    if not isinstance(intent.side, Side) or not whole(intent.limit_cc):
        return "side or limit is of the wrong kind"
    probability = intent.probability
    if probability is not None:
        if isinstance(probability, bool) or not isinstance(probability, int | float):
            return "the probability is not a number"
        if not math.isfinite(probability) or not 0 < probability < 1:
            return "the probability is not between 0 and 1"
    if not whole(intent.stake_millionths) or not 0 < intent.stake_millionths <= ALL:
        return "the stake is not a share of capital"
    if intent.post_only and intent.time_in_force is not TimeInForce.GTC:
        return "only an order that may rest can be post-only"
    return ""


def _exits_fault(intent: Intent) -> str:
    if not whole(intent.stop_loss_millionths) or not 0 < intent.stop_loss_millionths <= ALL:
        return "the stop-loss is not a share of cost"
    if intent.take_profit_millionths is not None and not _positive(intent.take_profit_millionths):
        return "the take-profit is not above zero"
    if intent.hold_ms is not None and not _positive(intent.hold_ms):
        return "the time exit is not above zero"
    return ""


def _positive(value: object) -> bool:
    return isinstance(value, int) and whole(value) and value > 0
