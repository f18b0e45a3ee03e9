"""A floor whose books a test wrote by hand, as the dashboard sees it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from account import OTHER, SHARD, TICKER, describe, market, our_id, plan
from outcry.desk import dashboard, migrate
from outcry.domain.fill import Fill
from outcry.domain.order import Side, State
from outcry.domain.view import Bar, Quote
from outcry.ops import settings as settings_file
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import accounts, database, fills, quotes, system
from outcry.web.app import make
from outcry.web.guard import LOOPBACK_NAMES, Guard
from outcry.web.live import Live

HOME = Path(__file__).resolve().parents[2]
ASKING = {"Host": "localhost:8080"}


class ShownFloor:
    """Two markets with books, `momentum` with a position and a resting order, every program beating."""

    def __init__(self, folder: Path) -> None:
        self.floor = Floor(settings_file.parse({}), folder)
        self.at_ms = now_ms()
        migrate.prepare(self.floor, self.at_ms)
        self.db = database.connect(self.floor.database)
        describe(
            self.db,
            market(close_at_ms=self.at_ms + 600_000, title="BTC <b>up</b>?", underlying="BTC-USD"),
            market(OTHER, close_at_ms=self.at_ms + 600_000),
        )
        self.db.execute("UPDATE markets SET subscribed = 1")
        accounts.open_shard(self.db, SHARD, 1_000_000_000, self.at_ms)
        accounts.record_day(self.db, "2026-11-20", 1_000_000_000, {}, self.at_ms)
        self.publish()
        for program in ("exchange", "clerk", "collector", "auditor", "trader@momentum"):
            self.beat(program)
        plan(self.db, our_id("momentum", 1), "momentum", State.SENT, created_at_ms=self.at_ms, count_ch=10_000_000)
        plan(self.db, our_id("momentum", 2), "momentum", State.SENT, created_at_ms=self.at_ms)
        self.db.execute("UPDATE orders SET state = 'resting', order_id = 'y2' WHERE client_order_id LIKE '%2'")
        self.db.execute("UPDATE orders SET order_id = 'y1' WHERE client_order_id LIKE '%1'")
        self.db.execute("DROP TRIGGER decisions_no_update")  # `plan` gives no reason
        self.db.execute("UPDATE decisions SET why = 'the index rose & rose'")
        self.fill("t1")

    def publish(self, at_ms: int | None = None) -> None:
        """Fresh books, and a second of the index."""
        at_ms = at_ms or now_ms()
        number = quotes.last(self.db).number + 1
        shown = [
            Quote(
                ticker, number, at_ms, ((4_500, 900), (4_400, 2_000)), ((4_700, 500),), trusted=True, heard_at_ms=at_ms
            )
            for ticker in (TICKER, OTHER)
        ]
        bars = [Bar("BTC-USD", at_ms // 1000 * 1000, 1, 1, 1, 1, source="exchange")]
        quotes.publish(self.db, number, at_ms, [quotes.row(quote) for quote in shown], bars)

    def beat(self, program: str, at_ms: int | None = None, **facts: object) -> None:
        told: Mapping[str, object] = {
            "stream": "connected",
            "calls": [[1, 8, 2]],
            "answer_ms": 12.5,
            "snapshots": 2,
            "deltas": 7,
        } | facts
        system.beat(
            self.db, program, pid=os.getpid(), started_at_ms=self.at_ms - 60_000, state="READY",
            state_since_ms=self.at_ms, version="0", detail=told, now_ms=at_ms or now_ms(),
        )  # fmt: skip

    def fill(self, trade_id: str) -> None:
        """Five contracts of `momentum` at 40 cents."""
        at_ms = now_ms()
        filled = Fill(trade_id, "y1", TICKER, SHARD, Side.BID, 4_000, 500, 10_000, True, at_ms, our_id("momentum", 1))
        fills.book(self.db, filled, "rest", at_ms)

    def live(self) -> Live:
        return Live(dashboard.source_of(self.floor), now_ms)

    def client(self, guard: Guard | None = None):
        """Flask's own, speaking to the application without a server."""
        app = make(dashboard.source_of(self.floor), self.live(), guard or Guard(LOOPBACK_NAMES))
        app.testing = True
        return app.test_client()

    def query(self, sql: str) -> list[sqlite3.Row]:
        return self.db.execute(sql).fetchall()


class Serving:
    """bin/dashboard on the floor's own state, on a port of its own."""

    def __init__(self, shown: ShownFloor, *options: str) -> None:
        self.file = shown.floor.folder / "dashboard.url"
        settings = shown.floor.folder / "floor.toml"
        settings.write_text("")
        state = shown.floor.folder.parent
        link = state / "embedded"
        if not link.exists():
            link.symlink_to(shown.floor.folder)
        self.options = ["--settings", str(settings), "--state", str(state)]
        self.process = subprocess.Popen(
            [sys.executable, HOME / "bin" / "dashboard", *self.options, *options],
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        until = time.monotonic() + 60
        while not (self.file.exists() and self.file.read_text().endswith("\n")):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until, "waited 60 s for the dashboard to listen"
            time.sleep(0.05)
        return self.file.read_text().strip()

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=30)
        return said
