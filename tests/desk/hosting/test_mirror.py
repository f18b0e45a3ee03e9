"""Environment `paper` as processes: bin/exchange mirrors another bin/exchange that is killed, restarted, settles."""

import json
import shutil
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_exchange import Client
from outcry.venue import sign
from running import SETTINGS, RunningFloor

pytestmark = pytest.mark.floor

WINDOW_S = 20
STALE_MS = 2_000


class PaperFloor(RunningFloor):
    """A floor whose exchange mirrors the one at a port; with `key_of`, by stream, with that floor's key."""

    def __init__(self, folder: Path, port: int, key_of: RunningFloor | None = None, risk: str = "") -> None:
        folder.mkdir()
        super().__init__(
            folder,
            f"""
environment = "paper"
time_factor = 45.0
[exchange]
rest_url = "http://127.0.0.1:{port}/trade-api/v2"
stream_url = "ws://127.0.0.1:{port}/trade-api/ws/v2"
spot_url = "http://127.0.0.1:{port}/spot"
[mirror]
requests_per_s = 15.0
stale_ms = {STALE_MS}
gap_ms = 1000
[risk]
min_time_to_close_ms = 2000
{risk}
""",
        )
        self.state = folder / "paper"
        if key_of is not None:
            shutil.copy(key_of.state / "kalshi.pem", self.state / "upstream.pem")
            shutil.copy(key_of.state / "kalshi.key-id", self.state / "upstream.key-id")

    def client(self) -> Client:
        """A client with this floor's own key."""
        found = json.loads((self.state / "exchange.json").read_text())
        host, port = str(found["rest_url"]).split("/")[2].split(":")
        signer = sign.load_key(self.state / "kalshi.pem", (self.state / "kalshi.key-id").read_text())
        return Client(SimpleNamespace(host=host, port=int(port), signers={"floor": signer}), "floor", None)  # type: ignore[arg-type]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def upstream(tmp_path, port):
    (tmp_path / "up").mkdir()
    settings = SETTINGS.replace("window_s = 20", f"window_s = {WINDOW_S}\nport = {port}")
    assert f"port = {port}" in settings
    floor = RunningFloor(tmp_path / "up", settings)
    floor.start("exchange")
    yield floor
    floor.stop()


@pytest.fixture(params=["polled", "streamed"])
def paper(request, tmp_path, upstream, port):
    floor = PaperFloor(tmp_path / "paper", port, upstream if request.param == "streamed" else None)
    floor.start("exchange")
    yield floor
    floor.stop()


def markets(one: Client, **wanted: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    found: list[dict[str, Any]] = one.get(f"/markets?limit=1000&{query}")["markets"]
    return found


def tradable(one: Client, at_least_s: float = 8) -> list[str]:
    """Active markets with both sides and some time to go, the longest first."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + at_least_s))
    return [
        row["ticker"]
        for row in sorted(markets(one, status="open"), key=lambda row: row["close_time"], reverse=True)
        if row["close_time"] > now and row["yes_bid_dollars"] != "0.0000" and row["yes_ask_dollars"] != "1.0000"
    ]


def test_orders_fill_against_a_mirrored_market_that_outlives_its_upstream_and_is_paid_as_it_says(upstream, paper):
    one = paper.client()
    paper.wait_for(lambda: tradable(one, 11), WINDOW_S + 20, "a mirrored market with time to go")
    ticker = tradable(one, 11)[0]
    bought = one.place(ticker=ticker, price="0.9990", count="3.00", time_in_force="immediate_or_cancel")
    assert float(bought["fill_count"]) > 0
    resting = one.place(ticker=ticker, price="0.0010", count="2.00")
    upstream.kill("exchange")
    (upstream.state / "exchange.json").unlink()

    def status() -> str:
        return str(markets(one, tickers=ticker)[0]["status"])

    paper.wait_for(lambda: status() == "inactive", STALE_MS / 1000 + 6, "the mirrored market is deactivated")
    refused = one.order(ticker=ticker, price="0.9990", count="1.00", time_in_force="immediate_or_cancel")
    assert one.refused("POST", "/portfolio/events/orders", refused)[0] == 400
    assert one.get(f"/portfolio/orders/{resting['order_id']}")["order"]["status"] == "resting"
    upstream.start("exchange")
    paper.wait_for(lambda: tradable(one, 0), 20, "a mirrored market after the restart")
    paper.wait_for(
        lambda: markets(one, tickers=ticker)[0]["status"] == "finalized", WINDOW_S + 25, "the mirrored settlement"
    )
    theirs = upstream_row(upstream, ticker)
    ours = markets(one, tickers=ticker)[0]
    assert (ours["result"], ours["settlement_value_dollars"]) == (theirs["result"], theirs["settlement_value_dollars"])
    (paid,) = one.get("/portfolio/settlements")["settlements"]
    assert paid["ticker"] == ticker
    assert paid["yes_count_fp"] == bought["fill_count"]
    assert one.get(f"/portfolio/orders/{resting['order_id']}")["order"]["status"] == "canceled"
    one.close()


def test_what_settled_upstream_while_the_mirror_was_dead_is_paid_when_it_is_back(upstream, paper):
    one = paper.client()
    paper.wait_for(lambda: tradable(one, 4), WINDOW_S + 20, "a mirrored market")
    ticker = tradable(one, 4)[0]
    bought = one.place(ticker=ticker, price="0.9990", count="1.00", time_in_force="immediate_or_cancel")
    assert bought["fill_count"] == "1.00"
    one.close()
    paper.kill("exchange")
    (paper.state / "exchange.json").unlink()
    paper.wait_for(lambda: upstream_row(upstream, ticker)["status"] == "finalized", WINDOW_S + 15, "upstream pays")
    paper.start("exchange")
    one = paper.client()
    paper.wait_for(lambda: one.get("/portfolio/settlements")["settlements"], 15, "the late settlement")
    assert (
        one.get("/portfolio/settlements")["settlements"][0]["market_result"] == upstream_row(upstream, ticker)["result"]
    )
    one.close()


def upstream_row(upstream: RunningFloor, ticker: str) -> dict[str, Any]:
    found = json.loads((upstream.state / "exchange.json").read_text())
    host, port = str(found["rest_url"]).split("/")[2].split(":")
    one = Client(SimpleNamespace(host=host, port=int(port), signers={}), None, None)  # type: ignore[arg-type]
    try:
        return markets(one, tickers=ticker)[0]
    finally:
        one.close()


def test_it_listens_though_upstream_is_down_once_it_knew_the_series_and_waits_before(tmp_path, upstream, port):
    upstream.kill("exchange")
    paper = PaperFloor(tmp_path / "paper", port)
    paper.children.start("exchange", "exchange")
    try:
        time.sleep(2)
        assert not (paper.state / "exchange.json").exists()
        upstream.start("exchange")
        paper.wait_for((paper.state / "exchange.json").exists, 15, "the mirror listens")
        upstream.kill("exchange")
        paper.children.stop(["exchange"])
        paper.start("exchange")
        one = paper.client()
        assert one.get("/exchange/status")["exchange_active"]
        one.close()
    finally:
        paper.stop()


def test_a_whole_floor_trades_on_paper_and_reconciles(upstream, tmp_path, port):
    paper = PaperFloor(tmp_path / "paper", port)
    paper.everything()
    try:
        paper.wait_for(
            lambda: paper.query("SELECT count(*) AS n FROM settlements")[0]["n"], 3 * WINDOW_S + 30, "a settled trade"
        )
        paper.wait_for(lambda: paper.report()["reconciled"], 20, "the books agree")
    finally:
        paper.stop()
