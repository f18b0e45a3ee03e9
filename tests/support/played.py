"""Traders and a clerk as processes beside the local exchange. The test plays the collector and everybody else."""

import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import placing_floor
from beside import BIN, Desk
from local_exchange import TICKER, market, now_ms
from outcry.domain.order import Side, State, TimeInForce
from outcry.domain.view import Bar, Quote
from outcry.paper.events import BookSet, Print
from outcry.store import agents, markets, orders, quotes, system
from survived import assert_survived

COIN = {"chance_millionths": 1_000_000, "stake_millionths": 2_000, "hold_ms": 30_000}  # every look enters, for a second
PATIENT = {"chance_millionths": 1, "stake_millionths": 2_000}  # hardly ever enters: it keeps what it has
SETTINGS = """
time_factor = 30.0
[risk]
max_spread_and_fee_millionths = 300000
min_displayed_ch = 100
min_volume_ch = 0
"""
INDICES = ("BTC-USD", "ETH-USD")


class Played(Desk):
    """A desk whose collector is the test: it publishes whenever something is waited for.

    coins    agents that enter at every look
    patient  agents that enter nothing
    tickers  markets that are listed and published
    faulty   whether `break_` may be asked
    risk     more lines of its [risk] settings
    """

    def __init__(
        self,
        folder: Path,
        coins: Sequence[str] = ("heads", "tails"),
        tickers: Sequence[str] = (TICKER,),
        *,
        patient: Sequence[str] = (),
        faulty: bool = False,
        risk: str = "",
    ) -> None:
        super().__init__(folder, faulty=faulty)
        self.settings.write_text(SETTINGS + risk)
        sha256 = agents.keep_version(self.db, "coin_flip", "source", 1)
        for name in (*coins, *patient):
            coin = COIN if name in coins else PATIENT
            agents.add(self.db, agents.Agent(name, "coin_flip", coin, "birth", 100_000_000, sha256, 1))
        for ticker in tickers:
            if ticker != TICKER:
                self.exchange.list(market(ticker))
            markets.save(self.db, [market(ticker)], now_ms())
        markets.set_subscribed(self.db, list(tickers), now_ms())
        self.number, self.ready_after_s = 0, 0.0
        self.books = dict.fromkeys(tickers, (3_900, 4_100))
        for ticker in tickers:
            self.show(3_900, 4_100, ticker)
        self.traders: dict[str, subprocess.Popen[bytes]] = {}
        self.clerk()
        self.wait(lambda: self.state() == "READY", "the clerk")

    # ---- the world --------------------------------------------------------------------------------------------------

    def show(self, bid_cc: int, ask_cc: int, ticker: str = TICKER) -> None:
        """Everybody else quotes this."""
        self.books[ticker] = (bid_cc, ask_cc)
        self.exchange.feed(BookSet(ticker, {bid_cc: 50_000}, {ask_cc: 50_000}, now_ms()))

    def forget(self, ticker: str) -> None:
        """Nobody follows a market any more, and what was published of it is gone."""
        del self.books[ticker]
        self.db.execute("DELETE FROM quotes WHERE ticker = ?", (ticker,))
        markets.set_subscribed(self.db, list(self.books), now_ms())

    def trade_through(self, taker: Side, price_cc: int, count_ch: int = 1_000_000, ticker: str = TICKER) -> None:
        """Somebody crosses all that rests up to a price, ours included."""
        self.exchange.feed(Print(ticker, price_cc, count_ch, taker, now_ms()))

    def publish(self) -> None:
        self.number += 1
        at_ms = now_ms()
        rows = [quotes.row(self._quote(ticker, at_ms)) for ticker in self.books]
        second = at_ms // 1_000 * 1_000 - 1_000
        bars = [Bar(symbol, second, *[97_000_000_000] * 4, source="exchange") for symbol in INDICES]
        quotes.publish(self.db, self.number, at_ms, rows, bars)

    def _quote(self, ticker: str, at_ms: int) -> Quote:
        bid_cc, ask_cc = self.books[ticker]
        return Quote(
            ticker, self.number, at_ms, ((bid_cc, 50_000),), ((ask_cc, 50_000),), volume_ch=1_000_000,
            heard_at_ms=at_ms, changed_at_ms=at_ms, ticker_moved_at_ms=at_ms, trusted=True,
        )  # fmt: skip

    # ---- programs ---------------------------------------------------------------------------------------------------

    def wait(self, condition, what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.said()}"
            assert self.died() == [], self.said()
            if hasattr(self, "number"):
                self.publish()
            time.sleep(0.05)

    def died(self) -> list[int]:
        """Exit codes of programs that left with an error of their own."""
        return [process.returncode for process in self.processes if (process.poll() or 0) > 0]

    def said(self) -> str:
        return "\n".join(log.read_text()[-3_000:] for log in sorted(self.floor.folder.glob("*.log")))

    def trader(self, name: str) -> subprocess.Popen[bytes]:
        options = ["--state", self.floor.folder.parent, "--settings", self.settings]
        with (self.floor.folder / f"trader-{name}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, BIN / "trader", name, *options], stderr=log)
        self.processes.append(process)
        self.traders[name] = process
        started, since_ms = time.monotonic(), now_ms()
        self.wait(lambda: self.beat_since(name, since_ms) in ("READY", "ACTING"), f"{name} to be ready")
        self.ready_after_s = time.monotonic() - started
        return process

    def beat_since(self, name: str, at_ms: int) -> str:
        beats = {beat.program: beat for beat in system.heartbeats(self.db)}
        beat = beats.get(f"trader@{name}")
        return beat.state if beat and beat.started_at_ms >= at_ms else ""

    def stopped_by(self, process: subprocess.Popen[bytes], number: int) -> int:
        process.send_signal(number)
        return process.wait(20)

    def left_resting(self, agent: str, side: Side = Side.BID, ticker: str = TICKER) -> str:
        """An order that a trader placed in an earlier life, and that rests; our id of it."""
        price_cc = 3_900 if side is Side.BID else 4_100
        asked = placing_floor.request(
            agent, side, price_cc, ticker=ticker, time_in_force=TimeInForce.GTC, hold_ms=1_000
        )
        name = placing_floor.plan(self.db, asked, 200, now_ms()).client_order_id
        orders.mark_sent(self.db, name, now_ms())
        placed = self.client.place(
            client_order_id=name, ticker=ticker, side=side, price=f"0.{price_cc}", count="2.00"
        )["order_id"]  # fmt: skip
        orders.update(self.db, name, State.RESTING, source="answer", now_ms=now_ms(), order_id=placed)
        return name

    # ---- what is ----------------------------------------------------------------------------------------------------

    def count(self, what: str) -> int:
        return self.db.execute(f"SELECT count(*) FROM {what}").fetchone()[0]

    def theirs(self) -> dict[str, dict]:
        """Every order the exchange has, by our id; an id twice would be an order sent twice."""
        listed = self.client.get("/portfolio/orders?limit=1000")["orders"]
        found = {row["client_order_id"]: row for row in listed}
        assert len(found) == len(listed)
        return found

    def controls(self) -> dict[str, str]:
        """What stops entries of the whole floor now, by cause."""
        return {row.cause: row.reason for row in system.controls_now(self.db) if row.scope == "floor"}

    def survived(self, by_hand: Collection[str] = ()) -> None:
        """Stop the traders, and hold our books against the exchange's."""
        for process in self.traders.values():
            if process.poll() is None:
                self.stopped_by(process, signal.SIGTERM)
        try:
            assert_survived(self.floor.folder, by_hand=by_hand)
        except AssertionError as error:
            error.add_note(self.said())
            raise
