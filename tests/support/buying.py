"""Orders of an agent sent as its trader would send them, beside a clerk that has to find out what became of them."""

from account import our_id, plan
from beside import Desk
from local_exchange import TICKER, now_ms
from outcry.domain.order import Side, State, TimeInForce


def buy(desk: Desk, number: int, count_ch: int = 100, side: Side = Side.BID, price_cc: int = 4_100) -> str:
    """An order that crosses the book, and whose answer its trader never wrote down; our id of it."""
    name, at_ms = our_id("momentum", number), now_ms()
    facts = {"side": side, "price_cc": price_cc, "count_ch": count_ch, "time_in_force": TimeInForce.IOC}
    plan(desk.db, name, "momentum", State.SENT, created_at_ms=at_ms, signed_at_ms=at_ms, ticker=TICKER, **facts)
    desk.client.place(
        client_order_id=name, side=side, price=f"0.{price_cc}", count=f"{count_ch / 100:.2f}",
        time_in_force="immediate_or_cancel",
    )  # fmt: skip
    return name
