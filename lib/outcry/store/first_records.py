"""First records: the rows everything else is derived from, and the order in which they were committed.

A row of `happenings` is written by a trigger in the very transaction that writes the record, so its number says what
came before what, whatever the programs' clocks said. Orders take part with what they ask for, which never changes; how
they fared is in their events.
"""

import sqlite3
from dataclasses import dataclass

ORDER_FACTS = (
    "client_order_id", "decision_id", "environment", "agent", "ticker", "exchange_index", "side", "price_cc",
    "count_ch", "time_in_force", "purpose", "post_only", "reduce_only", "reserved_micros", "created_at_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Where records of a kind lie. `columns`: those that never change, () for all; `at`: its own time, "" for none."""

    table: str
    key: str
    at: str
    columns: tuple[str, ...] = ()

    @property
    def selected(self) -> str:
        return ", ".join(self.columns) or "*"


SOURCES: dict[str, Source] = {
    "capital": Source("capital", "day", "at_ms"),
    "evolution": Source("evolution_events", "id", "at_ms"),
    "cash": Source("cash_events", "id", "at_ms"),
    "control": Source("controls", "id", "at_ms"),
    "decision": Source("decisions", "decision_id", "at_ms"),
    "circumstance": Source("circumstances", "decision_id", ""),
    "order": Source("orders", "client_order_id", "created_at_ms", ORDER_FACTS),
    "order_event": Source("order_events", "id", "at_ms"),
    "fill": Source("fills", "id", "recorded_at_ms"),
    "attribution": Source("attributions", "id", "at_ms"),
    "settlement": Source("settlements", "id", "recorded_at_ms"),
    "finding": Source("findings", "id", "found_at_ms"),
    "finding_end": Source("finding_ends", "finding_id", "at_ms"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One record's place in the order of commits."""

    seq: int
    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def since(db: sqlite3.Connection, seq: int, limit: int) -> list[Happening]:
    """What was committed after a number, in order."""
    rows = db.execute("SELECT seq, kind, row_key FROM happenings WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    return [Happening(row[0], row[1], row[2]) for row in rows]


def newest(db: sqlite3.Connection) -> int:
    """The newest number; 0 when nothing happened."""
    return db.execute("SELECT coalesce(max(seq), 0) FROM happenings").fetchone()[0]


def ever(db: sqlite3.Connection) -> int:
    """The highest number ever given, also where its row is gone."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'happenings'").fetchone()
    return row[0] if row else 0


def row(db: sqlite3.Connection, kind: str, key: str) -> sqlite3.Row | None:
    """One record, as far as it never changes; None when it is gone, or of a kind we do not know."""
    source = SOURCES.get(kind)
    if source is None:
        return None
    return db.execute(
        f"SELECT {source.selected} FROM {source.table} WHERE {source.key} = ?",  # noqa: S608  (names from SOURCES)
        (key,),
    ).fetchone()


def unannounced(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """(kind, key) of records that no happening names: somebody wrote them past the triggers."""
    found: list[tuple[str, str]] = []
    for kind, source in SOURCES.items():
        rows = db.execute(
            f"SELECT CAST({source.key} AS TEXT) AS row_key FROM {source.table} EXCEPT"  # noqa: S608
            " SELECT row_key FROM happenings WHERE kind = ?",
            (kind,),
        )
        found += [(kind, item[0]) for item in rows]
    return found
