"""Serve the floor as a page until asked to stop. Reads the database, holds no key, changes nothing.

Beyond loopback it needs a token, and refuses to start without one: a page about money is nobody else's to read.
"""

import errno
import functools
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from outcry.desk import report
from outcry.desk.common.living import alive
from outcry.desk.telling import hindrances
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.ops.settings import Dashboard
from outcry.ops.supervisor import BEAT_EVERY_S, Supervisor
from outcry.review.reports.hindrances import Hindrance
from outcry.review.reports.today import Report
from outcry.web.guard import LOOPBACK_NAMES, Guard, is_loopback
from outcry.web.source import Source

if TYPE_CHECKING:
    from websockets.sync.server import Server

    from outcry.web.server import Carrier

NAME = "dashboard"
TOKEN_FILE = "dashboard.token"
ADDRESS_FILE = "dashboard.url"  # where it listens, while it does
SHORTEST_TOKEN = 16

_log = log.get(__name__)


def run(floor: Floor, host: str | None, port: int | None) -> None:
    """Serve until SIGTERM or SIGINT.

    host, port  instead of the settings'
    raises      Misconfigured when the extra is missing, or it would be open to others without a token; Unavailable when
                the port is taken
    """
    try:
        from outcry.web import app, server
        from outcry.web.live import Live
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{error.name} is not installed", "pip install '.[web]', or make setup") from None
    wanted = floor.settings.dashboard
    where, number = host or wanted.host, wanted.port if port is None else port
    guard = guard_of(floor.folder / TOKEN_FILE, wanted, where)
    _forget_key()
    supervisor = Supervisor(NAME)
    live = Live(source_of(floor), now_ms)
    carrier = server.Carrier(app.make(source_of(floor), live, guard), guard, live)
    listening = _listen(carrier, where, number, insist=port is not None)
    shown = f"http://{f'[{where}]' if ':' in where else where}:{listening.socket.getsockname()[1]}/"
    address = floor.folder / ADDRESS_FILE
    address.write_text(f"{shown}\n")
    _log.info("listened", url=shown, token=bool(guard.token))
    threads = [
        threading.Thread(target=live.run, name="live", daemon=True),
        threading.Thread(target=listening.serve_forever, name="serve", daemon=True),
    ]
    for thread in threads:
        thread.start()
    supervisor.ready(floor.settings.environment)
    supervisor.status(f"SERVING: {shown}")
    try:
        while not supervisor.wait(min(5.0, BEAT_EVERY_S)):
            if dead := next((thread.name for thread in threads if not thread.is_alive()), None):
                raise Unavailable(f"the dashboard's thread {dead!r} ended", "the log says why")
            supervisor.beat()
    finally:
        live.stop()
        listening.shutdown()
        address.unlink(missing_ok=True)
        supervisor.stopped()


def source_of(floor: Floor) -> Source:
    """What the dashboard may look at: files of the floor that hold no key."""
    return Source(
        environment=floor.settings.environment,
        build=place().build,
        database=floor.database,
        budget_file=floor.budget_file,
        halt_file=floor.halt_file,
        report=functools.partial(_report, floor),
        alive=alive,
        held=functools.partial(_held, floor),
    )


def _held(floor: Floor, db: sqlite3.Connection, at_ms: int) -> list[Hindrance]:
    return hindrances.gather(db, floor, at_ms)


def _report(floor: Floor, db: sqlite3.Connection, at_ms: int) -> Report:
    return report.build(db, floor.settings, None, at_ms)


def _listen(carrier: "Carrier", host: str, port: int, *, insist: bool) -> "Server":
    """Bind. Where the settings' port is taken, by another floor's dashboard say, any free one will do.

    insist  somebody asked for this very port
    """
    try:
        return carrier.listen(host, port)
    except OSError as error:
        if insist or error.errno != errno.EADDRINUSE:
            why = f"cannot listen on {host}:{port}: {error.strerror}"
            raise Unavailable(why, "choose another with --host and --port") from None
        _log.warning("found_port_taken", host=host, port=port)
        return carrier.listen(host, 0)


def _forget_key() -> None:
    """Where root started us, the account's key came along in memory: let go of it before anything is served."""
    prefix, file = "/proc/self/fd/", os.environ.pop("OUTCRY_KEY_FILE", "")
    if file.startswith(prefix):
        os.close(int(file.removeprefix(prefix)))


def guard_of(file: Path, wanted: Dashboard, host: str) -> Guard:
    """Whom the server answers to.

    raises  Misconfigured when it would listen beyond loopback without a token, or with one that can be guessed
    """
    names = LOOPBACK_NAMES | {name.lower() for name in wanted.names}
    if is_loopback(host):
        return Guard(names)
    try:
        token = file.read_text().strip()
    except FileNotFoundError:
        token = ""
    if len(token) < SHORTEST_TOKEN:
        raise Misconfigured(
            f"{host} is open to others, and {file} holds no token of {SHORTEST_TOKEN} characters or more",
            f"python3 -c 'import secrets; print(secrets.token_urlsafe())' > {file}; chmod 640 {file}",
        )
    return Guard(names | {host.lower()}, token)
