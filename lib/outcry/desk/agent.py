"""Manage agents: add, list, show, pause and resume them. Every change is kept with who made it and why."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import click
from tabulate import tabulate

from outcry.desk.common import connect, strategies
from outcry.desk.common.day import birth_allocation_micros, capital_micros
from outcry.domain.errors import Misconfigured
from outcry.domain.units import Money, format_decimal
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.reports.today_text import dollars
from outcry.store import accounts, agents, database, orders, system
from outcry.store import report as rows


def add(floor: Floor, name: str, strategy: str | None, settings: Sequence[str], allocation: str | None) -> None:
    """Bring a new agent onto the floor, at birth stage.

    strategy    its own name when not given
    settings    parameters as `name=value`, where they differ from the strategy's defaults
    allocation  dollars; the birth share of the capital when not given
    raises      Misconfigured for an unknown strategy or parameter, or a name that is taken or cannot be one
    """
    strategy = strategy or name
    parameters = settings_of(settings)
    strategies.check(strategy, parameters)
    db = connect.books(floor)
    try:
        at_ms = now_ms()
        if allocation is not None:
            allocation_micros = micros_of(allocation)
        else:
            allocation_micros = birth_allocation_micros(floor.settings, capital_micros(db, floor))
        sha256 = strategies.keep_source(db, strategy, at_ms)
        agents.add(db, agents.Agent(name, strategy, parameters, "birth", allocation_micros, sha256, at_ms))
    finally:
        db.close()
    share = f"${dollars(allocation_micros)}" if allocation_micros else "granted when the clerk first sees the balance"
    _say(floor, f"added {name}: {strategy}, allocation {share}; start it with: bin/trader {name}")


def ls(floor: Floor, *, as_json: bool) -> None:
    """All agents, retired ones too."""
    db = database.ready(floor.database)
    try:
        everyone = agents.everyone(db)
        equity = accounts.agent_equity_micros(db)
        beats = {beat.program: beat for beat in system.heartbeats(db)}
    finally:
        db.close()
    if as_json:
        click.echo(json.dumps([_as_json(agent, equity) for agent in everyone], indent=2))
        return
    table = []
    for agent in everyone:
        beat = beats.get(f"trader@{agent.name}")
        table.append(
            [
                agent.name,
                agent.strategy,
                _stage(agent),
                dollars(agent.allocation_micros),
                dollars(_worth_micros(agent, equity)),
                beat.state if beat else "never ran",
                " ".join(f"{key}={value}" for key, value in agent.parameters.items()),
            ]
        )
    heads = ["agent", "strategy", "stage", "allocation", "equity", "trader", "parameters"]
    click.echo(tabulate(table, heads, tablefmt="simple", disable_numparse=True))


def show(floor: Floor, name: str, *, as_json: bool) -> None:
    """One agent: its row, all its parameters, what it holds and orders, and what happened to it."""
    db = database.ready(floor.database)
    try:
        with rows.one_instant(db):
            agent = agents.get(db, name)
            equity = accounts.agent_equity_micros(db)
            held = [item for item in rows.open_positions(db) if item.agent == name]
            resting = orders.open_orders(db, name)
            past = agents.history(db, name)
    finally:
        db.close()
    running = strategies.parameters(agent.strategy, agent.parameters)
    if as_json:
        answer = {
            **_as_json(agent, equity),
            "running_parameters": running,
            "positions": [asdict(item) for item in held],
            "orders": [asdict(order) for order in resting],
            "history": past,
        }
        click.echo(json.dumps(answer, indent=2))
        return
    lines = [
        f"{agent.name}: {agent.strategy} {agent.code_sha256[:12]}, {_stage(agent)}, generation {agent.generation}"
        + (f", child of {agent.parent}" if agent.parent else ""),
        f"allocation  ${dollars(agent.allocation_micros)}",
        f"equity      ${dollars(_worth_micros(agent, equity))}",
        "parameters",
        *(f"  {key} = {value}{'' if key in agent.parameters else '  (default)'}" for key, value in running.items()),
        *(f"position    {item.ticker} {format_decimal(item.position_ch, 2)}" for item in held),
        *(
            f"order       {order.ticker} {order.side} {format_decimal(order.count_ch, 2)} at"
            f" {format_decimal(order.price_cc, 4)}, {order.state}"
            for order in resting
        ),
        "history",
        *(
            f"  {_clock(event['at_ms'])}  {event['act']} by {event['rule']}  {_plain(event['evidence'])}"
            for event in past
        ),
    ]
    click.echo("\n".join(lines))


def pause(floor: Floor, name: str, reason: str) -> None:
    """Stop an agent's entries; its exits and cancels go on."""
    changed = _set_paused(floor, name, True, reason)
    _say(floor, f"paused {name}: it enters nothing more, and still exits" if changed else f"{name} is paused already")


def resume(floor: Floor, name: str) -> None:
    """Let a paused agent enter again."""
    changed = _set_paused(floor, name, False, "")
    _say(floor, f"resumed {name}" if changed else f"{name} is not paused")


def _set_paused(floor: Floor, name: str, paused: bool, reason: str) -> bool:
    db = connect.books(floor)
    try:
        agent = agents.get(db, name)
        if not paused and not agent.paused:
            return False
        return agents.set_paused(db, name, paused, reason=reason, now_ms=now_ms())
    finally:
        db.close()


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """Parameters from `name=value`: whole numbers, or none. Raises Misconfigured."""
    return dict(_setting(text) for text in texts)


def _setting(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not given:
        raise Misconfigured(f"{text!r} is no parameter", "write it as name=value")
    try:
        return name.strip(), None if value.strip() == "none" else int(value.replace("_", ""))
    except ValueError:
        raise Misconfigured(f"{name} = {value!r} is not a whole number") from None


def micros_of(text: str) -> int:
    """An amount of dollars. Raises Misconfigured when it is none, or negative."""
    try:
        amount = int(Money.parse(text.removeprefix("$")))
    except ValueError:
        raise Misconfigured(f"{text!r} is no amount of dollars", "like 25 or 12.50") from None
    if amount < 0:
        raise Misconfigured("an allocation cannot be negative")
    return amount


def _worth_micros(agent: agents.Agent, equity: dict[str, int]) -> int:
    return agent.allocation_micros + equity.get(agent.name, 0) - agent.began_micros


def _as_json(agent: agents.Agent, equity: dict[str, int]) -> dict[str, Any]:
    row = {field.name: getattr(agent, field.name) for field in fields(agent)}
    return {**row, "equity_micros": _worth_micros(agent, equity)}


def _stage(agent: agents.Agent) -> str:
    marks = [f"paused: {agent.pause_reason}" if agent.pause_reason else "paused"] if agent.paused else []
    return ", ".join([agent.stage, *marks, *(["flagged"] if agent.flagged else [])])


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _plain(evidence: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in evidence.items() if value != "")


def _say(floor: Floor, text: str) -> None:
    if not floor.quiet:
        click.echo(text)
