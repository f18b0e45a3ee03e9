"""A program by somebody else, pointed at the exchange, trades without noticing that it is another one."""

import contextlib
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization

from local_exchange import OTHER, TICKER, LocalExchange, market, now_ms
from outcry.domain.order import Side
from outcry.paper.events import BookSet, Determined, Print, Settled
from running import RunningFloor
from stranger import Book, Kalshi, KalshiError


@pytest.fixture
def exchange():
    running = LocalExchange("rsa", "ed25519")
    running.list(market(), market(OTHER), market("KXBTC15M-26NOV201230-30", opens_in_ms=60_000, closes_in_ms=900_000))
    running.feed(BookSet(TICKER, {3900: 10_000, 4000: 5_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    yield running
    running.stop()


@pytest.fixture(params=["rsa", "ed25519"])
def stranger(exchange, request):
    signer = exchange.signers[request.param]
    pem = signer._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    one = Kalshi(f"{exchange.host}:{exchange.port}", signer.key_id, pem)
    yield one
    one.close()


def heard(socket, wanted: int) -> list[dict]:
    return [json.loads(socket.recv(timeout=5)) for _ in range(wanted)]


def test_a_stranger_lists_markets_reads_books_trades_follows_fills_and_is_paid(exchange, stranger):
    assert stranger.call("GET", "/exchange/status")["trading_active"]
    listed = stranger.markets()
    assert len(listed) == 3
    assert {one["ticker"] for one in stranger.markets(status="open", series_ticker="KXBTC15M")} == {TICKER}
    assert stranger.book(TICKER) == (0.40, 0.42)
    before = float(stranger.call("GET", "/portfolio/balance", {"exchange_index": 2})["balance_dollars"])

    private = {"channels": ["fill", "user_orders", "market_positions"]}
    with stranger.listen({"channels": ["orderbook_delta"], "market_tickers": [TICKER]}, private) as socket:
        trade(exchange, stranger, socket, before)


def trade(exchange: LocalExchange, stranger: Kalshi, socket, before: float) -> None:
    book = Book()
    for message in heard(socket, 5):
        if message["type"].startswith("orderbook"):
            book.take(message)
    assert book.sides["no"] == {"0.5700": 100.0, "0.5800": 30.0}

    took = stranger.order(TICKER, "bid", 0.42, 10, "a-1", tif="immediate_or_cancel")
    assert (took["fill_count"], took["remaining_count"], took["average_fill_price"]) == ("10.00", "0.00", "0.4200")
    told = {message["type"]: message for message in heard(socket, 4)}
    book.take(told["orderbook_delta"])
    assert book.sides["no"]["0.5800"] == 20.0
    fill = told["fill"]["msg"]
    assert (fill["order_id"], fill["post_position_fp"]) == (took["order_id"], "10.00")
    assert (told["user_order"]["msg"]["status"], told["market_position"]["msg"]["position_fp"]) == ("executed", "10.00")

    rests = stranger.order(TICKER, "ask", 0.45, 4, "a-2")
    with pytest.raises(KalshiError) as twice:
        stranger.order(TICKER, "ask", 0.46, 4, "a-2")
    assert (twice.value.status, twice.value.code) == (409, "order_already_exists")
    exchange.feed(BookSet(TICKER, {4000: 5_000}, {4700: 3_000}, now_ms()), Print(TICKER, 4500, 100, Side.BID, now_ms()))
    gone = stranger.order(TICKER, "bid", 0.30, 1, "a-3")
    assert stranger.cancel(gone["order_id"], TICKER)["reduced_by"] == "1.00"

    fills = stranger.pages("/portfolio/fills", "fills")
    sold = [one for one in fills if one["order_id"] == rests["order_id"]]
    assert [(one["count_fp"], one["outcome_side"], one["is_taker"]) for one in sold] == [("1.00", "no", False)]
    (held,) = stranger.call("GET", "/portfolio/positions")["market_positions"]
    assert held["position_fp"] == "9.00"

    exchange.feed(Determined(TICKER, "yes", 10_000, now_ms(), 97_200_000_000), Settled(TICKER, now_ms()))
    assert stranger.call("GET", f"/markets/{TICKER}")["market"]["status"] == "finalized"
    (paid,) = stranger.pages("/portfolio/settlements", "settlements")
    assert (paid["revenue"], paid["yes_count_fp"], paid["no_count_fp"]) == (900, "10.00", "1.00")
    fees = sum(float(one["fee_cost"]) for one in fills)
    after = float(stranger.call("GET", "/portfolio/balance", {"exchange_index": 2})["balance_dollars"])
    assert after == pytest.approx(before - 4.20 + 0.45 + 9.00 - fees, abs=1e-6)
    statuses = {order["client_order_id"]: order["status"] for order in stranger.pages("/portfolio/orders", "orders")}
    assert statuses == {"a-1": "executed", "a-2": "canceled", "a-3": "canceled"}


def test_a_stranger_that_knows_only_the_old_orders_is_told_that_they_are_gone(stranger):
    with pytest.raises(KalshiError) as gone:
        stranger.call("POST", "/portfolio/orders", body={"ticker": TICKER, "action": "buy", "side": "yes", "count": 1})
    assert (gone.value.status, gone.value.code) == (410, "deprecated_v1_order_endpoint")


@pytest.mark.floor
def test_a_stranger_trades_on_the_program_itself_until_it_is_paid(tmp_path):
    floor = RunningFloor(tmp_path)
    try:
        floor.start("exchange")
        where = json.loads((floor.state / "exchange.json").read_text())
        key_id = (floor.state / "kalshi.key-id").read_text().strip()
        host = where["rest_url"].split("/")[2]
        with contextlib.closing(Kalshi(host, key_id, (floor.state / "kalshi.pem").read_bytes())) as one:
            end = time.monotonic() + 60
            bought = None
            while time.monotonic() < end and not one.pages("/portfolio/settlements", "settlements"):
                if bought is None:
                    (ticker, *_) = [row["ticker"] for row in one.markets(status="open")] or [None]
                    best_ask = one.book(ticker)[1] if ticker else 1.0
                    if best_ask < 1:
                        placed = one.order(ticker, "bid", best_ask, 1, f"b-{time.time_ns()}", tif="immediate_or_cancel")
                        bought = ticker if placed["fill_count"] == "1.00" else None
                time.sleep(0.2)
            (paid,) = one.pages("/portfolio/settlements", "settlements")
            assert (paid["ticker"], paid["yes_count_fp"]) == (bought, "1.00")
            assert paid["revenue"] == (100 if paid["market_result"] == "yes" else 0)
    finally:
        floor.stop()
