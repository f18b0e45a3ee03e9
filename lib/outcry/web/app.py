"""The pages and their JSON. Every address is read-only; what each answers stands in docs/dashboard.md."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from flask import Flask, Response, abort, render_template, request

from outcry.domain.errors import Misconfigured, OutcryError
from outcry.review.reports import nearness
from outcry.review.reports.sentences import sentence
from outcry.store import agents, dashboard, database, quotes
from outcry.store import markets as market_rows
from outcry.web import health, messages, metrics, picture, words
from outcry.web.guard import Guard
from outcry.web.live import Live
from outcry.web.source import Look, Source

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ROWS = 40  # of a market's or an agent's page

Page = str | Response | tuple[str | Response, int]


def make(source: Source, live: Live, guard: Guard) -> Flask:
    """The application. No sessions, no cookies, no forms."""
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        cents=words.cents, money=words.money, count=words.count, percent=words.percent, span=words.span,
        clock=words.clock, size=words.size, evidence=words.evidence, refusal=nearness.words, decided=sentence,
    )  # fmt: skip

    @app.before_request
    def guarded() -> Page | None:
        refused = guard.refusal({name.lower(): value for name, value in request.headers.items()})
        if refused is None:
            return None
        return Response(refused[1] + "\n", refused[0], _challenge(refused[0]), mimetype="text/plain")

    @app.after_request
    def sealed(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(OutcryError)
    @app.errorhandler(sqlite3.Error)
    def unreadable(error: Exception) -> Page:
        if request.accept_mimetypes.best == "text/html" or "text/html" in request.accept_mimetypes:
            return render_template("unreadable.html", environment=source.environment, why=str(error)), 503
        return _json({"v": messages.VERSION, "error": str(error)}), 503

    _pages(app, source, live)
    _figures(app, live)
    return app


def _pages(app: Flask, source: Source, live: Live) -> None:
    def shown(template: str, seen: Look, **more: object) -> str:
        return render_template(
            template, look=seen, report=seen.report, state=messages.floor_state(seen), wrong=health.faults(seen), **more
        )

    @app.get("/")
    def front() -> Page:
        seen = live.now()
        return shown(
            "front.html",
            seen,
            collection=messages.collection_status(seen),
            trader=messages.trader_state(seen),
            trades=messages.trades(seen),
            agents=messages.agents(seen),
            curve=picture.curve(seen.curve),
        )

    @app.get("/market/<ticker>")
    def market(ticker: str) -> Page:
        seen = live.now()
        with closing(database.ready(source.database)) as db:
            found = market_rows.load(db, ticker)
            if found is None:
                abort(404)
            quote = quotes.load(db, ticker)
            ours = dashboard.orders_in(db, ticker)
            return shown(
                "market.html",
                seen,
                market=found,
                quote=quote,
                book=_book(quote, ours),
                orders=ours,
                held=[line for line in seen.report.positions if line.ticker == ticker],
                fills=dashboard.recent_fills(db, ROWS, ticker=ticker),
                decisions=dashboard.recent_decisions(db, ROWS, ticker=ticker),
            )

    @app.get("/agent/<name>")
    def agent(name: str) -> Page:
        seen = live.now()
        listed = next((row for row in messages.agents(seen) if row["name"] == name), None)
        if listed is None:
            abort(404)
        with closing(database.ready(source.database)) as db:
            return shown(
                "agent.html",
                seen,
                agent=listed,
                children=[other.name for other in seen.agents if other.parent == name],
                held=[line for line in seen.report.positions if line.agent == name],
                orders=[order for order in seen.open_orders if order.agent == name],
                fills=dashboard.recent_fills(db, ROWS, agent=name),
                decisions=dashboard.recent_decisions(db, ROWS, agent=name),
                history=agents.events(db, name, ROWS),
            )

    @app.errorhandler(404)
    def missing(_error: object) -> Page:
        return render_template("missing.html", environment=source.environment), 404


def _figures(app: Flask, live: Live) -> None:
    answers: dict[str, Callable[[Look], Any]] = {
        "status": messages.status,
        "positions": lambda seen: messages.trader_state(seen)["positions"],
        "trades": messages.trades,
        "agents": messages.agents,
    }
    for name, answer in answers.items():
        app.add_url_rule(f"/{name}", name, lambda answer=answer: _enveloped(live.now(), answer))

    @app.get("/health")
    def healthy() -> Page:
        try:
            wrong = health.faults(live.now())
        except (Misconfigured, OutcryError, sqlite3.Error) as error:
            wrong = [str(error)]
        return _json({"v": messages.VERSION, "healthy": not wrong, "reasons": wrong}), 503 if wrong else 200

    @app.get("/metrics")
    def prometheus() -> Page:
        return Response(metrics.text(live.now()), mimetype="text/plain; version=0.0.4")


def _enveloped(seen: Look, answer: Callable[[Look], Any]) -> Response:
    data = answer(seen)
    return _json(data if "v" in data else {"v": messages.VERSION, "ts": seen.at_ms, "data": data})


def _json(body: object) -> Response:
    return Response(json.dumps(body, indent=1) + "\n", mimetype="application/json")


def _challenge(status: int) -> dict[str, str]:
    return {"WWW-Authenticate": 'Basic realm="outcry", charset="UTF-8"'} if status == 401 else {}


def _book(quote: Any, ours: list[Any]) -> list[dict[str, Any]]:
    """The book as rows from the highest price down, each with what of it is ours.

    Orders of ours that are not among the ten levels shown, or not seen there yet, have rows of their own.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for side, levels in (("ask", quote.asks if quote else ()), ("bid", quote.bids if quote else ())):
        for price_cc, count_ch in levels:
            rows[side, price_cc] = {"side": side, "price_cc": price_cc, "count_ch": count_ch, "ours_ch": 0}
    for order in ours:
        key = (str(order.side), order.price_cc)
        row = rows.setdefault(key, {"side": key[0], "price_cc": key[1], "count_ch": 0, "ours_ch": 0})
        row["ours_ch"] += order.remaining_ch
    most = max((row["count_ch"] for row in rows.values()), default=1) or 1
    for row in rows.values():
        row["part"] = round(row["count_ch"] / most * 100)
    return sorted(rows.values(), key=lambda row: (-row["price_cc"], row["side"]))
