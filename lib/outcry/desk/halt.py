"""The kill switch: forbid everything but exits, cancel whatever rests, and look whether it is gone.

The file comes first: every program sees it, and it needs neither database nor exchange. Cancelling goes through this
program's own connection, so it works with every other program dead.
"""

import getpass
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from outcry.desk import connect
from outcry.desk.lookups import take_report
from outcry.domain.errors import OutcryError, Refused, Unavailable
from outcry.domain.units import format_decimal
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.store import database, orders, system
from outcry.venue.rest import Rest
from outcry.venue.wire import OrderReport

CAUSE = "person"
ROUNDS = 8  # of cancelling and listing, before giving up
BETWEEN_S = 1.0  # reads may lag so much, and a request under way may still arrive
CLEAN = 2  # listings in a row without a resting order
TIMEOUT_S = (3.05, 5.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """canceled: how many orders rested before; resting: what still does after all rounds."""

    canceled: int
    resting: tuple[OrderReport, ...]


def run(floor: Floor, reason: str) -> int:
    """Halt the floor; returns the exit code: 0 when nothing rests any more, 1 when something does.

    raises  Unavailable when the exchange does not answer: the floor is halted, what rests there rests on
    """
    write_file(floor, reason)
    _say(floor, f"halted: {floor.halt_file} exists, so nobody enters")
    if trouble := _tell_database(floor, reason):
        click.echo(f"halt: the database could not be told ({trouble}); the file suffices", err=True)
    key = connect.signer(floor)
    try:
        rest = connect.rest(floor, key, floor.addresses().rest_url, TIMEOUT_S)
        _say(floor, "canceling every order of the account, also those placed by hand")
        outcome = cancel_everything(rest, time.sleep)
    except Unavailable as error:
        mend = "nobody enters, but orders may still rest there: run halt again when it answers"
        raise Unavailable(str(error), mend) from error
    _note_ends(floor, rest)
    for order in outcome.resting:
        click.echo(
            f"halt: still resting: {order.order_id} {order.client_order_id} {order.ticker} {order.side}"
            f" {format_decimal(order.remaining_ch, 2)} at {format_decimal(order.price_cc, 4)}",
            err=True,
        )
    if outcome.resting:
        return 1
    _say(floor, f"canceled {outcome.canceled} orders; two listings show none resting. bin/resume lets the floor go on")
    return 0


def write_file(floor: Floor, reason: str) -> None:
    """Write the HALT file, durably; one that is there keeps its text."""
    floor.folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(floor.halt_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC by {_who()}: {reason or 'no reason given'}\n")
        file.flush()
        os.fsync(file.fileno())


def cancel_everything(rest: Rest, sleep: Callable[[float], object]) -> Outcome:
    """Cancel all at once, then one by one, until two listings in a row show nothing.

    raises  Unavailable when the exchange does not answer
    """
    seen = {order.order_id for order in rest.orders(status="resting", urgent=True)}
    resting: list[OrderReport] = []
    clean = 0
    try:
        rest.cancel_all()
    except OutcryError as error:
        click.echo(f"halt: cancel-all failed ({error}); canceling one by one", err=True)
    for turn in range(ROUNDS):
        if turn:
            sleep(BETWEEN_S)
        resting = rest.orders(status="resting", urgent=True)
        seen |= {order.order_id for order in resting}
        clean = 0 if resting else clean + 1
        if clean == CLEAN:
            break
        for order in resting:
            _cancel(rest, order)
    return Outcome(len(seen) - len(resting), tuple(resting))


def _cancel(rest: Rest, order: OrderReport) -> None:
    """One order. A failure is told and tried again in the next round: the listing decides, not the answer."""
    try:
        rest.cancel_order(order.order_id, order.ticker, order.exchange_index)
    except (Refused, Unavailable) as error:
        click.echo(f"halt: {order.order_id}: {error}", err=True)


def _tell_database(floor: Floor, reason: str) -> str:
    """Write the control row and an event; returns what went wrong, "" when nothing did."""
    if not floor.database.exists():
        return "there is none"
    try:
        db = database.connect(floor.database, timeout_ms=1_000)
        try:
            at_ms = now_ms()
            text = reason or "no reason given"
            system.set_control(db, "floor", "", "halt", True, cause=CAUSE, reason=text, now_ms=at_ms)
            system.event(db, "critical", "halt", "halted", f"by {_who()}: {text}", now_ms=at_ms)
        finally:
            db.close()
    except (Unavailable, sqlite3.Error) as error:
        return str(error)
    return ""


def _note_ends(floor: Floor, rest: Rest) -> None:
    """Write down how our own orders ended, for the case that no clerk is there to hear it."""
    if not floor.database.exists():
        return
    try:
        db = database.connect(floor.database, timeout_ms=1_000)
        try:
            for order in orders.open_orders(db):
                if order.order_id and order.state == "resting":
                    take_report(db, order, rest.order(order.order_id, urgent=True), "halt", now_ms())
        finally:
            db.close()
    except (OutcryError, sqlite3.Error) as error:
        click.echo(f"halt: the ends of our orders were not written down ({error}); the clerk will", err=True)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _say(floor: Floor, text: str) -> None:
    if not floor.quiet:
        click.echo(text)
