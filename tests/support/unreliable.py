"""An exchange to which a request may never come, come late, or come and its answer be lost; fills happen in between."""

from collections import Counter
from enum import StrEnum

from account import HeldExchange
from outcry.domain.errors import Refused, Unavailable
from outcry.domain.fill import Fill
from outcry.domain.order import State, TimeInForce
from outcry.venue.wire import NewOrder, OrderReport, Placed

SIGNATURE_DIES_MS = 90_000


class Fate(StrEnum):
    """What becomes of one request."""

    ANSWERED = "answered"
    REFUSED = "refused"
    LOST = "lost"  # it never arrives
    UNANSWERED = "unanswered"  # it arrives, and nobody hears
    DELAYED = "delayed"  # it arrives when `deliver` says so, unless its signature is too old by then


class UnreliableExchange(HeldExchange):
    """fate   of the requests that come next
    cross_ch  how much of an order that arrives trades at once, at most
    sent      how often each client_order_id was sent
    waiting   requests on their way, each with the time it was signed at
    told      every state that any order was ever in: what a stream may say, however late
    """

    def __init__(self, now_ms: int) -> None:
        super().__init__()
        self.now_ms, self.fate, self.cross_ch = now_ms, Fate.ANSWERED, 0
        self.sent: Counter[str] = Counter()
        self.waiting: list[tuple[NewOrder, int]] = []
        self.told: list[OrderReport] = []

    # ---- the link that hands speak through ------------------------------------------------------------------------

    def exchange(self) -> "UnreliableExchange":
        return self

    def broken(self) -> None:
        """The next request finds the way again."""

    # ---- requests -------------------------------------------------------------------------------------------------

    def create_order(self, new: NewOrder, *, urgent: bool = False, signed_at_ms: int | None = None) -> Placed:
        self.sent[new.client_order_id] += 1
        if self.fate is Fate.REFUSED:
            raise Refused("insufficient balance", status=400, code="insufficient_balance")
        if self.fate is Fate.DELAYED:
            assert signed_at_ms is not None
            self.waiting.append((new, signed_at_ms))
        if self.fate in (Fate.LOST, Fate.DELAYED):
            raise Unavailable("no answer within 10 s")
        report = self._arrive(new)
        if self.fate is Fate.UNANSWERED:
            raise Unavailable("the connection broke")
        return Placed(
            report.order_id, new.client_order_id, report.filled_ch, report.remaining_ch, self.now_ms, None, None
        )

    def cancel_order(self, order_id: str, ticker: str, exchange_index: int) -> int:
        if self.fate in (Fate.LOST, Fate.DELAYED):
            raise Unavailable("no answer within 10 s")
        reduced_ch = super().cancel_order(order_id, ticker, exchange_index)
        self.told.append(self.book[order_id])
        if self.fate is Fate.UNANSWERED:
            raise Unavailable("the connection broke")
        return reduced_ch

    # ---- what happens there ---------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """The oldest request on its way arrives."""
        new, signed_at_ms = self.waiting.pop(0)
        if self.now_ms - signed_at_ms <= SIGNATURE_DIES_MS:
            self._arrive(new)

    def forget_old(self) -> None:
        """Requests whose signature is too old can arrive no more."""
        self.waiting = [kept for kept in self.waiting if self.now_ms - kept[1] <= SIGNATURE_DIES_MS]

    def trade(self, order_id: str, count_ch: int) -> Fill:
        """Part of a resting order trades now."""
        fill = self.match(order_id, min(count_ch, self.book[order_id].remaining_ch), at_ms=self.now_ms)
        self.told.append(self.book[order_id])
        return fill

    def end(self, order_id: str) -> None:
        """A resting order leaves the book: it expired, or trading paused."""
        self.book[order_id] = self.book[order_id]._replace(status=State.CANCELED, remaining_ch=0)
        self.told.append(self.book[order_id])

    def resting(self) -> list[OrderReport]:
        return [order for order in self.book.values() if order.status is State.RESTING]

    def _arrive(self, new: NewOrder) -> OrderReport:
        order_id = self.place(
            new.client_order_id, new.side, new.price_cc, new.count_ch, at_ms=self.now_ms, ticker=new.ticker
        )
        if self.cross_ch:
            self.trade(order_id, self.cross_ch)
        if new.time_in_force is TimeInForce.IOC and self.book[order_id].status is State.RESTING:
            self.end(order_id)
        self.told.append(self.book[order_id])
        return self.book[order_id]
