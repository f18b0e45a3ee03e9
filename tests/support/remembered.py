"""A floor's three days in New York, made by hand: what the golden files show. The clocks go back on the first of them.

Saturday 2026-10-31 and Sunday 2026-11-01 (25 hours) are over; it is Monday, 2026-11-02, 08:05 in New York.
"""

import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from account import SHARD, describe, furnish, market, our_id
from outcry.desk.common.day import roll
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import accounts, agents, chain, fills, findings, peaks, settlements, system

NEW_YORK = ZoneInfo("America/New_York")
SETTINGS = Settings(time_zone="America/New_York")
FOREVER = "KXYEAR-26-T1"


def at(day: int, clock: str, month: int = 11) -> int:
    hour, minute = map(int, clock.split(":"))
    return int(datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK).timestamp() * 1000)


NOW = at(2, "08:05")


def floor(folder: Path, **settings: object) -> Floor:
    return Floor(Settings(**{"time_zone": "America/New_York", **settings}), folder)


class Past:
    """Writes what the clerk would have written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db, self.fills = db, 0

    def fill(self, agent: str, ticker: str, side: Side, price_cc: int, count_ch: int, at_ms: int, fee: int = 20_000,
             taker: bool = True) -> None:  # fmt: skip
        self.fills += 1
        name = our_id(agent, self.fills)
        made = Fill(
            f"t{self.fills}", f"x{self.fills}", ticker, SHARD, side, price_cc, count_ch, fee, taker, at_ms, name
        )
        fills.book(self.db, made, "stream", at_ms)

    def pay(self, ticker: str, yes: bool, at_ms: int) -> None:
        paid = Settlement(ticker, SHARD, "yes" if yes else "no", 10_000 if yes else 0, at_ms)
        settlements.record(self.db, paid, "rest", at_ms)


def remember(db: sqlite3.Connection) -> None:
    """All of it."""
    past = Past(db)
    furnish(db, "coin_flip", "mean_reversion", "momentum")
    saturday, sunday, monday = at(31, "00:01", 10), at(1, "00:02"), at(2, "00:01")
    describe(
        db,
        market("KXBTC15M-A-15", at(31, "10:15", 10)),
        market("KXBTC15M-B-15", at(1, "01:15")),
        market("KXBTC15M-C-15", at(1, "23:15")),
        market("KXBTC15M-D-15", at(2, "08:15")),
        market(FOREVER, at(30, "12:00")),
    )
    accounts.open_shard(db, SHARD, 250_000_000, saturday - 60_000)
    roll(db, SETTINGS, saturday)
    past.fill("momentum", "KXBTC15M-A-15", Side.BID, 4_000, 500, at(31, "10:02", 10))
    past.fill("coin_flip", "KXBTC15M-A-15", Side.ASK, 6_000, 300, at(31, "10:03", 10), taker=False)
    past.pay("KXBTC15M-A-15", True, at(31, "10:16", 10))
    roll(db, SETTINGS, sunday)
    past.fill("momentum", "KXBTC15M-B-15", Side.BID, 5_500, 400, at(1, "00:40"))
    past.fill("momentum", "KXBTC15M-B-15", Side.ASK, 6_500, 100, at(1, "00:50"), fee=8_000)
    past.pay("KXBTC15M-B-15", True, at(1, "01:16"))
    past.fill("coin_flip", "KXBTC15M-C-15", Side.BID, 3_000, 200, at(1, "23:01"))
    past.pay("KXBTC15M-C-15", False, at(1, "23:16"))
    accounts.record_cash(db, "deposit", SHARD, 50_000_000, at_ms=at(1, "12:00"), reference="bank")
    agents.set_stage(db, "momentum", "trial", at(1, "13:40"), rule="enough to be tried", act="promoted",
                     evidence={"evidence": {"settled": 12, "events": 11, "net_dollars": 3.25, "low_dollars": None,
                                            "high_dollars": 0.28}})  # fmt: skip
    agents.set_paused(db, "mean_reversion", True, reason="looking at it", now_ms=at(1, "15:00"))
    roll(db, SETTINGS, monday)
    past.fill("momentum", "KXBTC15M-D-15", Side.BID, 4_200, 500, at(2, "08:01"))
    past.fill("coin_flip", FOREVER, Side.ASK, 700, 1_000, at(2, "03:00"), fee=5_000, taker=False)
    for ticker, bid, ask in (("KXBTC15M-D-15", 4_700, 4_900), (FOREVER, 500, 600)):
        db.execute(
            "INSERT INTO quotes VALUES (?, 1, 1, ?, 100, ?, 100, '[]', '[]', NULL, 0, 0, 1, 1, 1, 0, 1, '', '')",
            (ticker, bid, ask),
        )
    peaks.highest_micros(db, "agent", "momentum", 5_000_000, since_ms=0, begin_micros=0, now_ms=monday)
    look = accounts.Reconciliation(NOW - 5_000, SHARD, 300_000_000, 0, 300_000_000, True, True)
    accounts.record_reconciliation(db, look)
    findings.keep(db, "stops", "d-1", "warning", "momentum left 14 s after its stop", {"late_ms": 4_000}, "none",
                  at(1, "14:00"))  # fmt: skip
    for program, state in (("clerk", "READY"), ("collector", "READY"), ("trader@momentum", "STOPPED")):
        system.beat(db, program, pid=1, started_at_ms=monday, state=state, state_since_ms=monday, version="1",
                    detail={}, now_ms=NOW - 2_000)  # fmt: skip
    while chain.append(db, NOW - 1_000)[0]:
        pass
