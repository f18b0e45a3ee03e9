"""Read what evolution did, for the report."""

import json
import sqlite3

import click

from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review.reports import evolution
from outcry.review.reports.evolution import Decided
from outcry.review.selection import MILLIONTHS
from outcry.store import agents, database, questions
from outcry.store.questions import AHEAD, CHALLENGE, FLAG, GAIN, LOSS, POOR, STAGE
from outcry.store.report import one_instant

NEWEST = 100
BUDGETS = (  # (in words, kind of question, answer): each its own budget
    ("does its stage gain?", STAGE, GAIN),
    ("does its stage lose?", STAGE, LOSS),
    ("is its stage below the wanted Sharpe ratio?", STAGE, POOR),
    ("does it gain since its flag?", FLAG, GAIN),
    ("does it lose since its flag?", FLAG, LOSS),
    ("is the clone ahead of its parent?", CHALLENGE, AHEAD),
)


def run(floor: Floor, agent: str | None, *, as_json: bool) -> None:
    """Print the newest decisions, of one agent or of all, and the budget. Raises Misconfigured for no such agent."""
    db = database.read_only(floor.database)
    try:
        made = build(db, floor.settings, agent)
    finally:
        db.close()
    click.echo(json.dumps(evolution.as_json(made), indent=2) if as_json else evolution.as_text(made))


def build(db: sqlite3.Connection, settings: Settings, agent: str | None) -> evolution.Report:
    """The report as of now."""
    budget = settings.evolution.false_discoveries_millionths / MILLIONTHS
    with one_instant(db):
        if agent is not None:
            agents.get(db, agent)
        kinds = [one.kind for one in questions.everything(db)]
        found = questions.discoveries(db)
        decided = [Decided(**row) for row in agents.events(db, agent, NEWEST)]
    asked = [
        (
            words,
            kinds.count(kind),
            sum((kind, answer) == (its_kind, said) for _, its_kind, said in found),
        )
        for words, kind, answer in BUDGETS
    ]
    return evolution.Report(budget, evolution.spending(asked, budget), tuple(decided))
