"""The trader's eyes: what the database says, as events. Everything of one step is read in one snapshot.

Readers notice a commit with `PRAGMA data_version`; then one statement says how far everything has come, and only what
moved is read. Markets have no number that grows, so changed descriptions are read by their time, with some overlap.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from outcry.domain import fill as domain_fill
from outcry.domain.market import Market
from outcry.domain.order import Order, Purpose
from outcry.domain.view import Bar, Intent
from outcry.store import (
    agents,
    bars,
    database,
    decisions,
    exposure,
    feed,
    markets,
    orders,
    quotes,
    settlements,
    system,
)
from outcry.store.feed import Marks
from outcry.trading.events import Bars, Control, Event, Fill, OrderUpdate, Quotes, Restored, Settlement
from outcry.trading.positions import PositionTracker

MARKETS_EVERY_MS = 500
MARKETS_OVERLAP_MS = 2_000
ALL_MARKETS_EVERY_MS = 60_000


class News(NamedTuple):
    """What happened, in the order in which it is heard.

    told   to this agent, or whom it concerns as well: orders, fills, payments, what is forbidden, bars that were there
           before; no tape has this
    shown  to everybody: what the collector published
    """

    told: list[Event]
    shown: list[Event]


class Feed:
    """Reads one agent's world since it last looked.

    span_ms    how far back bars are read for a symbol that is new
    halt_file  whose existence halts the floor, whatever the database says
    """

    def __init__(self, db: sqlite3.Connection, agent: str, span_ms: int, halt_file: Path) -> None:
        self._db, self._agent, self._span_ms, self._halt_file = db, agent, span_ms, halt_file
        self.marks = Marks()
        self._version: int | None = None
        self._halted = False
        self.parameters: dict[str, Any] | None = None  # the agent's, as its row says; None before that was read
        self.collector_anew = False  # whether another collector began since
        self._collector_ms: int | None = None
        self._markets: dict[str, Market] = {}
        self._symbols: set[str] = set()
        self._changed_read_ms = self._all_read_ms = 0

    def halt_file_reason(self) -> str:
        """What the halt file says, in its first line; "" while there is none. Works without the database."""
        try:
            text = self._halt_file.read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"halt file is there but cannot be read: {error}"
        return text.partition("\n")[0] or "halt file"

    def news(self) -> bool:
        """Whether anybody committed, or the halt file came or went, since the last `read`: microseconds."""
        return database.data_version(self._db) != self._version or self._halt_file.exists() != self._halted

    def restore(self, now_ms: int, warm: dict[str, object]) -> list[Event]:
        """The first events of a life: what the ledger says, what is forbidden, and the market as it stands."""
        version = database.data_version(self._db)
        with self._snapshot():
            self.marks = feed.marks(self._db)
            fills = feed.unsettled_fills(self._db, self._agent)
            own = tuple(orders.open_orders(self._db, self._agent))
            plans = self._plans(fills, own)
            needed = {fill.ticker for fill in fills} | {order.ticker for order in own}
            described = self._new_markets(now_ms, sorted(needed))
            shown = [quote for ticker in self._markets if (quote := quotes.load(self._db, ticker)) is not None]
            history = self._new_bars(described, now_ms)
            control = self._control_now(now_ms)
            self._collector_ms = feed.collector_began_ms(self._db)
        self._version = version
        return [
            Restored(now_ms, own, tuple(fills), tuple(plans), warm),
            control,
            Bars(now_ms, tuple(history)),
            Quotes(now_ms, self.marks.publish, tuple(shown), tuple(described)),
        ]

    def read(self, now_ms: int) -> News:
        """What happened since: the account first, then the market, so that decisions know what is held."""
        told: list[Event] = []
        shown: list[Event] = []
        version = database.data_version(self._db)
        with self._snapshot():
            old, new = self.marks, feed.marks(self._db)
            forbidden_before = (old.control, old.evolution, old.capital)
            if (new.control, new.evolution, new.capital) != forbidden_before or self._halt_moved():
                told.append(self._control_now(now_ms))
            told += self._account(old, new, now_ms)
            described = self._new_markets(now_ms)
            if history := self._new_bars(described, now_ms):
                told.append(Bars(now_ms, tuple(history)))
            self.collector_anew |= self._collector_ms not in (None, feed.collector_began_ms(self._db))
            if new.publish != old.publish and (seconds := bars.since(self._db, old.publish)):
                shown.append(Bars(now_ms, tuple(seconds)))
            if new.publish != old.publish or described:
                quoted = quotes.since(self._db, old.publish) if new.publish != old.publish else []
                shown.append(Quotes(now_ms, new.publish, tuple(quoted), tuple(described)))
        self.marks, self._version = new, version
        return News(told, shown)

    def predecessor_volume_ch(self, market: Market) -> int:
        """What the market before this one in its series traded, as far as anybody told us; 0 when there was none."""
        before = markets.predecessor(self._db, market)
        if before is None:
            return 0
        quote = quotes.load(self._db, before.ticker)
        return max(before.volume_ch, quote.volume_ch if quote else 0)

    def stage(self) -> str:
        """The agent's stage as of now."""
        return agents.get(self._db, self._agent).stage

    def _plans(self, fills: list[domain_fill.Fill], own: Sequence[Order]) -> list[tuple[str, Intent]]:
        """The intents that positions were entered on; and those of entries that may fill yet, which are newer."""
        held = PositionTracker()
        for fill in fills:
            held.add(fill)
        found: list[tuple[str, Intent]] = []
        for position in held.held():
            if plan := decisions.entry_plan(self._db, self._agent, position.ticker, position.side):
                found.append((position.ticker, plan))
        for order in own:
            if order.purpose is Purpose.ENTRY and (decision := decisions.get(self._db, order.decision_id)):
                found.append((order.ticker, decision.intent))
        return found

    def _account(self, old: Marks, new: Marks, now_ms: int) -> Iterator[Event]:
        touched: dict[str, None] = {}
        if new.attribution != old.attribution:
            for fill, undone in feed.attributed_since(self._db, self._agent, old.attribution):
                yield Fill(now_ms, fill, undone)
                if order := orders.by_order_id(self._db, fill.order_id):
                    touched[order.client_order_id] = None
        if new.order_event != old.order_event:
            for change in orders.events_since(self._db, old.order_event, self._agent):
                touched[change.client_order_id] = None
        for client_order_id in touched:
            order = orders.get(self._db, client_order_id)
            if order is not None and order.agent == self._agent:
                yield OrderUpdate(now_ms, order)
        if new.settlement != old.settlement:
            for recorded in settlements.since(self._db, old.settlement):
                yield Settlement(now_ms, recorded.settlement)

    def _new_markets(self, now_ms: int, needed: list[str] | None = None) -> list[Market]:
        """Markets whose description is new or changed since the last look; `needed` are loaded whatever they are."""
        found: list[Market] = []
        if not 0 <= now_ms - self._all_read_ms < ALL_MARKETS_EVERY_MS:
            found = markets.subscribed(self._db)
            self._all_read_ms = self._changed_read_ms = now_ms
        elif not 0 <= now_ms - self._changed_read_ms < MARKETS_EVERY_MS:
            found = markets.updated_since(self._db, self._changed_read_ms - MARKETS_OVERLAP_MS)
            self._changed_read_ms = now_ms
        found += [market for ticker in needed or () if (market := markets.load(self._db, ticker)) is not None]
        changed = [market for market in found if self._markets.get(market.ticker) != market]
        self._markets.update({market.ticker: market for market in changed})
        return changed

    def _new_bars(self, described: list[Market], now_ms: int) -> list[Bar]:
        """The history of symbols met for the first time."""
        history: list[Bar] = []
        for symbol in {name for market in described for name in (market.ticker, market.underlying) if name}:
            if symbol not in self._symbols:
                self._symbols.add(symbol)
                history += bars.history(self._db, symbol, now_ms - self._span_ms, now_ms + 1_000)
        return history

    def _halt_moved(self) -> bool:
        return self._halt_file.exists() != self._halted

    def _control_now(self, now_ms: int) -> Control:
        """All that forbids this agent's entries: the halt file, control rows, its own row, a day without capital."""
        agent = agents.get(self._db, self._agent)
        self.parameters = agent.parameters
        rows = system.controls_now(self._db)
        ours = {("floor", ""), ("agent", self._agent), ("program", f"trader@{self._agent}")}
        general = [row for row in rows if (row.scope, row.name) in ours]
        by_file = self.halt_file_reason()
        self._halted = bool(by_file)
        return Control(
            now_ms,
            halted=by_file or next((f"{row.cause}: {row.reason}" for row in general if row.kind == "halt"), ""),
            stopped=next((f"{row.cause}: {row.reason}" for row in general if row.kind == "stop_entries"), ""),
            stopped_markets=tuple((row.name, f"{row.cause}: {row.reason}") for row in rows if row.scope == "market"),
            paused=(agent.pause_reason or "paused") if agent.paused else "",
            retired=agent.stage == "retired",
            unready="" if exposure.capital_known(self._db) else "no capital is recorded yet: the clerk has to",
        )

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the database for everything read inside. Read in vain, it is all read again."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._markets.clear()
            self._symbols.clear()
            self._all_read_ms = 0
            self._version = None
            raise
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
