"""Whence a clone has its parameters, and in what it differs from its parent."""

import sqlite3

from outcry.desk.common import strategies
from outcry.review.variation import Knob
from outcry.store import agents, proposals
from outcry.store.agents import Agent
from outcry.store.proposals import Proposal
from outcry.strategies import catalogue


def proposed(db: sqlite3.Connection, parent: Agent) -> Proposal | None:
    """The newest proposal that fits: recommended, of the code that runs now, not taken, and run by nobody yet."""
    running = [
        strategies.parameters(one.strategy, one.parameters)
        for one in agents.everyone(db)
        if one.strategy == parent.strategy and one.stage != "retired"
    ]
    for one in proposals.waiting(db, parent.strategy, strategies.sha256_of(parent.strategy)):
        if strategies.parameters(parent.strategy, {**parent.parameters, **one.parameters}) not in running:
            return one
    return None


def knobs(agent: Agent) -> list[Knob]:
    """The settings that can be moved: those that are on."""
    running = strategies.parameters(agent.strategy, agent.parameters)
    return [
        Knob(one.name, running[one.name], one.low, one.high, one.step)
        for one in catalogue.settings(agent.strategy)
        if running[one.name] is not None
    ]


def told(child: Agent, parent: Agent) -> str:
    """Where a clone differs."""
    ours, theirs = (strategies.parameters(one.strategy, one.parameters) for one in (child, parent))
    return ", ".join(f"{key} {theirs[key]} -> {ours[key]}" for key in ours if ours[key] != theirs[key]) or "the same"
