"""The pages and figures, asked through Flask's test client: what they say, whom they answer, and what they refuse."""

import base64
import json
import re

import jsonschema
import pytest

from account import OTHER, TICKER, our_id
from outcry.desk import status as status_verb
from outcry.store import accounts, agents, findings, system
from outcry.web import messages
from outcry.web.guard import LOOPBACK_NAMES, Guard
from shown_floor import ASKING, HOME, ShownFloor

PAGE_OF_DOCUMENTATION = (HOME / "docs" / "dashboard.md").read_text()
SCHEMA = json.loads(re.search(r"```json\n(.*?)```", PAGE_OF_DOCUMENTATION, re.DOTALL)[1])
ANSWERS = {"status": "web_status"}
TOKEN = "a-token-of-sufficient-length"
PAGES = [
    "/",
    "/status",
    "/health",
    "/positions",
    "/trades",
    "/agents",
    "/metrics",
    f"/market/{TICKER}",
    "/agent/momentum",
]


@pytest.fixture
def shown(tmp_path):
    shown = ShownFloor(tmp_path)
    yield shown
    shown.db.close()


def asked(shown, path, **headers):
    return shown.client().get(path, headers=ASKING | headers)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_is_sealed(shown, path):
    answer = asked(shown, path)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert "style=" not in answer.text and "onclick" not in answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_done_to_it(shown, path, method):
    before = "\n".join(shown.db.iterdump())
    assert getattr(shown.client(), method)(path, headers=ASKING).status_code == 405
    assert "\n".join(shown.db.iterdump()) == before


def test_the_page_says_what_the_books_say(shown):
    page = asked(shown, "/").text
    assert "EMBEDDED" in page and "no real money" in page
    for words in ("Collection status", "Trader state", "Trades", "Equity", "Findings", "Evolution decisions"):
        assert f">{words}</h2>" in page
    assert "the index rose &amp; rose" in page and f"/market/{TICKER}" in page
    assert "BTC &lt;b&gt;up&lt;/b&gt;?" in page and "<b>up" not in page


def test_production_cannot_be_mistaken(shown):
    from outcry.ops import settings as settings_file
    from outcry.ops.floor import Floor

    shown.floor = Floor(settings_file.parse({"environment": "production", "live": True}), shown.floor.folder)
    page = asked(shown, "/").text
    assert 'class="real"' in page and "REAL MONEY" in page and "no real money" not in page


def test_status_is_what_the_ledger_says(shown):
    told = asked(shown, "/status").get_json()
    trader = told["trader_state"]
    assert trader["portfolio_value_micros"] == accounts.floor_equity_micros(shown.db)
    assert trader["cash_balance_micros"] == 1_000_000_000 - 5 * 400_000 - 10_000
    (held,) = trader["positions"]
    assert (held["ticker"], held["side"], held["count_ch"], held["paid_cc"], held["mark_cc"]) == (
        TICKER, "yes", 500, 4_000, 4_500,
    )  # fmt: skip
    assert held["unrealized_micros"] == 5 * 50_000
    assert our_id("momentum", 2) in [order["client_order_id"] for order in trader["open_orders"]]
    (fill,) = told["trades"]["recent_fills"]
    assert (fill["ticker"], fill["action"], fill["quantity_ch"], fill["fill_price_cc"]) == (
        TICKER,
        "buy yes",
        500,
        4_000,
    )
    assert fill["model_decision"] == "the index rose & rose"
    stats = told["trades"]["execution_stats"]
    assert (stats["total_fills"], stats["maker_fills"], stats["taker_fills"]) == (1, 0, 1)
    collection = told["collection_status"]
    assert collection["kalshi_connection"] == "connected"
    assert collection["markets_tracked"] == sorted([TICKER, OTHER])
    assert (collection["snapshots_collected"], collection["deltas_collected"]) == (2, 7)
    assert collection["memory_bytes"] > 1_000_000 and collection["uptime_ms"] >= 60_000


@pytest.mark.parametrize("name", ["status", "positions", "trades", "agents", "health"])
def test_each_answer_is_what_the_page_of_documentation_says(shown, name):
    system.set_control(shown.db, "floor", "", "stop_entries", True, cause="drift", reason="off", now_ms=shown.at_ms)
    findings.keep(shown.db, "test", "it", "warning", "odd", {"age_ms": 5}, "look", shown.at_ms)
    check = jsonschema.Draft202012Validator(SCHEMA | {"$ref": f"#/$defs/{ANSWERS.get(name, f'{name}_answer')}"})
    told = asked(shown, f"/{name}").get_json()
    check.validate(told)
    with pytest.raises(jsonschema.ValidationError):
        check.validate(told | {"unexpected": 1})


def test_each_message_is_what_the_page_of_documentation_says(shown):
    check = jsonschema.Draft202012Validator(SCHEMA | {"$ref": "#/$defs/message"})
    seen = shown.live().now()
    for kind in messages.KINDS:
        told = json.loads(json.dumps(messages.envelope(kind, 1, seen.at_ms, messages.message(kind, seen))))
        check.validate(told)
        with pytest.raises(jsonschema.ValidationError):
            check.validate(told | {"data": {**told["data"], "unexpected": 1}})


