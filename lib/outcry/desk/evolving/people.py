"""What a person does to agents by hand. Kept with who and why; `evolve` leaves the agent alone for a while after it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from outcry.desk.common import connect, strategies
from outcry.desk.common.day import birth_allocation_micros, capital_micros
from outcry.desk.evolving.acts import Acts
from outcry.domain.errors import Misconfigured
from outcry.domain.units import Money
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.reports.today_text import dollars
from outcry.store import accounts, agents, database, proposals, questions
from outcry.store.agents import Agent
from outcry.store.proposals import Proposal

PERSON = "person"


def set_parameters(floor: Floor, name: str, parameters: dict[str, Any], why: str) -> None:
    """Change parameters of an agent; its trader takes them up at once, and its evidence begins anew."""
    with _hand(floor) as (db, _):
        agent = _living(db, name)
        wanted = {**agent.parameters, **parameters}
        if not parameters or wanted == agent.parameters:
            raise Misconfigured(f"nothing changes about {name}", "name a parameter and another value: name=value")
        strategies.check(agent.strategy, wanted)
        agents.set_parameters(db, name, wanted, now_ms(), evidence={"why": why})
    _say(floor, f"set {name}: {' '.join(f'{key}={value}' for key, value in parameters.items())}")


def clone(floor: Floor, name: str, parameters: dict[str, Any], why: str, proposal: int | None = None) -> None:
    """Make a clone of an agent: with these parameters changed, or as proposed, or else varied as `evolve` does.

    raises  Misconfigured for a proposal of another strategy, or one that is taken, or beside parameters
    """
    with _hand(floor) as (db, acts):
        parent = _living(db, name)
        wanted = {**parent.parameters, **parameters} if parameters else None
        proposed = None if proposal is None else _proposed(db, parent, proposal, parameters)
        child = acts.make_child(parent, PERSON, {"why": why}, wanted, proposed)
    _say(floor, f"cloned {name} as {child.name}, allocation ${dollars(child.allocation_micros)}")
    if proposed is not None and not proposed.recommended:
        _say(floor, f"proposal {proposal} is not recommended: {proposed.evidence['verdict']['why']}")
    if proposed is not None and proposed.code_sha256 != child.code_sha256:
        _say(floor, f"proposal {proposal} was found with other code of {child.strategy} than runs now")


def _proposed(db: sqlite3.Connection, parent: Agent, number: int, parameters: dict[str, Any]) -> Proposal:
    found = proposals.get(db, number)
    if parameters:
        raise Misconfigured("a clone is either as proposed or as --set says", "leave one of them out")
    if found.strategy != parent.strategy:
        raise Misconfigured(f"proposal {number} is for {found.strategy}; {parent.name} runs {parent.strategy}")
    return found


def retire(floor: Floor, name: str, why: str) -> None:
    """Let an agent leave: no entries from now on; what it holds leaves by its exits or is paid."""
    with _hand(floor) as (db, acts):
        acts.let_go(_living(db, name), PERSON, {"why": why})
    _say(floor, f"retired {name}: it enters nothing more; its trader stops once nothing of it is open")


def resurrect(floor: Floor, name: str, why: str) -> None:
    """Bring a retired agent back at birth stage, with its history and the birth share of the capital."""
    with _hand(floor) as (db, acts):
        agent, at_ms = agents.get(db, name), now_ms()
        if agent.stage != "retired":
            raise Misconfigured(f"{name} is not retired", f"it is at stage {agent.stage}")
        result_micros = accounts.agent_equity_micros(db).get(name, 0)
        evidence = {"why": why, "result_micros": result_micros}
        agents.begin_anew(db, name, result_micros)
        agents.set_stage(db, name, "birth", at_ms, rule=PERSON, act="resurrected", evidence=evidence)
        if agent.parent:
            questions.begin(db, name, questions.CHALLENGE, "birth", at_ms)
        share_micros = birth_allocation_micros(floor.settings, capital_micros(db, floor))
        granted_micros = acts.room_micros(agent, share_micros)
        agents.set_allocation(db, name, granted_micros, at_ms, rule="birth", evidence={"share_micros": share_micros})
    _say(floor, f"resurrected {name} at birth stage, allocation ${dollars(granted_micros)}")


def allocate(floor: Floor, name: str, allocation_micros: int, why: str) -> None:
    """Give an agent another allocation.

    raises  Misconfigured when all allocations together would exceed the floor's capital
    """
    with _hand(floor) as (db, acts):
        agent = _living(db, name)
        room_micros = acts.room_micros(agent, allocation_micros)
        if room_micros < allocation_micros:
            raise Misconfigured(
                f"the floor's capital leaves ${Money(room_micros)} for {name}", "lower another agent's allocation first"
            )
        agents.set_allocation(db, name, allocation_micros, now_ms(), rule=PERSON, evidence={"why": why})
    _say(floor, f"allocated ${dollars(allocation_micros)} to {name}")


def tree(floor: Floor) -> None:
    """Draw who is whose clone."""
    db = database.ready(floor.database)
    try:
        everyone = agents.everyone(db)
    finally:
        db.close()
    for line in lineage(everyone):
        click.echo(line)


def lineage(everyone: Sequence[Agent]) -> list[str]:
    """A line for each agent, below its parent and further in."""
    children: dict[str | None, list[Agent]] = {}
    for agent in everyone:
        children.setdefault(agent.parent, []).append(agent)
    parents = {agent.name: agent for agent in everyone}

    def lines(agent: Agent, before: str, mark: str, after: str) -> Iterator[str]:
        marks = [agent.stage, *(["flagged"] if agent.flagged else []), *(["paused"] if agent.paused else [])]
        yield f"{before}{mark}{agent.name}  {', '.join(marks)}  ${dollars(agent.allocation_micros)}{_differs(agent)}"
        born = children.get(agent.name, [])
        for number, child in enumerate(born, 1):
            last = number == len(born)
            yield from lines(child, before + after, "└─ " if last else "├─ ", "   " if last else "│  ")

    def _differs(agent: Agent) -> str:
        theirs = parents[agent.parent].parameters if agent.parent else {}
        changed = {key: value for key, value in agent.parameters.items() if theirs.get(key, "") != value}
        return "".join(f"  {key}={value}" for key, value in changed.items())

    return [line for root in children.get(None, []) for line in lines(root, "", "", "")]


@contextmanager
def _hand(floor: Floor) -> Iterator[tuple[sqlite3.Connection, Acts]]:
    """One transaction: all of it or nothing."""
    db = connect.books(floor)
    try:
        acts = Acts(db, floor.settings, capital_micros(db, floor), now_ms())
        with database.write(db):
            yield db, acts
    finally:
        db.close()


def _living(db: sqlite3.Connection, name: str) -> Agent:
    agent = agents.get(db, name)
    if agent.stage == "retired":
        raise Misconfigured(f"{name} is retired", f"agent resurrect {name} brings it back")
    return agent


def _say(floor: Floor, text: str) -> None:
    if not floor.quiet:
        click.echo(text)
