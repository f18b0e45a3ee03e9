"""What a floor did on a day, done again from its records; and how far a backtest of that day's tape is from it.

Done again, to the last digit: every decision from the view, settings and exposure that were kept beside it (intent,
size, verdict); every fill from the public trades on the tape; every fee by the exchange's rule; every market's money
from its fills and its settlement. When each trader looked, and what it asked for, is run again in `reliving`.

The model error is no test: a backtest of the tape alone, without what the floor itself had in the books and with the
latency that was measured, beside what really happened, with an interval over the events that both could trade.
"""

import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from outcry.desk.auditing.replay import DIFFERS, SAME, Replay
from outcry.domain.fill import Fill
from outcry.domain.ledger import Holding, apply_fill, settle
from outcry.domain.view import View
from outcry.research.backtest import Terms
from outcry.research.backtesting.report import by_event, half_width_micros, trades_of
from outcry.research.sweep import Case, one
from outcry.research.tape import Day
from outcry.review import metrics
from outcry.store import agents, audit, decisions, markets, session_records, settlements
from outcry.store import fills as fill_rows
from outcry.store.session_records import Done
from outcry.store.tape_rows import BEGAN
from outcry.venue import fees

CLOCK_MS = 1_000  # how far the exchange's clock may be from that of the tape
NEVER = 1 << 62
UNHEARD = "the tape heard no trades when they happened: its collector did not run, or lost its stream"


@dataclass(slots=True)
class Again:
    """`differs`: what came out otherwise, in the order of the day; `could_not`: how often what kept us from it."""

    decisions: int = 0
    fills: int = 0
    markets: int = 0
    differs: list[str] = field(default_factory=list)
    could_not: dict[str, int] = field(default_factory=dict)


def again(db: sqlite3.Connection, day: Day) -> Again:
    """Do a day again."""
    found = Again()
    from_ms, to_ms = day.reader.span_ms() or (0, 0)
    _decisions(db, from_ms, to_ms, found)
    done = [it for it in session_records.fills(db, from_ms, to_ms) if it.agent not in agents.RESERVED]
    found.fills = len(done)
    _prints(day, done, found)
    found.differs += _fees(db, done)
    for agent, ticker in sorted({(it.agent, it.fill.ticker) for it in done}):
        found.markets += 1
        found.differs += _money(db, day, agent, ticker)
    return found


def _decisions(db: sqlite3.Connection, from_ms: int, to_ms: int, found: Again) -> None:
    replaying = Replay(db)
    for row in session_records.decisions(db, from_ms, to_ms):
        outcome = replaying.again(row, _view(row["view"]))
        found.decisions += outcome.outcome == SAME
        if outcome.outcome == DIFFERS:
            found.differs.append(f"decision {row['decision_id']} of {row['agent']} in {row['ticker']}: {outcome.why}")
        elif outcome.outcome != SAME:
            found.could_not[outcome.why] = found.could_not.get(outcome.why, 0) + 1


def _view(text: str) -> View | None:
    try:
        return decisions.decode_view(text)
    except msgspec.ValidationError:
        return None


def _prints(day: Day, done: list[Done], found: Again) -> None:
    """Every fill is a public trade of the same price; trades of one id together are at least as large as it."""
    wanted = {it.fill.trade_id for it in done}
    printed: dict[str, tuple[int, int]] = {}
    for session in day.sessions:
        for table in session.prints():
            for trade_id, price, count in zip(table.ids, *table.columns("price_cc", "count_ch"), strict=True):
                if trade_id in wanted:
                    printed[trade_id] = price, printed.get(trade_id, (0, 0))[1] + count
    deaf = _deaf(day)
    for it in done:
        fill = it.fill
        if fill.trade_id not in printed:
            if any(from_ms - CLOCK_MS <= fill.filled_at_ms <= to_ms + CLOCK_MS for from_ms, to_ms in deaf):
                found.could_not[UNHEARD] = found.could_not.get(UNHEARD, 0) + 1
            else:
                found.differs.append(f"fill {fill.trade_id} of {it.agent} in {fill.ticker} is not on the tape")
        elif printed[fill.trade_id][0] != fill.price_cc or printed[fill.trade_id][1] < fill.count_ch:
            price, count = printed[fill.trade_id]
            found.differs.append(
                f"fill {fill.trade_id} of {it.agent} in {fill.ticker}: {fill.count_ch} hundredths at {fill.price_cc}"
                f" booked, {count} at {price} on the tape"
            )


def _deaf(day: Day) -> list[tuple[int, int]]:
    """When the tape heard no trades: from a lost connection, or a recorder's end, to the next subscription."""
    found: list[tuple[int, int]] = []
    since_ms = 0
    for number, session in enumerate(day.sessions):
        hears = next(session.notes(BEGAN), None) is None  # then its collector went on from the session before
        if hears and number:
            found.append((since_ms, session.started_at_ms))
        last_ms = session.started_at_ms
        for note in session.notes():
            last_ms = note.at_ns // 1_000_000
            if hears and note.kind == "disconnected":
                hears, since_ms = False, last_ms
            elif not hears and note.kind == "subscribed" and b'"trade"' in note.body:
                hears = True
                found.append((since_ms, last_ms))
        if hears:
            since_ms = max([last_ms, *(table.column("at_ms")[-1] for table in session.publishes())])
    return [*found, (since_ms, NEVER)]


