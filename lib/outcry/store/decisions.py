"""Decisions: every intent and every exit, with the verdict it got and the whole view it was made on.

A decision can be recomputed from its row alone: view, intent and parameters are stored exactly (JSON; runs of bars are
kept as bare rows, which is a fifth of the size), and the strategy's source lies under `code_sha256`.
"""

import sqlite3
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import msgspec

from outcry.domain.market import Market
from outcry.domain.order import Purpose, Side
from outcry.domain.view import Answer, Bar, Decision, Intent, OwnOrder, Quote, Sibling, Touch, Verdict, View

_BAR_FIELDS = ("at_ms", "open", "high", "low", "close", "volume_ch", "buy_ch", "sell_ch", "trades")


class _Run(msgspec.Struct, array_like=True):
    """Bars of one symbol and source that follow each other, as rows of _BAR_FIELDS."""

    symbol: str
    source: str
    rows: list[tuple[int, ...]]


class _Second(msgspec.Struct, array_like=True):
    """A Touch as a bare row."""

    at_ms: int
    bid_cc: int | None
    bid_ch: int
    ask_cc: int | None
    ask_ch: int
    ofi_ch: int


class _View(msgspec.Struct, forbid_unknown_fields=True):
    now_ms: int
    market: Market
    quote: Quote
    index: list[_Run]
    prints: list[_Run]
    position_ch: int
    draw: float
    time_factor: float
    touches: list[_Second] = []
    siblings: list[Sibling] = []
    resting: list[OwnOrder] = []


def insert(db: sqlite3.Connection, decision: Decision, parameters: Mapping[str, Any], code_sha256: str) -> None:
    """Keep a decision for ever; inside the transaction that reserved its order (see placing).

    parameters   the agent's own parameters, as used
    code_sha256  which source of the strategy decided
    """
    intent, verdict = decision.intent, decision.verdict
    row = {
        "decision_id": decision.decision_id,
        "agent": decision.agent,
        "ticker": decision.ticker,
        "purpose": decision.purpose,
        "at_ms": decision.at_ms,
        "side": intent.side,
        "limit_cc": intent.limit_cc,
        "probability": intent.probability,
        "why": intent.why,
        "answer": verdict.answer,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "count_ch": verdict.count_ch,
        "numbers": _json(dict(verdict.numbers)),
        "intent": _json(intent),
        "view": decision.view_json,
        "parameters": _json(dict(parameters)),
        "code_sha256": code_sha256,
        "publish": decision.publish,
    }
    marks = ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO decisions ({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608


def get(db: sqlite3.Connection, decision_id: str) -> Decision | None:
    """One decision, whole."""
    row = db.execute("SELECT * FROM decisions WHERE decision_id = ?", (decision_id,)).fetchone()
    if row is None:
        return None
    numbers = tuple(msgspec.json.decode(row["numbers"], type=dict[str, int | float | str]).items())
    return Decision(
        decision_id=row["decision_id"],
        agent=row["agent"],
        ticker=row["ticker"],
        purpose=Purpose(row["purpose"]),
        at_ms=row["at_ms"],
        intent=msgspec.json.decode(row["intent"], type=Intent),
        verdict=Verdict(Answer(row["answer"]), row["count_ch"], row["rule"], row["reason"], numbers),
        view_json=row["view"],
        publish=row["publish"],
    )


def entry_plan(db: sqlite3.Connection, agent: str, ticker: str, side: Side) -> Intent | None:
    """The newest intent that an order entered this market on: its exits still hold after a restart."""
    row = db.execute(
        "SELECT d.intent FROM orders o JOIN decisions d ON d.decision_id = o.decision_id"
        " WHERE o.agent = ? AND o.ticker = ? AND o.purpose = 'entry' AND o.side = ? AND o.filled_ch > 0"
        " ORDER BY o.created_at_ms DESC, o.client_order_id DESC LIMIT 1",
        (agent, ticker, side),
    ).fetchone()
    return msgspec.json.decode(row["intent"], type=Intent) if row else None


def encode_view(view: View) -> str:
    """The whole view as JSON; `decode_view` gives it back equal."""
    return _json(
        _View(
            view.now_ms,
            view.market,
            view.quote,
            _runs(view.index),
            _runs(view.prints),
            view.position_ch,
            view.draw,
            view.time_factor,
            [
                _Second(touch.at_ms, touch.bid_cc, touch.bid_ch, touch.ask_cc, touch.ask_ch, touch.ofi_ch)
                for touch in view.touches
            ],
            list(view.siblings),
            list(view.resting),
        )
    )


def decode_view(text: str) -> View:
    """The view that `encode_view` stored; one from before there were touches and siblings had none."""
    kept = msgspec.json.decode(text, type=_View)
    return View(
        kept.now_ms,
        kept.market,
        kept.quote,
        _bars(kept.index),
        _bars(kept.prints),
        kept.position_ch,
        kept.draw,
        kept.time_factor,
        tuple(
            Touch(second.at_ms, second.bid_cc, second.bid_ch, second.ask_cc, second.ask_ch, second.ofi_ch)
            for second in kept.touches
        ),
        tuple(kept.siblings),
        tuple(kept.resting),
    )


def _runs(bars: tuple[Bar, ...]) -> list[_Run]:
    return [
        _Run(symbol, source, [tuple(getattr(bar, name) for name in _BAR_FIELDS) for bar in run])
        for (symbol, source), run in groupby(bars, key=lambda bar: (bar.symbol, bar.source))
    ]


def _bars(runs: list[_Run]) -> tuple[Bar, ...]:
    return tuple(
        Bar(run.symbol, **dict(zip(_BAR_FIELDS, row, strict=True)), source=run.source)
        for run in runs
        for row in run.rows
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
