"""Entries while somebody had said no: a halt, stopped entries, a paused agent."""

from collections.abc import Iterator

from outcry.review.checks.records import CRITICAL, Control, Finding, Order

CHECK = "forbidden"
GRACE_MS = 2_000  # a trader hears of it within so long


class Forbidden:
    """What is forbidden, as of the records fed so far."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, str, str, str], Control] = {}
        self._paused: dict[str, int] = {}

    def control(self, control: Control) -> None:
        key = (control.scope, control.name, control.kind, control.cause)
        if control.active:
            self._active.setdefault(key, control)
        else:
            self._active.pop(key, None)

    def agent(self, name: str, act: str, at_ms: int) -> None:
        """An evolution event: pausing and resuming count here."""
        if act == "paused":
            self._paused.setdefault(name, at_ms)
        elif act == "resumed":
            self._paused.pop(name, None)

    def check(self, order: Order) -> Iterator[Finding]:
        """An entry was planned: was it forbidden for long enough that its trader knew?"""
        if order.purpose != "entry":
            return
        ours = {("floor", ""), ("agent", order.agent), ("market", order.ticker), ("program", f"trader@{order.agent}")}
        for control in self._active.values():
            if (control.scope, control.name) in ours and order.created_at_ms - control.at_ms > GRACE_MS:
                yield _finding(order, f"{control.kind} by {control.cause}", control.at_ms)
        since_ms = self._paused.get(order.agent)
        if since_ms is not None and order.created_at_ms - since_ms > GRACE_MS:
            yield _finding(order, "the agent's pause", since_ms)


def _finding(order: Order, why: str, since_ms: int) -> Finding:
    return Finding(
        CHECK,
        f"order {order.client_order_id} {why}",
        CRITICAL,
        f"{order.agent} entered {order.ticker} {order.created_at_ms - since_ms} ms after {why}",
        "halt the floor: a trader does not hear its controls",
        {"since_ms": since_ms, "created_at_ms": order.created_at_ms},
    )