def test_it_says_the_same_as_bin_status(shown, capsys):
    status_verb.run(shown.floor)
    block = capsys.readouterr().out
    told = asked(shown, "/status").get_json()["trader_state"]
    assert f"equity ${told['portfolio_value_micros'] / 1e6:g}" in block
    for position in told["positions"]:
        assert f"{position['agent']:<20} {position['ticker']}" in block
    for order in told["open_orders"]:
        assert f"{order['agent']:<20} {order['ticker']} {order['purpose']} {order['side']}" in block


def test_what_holds_it_back_is_said_on_every_page_and_no_more_than_a_few_agents(shown):
    shown.floor.halt_file.write_text("2026-11-20 by me: <odd> fills")
    for agent in agents.everyone(shown.db):
        agents.set_paused(shown.db, agent.name, True, reason="a look", now_ms=shown.at_ms)
    for path in ("/", "/agent/momentum"):
        page = asked(shown, path).text
        assert "<strong>halted</strong> the floor: 2026-11-20 by me: &lt;odd&gt; fills. Nobody enters" in page
        assert page.count('class="notice"') == 4 and "more: <code>bin/why</code>" in page


def test_health_is_503_with_the_reason(shown):
    assert asked(shown, "/health").get_json() == {"v": 1, "healthy": True, "reasons": []}
    shown.beat("clerk", at_ms=shown.at_ms - 100_000)
    shown.publish(shown.at_ms - 31_000)
    answer = asked(shown, "/health")
    assert answer.status_code == 503
    assert [reason.split(":")[0] for reason in answer.get_json()["reasons"]] == ["clerk is not running", "feed"]
    assert "nothing published for 3" in answer.get_json()["reasons"][1]


def test_a_floor_that_is_gone_is_503_not_old_figures(shown):
    client = shown.client()
    assert client.get("/", headers=ASKING).status_code == 200
    shown.floor.database.rename(shown.floor.database.with_name("gone"))
    import time

    time.sleep(1.1)
    assert client.get("/health", headers=ASKING).status_code == 503
    page = client.get("/", headers=ASKING | {"Accept": "text/html"})
    assert page.status_code == 503 and "No figures just now" in page.text
    assert client.get("/status", headers=ASKING).get_json()["error"].startswith("the database cannot be read")


def test_metrics_are_prometheus_text(shown):
    lines = asked(shown, "/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert told['outcry_up{program="collector"}'] == "1.0"
    assert float(told['outcry_uptime_seconds{program="trader@momentum"}']) >= 60
    assert float(told["outcry_trades_per_minute"]) == 1
    assert float(told["outcry_error_rate"]) == 0.25
    assert float(told['outcry_api_latency_seconds{program="clerk"}']) == 0.0125
    assert float(told["outcry_equity_dollars"]) == accounts.floor_equity_micros(shown.db) / 1e6
    assert {line.split("{")[0].split(" ")[0] for line in lines} >= {"outcry_query_seconds", "outcry_feed_age_seconds"}


def test_grafana_draws_only_what_there_is(shown):
    from pathlib import Path

    drawn = json.loads((Path(__file__).resolve().parents[2] / "docs" / "grafana" / "outcry.json").read_text())
    known = {line.split("{")[0].split(" ")[0] for line in asked(shown, "/metrics").text.splitlines()}
    known |= {line.split()[2] for line in asked(shown, "/metrics").text.splitlines() if line.startswith("# TYPE")}
    asks = [target["expr"] for panel in drawn["panels"] for target in panel["targets"]]
    assert len(asks) > 8
    for ask in asks:
        assert ask.split("{")[0].split("(")[-1].split(")")[0] in known, ask


def test_a_market_shows_the_book_with_our_order_in_it(shown):
    page = asked(shown, f"/market/{TICKER}").text
    assert page.count('<tr class="bid') == 3, "two levels of the book, and our price"
    ours = page[page.index('class="bid ours"') :].split("</tr>")[0]
    assert "40 ¢" in ours
    assert asked(shown, "/market/NONE").status_code == 404


def test_an_agent_shows_its_lineage_and_what_was_decided(shown):
    page = asked(shown, "/agent/momentum").text
    assert "founder" in page and "joined the floor" in page and "the index rose" in page
    assert asked(shown, "/agent/nobody").status_code == 404


def test_a_halt_cannot_be_missed(shown):
    system.set_control(shown.db, "floor", "", "halt", True, cause="person", reason="I say so", now_ms=shown.at_ms)
    page = asked(shown, "/").text
    assert "<strong>halted</strong>" in page and "I say so" in page
    assert asked(shown, "/health").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:8080"])
def test_a_foreign_name_is_refused(shown, host):
    assert shown.client().get("/status", headers={"Host": host}).status_code == 421


def test_a_foreign_page_is_refused(shown):
    assert asked(shown, "/status", Origin="http://localhost:8080").status_code == 200
    for origin in ("http://evil.example", "null", "http://localhost:9999"):
        assert asked(shown, "/status", Origin=origin).status_code == 403


def test_a_token_opens_and_nothing_else_does(shown):
    client = shown.client(Guard(LOOPBACK_NAMES, TOKEN))
    basic = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    for good in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Basic {basic}"):
        assert client.get("/", headers=ASKING | {"Authorization": good}).status_code == 200
    wrong = base64.b64encode(b"me:wrong").decode()
    for bad in ("", "Bearer", "Bearer x", f"Token {TOKEN}", f"Basic {wrong}", "Basic !!!", f"Bearer {TOKEN}x"):
        refused = client.get("/", headers=ASKING | ({"Authorization": bad} if bad else {}))
        assert refused.status_code == 401 and "WWW-Authenticate" in refused.headers