def _fees(db: sqlite3.Connection, done: list[Done]) -> list[str]:
    """Fees by the rule, with whichever rounding of the two explains them."""
    return min((list(_fees_rounded(db, done, step)) for step in (fees.DIRECT_MICROS, fees.NON_DIRECT_MICROS)), key=len)


def _fees_rounded(db: sqlite3.Connection, done: list[Done], precision_micros: int) -> Iterator[str]:
    gathered: dict[str, int] = defaultdict(int)
    for it in done:
        fill, market = it.fill, markets.load(db, it.fill.ticker)
        if market is None or not fees.known(market.fee):
            yield f"fill {fill.trade_id} in {fill.ticker}: no formula for its fee is known"
            continue
        fee, gathered[fill.order_id] = fees.charge(
            gathered[fill.order_id],
            market.fee,
            fill.side,
            fill.is_taker,
            fill.price_cc,
            fill.count_ch,
            precision_micros,
        )
        if fee != fill.fee_micros:
            told = f"fee {fill.fee_micros} booked, {fee} by the rule"
            yield f"fill {fill.trade_id} of {it.agent} in {fill.ticker}: {told}"


def _money(db: sqlite3.Connection, day: Day, agent: str, ticker: str) -> Iterator[str]:
    """A market's money from its first records, beside what is kept of it; and its result beside the tape's."""
    holding = Holding()
    for fill in fill_rows.of_agent(db, agent, ticker):
        holding = apply_fill(holding, fill)
    settled = settlements.in_force(db, ticker)
    if settled is not None:
        holding = settle(holding, settled)
        told = {it.ticker: it.value_cc for session in day.sessions for it in session.settlements()}
        if ticker in told and told[ticker] != settled.value_cc:
            yield f"{ticker} paid {settled.value_cc} by the ledger, {told[ticker]} by the tape"
    booked = audit.booked(db, agent, ticker)
    kept = (booked.cash_micros, booked.fees_micros) if booked else (0, 0)
    if kept != (holding.cash_micros, holding.fees_micros):
        yield f"{agent} in {ticker}: cash and fees {kept} kept, {(holding.cash_micros, holding.fees_micros)} computed"


@dataclass(frozen=True, slots=True)
class Error:
    """One agent: what it did, and what the backtest of the tape says that it would have done. Dollars, ms.

    difference, half  backtest less live of the net result an event, and half its 95 % interval; None below two events
    """

    agent: str
    latency_ms: int
    events: int
    fills: tuple[int, int]
    net: tuple[float, float]
    wait_ms: tuple[float | None, float | None]
    difference: float | None
    half: float | None


def model_error(db: sqlite3.Connection, day: Day, terms: Terms) -> list[Error]:
    """Live beside backtest, agent by agent."""
    from_ms, to_ms = day.reader.span_ms() or (0, 0)
    measured = session_records.answers_ms(db, from_ms, to_ms)
    latency_ms = int(statistics.median(measured)) if measured else terms.latency_ms
    done = session_records.fills(db, from_ms, to_ms)
    found = []
    for name in sorted({it.agent for it in done} - agents.RESERVED):
        agent = agents.get(db, name)
        own = replace(terms, latency_ms=latency_ms, allocation_micros=agent.allocation_micros)
        result = one(Case(agent.strategy, dict(agent.parameters), own), [day.file])
        live = _live_events(db, [it.fill for it in done if it.agent == name], name)
        back = {event: sum(it.net_micros for it in held) for event, held in by_event(result, trades_of(result)).items()}
        apart = [back.get(event, 0) - live.get(event, 0) for event in sorted(live.keys() | back.keys())]
        half = half_width_micros(apart)
        mine = [it for it in done if it.agent == name]
        ordered = {it.order.client_order_id: it.at_ms for it in result.trader.asked if it.order is not None}
        found.append(
            Error(
                name,
                latency_ms,
                len(apart),
                (len(mine), len(result.trader.fills)),
                (sum(live.values()) / 1e6, sum(back.values()) / 1e6),
                (
                    _median([it.fill.filled_at_ms - it.ordered_at_ms for it in mine if it.ordered_at_ms is not None]),
                    _median([fill.filled_at_ms - ordered[fill.client_order_id] for fill in result.trader.fills]),
                ),
                sum(apart) / len(apart) / 1e6 if half is not None else None,
                half / len(apart) / 1e6 if half is not None else None,
            )
        )
    return found


def _live_events(db: sqlite3.Connection, filled: list[Fill], agent: str) -> dict[str, int]:
    """Net of an agent's closed trades by event."""
    found: dict[str, int] = defaultdict(int)
    for ticker in {fill.ticker for fill in filled}:
        market = markets.load(db, ticker)
        own = fill_rows.of_agent(db, agent, ticker)
        for trade in metrics.trades(agent, own, settlements.in_force(db, ticker)):
            if market is not None and trade.closed_at_ms is not None:
                found[market.event_ticker] += trade.net_micros
    return dict(found)


def _median(values: list[int]) -> float | None:
    return statistics.median(values) if values else None


def words(error: Error) -> list[Any]:
    """A row of the table for people."""
    interval = "-" if error.difference is None else f"{error.difference:+.4f} ± {error.half:.4f}"
    waits = ["-" if wait is None else f"{wait:.0f}" for wait in error.wait_ms]
    return [
        error.agent,
        error.events,
        f"{error.fills[0]} / {error.fills[1]}",
        " / ".join(waits),
        f"{error.net[0]:.2f} / {error.net[1]:.2f}",
        interval,
    ]
