"""What is already at risk: read in the very transaction that reserves the next order.

Positions count at average cost (what was paid for what is still held and can be lost), orders at their reserved worst
case until they are terminal and every reported fill is booked. Booking a fill moves its share of the reservation into
the position, in the fill's own transaction, so nothing is counted twice and nothing is missed.
"""

import sqlite3
from dataclasses import dataclass, field

from outcry.domain.ledger import expected_balance_micros, realized_micros
from outcry.domain.order import Purpose
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import Exposure
from outcry.store import accounts, activity, fills
from outcry.store.group import Group

# Open positions at their mark; `priced` where that is a price: the outcome is known, or a book we trust quotes it.
_HELD = (
    "SELECT agent, ticker, position_ch, mark_cc, settlement_value_cc IS NOT NULL"
    "  OR (coalesce(trusted, 0) AND CASE WHEN position_ch > 0 THEN bid_cc ELSE ask_cc END IS NOT NULL) AS priced"
    "  FROM (SELECT p.*, q.trusted, m.settlement_value_cc FROM positions p"
    "          LEFT JOIN quotes q ON q.ticker = p.ticker LEFT JOIN markets m ON m.ticker = p.ticker)"
)


@dataclass(slots=True)
class _Held:
    """Sums over one part of the floor: money at risk, contracts, and the markets they are in."""

    micros: int = 0
    count_ch: int = 0
    markets: set[str] = field(default_factory=set)

    def add(self, ticker: str, micros: int, count_ch: int) -> None:
        self.micros += micros
        self.count_ch += count_ch
        self.markets.add(ticker)


@dataclass(frozen=True, slots=True)
class _Roll:
    """The last roll of the trading day. Without one there is no capital, and so no room for any entry."""

    day: str = ""
    equity_micros: int = 0
    at_ms: int = 0


def read(db: sqlite3.Connection, agent: str, ticker: str, exchange_index: int) -> Exposure:
    """Everything the limits need to know before this agent orders in this market of this shard.

    Call it inside `BEGIN IMMEDIATE`: what it says stays true until that transaction ends.
    """
    everyone, own, here, own_here, group = _Held(), _Held(), _Held(), _Held(), Group()
    position_ch = exits_ch = entries_ch = shard_reserved_micros = agent_doubt_micros = floor_doubt_micros = 0
    agent_result_micros = _agent_cash_micros(db, agent)
    for row in db.execute(_HELD):
        cost_micros, size_ch = at_cost_micros(db, row["agent"], row["ticker"]), abs(row["position_ch"])
        if not row["priced"]:
            doubt_micros = _doubt_micros(row, cost_micros)
            floor_doubt_micros += doubt_micros
            agent_doubt_micros += doubt_micros * (row["agent"] == agent)
        for held in _concerned(row, agent, ticker, everyone, own, here, own_here):
            held.add(row["ticker"], cost_micros, size_ch)
        group.add(row["agent"], row["ticker"], cost_micros, bet=True)
        if row["agent"] == agent:
            agent_result_micros += _signed_cost_micros(row, cost_micros)
            if row["ticker"] == ticker:
                position_ch = row["position_ch"]
    for row in db.execute(
        "SELECT agent, ticker, purpose, exchange_index, count_ch - booked_ch AS open_ch,"
        " (reserved_micros * (count_ch - booked_ch) + count_ch - 1) / count_ch AS micros FROM open_orders"
    ):
        entry = row["purpose"] == Purpose.ENTRY
        for held in _concerned(row, agent, ticker, everyone, own, here, own_here):
            held.add(row["ticker"], row["micros"], row["open_ch"] if entry else 0)
        group.add(row["agent"], row["ticker"], row["micros"], bet=entry)
        if row["exchange_index"] == exchange_index:
            shard_reserved_micros += row["micros"]
        if row["agent"] == agent and row["ticker"] == ticker:
            entries_ch, exits_ch = entries_ch + row["open_ch"] * entry, exits_ch + row["open_ch"] * (not entry)
    roll = _roll(db)
    began_micros = _number(db, "SELECT began_micros FROM agents WHERE name = ?", agent)
    group_micros, group_held = group.around(db, ticker)
    return Exposure(
        capital_micros=roll.equity_micros,
        allocation_micros=_number(db, "SELECT allocation_micros FROM agents WHERE name = ?", agent),
        floor_micros=everyone.micros,
        agent_micros=own.micros,
        market_micros=here.micros,
        market_count_ch=here.count_ch,
        agent_market_count_ch=own_here.count_ch,
        position_ch=position_ch,
        account_position_ch=_number(db, "SELECT position_ch FROM account_positions WHERE ticker = ?", ticker),
        open_order_ch=entries_ch,
        exits_in_flight_ch=exits_ch,
        agent_markets=len(own.markets),
        agent_lost_micros=max(0, began_micros - agent_result_micros),
        agent_day_doubt_micros=agent_doubt_micros,
        floor_day_doubt_micros=floor_doubt_micros,
        available_cash_micros=_shard_cash_micros(db, exchange_index) - shard_reserved_micros,
        group_micros=group_micros,
        group_held=group_held,
        **_lately(db, agent, roll),
    )


