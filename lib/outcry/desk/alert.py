"""Tell people what is wrong. One sender at a time; nobody else waits for a mail server."""

import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import click

from outcry.desk.care import alarms
from outcry.desk.care.shown import urgent
from outcry.desk.common import jobs
from outcry.domain.errors import Misconfigured, OutcryError, Unavailable
from outcry.ops import installed, log
from outcry.ops.alerts import channels as ways
from outcry.ops.alerts.book import Book, Letter, Level, Raised
from outcry.ops.alerts.folder import Acknowledged, Folder, Said
from outcry.ops.alerts.secret import Secrets
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance

SETTLE_S, LOOK_S = 6.0, 0.5  # systemd decides so soon whether it starts a unit again
ASK_S = 5.0
SHOWN = 20  # old alerts in a list

_log = log.get(__name__)


def send(floor: Floor, *, if_due: bool) -> int:
    """Look, take in what was said, and deliver what is due; returns 1 when a way out refuses, else 0."""
    refused: dict[str, str] = {}

    def work() -> str:
        sent, unsent, still = deliver(floor)
        refused.update(unsent)
        return f"{sent} sent, {still} open" + "".join(f"; {name}: {error}" for name, error in unsent.items())

    jobs.run(floor, "alert", work, if_due=if_due, books_needed=False)
    if not if_due:
        for name, error in refused.items():
            click.echo(f"alert: {name}: {error}", err=True)
    return 1 if refused else 0


def deliver(floor: Floor) -> tuple[int, dict[str, str], int]:
    """One round; how many letters went out, which ways refuse and why, how many alerts are open."""
    folder, at_ms = Folder(floor.folder), now_ms()
    book, out = folder.load(put_aside=True), _ways(floor)
    seen = alarms.look(floor, at_ms)
    said = list(folder.waiting())
    wrong = [*seen.wrong, *(message.raised for _, message in said if isinstance(message, Said))]
    for raised in wrong:
        book.hear(raised)
    book.over([raised.key for raised in wrong], seen.watched, seen.well, at_ms)
    for _, message in said:
        if isinstance(message, Acknowledged):
            numbers = message.numbers or tuple(alert.number for alert in book.alerts)
            book.acknowledge(numbers, message.at_ms, alarms.WATCHED)
    book.compose(list(out), _name(floor), lambda: uuid.uuid4().hex, at_ms)
    if _kept(folder, book):
        for file, _ in said:
            file.unlink(missing_ok=True)
    sent = book.post(
        list(out), lambda name, letter: _hand_over(out[name], name, letter), lambda: _kept(folder, book), at_ms
    )
    _kept(folder, book)
    return sent, book.unsent, sum(alert.open for alert in book.alerts)


def _hand_over(way: ways.Channel, name: str, letter: Letter) -> None:
    try:
        way.send(letter)
    except OutcryError as error:
        _log.warning("failed_to_send", channel=name, subject=letter.subject, error=str(error))
        raise
    _log.info("sent", channel=name, subject=letter.subject)


def _kept(folder: Folder, book: Book) -> bool:
    """A disk that refuses is no reason to tell nobody: it is told, if need be twice."""
    try:
        folder.save(book)
    except OSError as error:
        _log.error("failed_to_keep_alerts", error=str(error))
        return False
    return True


def _ways(floor: Floor) -> dict[str, ways.Channel]:
    return ways.configured(floor.settings.alerts, Secrets(floor.folder))


def _name(floor: Floor) -> str:
    return f"kalshi {floor.settings.environment}"


# ---- a unit that failed ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of a unit. `gone`: it stays down; `starting`: systemd is at it."""

    active: str
    sub: str
    result: str
    status: str
    restarts: str

    @property
    def gone(self) -> bool:
        return self.active == "failed"

    @property
    def starting(self) -> bool:
        return self.active == "activating"


