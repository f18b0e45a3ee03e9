"""The three messages of /ws, and the JSON of the other addresses. Pure; docs/dashboard.md is their schema.

Integers carry their unit in the name (`_micros` millionths of a dollar, `_cc` hundredths of a cent, `_ch` hundredths of
a contract, `_ms`); rates go from 0 to 1 and are null without anything to count.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from outcry.review.metrics import Summary
from outcry.review.reports import today
from outcry.store.dashboard import Asked
from outcry.web import health
from outcry.web.source import Look

VERSION = 1
KINDS = ("collection_status", "trader_state", "trades")


def envelope(kind: str, number: int, at_ms: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """What every message travels in. `seq` counts the messages of the running dashboard, over all kinds."""
    return {"type": kind, "v": VERSION, "seq": number, "ts": at_ms, "data": data}


def message(kind: str, look: Look) -> dict[str, Any]:
    """The data of one kind."""
    return {"collection_status": collection_status, "trader_state": trader_state, "trades": trades}[kind](look)


def collection_status(look: Look) -> dict[str, Any]:
    """What the collector does; zeros and nulls where it has never run."""
    beat = next((beat for beat in look.beats if beat.program == "collector"), None)
    told = beat.detail if beat else {}
    running = "collector" in look.living
    return {
        "kalshi_connection": str(told.get("stream", "never")) if running or not beat else "not running",
        "state": beat.state if beat else "",
        "why": told.get("why", ""),
        "session_id": f"{beat.started_at_ms:x}-{told.get('epoch', 0)}" if beat else "",
        "markets_tracked": [market.ticker for market in look.markets if market.status == "active"],
        "books_trusted": look.feeds.trusted,
        "snapshots_collected": told.get("snapshots", 0),
        "deltas_collected": told.get("deltas", 0),
        "gaps": told.get("gaps", 0),
        "reconnects": told.get("reconnects", 0),
        "publishes": look.feeds.publish,
        "published_at_ms": look.feeds.published_at_ms,
        "index_at_ms": look.feeds.index,
        "database_queue": told.get("tape_waiting", 0),
        "tape": told.get("tape", ""),
        "memory_bytes": look.memory_bytes.get("collector", 0),
        "uptime_ms": look.at_ms - beat.started_at_ms if beat and running else 0,
    }


def trader_state(look: Look) -> dict[str, Any]:
    """The floor and each agent: what they are worth, hold, have ordered, and did today."""
    told = look.report
    return {
        "environment": look.environment,
        "state": floor_state(look),
        "forbidden": [asdict(control) for control in look.controls],
        "portfolio_value_micros": told.floor.equity_micros,
        "cash_balance_micros": look.cash_micros,
        "reconciled": told.floor.reconciled.agreed,
        "positions": [asdict(line) for line in told.positions],
        "open_orders": [_order(order) for order in look.open_orders],
        "metrics": _metrics(_together(look.asked), told.total, told.floor.day_change_micros),
        "agents": [_agent(look, line) for line in told.agents],
    }


def trades(look: Look) -> dict[str, Any]:
    """The newest fills with the reason of their orders, and today's execution."""
    did = look.executed
    return {
        "recent_fills": [
            {
                "trade_id": fill.trade_id,
                "timestamp_ms": fill.at_ms,
                "agent": fill.agent,
                "ticker": fill.ticker,
                "action": action(fill.side, fill.purpose),
                "quantity_ch": fill.count_ch,
                "fill_price_cc": fill.price_cc,
                "fee_micros": fill.fee_micros,
                "is_taker": bool(fill.is_taker),
                "order_id": fill.order_id,
                "model_decision": fill.why,
            }
            for fill in look.fills
        ],
        "execution_stats": {
            "total_fills": did.fills,
            "maker_fills": did.maker_fills,
            "taker_fills": did.taker_fills,
            "avg_fill_time_ms": did.fill_time_ms,
            "total_volume_ch": did.count_ch,
            "fees_micros": did.fees_micros,
            "fills_last_minute": look.fills_last_minute,
        },
    }


