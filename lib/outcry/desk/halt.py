"""The kill switch: forbid everything but exits, cancel whatever rests, and look whether it is gone.

The file comes first: every program sees it, it needs neither database nor exchange, and it is there after a reboot.
Cancelling goes through this program's own connection, so it works with every other program dead.
"""

import getpass
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from outcry import failpoints
from outcry.desk.care.flatten import Flatten
from outcry.desk.common import connect
from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.domain.errors import OutcryError, Unavailable
from outcry.domain.order import TERMINAL, Order, State
from outcry.domain.units import format_decimal
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import database, orders, spool, system
from outcry.store.spooled import Moved
from outcry.venue.batch_rows import Cancel
from outcry.venue.rest import Rest
from outcry.venue.wire import OrderReport

NAME = "halt"
CAUSE = "person"
ROUNDS = 10  # of cancelling and listing, before giving up
BETWEEN_S = 1.0  # reads may lag so much, and a request under way may still arrive
CLEAN = 2  # listings in a row without a resting order
AT_ONCE = 20  # cancels in a batch: small enough for the Basic tier's bucket to pay within half a second
TIMEOUT_S = (2.0, 3.0)
DATABASE_MS = 1_000
CLOCK_SLACK_S = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """by_id: how many had to be cancelled one by one; resting: what still rests after all rounds."""

    by_id: int
    resting: tuple[OrderReport, ...]


def run(floor: Floor, reason: str, *, flatten: bool = False) -> int:
    """Halt the floor; returns the exit code: 0 when nothing rests (and, flattened, nothing that could be left is held).

    raises  Unavailable when the exchange does not answer: the floor is halted, what rests there rests on
    """
    write_file(floor, reason)
    failpoints.reached("halt.filed")
    if floor.halt_file.exists():
        _say(floor, f"halted: {floor.halt_file} exists, so nobody enters")
    try:
        rest = connect.rest(floor, connect.signer(floor), floor.addresses().rest_url, TIMEOUT_S)
        _say(floor, "canceling every order of the account, also those placed by hand")
        outcome = cancel_everything(rest, time.sleep)
    except OutcryError as error:
        told: list[bool] = []
        _with_books(floor, lambda db, owed: told.append(_tell_database(floor, db, owed, reason)))
        latched = _latched(floor, told)
        if not isinstance(error, Unavailable):
            click.echo(f"halt: {latched}; orders may still rest at the exchange", err=True)
            raise
        mend = f"{latched}, but orders may still rest there: run halt again when it answers"
        raise Unavailable(str(error), mend) from error
    for order in outcome.resting:
        click.echo(
            f"halt: still resting: {order.order_id} {order.client_order_id} {order.ticker} {order.side}"
            f" {format_decimal(order.remaining_ch, 2)} at {format_decimal(order.price_cc, 4)}",
            err=True,
        )
    if not outcome.resting:
        more = f", {outcome.by_id} by their ids" if outcome.by_id else ""
        _say(floor, f"nothing rests{more}: two listings a second apart show no order")
    held: list[str] = []
    told = []

    def afterwards(db: sqlite3.Connection, owed: Owed) -> None:
        told.append(_tell_database(floor, db, owed, reason))
        failpoints.reached("halt.told")
        _note_ends(db, owed, rest)
        if flatten:
            held.extend(Flatten(floor, db, rest, owed, reason).run())

    _with_books(floor, afterwards)
    for line in held:
        click.echo(f"halt: still held: {line}", err=True)
    if flatten and not held:
        _say(floor, "nothing is held")
    if not floor.halt_file.exists() and not any(told):
        click.echo(f"halt: {_latched(floor, told)}", err=True)
        return 1
    _say(floor, "bin/resume --i-have-checked lets the floor go on")
    return 1 if outcome.resting or held else 0


def _latched(floor: Floor, told: Iterable[bool]) -> str:
    """Whether traders will see the halt, in words."""
    if floor.halt_file.exists() or any(told):
        return "nobody enters"
    return "NOT HALTED: neither the file nor the database could be written; stop the traders"