def unit(floor: Floor, name: str) -> int:
    """A unit failed: systemd calls this at a crash or when it gave up, depending on its age. One alert either way.

    Nothing is said of a unit that starts again by itself but a line in the log.
    """
    deadline = time.monotonic() + SETTLE_S
    while (state := _ask_systemd(name)).starting and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    program = program_of(name)
    facts = f"{state.active} ({state.sub}), result {state.result}, exit status {state.status}"
    if not state.gone:
        _log.info("restarting_unit", unit=name, state=facts, restarts=state.restarts)
        return 0
    text = f"{facts}, after {state.restarts} restarts. It stays down until somebody has looked: journalctl -u {name}"
    said = Said(Raised(f"program {program}", Level.CRITICAL, f"{name} gave up", text, now_ms()))
    Folder(floor.folder).say(said)
    _log.error("gave_up_unit", unit=name, state=facts, restarts=state.restarts)
    try:
        return send(floor, if_due=False)
    except Unavailable:
        return 0  # somebody sends just now: cron does the rest within a minute


def program_of(unit_name: str) -> str:
    """The program as its heartbeat names it: what the unit is called after the floor's own name.

    >>> program_of("kalshi-trader@momentum.service"), program_of("kalshi-clerk.service")
    ('trader@momentum', 'clerk')
    """
    floor_name = installed.place().name or "kalshi"
    return unit_name.removesuffix(".service").removeprefix(f"{floor_name}-")


def _ask_systemd(name: str) -> UnitState:
    names = ("ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts")
    command = ["systemctl", "show", name, f"--property={','.join(names)}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return UnitState("failed", "unknown", f"systemd cannot be asked: {error}", "?", "?")
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return UnitState(*(said.get(word, "?") for word in names))


# ---- people ---------------------------------------------------------------------------------------------------------


def show(floor: Floor, *, every: bool) -> int:
    """List what is open, or all that is remembered; returns 1 when something critical is not acknowledged."""
    folder = Folder(floor.folder)
    book = folder.load()
    chosen = [alert for alert in book.alerts if every or (alert.open and alert.level is not Level.LOG)]
    for alert in chosen[-SHOWN if every else 0 :]:
        click.echo(f"{alert.line()}\n    {alert.text}")
    if not chosen and not floor.quiet:
        click.echo("nothing is open")
    for name, error in book.unsent.items():
        click.echo(f"alert: {name} refuses: {error}", err=True)
    if not _ways(floor):
        click.echo("alert: nobody is told: the settings name nobody in [alerts]", err=True)
    return 1 if any(urgent(alert) for alert in book.alerts) else 0


def acknowledge(floor: Floor, numbers: Sequence[int]) -> int:
    """Say that somebody knows; of all that is open, without numbers. Returns 1 when a number is not open."""
    folder = Folder(floor.folder)
    still = {alert.number: alert for alert in folder.load().alerts if alert.open}
    if unknown := [number for number in numbers if number not in still]:
        click.echo(f"alert: no open alert {unknown[0]}; open: {', '.join(map(str, still)) or 'none'}", err=True)
        return 1
    folder.say(Acknowledged(tuple(numbers or still), now_ms()))
    if not floor.quiet:
        click.echo(f"acknowledged {', '.join(str(number) for number in numbers or still) or 'nothing: none is open'}")
    return 0


def test(floor: Floor) -> int:
    """Send a letter every way there is, now; returns 1 when one fails.

    raises  Misconfigured when the settings name nobody
    """
    out = _ways(floor)
    if not out:
        raise Misconfigured("the settings name nobody to tell", "[alerts]: mail_to, webhook or apprise")
    body = "If you read this, alerts reach you. Nothing is wrong."
    letter = Letter(uuid.uuid4().hex, f"[{_name(floor)}] a test", body, Level.DIGEST, False, now_ms())
    failed = 0
    with one_instance(floor.folder, "alert-test"):
        for name, way in out.items():
            try:
                way.send(letter)
            except OutcryError as error:
                failed += 1
                click.echo(f"TROUBLE {name}: {error}")
            else:
                click.echo(f"ok      {name} took it")
    return 1 if failed else 0
