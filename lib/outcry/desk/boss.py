"""The Floor Boss's hand: the running traders made equal to the wanted ones. What to do is decided in `ops/hand.py`.

Under systemd two halves do it: `hand` here, which knows the agents and is nobody in particular, and root's, which knows
units and nothing else. Without systemd, `Crew` does the same to child processes.
"""

import json
import sqlite3
import sys

import click

from outcry.desk.common import connect, jobs
from outcry.ops import hand as hands
from outcry.ops.children import Children
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import agents, database, orders, system
from outcry.store import report as rows

NAME = "boss"
WORDS = {
    "start": ("info", "started_trader", "wanted"),
    "stop": ("info", "stopped_trader", "not wanted any more"),
    "left": ("warning", "left_trader", "wanted, but down, and not by the boss: a person has to start it"),
}


def show(floor: Floor) -> None:
    """Print the wanted agents, one a line."""
    for name in wanted(floor):
        click.echo(name)


def hand(floor: Floor) -> None:
    """Once a minute: tell root's half on stdout who is wanted, and write down what it says, on stdin, it did.

    A line says all there is, or nobody is told anything: an answer cut short must not stop a trader.
    """

    def work() -> str:
        sys.stdout.write(" ".join(["wanted", *wanted(floor)]) + "\n")
        sys.stdout.flush()
        news = json.loads(sys.stdin.read() or "[]")
        if news:
            db = connect.books(floor)
            try:
                _record(db, news)
            finally:
                db.close()
        return ", ".join(f"{agent}: {act}" for agent, act, _ in news) or "nothing to do"

    jobs.run(floor, NAME, work, if_due=True)


class Crew:
    """Traders as child processes, under the same decisions."""

    def __init__(self, floor: Floor, children: Children) -> None:
        self._floor, self._children = floor, children
        self._known: dict[str, str] = {}

    def follow(self) -> list[str]:
        """Start and stop what is due; returns the names of the traders started now."""
        found = {
            name.partition("@")[2]: ("active" if child.exit_code is None else "failed", False)
            for name, child in self._children.all.items()
            if name.startswith("trader@")
        }
        acts = hands.decide(set(wanted(self._floor)), found, self._known)
        news = [(agent, act, "") for agent, act in acts.items() if act in WORDS and act != self._known.get(agent)]
        for agent, act, _ in news:
            if act == "start":
                self._children.start(f"trader@{agent}", "trader", agent)
            elif act == "stop":
                self._children.stop([f"trader@{agent}"])
                del self._children.all[f"trader@{agent}"]
        self._known |= acts
        if news:
            db = connect.books(self._floor)
            try:
                _record(db, news)
            finally:
                db.close()
        return [agent for agent, act, _ in news if act == "start"]


def wanted(floor: Floor) -> list[str]:
    """Every agent that may trade, and whoever was retired with something still open: it leaves before it goes."""
    db = database.ready(floor.database)
    try:
        open_still = {item.agent for item in rows.open_positions(db)} | {item.agent for item in orders.open_orders(db)}
        return [one.name for one in agents.everyone(db) if one.stage != "retired" or one.name in open_still]
    finally:
        db.close()


def _record(db: sqlite3.Connection, news: list[tuple[str, str, str]]) -> None:
    """Each as an event that bin/status shows."""
    for agent, act, said in news:
        level, what, why = WORDS[act]
        text = f"{agent}: {why}{f' ({said})' if said else ''}"
        system.event(db, level, NAME, what, text, now_ms=now_ms())