def write_file(floor: Floor, reason: str) -> None:
    """Write the HALT file, durably. One that is there keeps its text; one that a full disk leaves empty halts too."""
    try:
        floor.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(floor.halt_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC by {_who()}: {reason or 'no reason given'}\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(floor.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return
    except OSError as error:
        there = "is there, without its reason" if floor.halt_file.exists() else "COULD NOT BE MADE: stop the traders"
        click.echo(f"halt: {floor.halt_file} {there} ({error})", err=True)


def cancel_everything(rest: Rest, sleep: Callable[[float], object]) -> Outcome:
    """Cancel all at once, then by id what the listings still show, until two of them in a row show nothing.

    raises  Unavailable, or what else the last listing failed with, when none could be read
    """
    try:
        rest.cancel_all()
    except OutcryError as error:
        click.echo(f"halt: cancel-all failed ({error}); canceling one by one", err=True)
    failpoints.reached("halt.canceled")
    resting: list[OrderReport] = []
    by_id: set[str] = set()
    clean, failure = 0, None
    for turn in range(ROUNDS):
        if turn:
            sleep(BETWEEN_S)
        try:
            resting, failure = rest.orders(status="resting", urgent=True), None
        except OutcryError as error:
            clean, failure = 0, error
            click.echo(f"halt: what rests could not be listed ({error})", err=True)
            continue
        clean = 0 if resting else clean + 1
        if clean == CLEAN:
            break
        for place in range(0, len(resting), AT_ONCE):
            by_id |= _cancel(rest, resting[place : place + AT_ONCE])
    if failure is not None:
        raise failure
    return Outcome(len(by_id - {order.order_id for order in resting}), tuple(resting))


def _cancel(rest: Rest, some: Sequence[OrderReport]) -> set[str]:
    """Some orders by id and shard; those asked for. A failure is told: the next listing decides, not the answer."""
    cancels = [Cancel(order.order_id, order.ticker, order.exchange_index) for order in some]
    try:
        outcomes: Sequence[int | OutcryError] = rest.cancel_orders(cancels)
    except OutcryError as error:
        click.echo(f"halt: a batch of cancels failed ({error}); canceling one by one", err=True)
        outcomes = [_cancel_one(rest, cancel) for cancel in cancels]
    for cancel, outcome in zip(cancels, outcomes, strict=True):
        if isinstance(outcome, OutcryError):
            click.echo(f"halt: {cancel.order_id}: {outcome}", err=True)
    return {cancel.order_id for cancel in cancels}


def _cancel_one(rest: Rest, cancel: Cancel) -> int | OutcryError:
    try:
        return rest.cancel_order(*cancel)
    except OutcryError as error:
        return error


def _with_books(floor: Floor, work: Callable[[sqlite3.Connection, Owed], None]) -> None:
    """Do something with the ledger; without a database that takes writes, all that would be written is spooled."""
    try:
        db = database.connect(floor.database, timeout_ms=DATABASE_MS) if floor.database.exists() else _nothing()
    except Unavailable as error:
        click.echo(f"halt: {error}", err=True)
        db = _nothing()
    refusals = Refusals(db, floor.database, NAME, "program", NAME, floor.settings.risk)
    owed = Owed(db, spool.file_of(floor.folder, NAME), NAME, refusals, now_ms)
    try:
        owed.open()
    except Unavailable as error:
        click.echo(f"halt: {error}", err=True)
    try:
        work(db, owed)
    finally:
        if len(owed):
            click.echo(f"halt: {len(owed)} records wait in {spool.file_of(floor.folder, NAME)} for the clerk", err=True)
        owed.close()
        db.close()


def _nothing() -> sqlite3.Connection:
    """A database in which nothing is found and which takes nothing."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


def _tell_database(floor: Floor, db: sqlite3.Connection, owed: Owed, reason: str) -> bool:
    """Write the control row and an event; whether the row is there."""
    text, told = reason or "no reason given", True
    try:
        system.set_control(db, "floor", "", "halt", True, cause=CAUSE, reason=text, now_ms=now_ms())
    except (Unavailable, sqlite3.Error) as error:
        told = False
        owed.heard(error)
        suffices = "; the file suffices" if floor.halt_file.exists() else ""
        click.echo(f"halt: the database could not be told ({error}){suffices}", err=True)
    owed.happened("critical", "halted", f"by {_who()}: {text}; {system.HALT_ENDS}")
    return told


def _note_ends(db: sqlite3.Connection, owed: Owed, rest: Rest) -> None:
    """Write down how our own orders ended, for the case that no clerk is there to hear it."""
    try:
        ours = {order.order_id: order for order in orders.open_orders(db) if order.state is State.RESTING}
        if ours:
            for report in rest.orders(min_ts=_since_s(ours.values()), urgent=True):
                if report.order_id in ours and report.status in TERMINAL:
                    name, why = ours[report.order_id].client_order_id, "halted" * (report.status is State.CANCELED)
                    owed.write(Moved(name, report.status, NAME, now_ms(), report.filled_ch, report.order_id, why))
    except (OutcryError, sqlite3.Error) as error:
        owed.heard(error)
        click.echo(f"halt: the ends of our orders were not written down ({error}); the clerk will", err=True)


def _since_s(some: Iterable[Order]) -> int:
    return min(order.created_at_ms for order in some) // 1000 - CLOCK_SLACK_S


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _say(floor: Floor, text: str) -> None:
    if not floor.quiet:
        click.echo(text)