def status(look: Look) -> dict[str, Any]:
    """Everything in one answer: health, programs, the three messages, findings."""
    return {
        "v": VERSION,
        "ts": look.at_ms,
        "build": look.build,
        "health": health.faults(look),
        "hindrances": [asdict(one) | {"said": one.said(look.at_ms)} for one in look.hindrances],
        "programs": [
            {
                "program": beat.program,
                "state": beat.state,
                "alive": beat.program in look.living,
                "since_ms": beat.state_since_ms,
                "started_at_ms": beat.started_at_ms,
                "beat_at_ms": beat.beat_at_ms,
                "memory_bytes": look.memory_bytes.get(beat.program, 0),
                "why": beat.detail.get("why") or "",
            }
            for beat in look.beats
        ],
        **{kind: message(kind, look) for kind in KINDS},
        "findings": [asdict(kept) for kept in look.findings],
        "equity_curve": [{"at_ms": at_ms, "equity_micros": micros} for at_ms, micros in look.curve],
    }


def agents(look: Look) -> list[dict[str, Any]]:
    """Every agent with its stage and whose child it is, and what the day's report says of it."""
    lines = {line.facts.name: line for line in look.report.agents}
    return [
        {
            "name": agent.name,
            "strategy": agent.strategy,
            "parameters": agent.parameters,
            "stage": agent.stage,
            "parent": agent.parent,
            "generation": agent.generation,
            "paused": agent.paused,
            "pause_reason": agent.pause_reason,
            "flagged": agent.flagged,
            "created_at_ms": agent.created_at_ms,
            **_agent(look, lines[agent.name]),
        }
        for agent in look.agents
    ]


def floor_state(look: Look) -> str:
    """'halted', 'entries stopped' or 'trading'; 'idle' when no trader runs."""
    if look.halted or any(control.kind == "halt" for control in look.controls):
        return "halted"
    if any(control.scope == "floor" for control in look.controls):
        return "entries stopped"
    return "trading" if any(name.startswith("trader@") for name in look.living) else "idle"


def action(side: str, purpose: str) -> str:
    """What a fill did, on the YES scale.

    >>> action("bid", "entry"), action("ask", "exit"), action("bid", "")
    ('buy yes', 'leave yes', 'buy yes')
    """
    bought = side == "bid"
    if purpose == "exit":
        return "leave no" if bought else "leave yes"
    return "buy yes" if bought else "buy no"


def _agent(look: Look, line: today.AgentLine) -> dict[str, Any]:
    facts, program = line.facts, f"trader@{line.facts.name}"
    beat = next((beat for beat in look.beats if beat.program == program), None)
    running = program in look.living
    return {
        "agent": facts.name,
        "strategy": facts.strategy,
        "stage": facts.stage,
        "state": "paused" if facts.paused else beat.state if beat and running else "not running",
        "portfolio_value_micros": facts.equity_micros,
        "allocation_micros": facts.allocation_micros,
        "cash_balance_micros": facts.allocation_micros + look.agent_cash.get(facts.name, 0),
        "open_positions": line.open_positions,
        "uptime_ms": look.at_ms - beat.started_at_ms if beat and running else 0,
        "metrics": _metrics(look.asked.get(facts.name, Asked(0, 0, 0)), line.summary, facts.day_change_micros),
    }


def _together(parts: Mapping[str, Asked]) -> Asked:
    every = parts.values()
    return Asked(
        sum(part.orders for part in every), sum(part.asked_ch for part in every), sum(part.filled_ch for part in every)
    )


def _metrics(asked: Asked, did: Summary, day_change_micros: int) -> dict[str, Any]:
    return {
        "orders_placed": asked.orders,
        "fill_rate": asked.filled_ch / asked.asked_ch if asked.asked_ch else None,
        "trades": did.trades,
        "win_rate": did.win_rate,
        "break_even": did.break_even,
        "daily_pnl_micros": day_change_micros,
        "fees_micros": did.fees_micros,
    }


def _order(order: Any) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "order_id": order.order_id,
        "agent": order.agent,
        "ticker": order.ticker,
        "side": str(order.side),
        "purpose": str(order.purpose),
        "price_cc": order.price_cc,
        "remaining_ch": order.remaining_ch,
        "state": str(order.state),
        "updated_at_ms": order.updated_at_ms,
    }
