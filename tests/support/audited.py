"""Plain records for the checks, with defaults that nothing is wrong with."""

from outcry.review.checks.records import Decision, Fill, Order, OrderEvent

T0 = 1_795_000_000_000


def order(name: str = "o1", **facts) -> Order:
    base = Order(
        name, f"d-{name}", "bull", "T-1", 2, "bid", 4_000, 1_000, "immediate_or_cancel", "entry", False, False, T0
    )
    return base._replace(**facts)


def decision(name: str = "d-o1", **facts) -> Decision:
    base = Decision(name, "bull", "T-1", "entry", T0, "bid", 4_000, "allowed", "", "", 1_000, 200_000, None)
    return base._replace(**facts)


def event(state: str, number: int = 1, name: str = "o1", **facts) -> OrderEvent:
    return OrderEvent(number, name, T0 + number, state, 0, "trader", "")._replace(**facts)


def fill(number: int = 1, side: str = "bid", price_cc: int = 4_000, count_ch: int = 1_000, **facts) -> Fill:
    base = Fill(
        number,
        f"t{number}",
        "x1",
        "o1",
        "bull",
        "T-1",
        2,
        side,
        price_cc,
        count_ch,
        100,
        True,
        T0 + number,
        T0 + number,
    )
    return base._replace(**facts)
