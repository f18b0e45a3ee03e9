"""Leave every position of the account: IOC exits through the books as they stand, followed until nothing is held.

Works beside running traders, without them, and without the database: each exit asks the same reduce-only gate as a
trader's (one exit under way for each agent and market), is written down before it leaves (in the spool, while the
database refuses), and carries the wire flag reduce_only wherever the account holds enough.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from outcry.desk.clerking.bookings import Bookings
from outcry.desk.clerking.link import recall
from outcry.desk.common.owed import Owed
from outcry.desk.dealing.exchange import fee_of
from outcry.desk.dealing.hands import Hands, Identity
from outcry.desk.dealing.question import Question
from outcry.domain.errors import InvariantBroken, OutcryError, Unavailable
from outcry.domain.market import Market, Status
from outcry.domain.order import Order, Purpose, Side
from outcry.domain.units import format_decimal
from outcry.domain.view import Answer, Exposure, Intent, Quote, Verdict, View
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.risk.rules import Facts
from outcry.store import feed, fills, placing, report
from outcry.trading.events import OrderUpdate, Place
from outcry.trading.exits import GIVE_WAY_CC
from outcry.venue.rest import Rest
from outcry.venue.wire import PositionReport

ROUNDS = 75  # after a cancel-all the exchange may cancel what is new for a minute
BETWEEN_S = 1.0
CLEAN = 2  # listings in a row without a position that could be left
LEVELS = 10
UNOWNED_ROUNDS = 3  # so often a ledger that is read well may give a position to nobody
NO_FLOOR = "nofloo"  # in the ids of orders sent while the database cannot say which floor this is


@dataclass(frozen=True, slots=True)
class Share:
    """What is to be left for one agent of one position, signed hundredths."""

    agent: str
    position_ch: int


class _Listed(Question):
    """What the exchange itself lists is held, whatever the ledger says."""

    def ask(self, exposure: Exposure) -> Verdict:
        return Verdict(Answer.ALLOWED, self.close_ch, "", "held as the exchange lists it")


class Unowned(Hands):
    """For contracts that the ledger gives to nobody, or cannot give: the account's own position is reduced."""

    def _question(self, place: Place, now_ms: int) -> Question:
        close_ch = abs(place.view.position_ch)
        return _Listed(place.purpose, place.intent, place.market, self._limits, now_ms, None, close_ch)

    @staticmethod
    def _reserve(place: Place) -> placing.Reserve:
        return lambda _exposure, count_ch: (True, fee_of(place.market)(True, place.intent.limit_cc, count_ch))


