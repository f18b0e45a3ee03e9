"""Read what the budget for false discoveries was spent on, for people."""

import sqlite3

import click

from outcry.ops.floor import Floor
from outcry.review.bets import level
from outcry.review.reports import budget
from outcry.review.standing import MILLIONTHS
from outcry.store import database, questions
from outcry.store.questions import AHEAD, CHALLENGE, FLAG, GAIN, LOSS, POOR, STAGE
from outcry.store.report import one_instant

BUDGETS = (  # (in words, kind of question, answer)
    ("does its stage gain?", STAGE, GAIN),
    ("does its stage lose?", STAGE, LOSS),
    ("is its stage below the wanted Sharpe ratio?", STAGE, POOR),
    ("does it gain since its flag?", FLAG, GAIN),
    ("does it lose since its flag?", FLAG, LOSS),
    ("is it below that ratio since its flag?", FLAG, POOR),
    ("is the clone ahead of its parent?", CHALLENGE, AHEAD),
)


def show(floor: Floor) -> None:
    """Print it."""
    share = floor.settings.evolution.false_discoveries_millionths / MILLIONTHS
    db = database.ready(floor.database)
    try:
        with one_instant(db):
            spent = read(db, share)
    finally:
        db.close()
    click.echo(budget.as_text(spent, share))


def read(db: sqlite3.Connection, share: float) -> tuple[budget.Spent, ...]:
    """As of now."""
    everything, found = questions.everything(db), questions.discoveries(db)
    asked = []
    for words, kind, answer in BUDGETS:
        levels = [
            level(one.place, questions.others(found, one, answer), share) for one in everything if one.kind == kind
        ]
        asked.append((words, levels, sum((one, said) == (kind, answer) for _, one, said in found)))
    return budget.spending(asked, share)
