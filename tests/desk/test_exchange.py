"""bin/exchange as a process: it keeps its books through a kill, stops cleanly, refuses what it must, plays back."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from local_exchange import Client
from outcry.venue import sign
from running import HOME, RunningFloor

pytestmark = pytest.mark.floor


@pytest.fixture
def floor(tmp_path):
    running = RunningFloor(tmp_path)
    yield running
    running.stop()


def where(floor: RunningFloor) -> dict[str, object]:
    return json.loads((floor.state / "exchange.json").read_text())


def client(floor: RunningFloor) -> Client:
    """A client with the floor's own key."""
    host, port = str(where(floor)["rest_url"]).split("/")[2].split(":")
    signer = sign.load_key(floor.state / "kalshi.pem", (floor.state / "kalshi.key-id").read_text())
    address = SimpleNamespace(host=host, port=int(port), signers={"floor": signer})
    return Client(address, "floor", None)  # type: ignore[arg-type]


def fresh_ticker(floor: RunningFloor, one: Client) -> str:
    """A market with most of its 20 seconds to go."""

    def fresh() -> list[str]:
        markets = one.get("/markets?status=open")["markets"]
        closes = {body["ticker"]: datetime.fromisoformat(body["close_time"]).timestamp() for body in markets}
        return [ticker for ticker, close_s in closes.items() if close_s - time.time() > 13]

    floor.wait_for(fresh, 25, "a fresh market")
    return fresh()[0]


def test_a_kill_loses_no_order_no_fill_and_no_cent(floor):
    floor.start("exchange")
    one = client(floor)
    ticker = fresh_ticker(floor, one)
    bought = one.place(ticker=ticker, price="0.9990", count="3.00", time_in_force="immediate_or_cancel")
    rests = one.place(ticker=ticker, price="0.0010", count="5.00", post_only=True)
    paths = [f"/portfolio/{what}" for what in ("balance?exchange_index=2", "fills", "orders", "positions")]
    before = [one.get(path) for path in paths]
    one.close()
    floor.kill("exchange")
    (floor.state / "exchange.json").unlink()
    floor.start("exchange")
    one = client(floor)
    after = [one.get(path) for path in paths]
    for told in (before[0], after[0]):
        del told["updated_ts"], told["portfolio_value"]  # the clock and the market go on
    assert after == before
    assert {order["order_id"] for order in after[2]["orders"]} == {bought["order_id"], rests["order_id"]}
    again = one.order(ticker=ticker, client_order_id=rests["client_order_id"])
    assert one.refused("POST", "/portfolio/events/orders", again) == (409, "order_already_exists")
    assert one.ask("DELETE", f"/portfolio/events/orders/{rests['order_id']}?exchange_index=2")[0] == 200
    one.close()


def test_what_closed_while_it_was_down_is_settled_when_it_is_back(floor):
    floor.start("exchange")
    one = client(floor)
    ticker = fresh_ticker(floor, one)
    placed = one.place(ticker=ticker, price="0.9990", count="3.00", time_in_force="immediate_or_cancel")
    assert placed["fill_count"] != "0.00"
    closed_s = time.time() + 21
    one.close()
    floor.kill("exchange")
    time.sleep(max(0.0, closed_s - time.time()))
    (floor.state / "exchange.json").unlink()
    floor.start("exchange")
    one = client(floor)
    floor.wait_for(lambda: one.get("/portfolio/settlements")["settlements"], 10, "the settlement")
    assert one.get("/portfolio/positions")["market_positions"] == []
    one.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_takes_its_address_away(floor, number):
    floor.start("exchange")
    child = floor.children.all["exchange"]
    assert where(floor)["pid"] == child.process.pid
    started = time.monotonic()
    os.kill(child.process.pid, number)
    assert child.process.wait(5) == 0
    assert time.monotonic() - started < 2
    assert not (floor.state / "exchange.json").exists()


def refusal(floor: RunningFloor, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, HOME / "bin" / "exchange", *arguments, *floor.options],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_one_floor_has_one_exchange_and_another_port_is_another_floor(floor, tmp_path):
    floor.start("exchange")
    code, said = refusal(floor)
    assert (code, "already runs" in said) == (75, True)


def test_it_refuses_to_start_without_a_key_an_address_or_a_recording(floor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refusal(floor, "--port", str(taken.getsockname()[1]))
    assert (code, "cannot listen" in said) == (78, True)
    assert refusal(floor, "--replay", "nothing.jsonl")[0] == 2
    assert refusal(floor, "--speed", "fast")[0] == 2
    (floor.state / "kalshi.pub").unlink()
    code, said = refusal(floor)
    assert (code, "bin/migrate" in said) == (78, True)
    floor.settings.write_text(floor.settings.read_text().replace("[local]", '[local]\nhost = "0.0.0.0"'))
    assert refusal(floor)[0] == 78


def test_faults_are_there_when_asked_for_and_a_schedule_is_followed(floor, tmp_path):
    storm = tmp_path / "storm.toml"
    storm.write_text('[[fault]]\nkind = "fail"\ntarget = "GET /exchange/schedule"\nstatus = 500\ncount = 1\n')
    floor.children.start("exchange", "exchange", "--faults", str(storm))
    floor.wait_for((floor.state / "exchange.json").exists, 15, "the exchange listens")
    one = client(floor)
    assert one.refused("GET", "/exchange/schedule") == (500, "internal_error")
    assert one.get("/exchange/schedule")["schedule"]
    root = str(where(floor)["rest_url"]).removesuffix("/trade-api/v2")
    told = requests.get(root + "/faults", timeout=5).json()["faults"]
    assert [(fault["kind"], fault["struck"]) for fault in told] == [("fail", 1)]
    one.close()
    storm.write_text('[[fault]]\nkind = "flood"\n')
    assert refusal(floor, "--faults", str(storm))[0] == 78


def test_it_shows_its_life_in_the_floors_database(floor):
    floor.start("exchange")
    floor.wait_for(lambda: floor.state_of("exchange") == "SERVING", 10, "a heartbeat")


@pytest.mark.recorded
def test_a_recording_played_as_fast_as_possible_ends_and_agrees_with_itself(floor, recordings):
    smallest = min((recordings / "kalshi_btc15m_ws").glob("*.jsonl.gz"), key=lambda file: file.stat().st_size)
    floor.children.start("exchange", "exchange", "--replay", str(smallest), "--speed", "max")
    floor.wait_for((floor.state / "exchange.json").exists, 15, "the exchange listens")
    floor.wait_for(lambda: where(floor)["ended"], 120, "the end of the recording")
    replay = where(floor)["replay"]
    assert isinstance(replay, dict)
    assert replay["agrees"], replay["lines"]
    floor.wait_for(lambda: floor.state_of("exchange") == "ENDED", 10, "a heartbeat")
    assert Path(floor.children.all["exchange"].log).read_text().count("equal the replayed book") == 2