class _Link:
    """The connection that halt has already."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def exchange(self) -> Rest:
        return self._rest

    def broken(self) -> None:
        """Keeps it: halt asks again itself."""


class Flatten:
    """One run.

    db     the floor's database; it may refuse, or hold nothing
    owed   where the writes wait that it refuses
    """

    def __init__(
        self,
        floor: Floor,
        db: sqlite3.Connection,
        rest: Rest,
        owed: Owed,
        reason: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._floor, self._db, self._rest, self._owed, self._sleep = floor, db, rest, owed, sleep
        self._why = f"halt --flatten: {reason or 'no reason given'}"
        self._bookings = Bookings(db, rest, recall(floor, now_ms()))
        self._link = _Link(rest)
        self._tickets = 0
        self._stuck: dict[str, str] = {}
        self._unowned: Counter[str] = Counter()

    def run(self) -> list[str]:
        """Exit until two listings show nothing that could be left; what is held still, with the reason.

        raises  Unavailable when the exchange does not answer
        """
        clean = 0
        for turn in range(ROUNDS):
            if turn:
                self._sleep(BETWEEN_S)
            self._book()
            self._owed.refusals.tend(now_ms(), self._owed.pay)
            held = [row for row in self._rest.positions() if row.position_ch]
            self._stuck = {}
            if not sum(self._leave(row, turn) for row in held):
                clean += 1
                if clean == CLEAN:
                    break
            else:
                clean = 0
        self._book()
        return [f"{row.ticker} {format_decimal(row.position_ch, 2)}: {self._stuck[row.ticker]}"
                for row in held if row.ticker in self._stuck]  # fmt: skip

    def _leave(self, held: PositionReport, turn: int) -> bool:
        """Send what leaves one position; False when it cannot be left at all."""
        market = self._rest.market(held.ticker)
        if market.status is not Status.ACTIVE or market.close_at_ms <= now_ms():
            self._stuck[held.ticker] = f"the market is {market.status} and pays by itself"
            return False
        view = self._view(market)
        intent = self._intent(market, view.quote, held.position_ch, turn)
        self._stuck[held.ticker] = "nobody to trade with" if intent is None else "not filled yet"
        if intent is not None:
            for share in self._shares(held):
                self._exit(share, intent, view)
        return True

    def _intent(self, market: Market, quote: Quote, position_ch: int, turn: int) -> Intent | None:
        """Through the touch, further with each round: it has to close."""
        give_way_cc = GIVE_WAY_CC * (turn + 1)
        if position_ch > 0:
            if quote.bid_cc is None:
                return None
            limit_cc = market.snap(max(quote.bid_cc - give_way_cc, 1), down=True) or market.lowest_cc()
            return Intent(market.ticker, Side.ASK, limit_cc, self._why)
        if quote.ask_cc is None:
            return None
        limit_cc = market.snap(quote.ask_cc + give_way_cc, down=False) or market.highest_cc()
        return Intent(market.ticker, Side.BID, limit_cc, self._why)

    def _view(self, market: Market) -> View:
        book, at_ms = self._rest.orderbook(market.ticker), now_ms()
        quote = Quote(
            market.ticker,
            0,
            at_ms,
            tuple(sorted(book.bids.items(), reverse=True)[:LEVELS]),
            tuple(sorted(book.asks.items())[:LEVELS]),
            heard_at_ms=at_ms,
            changed_at_ms=at_ms,
            source="rest",
        )
        return View(at_ms, market, quote)

    def _shares(self, held: PositionReport) -> Iterator[Share]:
        """Whose contracts make up the account's position: those with its sign, the largest first.

        Agents on the other side are not touched: what they hold is covered by what is left of the others.
        """
        left_ch, sign = abs(held.position_ch), 1 if held.position_ch > 0 else -1
        owners = self._owners(held.ticker, sign)
        for agent, position_ch in owners or ():
            if share_ch := min(left_ch, abs(position_ch)):
                left_ch -= share_ch
                yield Share(agent, sign * share_ch)
        if left_ch and owners is not None:
            self._unowned[held.ticker] += 1
        if left_ch and (owners is None or self._unowned[held.ticker] > UNOWNED_ROUNDS):
            yield Share(fills.MANUAL, sign * left_ch)

    def _owners(self, ticker: str, sign: int) -> list[tuple[str, int]] | None:
        """Agents with a position of this sign, by the ledger; None when it cannot be read."""
        try:
            held = [(row.agent, row.position_ch) for row in report.open_positions(self._db) if row.ticker == ticker]
        except sqlite3.Error as error:
            self._owed.heard(error)
            return None
        return sorted((item for item in held if item[1] * sign > 0), key=lambda item: -abs(item[1]))

    def _exit(self, share: Share, intent: Intent, view: View) -> None:
        view = View(view.now_ms, view.market, view.quote, position_ch=share.position_ch)
        self._tickets += 1
        place = Place(self._tickets, Purpose.EXIT, intent, view.market, view, abs(share.position_ch))
        for event in self._hands(share.agent).carry_out(place):
            if isinstance(event, OrderUpdate) and event.failure:
                click.echo(f"halt: {view.market.ticker}: {event.failure}", err=True)
            elif isinstance(event, OrderUpdate) and event.order is not None and event.ticket is None:
                self._tell(event.order)

    def _hands(self, agent: str) -> Hands:
        who = Identity(agent, self._floor_id(), self._floor.settings.environment, {}, "")
        kind = Unowned if agent == fills.MANUAL else Hands
        return kind(self._db, who, self._link, self._floor.settings.risk, _no_entry, now_ms, self._owed)

    def _floor_id(self) -> str:
        try:
            return feed.floor_id(self._db) or NO_FLOOR
        except sqlite3.Error:
            return NO_FLOOR

    def _book(self) -> None:
        """Book what filled, as the clerk does: without one, the next exit would not know what is left."""
        if self._owed.refusals.now or len(self._owed):
            return
        try:
            self._bookings.fills(now_ms())
        except sqlite3.Error as error:
            self._owed.heard(error)
        except Unavailable as error:
            self._owed.heard(error)
            if not self._owed.refusals.of(error):
                raise
        except InvariantBroken as error:
            click.echo(f"halt: a fill could not be booked ({error}); the clerk will say more", err=True)
        except OutcryError as error:
            click.echo(f"halt: fills could not be read ({error})", err=True)

    def _tell(self, order: Order) -> None:
        if not self._floor.quiet:
            filled = f"{format_decimal(order.filled_ch, 2)} of {format_decimal(order.count_ch, 2)}"
            price = format_decimal(order.price_cc, 4)
            click.echo(f"{order.agent} left {order.ticker}: {order.side} {filled} at {price} or better, {order.state}")


def _no_entry(_place: Place) -> Facts:
    raise InvariantBroken("a halted floor enters nothing")
