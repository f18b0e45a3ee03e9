"""The archive, and searches that look in both places and lose nothing that moves between them."""

from urllib.parse import parse_qs, urlsplit

import pytest

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue.rest_history import Cutoff

BASE = "https://exchange.test/trade-api/v2"
CUTOFF_S = 1_793_923_200  # 2026-11-06T00:00:00Z, of orders
TRADES_CUTOFF_S = 1_787_184_000  # 2026-08-20T00:00:00Z


def paths(exchange):
    return [urlsplit(call.request.url).path.removeprefix("/trade-api/v2") for call in exchange.calls]


def question(exchange, number):
    return parse_qs(urlsplit(exchange.calls[number].request.url).query)


@pytest.fixture
def archived(exchange, payload, change):
    """One live order and two archived ones, of which one was still live when that was read; fills likewise."""
    live, old = change("orders"), change("orders")
    live["orders"] = live["orders"][:1]
    first = live["orders"][0]
    old["orders"] = [first, {**first, "order_id": "old", "exchange_index": 0}]
    exchange.get(f"{BASE}/portfolio/orders", json={"orders": live["orders"], "cursor": ""})
    exchange.get(f"{BASE}/historical/orders", json={"orders": old["orders"], "cursor": ""})
    fills = change("fills")["fills"]
    exchange.get(f"{BASE}/portfolio/fills", json={"fills": fills[:1], "cursor": ""})
    exchange.get(f"{BASE}/historical/fills", json={"fills": fills, "cursor": ""})
    exchange.get(f"{BASE}/historical/cutoff", body=payload("cutoff"))
    return first


def test_the_cutoff_in_milliseconds(rest, exchange, payload, change):
    exchange.get(f"{BASE}/historical/cutoff", body=payload("cutoff"))
    trades_ms = TRADES_CUTOFF_S * 1000
    assert rest.cutoff() == Cutoff(trades_ms, trades_ms, CUTOFF_S * 1000, trades_ms)
    tree = change("cutoff")
    del tree["market_positions_last_updated_ts"]
    exchange.replace("GET", f"{BASE}/historical/cutoff", json=tree)
    assert rest.cutoff().positions_ms is None
    exchange.replace("GET", f"{BASE}/historical/cutoff", json=tree | {"orders_updated_ts": CUTOFF_S})
    with pytest.raises(SchemaDrift):
        rest.cutoff()


def test_a_search_for_orders_looks_in_both_and_names_each_once(rest, exchange, archived):
    found = rest.search_orders("M", min_ts=CUTOFF_S - 1, max_ts=CUTOFF_S + 5)
    assert [order.order_id for order in found] == [archived["order_id"], "old"]
    assert paths(exchange) == ["/portfolio/orders", "/historical/cutoff", "/historical/orders"]
    asked = {"ticker": ["M"], "min_ts": [str(CUTOFF_S - 1)], "max_ts": [str(CUTOFF_S + 5)], "limit": ["1000"]}
    assert question(exchange, 0) == question(exchange, 2) == asked


def test_a_search_without_a_beginning_looks_in_both(rest, exchange, archived):
    assert len(rest.search_orders()) == 2
    assert len(rest.search_fills()) == 2


def test_a_search_that_begins_at_the_cutoff_needs_no_archive(rest, exchange, archived):
    assert len(rest.search_orders(min_ts=CUTOFF_S)) == 1
    assert len(rest.search_fills(min_ts=TRADES_CUTOFF_S)) == 1
    assert not [path for path in paths(exchange) if path in ("/historical/orders", "/historical/fills")]


def test_a_search_on_one_shard_drops_archived_orders_of_another(rest, exchange, archived):
    found = rest.search_orders(exchange_index=2)
    assert [order.order_id for order in found] == [archived["order_id"]]
    assert question(exchange, 0)["exchange_index"] == ["2"]
    assert "exchange_index" not in question(exchange, 2)


def test_a_search_is_whole_or_raises(rest, exchange, archived):
    exchange.replace("GET", f"{BASE}/historical/orders", body="", status=503)
    with pytest.raises(Unavailable):
        rest.search_orders()


def test_a_search_for_fills_knows_a_fill_by_trade_and_order(rest, exchange, archived, change):
    (_first, second), live = change("fills")["fills"], change("fills")["fills"][0]
    twin = {**live, "order_id": "our other side of the same trade"}
    exchange.replace("GET", f"{BASE}/historical/fills", json={"fills": [live, twin, second], "cursor": ""})
    found = rest.search_fills(min_ts=1)
    assert [(fill.trade_id, fill.order_id) for fill in found] == [
        (row["trade_id"], row["order_id"]) for row in (live, twin, second)
    ]


def test_archived_markets_are_markets_with_their_terms(rest, exchange, payload, change):
    row = change("market_settled")["market"]
    combination = {**row, "ticker": "COMBO", "mve_collection_ticker": "C"}
    exchange.get(f"{BASE}/historical/markets", json={"markets": [row, combination], "cursor": None})
    exchange.get(f"{BASE}/historical/markets/{row['ticker']}", json={"market": row})
    event = change("events")["events"][0] | {"event_ticker": row["event_ticker"]}
    exchange.get(f"{BASE}/events", json={"events": [event], "cursor": ""})
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))
    (market,) = rest.archived_markets(series_ticker="KXBTC15M")
    assert (market.ticker, market.series_ticker, market.result) == (row["ticker"], "KXBTC15M", row["result"])
    assert rest.archived_market(row["ticker"]) == market
    assert question(exchange, 0) == {"series_ticker": ["KXBTC15M"], "mve_filter": ["exclude"], "limit": ["1000"]}


def test_archived_positions_and_prints(rest, exchange, payload):
    exchange.get(f"{BASE}/historical/positions", body=payload("positions"))
    exchange.get(f"{BASE}/historical/trades", body=payload("trades"))
    (position,) = rest.archived_positions(ticker="M")
    assert position.position_ch == -425
    exchange.get(f"{BASE}/markets/trades", body=payload("trades"))
    assert rest.archived_trades("M", 1, 2) == rest.trades("M", 1, 2)
