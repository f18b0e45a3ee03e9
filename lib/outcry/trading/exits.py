"""When a position is left, at what price, and the one rule that exits obey: they only ever reduce.

No risk rule, breaker, pause or spread stands between a position and its exit.
"""

from outcry.domain.market import Market
from outcry.domain.order import Side
from outcry.domain.view import Answer, Exposure, Intent, Quote, Verdict
from outcry.risk.case import dollars
from outcry.trading.positions import Position

ALL = 1_000_000  # millionths in the whole
DEFAULT_STOP_MILLIONTHS = 200_000  # for a position whose plan the ledger does not know
GIVE_WAY_CC = 300  # how far beyond the touch a stop or time exit may fill; what is left is tried again


def price_exit(position: Position, quote: Quote) -> str:
    """Stop-loss or take-profit at the price the position could be closed at now; "" while neither is reached.

    Both compare what closing would bring with what the position cost, in exact integers; no touch, no answer.
    """
    value_micros, cost_micros = position.value_micros(quote.bid_cc, quote.ask_cc), position.cost_micros
    if value_micros is None or cost_micros <= 0:
        return ""
    stop = position.plan.stop_loss_millionths if position.plan else DEFAULT_STOP_MILLIONTHS
    profit = position.plan.take_profit_millionths if position.plan else None
    if value_micros * ALL <= cost_micros * (ALL - stop):
        return f"stop-loss: worth {dollars(value_micros)} of {dollars(cost_micros)} paid"
    if profit is not None and value_micros * ALL >= cost_micros * (ALL + profit):
        return f"take-profit: worth {dollars(value_micros)} of {dollars(cost_micros)} paid"
    return ""


def time_exit(position: Position, now_ms: int) -> str:
    """Held as long as its plan says (which was made for this floor's windows); "" before, and without such a plan."""
    hold_ms = position.plan.hold_ms if position.plan else None
    if hold_ms is None or now_ms - position.opened_at_ms < hold_ms:
        return ""
    return f"time: held {now_ms - position.opened_at_ms} ms"


def leave(position: Position, quote: Quote, market: Market, why: str) -> Intent | None:
    """The order that leaves a position: IOC through the touch; None while there is nobody to trade with.

    A take-profit asks for no less than the touch. A stop gives way a little beyond it, so that it closes.
    """
    give_way_cc = 0 if why.startswith("take-profit") else GIVE_WAY_CC
    if position.side is Side.BID:
        if quote.bid_cc is None:
            return None
        limit_cc = market.snap(quote.bid_cc - give_way_cc, down=True) or market.lowest_cc()
        return Intent(position.ticker, Side.ASK, limit_cc, why)
    if quote.ask_cc is None:
        return None
    limit_cc = market.snap(quote.ask_cc + give_way_cc, down=False) or market.highest_cc()
    return Intent(position.ticker, Side.BID, limit_cc, why)


def gate(wanted: Intent, count_ch: int, exposure: Exposure) -> Verdict:
    """Reduce-only against the agent's own position, asked inside the transaction that keeps the order.

    One unresolved exit per agent and market; never more than is held; never with the position's own sign.
    """
    held_ch = -wanted.side.sign * exposure.position_ch
    numbers = (("position_ch", exposure.position_ch), ("exits_in_flight_ch", exposure.exits_in_flight_ch))
    if exposure.exits_in_flight_ch > 0:
        return Verdict(Answer.REFUSED, 0, "reduce_only", "an exit of this position is under way", numbers)
    if held_ch <= 0:
        return Verdict(Answer.REFUSED, 0, "reduce_only", "there is no position to reduce", numbers)
    if held_ch < count_ch:
        return Verdict(Answer.REDUCED, held_ch, "reduce_only", "less is held than was to be closed", numbers)
    return Verdict(Answer.ALLOWED, count_ch, "", "", numbers)