def _lately(db: sqlite3.Connection, agent: str, roll: _Roll) -> dict[str, int]:
    """What happened since the roll of the day, and since the last losing streak."""
    orders_today, trades_today, notional_micros = activity.today(db, agent, roll.at_ms)
    streak_pauses, trades_since_streak = activity.since_streak(db, agent)
    return {
        "agent_day_pnl_micros": _agent_day_micros(db, agent, roll),
        "floor_day_pnl_micros": _floor_day_micros(db, roll),
        "orders_today": orders_today,
        "trades_today": trades_today,
        "agent_notional_today_micros": notional_micros,
        "streak_pauses": streak_pauses,
        "trades_since_streak": trades_since_streak,
    }


def at_cost_micros(db: sqlite3.Connection, agent: str, ticker: str) -> int:
    """What one agent paid, on average, for what it still holds of a market and can lose; fees are gone already.

    A position that only ever grew costs what it moved; one that was partly closed needs its fills in order.
    """
    row = db.execute(
        "SELECT position_ch, cash_micros, bought_ch, sold_ch FROM holdings WHERE agent = ? AND ticker = ?",
        (agent, ticker),
    ).fetchone()
    if row is None or row["position_ch"] == 0:
        return 0
    realized = 0
    if row["bought_ch"] and row["sold_ch"]:
        realized = realized_micros(fills.of_agent(db, agent, ticker))
    return realized - row["cash_micros"] + max(0, -row["position_ch"]) * ONE_DOLLAR_CC


def _doubt_micros(row: sqlite3.Row, cost_micros: int) -> int:
    """By how much a position that nobody prices is marked below what it cost."""
    return max(0, _signed_cost_micros(row, cost_micros) - row["position_ch"] * row["mark_cc"])


def _signed_cost_micros(row: sqlite3.Row, cost_micros: int) -> int:
    """What a position moved in cash, the other way round: its cost, less the dollars a short one was lent."""
    return cost_micros - max(0, -row["position_ch"]) * ONE_DOLLAR_CC


def _agent_cash_micros(db: sqlite3.Connection, agent: str) -> int:
    return _number(db, "SELECT sum(cash_micros - fees_micros) FROM agent_cash WHERE agent = ?", agent)


def capital_known(db: sqlite3.Connection) -> bool:
    """Whether the trading day has rolled at least once: before that no entry can be sized."""
    return db.execute("SELECT 1 FROM capital LIMIT 1").fetchone() is not None


def _concerned(row: sqlite3.Row, agent: str, ticker: str, *sums: _Held) -> list[_Held]:
    everyone, own, here, own_here = sums
    mine, local = row["agent"] == agent, row["ticker"] == ticker
    return [held for held, yes in ((everyone, True), (own, mine), (here, local), (own_here, mine and local)) if yes]


def _roll(db: sqlite3.Connection) -> _Roll:
    row = db.execute("SELECT day, equity_micros, at_ms FROM capital ORDER BY day DESC LIMIT 1").fetchone()
    return _Roll(row["day"], row["equity_micros"], row["at_ms"]) if row else _Roll()


def _agent_day_micros(db: sqlite3.Connection, agent: str, roll: _Roll) -> int:
    """The agent's equity less what it was at the roll; an agent born since began at nothing."""
    marks_micros = _number(
        db,
        "SELECT sum(p.position_ch * coalesce(m.settlement_value_cc, p.mark_cc))"
        " FROM positions p LEFT JOIN markets m ON m.ticker = p.ticker WHERE p.agent = ?",
        agent,
    )
    began_micros = _number(db, "SELECT equity_micros FROM agent_days WHERE day = ? AND agent = ?", roll.day, agent)
    return _agent_cash_micros(db, agent) + marks_micros - began_micros


def _floor_day_micros(db: sqlite3.Connection, roll: _Roll) -> int:
    """The floor's equity less capital, and less what people have put in since."""
    if not roll.day:
        return 0
    moved_micros = _number(
        db,
        "SELECT coalesce(sum(amount_micros), 0) FROM cash_events WHERE kind IN ('deposit', 'withdrawal') AND at_ms > ?",
        roll.at_ms,
    )
    equity_micros = _number(
        db,
        "SELECT (SELECT coalesce(sum(amount_micros), 0) FROM cash_events)"
        " + (SELECT coalesce(sum(cash_micros - fees_micros), 0) FROM agent_cash)"
        " + (SELECT coalesce(sum(a.position_ch * coalesce(m.settlement_value_cc,"
        "      CASE WHEN a.position_ch >= 0 THEN coalesce(q.bid_cc, 0) ELSE coalesce(q.ask_cc, 10000) END)), 0)"
        "      FROM account_positions a LEFT JOIN quotes q ON q.ticker = a.ticker"
        "      LEFT JOIN markets m ON m.ticker = a.ticker)",
    )
    return equity_micros - roll.equity_micros - moved_micros


def _shard_cash_micros(db: sqlite3.Connection, exchange_index: int) -> int:
    """What the exchange should say is this shard's balance plus the collateral of resting orders."""
    net_cash_micros = _number(
        db, "SELECT sum(cash_micros - fees_micros) FROM agent_cash WHERE exchange_index = ?", exchange_index
    )
    return expected_balance_micros(
        accounts.deposits_micros(db, exchange_index),
        net_cash_micros,
        accounts.net_positions(db, exchange_index).values(),
    )


def _number(db: sqlite3.Connection, query: str, *values: str | int) -> int:
    row = db.execute(query, values).fetchone()
    return (row[0] or 0) if row else 0
