"""The account at the exchange: cash that trading did not move, the identity that ties us to it, and daily capital."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from outcry.domain.ledger import expected_balance_micros
from outcry.store import system
from outcry.store.database import write


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One look at one shard of the exchange identity. Micro-dollars.

    balance_micros   as the exchange said
    resting_micros   collateral of resting orders, where the balance excludes it
    expected_micros  from our ledger
    detail           the culprits, one a clause; "" when all agrees
    """

    at_ms: int
    exchange_index: int
    balance_micros: int
    resting_micros: int
    expected_micros: int
    positions_agree: bool
    agreed: bool
    detail: str = ""

    @property
    def difference_micros(self) -> int:
        return self.balance_micros + self.resting_micros - self.expected_micros


def record_cash(
    db: sqlite3.Connection,
    kind: str,
    exchange_index: int,
    amount_micros: int,
    *,
    at_ms: int,
    reference: str,
    note: str = "",
) -> bool:
    """Book money that neither a fill nor a settlement moved; False when this reference is booked already.

    kind           'deposit', 'withdrawal', 'adjustment' or 'transfer'
    amount_micros  signed: what it added to the shard's balance
    """
    with write(db):
        return (
            db.execute(
                "INSERT INTO cash_events (exchange_index, kind, amount_micros, at_ms, note, reference)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reference) DO NOTHING",
                (exchange_index, kind, amount_micros, at_ms, note, reference),
            ).rowcount
            == 1
        )


def opened(db: sqlite3.Connection, exchange_index: int) -> bool:
    """Whether this shard's opening balance is in the ledger."""
    return bool(db.execute("SELECT 1 FROM cash_events WHERE reference = ?", (_opening(exchange_index),)).fetchone())


def opened_at_ms(db: sqlite3.Connection, exchange_index: int) -> int | None:
    """When this shard's ledger began: fills from before are in its opening balance. None when it has not begun."""
    row = db.execute("SELECT at_ms FROM cash_events WHERE reference = ?", (_opening(exchange_index),)).fetchone()
    return row["at_ms"] if row else None


def open_shard(db: sqlite3.Connection, exchange_index: int, balance_micros: int, at_ms: int) -> bool:
    """Begin a shard's ledger with the balance it has; False when it was begun before."""
    return record_cash(
        db,
        "deposit",
        exchange_index,
        balance_micros,
        at_ms=at_ms,
        reference=_opening(exchange_index),
        note="balance when the floor first saw the shard",
    )


def _opening(exchange_index: int) -> str:
    return f"opening:{exchange_index}"


def deposits_micros(db: sqlite3.Connection, exchange_index: int) -> int:
    """Deposits less withdrawals plus adjustments and transfers of a shard."""
    return db.execute(
        "SELECT coalesce(sum(amount_micros), 0) FROM cash_events WHERE exchange_index = ?", (exchange_index,)
    ).fetchone()[0]


def net_cash_micros(db: sqlite3.Connection, exchange_index: int) -> int:
    """What trades, fees and settlements moved on a shard, all agents (and manual and parked fills) together."""
    return db.execute(
        "SELECT coalesce(sum(cash_micros - fees_micros), 0) FROM agent_cash WHERE exchange_index = ?",
        (exchange_index,),
    ).fetchone()[0]


def net_positions(db: sqlite3.Connection, exchange_index: int | None = None) -> dict[str, int]:
    """The account's signed net position in each market that has not settled, where it is not flat."""
    rows = db.execute(
        "SELECT ticker, position_ch FROM account_positions"
        " WHERE position_ch <> 0 AND (?1 IS NULL OR exchange_index = ?1) ORDER BY ticker",
        (exchange_index,),
    )
    return {row["ticker"]: row["position_ch"] for row in rows}


def expected_micros(db: sqlite3.Connection, exchange_index: int) -> int:
    """Our side of the exchange identity: the shard's balance plus its resting collateral must equal this."""
    return expected_balance_micros(
        deposits_micros(db, exchange_index),
        net_cash_micros(db, exchange_index),
        net_positions(db, exchange_index).values(),
    )


def shards(db: sqlite3.Connection) -> list[int]:
    """Every shard on which we hold, held or moved money."""
    rows = db.execute("SELECT exchange_index FROM cash_events UNION SELECT exchange_index FROM holdings ORDER BY 1")
    return [row[0] for row in rows]


def market_shards(db: sqlite3.Connection) -> list[int]:
    """Every shard on which a market we know of trades."""
    return [row[0] for row in db.execute("SELECT DISTINCT exchange_index FROM markets ORDER BY 1")]


def traded_positions(db: sqlite3.Connection) -> dict[str, int]:
    """The account's signed net position by market as traded, settled markets included: what a settlement pays on."""
    return {row[0]: row[1] for row in db.execute("SELECT ticker, sum(position_ch) FROM holdings GROUP BY ticker")}


def last_agreed_ms(db: sqlite3.Connection) -> int:
    """When all shards last agreed, as far as we kept it: the oldest of their newest agreeing looks; 0 for never."""
    row = db.execute(
        "SELECT min(at_ms) FROM (SELECT max(CASE WHEN agreed = 1 THEN at_ms ELSE 0 END) AS at_ms FROM reconciliations"
        " GROUP BY exchange_index)"
    ).fetchone()
    return row[0] or 0


