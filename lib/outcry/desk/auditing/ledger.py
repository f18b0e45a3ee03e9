"""The ledger beside its first records: each owner's line in each market, and the running totals.

What a fill or a settlement touched is looked at in the same snapshot; the rest in turn, so that figures somebody
edited without a record are found as well.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from outcry.desk.auditing import rows as auditor_rows
from outcry.review.checks import lots
from outcry.review.checks.records import Finding
from outcry.store import audit, settlements

SWEEP = 25  # lines looked at in turn, beside those that were touched

Key = tuple[str, str]  # owner, market


class LedgerLook:
    """Keeps every line's figures as matched from its lots."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._accounts: dict[Key, tuple[int, lots.Account, bool]] = {}  # shard, figures, whether the market has paid
        self._sweep: list[Key] = []
        self.complete = False  # whether every line was looked at once

    def look(self, touched: Iterable[Key]) -> tuple[list[Finding], set[str]]:
        """Compare; the caller holds one snapshot. Returns findings, and the lines (`agent ticker`) looked at."""
        if not self._sweep:
            self._sweep = audit.owners(self._db)
        keys = [*touched, *self._sweep[:SWEEP]]
        del self._sweep[:SWEEP]
        self.complete = self.complete or not self._sweep
        found: list[Finding] = []
        for agent, ticker in dict.fromkeys(keys):
            fills = [auditor_rows.fill(row) for row in audit.fills_in(self._db, agent, ticker)]
            value = settlements.in_force(self._db, ticker)
            matched = lots.match(fills, value.value_cc if value else None)
            booked = audit.booked(self._db, agent, ticker)
            shard = fills[0].exchange_index if fills else booked.exchange_index if booked else 0
            self._accounts[(agent, ticker)] = (shard, matched, value is not None)
            said = (
                lots.Books(booked.position_ch, booked.cash_micros, booked.fees_micros, booked.fills) if booked else None
            )
            found += lots.compare(agent, ticker, matched, said)
        return found, {f"{agent} {ticker}" for agent, ticker in keys}

    def totals(self) -> list[Finding]:
        """The running totals beside the sums of all lines; only once every line was looked at."""
        sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        for (agent, _), (shard, account, _) in self._accounts.items():
            sums[(agent, shard)][0] += account.cash_micros
            sums[(agent, shard)][1] += account.fees_micros
        kept = audit.running_cash(self._db)
        found: list[Finding] = []
        for key in sorted(sums.keys() | kept.keys()):
            cash, fees = sums.get(key, [0, 0])
            found += lots.compare_cash(*key, (cash, fees), kept.get(key, (0, 0)))
        return found

    def net_positions(self) -> dict[str, int]:
        """The account's net position in each market that has not paid, from lots."""
        net: dict[str, int] = defaultdict(int)
        for (_, ticker), (_, account, paid) in self._accounts.items():
            if not paid:
                net[ticker] += account.position_ch
        return {ticker: count for ticker, count in net.items() if count}

    def shard(self, exchange_index: int) -> tuple[int, int]:
        """(cash less fees of all owners, contracts net short) of one shard, from lots."""
        cash, net = 0, defaultdict[str, int](int)
        for (_, ticker), (shard, account, paid) in self._accounts.items():
            if shard == exchange_index:
                cash += account.cash_micros - account.fees_micros
                net[ticker] += 0 if paid else account.position_ch
        return cash, sum(-count for count in net.values() if count < 0)


def _books(booked: audit.Booked | None) -> lots.Books | None:
    if booked is None:
        return None
    return lots.Books(booked.position_ch, booked.cash_micros, booked.fees_micros, booked.fills)
