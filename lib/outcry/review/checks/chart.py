"""An order's life: one decision before it, an arrow of the chart for each step, and fills that fit what was asked.

The chart is written down here a second time, on purpose.
"""

from collections.abc import Iterator, Mapping

from outcry.review.checks.records import CRITICAL, Decision, Fill, Finding, Order, OrderEvent

CHECK = "chart"
AFTER: Mapping[str, str] = {
    "": "planned",
    "planned": "sent abandoned",
    "sent": "resting executed canceled rejected unknown",
    "unknown": "resting executed canceled rejected presumed_absent",
    "presumed_absent": "absent resting executed canceled",
    "resting": "executed canceled",
}
MEND = "find out who wrote it; nothing of Outcry does"


def of_order(order: Order, decision: Decision | None, siblings: int) -> Iterator[Finding]:
    """Whether an order does what a decision said, and is the only one that does.

    siblings  orders of the same decision, this one included
    """
    name = order.client_order_id
    if decision is None:
        yield _finding(f"order {name} decision", f"order {name} has no decision")
        return
    if decision.answer not in ("allowed", "reduced"):
        yield _finding(f"order {name} verdict", f"order {name} was sent on a verdict of {decision.answer!r}")
    pairs = {
        "agent": (order.agent, decision.agent),
        "ticker": (order.ticker, decision.ticker),
        "purpose": (order.purpose, decision.purpose),
        "side": (order.side, decision.side),
        "price_cc": (order.price_cc, decision.limit_cc),
        "count_ch": (order.count_ch, decision.count_ch),
    }
    for what, (ordered, decided) in pairs.items():
        if ordered != decided:
            text = f"order {name} has {what} {ordered}, its decision {decided}"
            yield _finding(f"order {name} {what}", text, ordered=ordered, decided=decided)
    if siblings > 1:
        yield _finding(f"decision {decision.decision_id} orders", f"{siblings} orders of one decision", order=name)


def of_decision(decision: Decision) -> Iterator[Finding]:
    """Whether a verdict stands beside it that means something."""
    name = decision.decision_id
    if decision.answer not in ("allowed", "reduced", "refused"):
        yield _finding(f"decision {name} verdict", f"decision {name} has no verdict but {decision.answer!r}")
    elif (decision.count_ch > 0) != (decision.answer != "refused"):
        text = f"decision {name} is {decision.answer} with {decision.count_ch} hundredths"
        yield _finding(f"decision {name} verdict", text, count_ch=decision.count_ch)
    elif decision.answer != "allowed" and not (decision.rule and decision.reason):
        yield _finding(f"decision {name} reason", f"decision {name} is {decision.answer} by no rule or for no reason")


def of_event(order: Order | None, before: OrderEvent | None, event: OrderEvent) -> Iterator[Finding]:
    """Whether a step follows the chart, and its fill count neither falls nor passes the order's size."""
    name = event.client_order_id
    if order is None:
        yield _finding(f"order {name}", f"an event of order {name}, which was never planned")
        return
    old = before.state if before else ""
    if event.state != old and event.state not in AFTER.get(old, "").split():
        text = f"order {name} went from {old or 'nothing'} to {event.state}"
        yield _finding(f"order {name} event {event.event_id}", text, source=event.source)
    if (before is not None and event.filled_ch < before.filled_ch) or event.filled_ch > order.count_ch:
        text = f"order {name} of {order.count_ch} hundredths has {event.filled_ch} filled"
        filled_before = before.filled_ch if before else 0
        yield _finding(f"order {name} event {event.event_id} filled", text, before_ch=filled_before)


def of_row(order: Order, last: OrderEvent | None, row: tuple[str, int]) -> Iterator[Finding]:
    """Whether the order's row says what its newest event says. `row`: state, filled_ch."""
    said = (last.state, last.filled_ch) if last else ("", 0)
    if row != said:
        name = order.client_order_id
        yield _finding(f"order {name} row {row} {said}", f"order {name} is {row}, its newest event says {said}")


def of_fill(order: Order | None, fill: Fill, filled_ch: int) -> Iterator[Finding]:
    """Whether a fill is one its order could have: side, price, owner, and no more than was asked.

    filled_ch  of all fills of the order, this one included
    """
    if order is None:
        return
    name = f"fill {fill.trade_id} of order {order.client_order_id}"
    owned = order.agent if fill.agent == "parked" else fill.agent  # while the exchange is asked whose it is
    for what, ours, theirs in (
        ("side", fill.side, order.side),
        ("ticker", fill.ticker, order.ticker),
        ("agent", owned, order.agent),
        ("exchange_index", fill.exchange_index, order.exchange_index),
    ):
        if ours != theirs:
            yield _finding(f"{name} {what}", f"{name} has {what} {ours}, the order {theirs}")
    worse = fill.price_cc > order.price_cc if order.side == "bid" else fill.price_cc < order.price_cc
    if worse:
        yield _finding(f"{name} price", f"{name} at {fill.price_cc}, worse than its limit {order.price_cc}")
    if filled_ch > order.count_ch:
        yield _finding(f"order {order.client_order_id} overfilled", f"{filled_ch} filled of {order.count_ch}")
    if order.post_only and fill.is_taker:
        yield _finding(f"{name} taker", f"{name} took, though the order was post-only")


def _finding(subject: str, what: str, **evidence: object) -> Finding:
    return Finding(CHECK, subject, CRITICAL, what, MEND, evidence)