def record_reconciliation(db: sqlite3.Connection, look: Reconciliation) -> None:
    """Keep a look at the identity; the newest row of a shard is its state."""
    with write(db):
        db.execute(
            "INSERT INTO reconciliations (at_ms, exchange_index, balance_micros, resting_micros, expected_micros,"
            " difference_micros, positions_agree, agreed, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                look.at_ms,
                look.exchange_index,
                look.balance_micros,
                look.resting_micros,
                look.expected_micros,
                look.difference_micros,
                look.positions_agree,
                look.agreed,
                look.detail,
            ),
        )


def reconciliations_now(db: sqlite3.Connection) -> list[Reconciliation]:
    """The newest look at each shard."""
    rows = db.execute(
        "SELECT * FROM reconciliations WHERE id IN (SELECT max(id) FROM reconciliations GROUP BY exchange_index)"
        " ORDER BY exchange_index"
    )
    return [
        Reconciliation(
            row["at_ms"],
            row["exchange_index"],
            row["balance_micros"],
            row["resting_micros"],
            row["expected_micros"],
            bool(row["positions_agree"]),
            bool(row["agreed"]),
            row["detail"],
        )
        for row in rows
    ]


def deposited_micros(db: sqlite3.Connection) -> int:
    """What people put in less what they took out, over all shards; adjustments are profit or loss, not deposits."""
    return db.execute(
        "SELECT coalesce(sum(amount_micros), 0) FROM cash_events WHERE kind IN ('deposit', 'withdrawal')"
    ).fetchone()[0]


def cash_total_micros(db: sqlite3.Connection) -> int:
    """Deposits, withdrawals, adjustments and transfers over all shards: the account without any trading."""
    return db.execute("SELECT coalesce(sum(amount_micros), 0) FROM cash_events").fetchone()[0]


def floor_equity_micros(db: sqlite3.Connection) -> int:
    """The floor's worth with the account's net positions at the price they could be closed at now.

    A bought position at the best bid, a sold one at the best ask; no bid is worth 0, no ask costs $1; a market whose
    outcome is known at its value. Differs from the sum over agents by the spread inside the floor.
    """
    return db.execute(
        "SELECT (SELECT coalesce(sum(amount_micros), 0) FROM cash_events)"
        " + (SELECT coalesce(sum(cash_micros - fees_micros), 0) FROM agent_cash)"
        " + (SELECT coalesce(sum(a.position_ch * coalesce(m.settlement_value_cc,"
        "      CASE WHEN a.position_ch >= 0 THEN coalesce(q.bid_cc, 0) ELSE coalesce(q.ask_cc, 10000) END)), 0)"
        "      FROM account_positions a LEFT JOIN quotes q ON q.ticker = a.ticker"
        "      LEFT JOIN markets m ON m.ticker = a.ticker)"
    ).fetchone()[0]


def agent_equity_micros(db: sqlite3.Connection) -> dict[str, int]:
    """Each agent's cash plus its open positions at mark, without its allocation; agents that never traded are at 0."""
    rows = db.execute(
        "SELECT g.name, coalesce((SELECT sum(cash_micros - fees_micros) FROM agent_cash WHERE agent = g.name), 0)"
        " + coalesce((SELECT sum(mark_micros) FROM positions WHERE agent = g.name), 0) AS equity_micros"
        "  FROM (SELECT name FROM agents UNION SELECT agent FROM holdings) g ORDER BY g.name"
    )
    return {row["name"]: row["equity_micros"] for row in rows}


def record_day(
    db: sqlite3.Connection, day: str, equity_micros: int, agents_micros: Mapping[str, int], now_ms: int
) -> bool:
    """Fix a trading day's capital and each agent's equity at its roll; False when it, or a later one, was fixed before.

    A clock that was set back begins no day again. What was stopped for the day before may go on, in this transaction.

    day  YYYY-MM-DD in the floor's zone
    """
    with write(db):
        fixed = db.execute(
            "INSERT INTO capital (day, equity_micros, at_ms) SELECT ?1, ?2, ?3"
            " WHERE NOT EXISTS (SELECT 1 FROM capital WHERE day >= ?1)",
            (day, equity_micros, now_ms),
        ).rowcount
        if not fixed:
            return False
        db.executemany(
            "INSERT INTO agent_days (day, agent, equity_micros) VALUES (?, ?, ?)",
            [(day, agent, equity) for agent, equity in agents_micros.items()],
        )
        system.begin_the_day(db, day, now_ms)
    return True


def capital_micros(db: sqlite3.Connection) -> int | None:
    """The capital in force: floor equity at the last roll of the trading day; None before the first."""
    row = db.execute("SELECT equity_micros FROM capital ORDER BY day DESC LIMIT 1").fetchone()
    return row["equity_micros"] if row else None


def rolled_at_ms(db: sqlite3.Connection) -> int:
    """When the trading day in force was first seen; 0 before the first."""
    row = db.execute("SELECT at_ms FROM capital ORDER BY day DESC LIMIT 1").fetchone()
    return row["at_ms"] if row else 0
