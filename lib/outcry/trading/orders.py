"""OrderService: this agent's orders as last heard, and what has to be done about those that rest.

It never resends and never guesses. An order counts here until it is terminal and every fill the exchange reported has
been heard: an answer may know of fills that were booked a moment ago and that the positions do not show yet.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outcry.domain.market import Market
from outcry.domain.order import TERMINAL, Order, Purpose, Side, State, worst_cost_micros
from outcry.domain.view import Exposure, Intent
from outcry.trading.events import Cancel, Command, Control, Place, Renew
from outcry.trading.tempo import Tempo

IN_DOUBT = frozenset({State.PLANNED, State.SENT, State.UNKNOWN})
Fee = Callable[[bool, int, int], int]  # (is_taker, price_cc, count_ch) -> micro-dollars, rounded upwards


def reservation(purpose: Purpose, intent: Intent, exposure: Exposure, count_ch: int, fee: Fee) -> tuple[bool, int]:
    """Whether an order may carry the wire flag reduce_only, and the worst it can cost, in micro-dollars.

    The exchange knows only the account's net position: the flag is set where that alone covers the exit, and then the
    exit can cost no more than its fee. Otherwise it is a plain order, and its collateral counts like an entry's.
    """
    fee_micros = fee(not intent.post_only, intent.limit_cc, count_ch)
    covered_ch = -intent.side.sign * exposure.account_position_ch
    if purpose is Purpose.EXIT and covered_ch >= count_ch:
        return True, fee_micros
    return False, worst_cost_micros(intent.side, intent.limit_cc, count_ch, fee_micros)


def expiry_ms(tempo: Tempo, market: Market, now_ms: int) -> int | None:
    """When an order resting from now on should expire by itself: whole seconds; None when that is at once."""
    expires = min(now_ms + tempo.resting_ms, market.close_at_ms - tempo.before_close_ms) // 1_000 * 1_000
    return expires if expires > now_ms + 1_000 else None


def unwanted(control: Control | None, untrusted_ms: int | None, tempo: Tempo) -> str:
    """Why no entry may rest just now: what forbids new ones also pulls those that rest. "" when nothing does."""
    if control is not None:
        if why := control.halted or control.stopped or control.paused:
            return why
        if control.retired:
            return "agent retired"
    if untrusted_ms is not None and untrusted_ms >= tempo.distrust_ms:
        return f"book untrusted for {untrusted_ms} ms"
    return ""


@dataclass(slots=True)
class _Tending:
    """A resting order we want gone (`why` not ""), and when we last asked for anything about it."""

    why: str = ""
    since_ms: int = 0
    asked_at_ms: int | None = None


class OrderService:
    """Orders by client_order_id, questions to the gate by ticket.

    heard_ch  how much of an order is in fills that were heard, in hundredths
    """

    def __init__(self, tempo: Tempo, heard_ch: Callable[[Order], int]) -> None:
        self._tempo, self._heard_ch = tempo, heard_ch
        self._orders: dict[str, Order] = {}
        self._asked: dict[int, Place] = {}
        self._tending: dict[str, _Tending] = {}
        self._found: set[str] = set()

    def ask(self, place: Place) -> Place:
        """A question is on its way to the gate."""
        self._asked[place.ticket] = place
        return place

    def answered(self, ticket: int) -> Place | None:
        """The gate spoke; returns the question, None when it was not ours."""
        return self._asked.pop(ticket, None)

    def take(self, order: Order) -> None:
        """Keep an order as it is now; one that counts no more is let go."""
        known = self._orders.get(order.client_order_id)
        if known and known.state is State.PRESUMED_ABSENT and order.state is State.RESTING:
            self.condemn(order, "it appeared after it was given up", order.updated_at_ms)
        self._orders[order.client_order_id] = order
        self._let_go(lambda kept: kept.client_order_id == order.client_order_id and self._is_over(kept))

    def found(self, orders: Iterable[Order]) -> None:
        """Orders of an earlier life, as they are at the start."""
        for order in orders:
            self.take(order)
            self._found.add(order.client_order_id)

    def adopt(self, followed: Callable[[str], bool], waited: bool, now_ms: int) -> None:
        """Orders found resting are kept where we can still manage them; otherwise, when we `waited`, wanted gone."""
        for order in self.strangers():
            if not self.condemned(order) and followed(order.ticker):
                self._found.discard(order.client_order_id)
            elif waited:
                self.condemn(order, "found resting in a market that is not followed", now_ms)

    def strangers(self) -> list[Order]:
        """Resting orders of an earlier life that are neither adopted nor gone."""
        return [order for order in self.resting() if order.client_order_id in self._found]

    def heard_fill(self) -> None:
        """Fills were heard: orders that waited for them only are let go."""
        self._let_go(self._is_over)

    def settled(self, ticker: str) -> None:
        """The market paid: what is over there waits for nothing any more."""
        self._let_go(lambda order: order.ticker == ticker and order.state in TERMINAL)

    def in_doubt(self) -> bool:
        """Whether some request is under way whose outcome we do not know."""
        return bool(self._asked) or any(order.state in IN_DOUBT for order in self._orders.values())

    def exiting(self, ticker: str) -> bool:
        """Whether an exit of this market is asked for, under way, or filled and not yet booked."""
        return self._any(ticker, Purpose.EXIT)

    def entering(self, ticker: str) -> bool:
        """The same for an entry; one that rests included."""
        return self._any(ticker, Purpose.ENTRY)

    def entry_sides(self, ticker: str) -> set[Side]:
        """The sides of a market on which an entry counts or is asked for."""
        placed = (place.intent.side for place in self._asked.values() if _enters(place, ticker))
        return {order.side for order in self._orders.values() if _enters(order, ticker)}.union(placed)

    def resting(self, ticker: str = "") -> list[Order]:
        """Orders in the exchange's book, of one market or of all."""
        return [
            order for order in self._orders.values() if order.state is State.RESTING and ticker in ("", order.ticker)
        ]

    def tickers(self) -> set[str]:
        """Markets in which some order counts."""
        return {order.ticker for order in self._orders.values()}

    def condemn(self, order: Order, why: str, now_ms: int) -> int:
        """Want a resting order gone, for good; returns since when it is wanted gone."""
        tending = self._tending.setdefault(order.client_order_id, _Tending())
        if not tending.why:
            tending.why, tending.since_ms = why, now_ms
        return tending.since_ms

    def give_up_old(self, ticker: str, why: str, now_ms: int) -> None:
        """Want gone what has rested in a market for so long that it has to be wanted again."""
        for order in self.resting(ticker):
            if now_ms - order.created_at_ms >= self._tempo.rebalance_ms:
                self.condemn(order, why, now_ms)

    def condemned(self, order: Order) -> str:
        """Why an order is wanted gone; "" when it is not."""
        tending = self._tending.get(order.client_order_id)
        return tending.why if tending else ""

    def tend(self, markets: dict[str, Market], now_ms: int) -> Iterable[Command]:
        """Cancels of what is wanted gone or should have expired, and renewals of what may stay."""
        for order in self.resting():
            tending = self._tending.setdefault(order.client_order_id, _Tending())
            if order.expires_at_ms is not None and now_ms > order.expires_at_ms + self._tempo.again_ms:
                self.condemn(order, "it should have expired", now_ms)
            recently = tending.asked_at_ms is not None and 0 <= now_ms - tending.asked_at_ms < self._tempo.again_ms
            if recently:
                continue
            if tending.why:
                tending.asked_at_ms = now_ms
                yield Cancel(order, tending.why)
            elif (expires := self._longer(order, markets.get(order.ticker), now_ms)) is not None:
                tending.asked_at_ms = now_ms
                yield Renew(order, expires)

    def _is_over(self, order: Order) -> bool:
        return order.state in TERMINAL and self._heard_ch(order) >= order.filled_ch

    def _let_go(self, which: Callable[[Order], bool]) -> None:
        for name in [name for name, order in self._orders.items() if which(order)]:
            del self._orders[name]
            self._tending.pop(name, None)

    def _longer(self, order: Order, market: Market | None, now_ms: int) -> int | None:
        """A later expiry, when half the time is over and there is one worth asking for."""
        if market is None or order.expires_at_ms is None or order.expires_at_ms - now_ms > self._tempo.resting_ms // 2:
            return None
        expires = expiry_ms(self._tempo, market, now_ms)
        return expires if expires is not None and expires >= order.expires_at_ms + 1_000 else None

    def _any(self, ticker: str, purpose: Purpose) -> bool:
        return any(order.ticker == ticker and order.purpose is purpose for order in self._orders.values()) or any(
            place.market.ticker == ticker and place.purpose is purpose for place in self._asked.values()
        )


def _enters(what: Order | Place, ticker: str) -> bool:
    where = what.ticker if isinstance(what, Order) else what.market.ticker
    return where == ticker and what.purpose is Purpose.ENTRY
