"""All lives of a day, run again beside each other over one reading of its tape; and their orders beside the ledger."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from outcry.desk.reliving.life import Carried, Life, open_life
from outcry.desk.reliving.published import Published, publishes
from outcry.domain.errors import Misconfigured
from outcry.research import tape
from outcry.research.tape import Day, Session
from outcry.store import decisions, journal, session_records
from outcry.store.tape_rows import BEGAN, KNOWN


@dataclass(slots=True)
class Relived:
    """`differs`: what was otherwise, life by life, the earliest first; `could_not`: which life stopped short, and why.

    turns, commands  how many of each were the same
    """

    lives: int = 0
    turns: int = 0
    commands: int = 0
    differs: list[str] = field(default_factory=list)
    could_not: dict[str, str] = field(default_factory=dict)


def relive(db: sqlite3.Connection, journals: Path, tapes: Path, day: Day) -> Relived:
    """Run every life that began on a day again. Of a day whose tape does not tell with what it began (an older build
    wrote its beginning), earlier tape is read too.

    journals, tapes  the folders of a floor
    """
    with ExitStack() as stack:
        return run(db, _journals(journals, day.name), publishes(_sessions(tapes, day, stack)))


def run(db: sqlite3.Connection, journals: Iterable[Path], published: Iterable[Published]) -> Relived:
    """Run the lives of some journals again, beside each other."""
    found = Relived()
    lives: list[Life] = []
    for file in journals:
        try:
            lives.append(open_life(file))
        except ValueError as error:
            found.could_not[file.stem] = str(error)
    for one in published:
        for life in lives:
            life.take(one)
    for life in lives:
        life.finish()
        found.lives += 1
        found.turns += life.turns
        found.commands += life.commands
        if life.ended:
            found.could_not[f"{life.agent} of {life.began_ms}"] = life.ended
    apart = sorted((life.until_ms, life.differs + _detail(db, life)) for life in lives if life.differs)
    found.differs += [what for _, what in apart]
    for life in lives:
        found.differs += _beside_ledger(db, life)
    return found


def _journals(folder: Path, day: str) -> list[Path]:
    found = [file for agent in journal.agents(folder) for file in journal.files(folder, agent)]
    return sorted((file for file in found if f"-{day}-" in file.stem), key=journal.began_ms)


def _sessions(folder: Path, day: Day, stack: ExitStack) -> list[Session]:
    """The sessions of a day, and of those before it back to where its collector began."""
    sessions = list(day.sessions)
    before = sorted({file.stem for file in tape.find_all(folder) if file.stem < day.name}, reverse=True)
    for name in before:
        if not sessions or _begins(sessions[0]):
            break
        try:
            sessions[:0] = stack.enter_context(Day(tape.find(folder, (name,))[0])).sessions
        except Misconfigured:
            break
    return sessions


def _begins(session: Session) -> bool:
    return any(next(session.notes(kind), None) is not None for kind in (BEGAN, KNOWN))


# ---- beside the ledger ----------------------------------------------------------------------------------------------


def _beside_ledger(db: sqlite3.Connection, life: Life) -> Iterator[str]:
    """Every question that was answered has its decision, every order its question, and the other way round."""
    rows = session_records.decided(db, life.agent, life.began_ms, life.until_ms)
    kept = Counter(_line(row["purpose"], row["ticker"], row["intent"], row["view"]) for row in rows)
    surely, perhaps, named = Counter[str](), Counter[str](), set[str]()
    for carried in life.carried:
        asked = [_asked(carried, place) for place in range(len(carried.places))]
        decided = [update for update in carried.updates if update.verdict is not None]
        named |= {update.order.client_order_id for update in decided if update.order is not None}
        whole = len(decided) == len(asked) and (len(asked) == 1 or all(it.order for it in decided))
        (surely if whole else perhaps).update(asked)
    for line in (surely - kept) if not life.differs else ():
        yield f"{life.agent}: no decision is kept of {line[:120]}"
    for row in rows:
        line = _line(row["purpose"], row["ticker"], row["intent"], row["view"])
        if line not in surely and line not in perhaps and not life.differs:
            yield f"{life.agent}: decision {row['decision_id']} in {row['ticker']} was not made again"
        elif row["client_order_id"] is not None and row["client_order_id"] not in named and line in surely:
            yield f"{life.agent}: order {row['client_order_id']} in {row['ticker']} is in no answer of its journal"


def _asked(carried: Carried, number: int) -> str:
    place = carried.places[number]
    intent = msgspec.json.encode(place.intent).decode()
    return _line(place.purpose, place.market.ticker, intent, decisions.encode_view(place.view))


def _line(purpose: str, ticker: str, intent: str, view: str) -> str:
    return f"{purpose} in {ticker}: {intent} on {view}"


def _detail(db: sqlite3.Connection, life: Life) -> str:
    """Where the view of the decision that was kept then is another than that of now."""
    if life.parted is None:
        return ""
    now = msgspec.to_builtins(life.parted.view)
    for row in session_records.decided(db, life.agent, life.began_ms, life.until_ms + 60_000):
        view = decisions.decode_view(row["view"])
        if row["ticker"] == life.parted.market.ticker and view.now_ms == life.parted.view.now_ms:
            then = msgspec.to_builtins(view)
            return f": {_first_apart(now, then, 'view')}"
    return ""


def _first_apart(now: Any, then: Any, path: str) -> str:
    """The first part of two views that is not the same in both."""
    if isinstance(now, dict) and isinstance(then, dict):
        for name in now:
            if now[name] != then.get(name):
                return _first_apart(now[name], then.get(name), f"{path}.{name}")
    if isinstance(now, list | tuple) and isinstance(then, list | tuple) and len(now) == len(then):
        for number, (one, other) in enumerate(zip(now, then, strict=True)):
            if one != other:
                return _first_apart(one, other, f"{path}[{number}]")
    return f"{path} is {now!r} now, was {then!r}"
