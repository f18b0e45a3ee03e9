"""Run the local exchange: its books from disk, a source of markets, one port on loopback, until asked to stop."""

import contextlib
import ipaddress
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

import outcry
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.market import Status
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import Supervisor
from outcry.paper import keeping, windows
from outcry.paper.auth import Key, Keys
from outcry.paper.calls import BASE
from outcry.paper.engine import Engine
from outcry.paper.events import Source
from outcry.paper.exchange import STREAM_PATH, Exchange, Terms
from outcry.paper.server import Server
from outcry.paper.spot import PREFIX as SPOT
from outcry.paper.timeline import Speed
from outcry.store import database, exchange_books, system
from outcry.venue import sign

NAME = "exchange"
ACCOUNT = "floor"
BEAT_EVERY_S = 30
IDLE_S = 0.25  # longest wait in one turn: how late a stop may be noticed
TICKER_EVERY_MS = 1_000

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play. Without recordings, generated markets as the settings describe them."""

    replay: tuple[Path, ...] = ()
    speed: Speed = 1.0
    port: int | None = None


def run(floor: Floor, plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT.

    raises  Misconfigured when this floor's orders go elsewhere, its key is missing, or the address cannot be used;
            Unavailable when the exchange of this floor runs already
    """
    if floor.settings.environment != "embedded":
        raise Misconfigured(f"environment {floor.settings.environment!r} has no exchange on this machine yet")
    supervisor = Supervisor(NAME)
    with one_instance(floor.folder, NAME), contextlib.closing(exchange_books.open_file(floor.exchange_books)) as books:
        engine = keeping.load(books, lambda: str(uuid.uuid4()))
        keep = _keeper(books, engine)
        _open_account(floor, engine, keep)
        source, verified = _source(floor, plan, engine)
        exchange = Exchange(engine, source, keep, _keys(floor), now_ms, _terms(floor))
        server = _listen(floor, plan, exchange)
        try:
            _Program(floor, supervisor, server, source, verified).run()
        finally:
            server.close()
            floor.exchange_file.unlink(missing_ok=True)
            keep()
    supervisor.stopped()


def _keeper(books: sqlite3.Connection, engine: Engine) -> Callable[[], None]:
    def keep() -> None:
        try:
            keeping.save(books, engine)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"the exchange's books cannot be written: {error}") from error

    return keep


def _open_account(floor: Floor, engine: Engine, keep: Callable[[], None]) -> None:
    """The floor's own account, with its deposit, when the exchange is new."""
    local = floor.settings.local
    deposit = {windows.CRYPTO_SHARD: local.deposit_dollars * ONE_DOLLAR_MICROS}
    if engine.add_account(ACCOUNT, deposit, local.tier):
        keep()
        _log.info("opened_account", account=ACCOUNT, deposit_dollars=local.deposit_dollars)


def _keys(floor: Floor) -> Keys:
    try:
        pem = floor.public_key_file.read_bytes()
    except FileNotFoundError:
        raise Misconfigured(f"no public key at {floor.public_key_file}", "run bin/migrate") from None
    return Keys((Key(floor.key_id(), ACCOUNT, sign.load_public(pem)),))


def _terms(floor: Floor) -> Terms:
    local = floor.settings.local
    every_ms = max(1, round(TICKER_EVERY_MS / floor.settings.time_factor))
    return Terms(local.balance_excludes_resting, local.read_lag_ms, every_ms)


def _source(floor: Floor, plan: Plan, engine: Engine) -> tuple[Source, Callable[[], tuple[bool, list[str]]] | None]:
    """The source of markets; and for a replay, how well its books agree with the recording's own."""
    local = floor.settings.local
    if plan.replay:
        from outcry.paper.replay import Replay

        replay = Replay(plan.replay, start_ms=now_ms(), speed=plan.speed)
        return replay, lambda: (replay.verifier.ok, replay.verifier.lines())
    from outcry.paper.generate import Generator

    at_ms = now_ms()
    owed = [record.market for record in engine.markets() if record.market.status is not Status.FINALIZED]
    generator = Generator(
        local.seed,
        floor.settings.discovery.series,
        at_ms,
        window_s=local.window_s,
        average_s=local.average_s,
        volatility=local.volatility,
        jumps_per_hour=local.jumps_per_hour,
        owed=[market for market in owed if market.close_at_ms <= at_ms],
    )
    return generator, None


def _listen(floor: Floor, plan: Plan, exchange: Exchange) -> Server:
    """The server on its port; and its addresses where the floor's programs look for them."""
    host, port = floor.settings.local.host, floor.settings.local.port if plan.port is None else plan.port
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise Misconfigured(f"local.host: {host!r} is not this machine's loopback", 'like "127.0.0.1"')
    try:
        return Server(exchange, now_ms, host, port)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host} port {port}: {error.strerror}", "choose another local.port"
        ) from None


class _Program:
    """The working loop, its heartbeat, and the file that says where the exchange is."""

    def __init__(
        self,
        floor: Floor,
        supervisor: Supervisor,
        server: Server,
        source: Source,
        verified: Callable[[], tuple[bool, list[str]]] | None,
    ) -> None:
        self._floor, self._supervisor, self._server, self._source = floor, supervisor, server, source
        self._verified = verified
        self._started_ms = self._since_ms = now_ms()
        self._beat_at = 0.0
        self._state = "SERVING"
        host, port = server.address
        self._facts: dict[str, object] = {
            "rest_url": f"http://{host}:{port}{BASE}",
            "stream_url": f"ws://{host}:{port}{STREAM_PATH}",
            "spot_url": f"http://{host}:{port}{SPOT}",
            "pid": os.getpid(),
            "ended": False,
        }

    def run(self) -> None:
        self._publish()
        self._supervisor.ready()
        _log.info("listened", rest_url=self._facts["rest_url"])
        while not self._supervisor.stopping:
            self._server.turn(IDLE_S)
            if self._state == "SERVING" and self._source.next_at_ms() is None:
                self._ended()
            if time.monotonic() >= self._beat_at:
                self._beat()

    def _publish(self) -> None:
        """Whole or not at all: readers may look at any time."""
        file = self._floor.exchange_file
        draft = file.with_suffix(".json.new")
        draft.write_text(json.dumps(self._facts, indent=1) + "\n")
        draft.rename(file)

    def _ended(self) -> None:
        """The recording is over: say so, and how well the books agreed; go on serving what there is."""
        self._state, self._since_ms, self._beat_at = "ENDED", now_ms(), 0.0
        self._facts["ended"] = True
        if self._verified is not None:
            agrees, lines = self._verified()
            self._facts["replay"] = {"agrees": agrees, "lines": lines}
            for line in lines:
                click.echo(line)
            (_log.info if agrees else _log.warning)("ended_replay", agrees=agrees)
        self._publish()

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + BEAT_EVERY_S
        self._supervisor.beat()
        self._supervisor.status(self._state)
        if not self._floor.database.exists():
            return
        try:
            with contextlib.closing(database.connect(self._floor.database)) as db:
                system.beat(
                    db,
                    NAME,
                    pid=os.getpid(),
                    started_at_ms=self._started_ms,
                    state=self._state,
                    state_since_ms=self._since_ms,
                    version=outcry.__version__,
                    detail={"clients": self._server.clients, "rest_url": self._facts["rest_url"]},
                    now_ms=now_ms(),
                )
        except (sqlite3.Error, Unavailable) as error:
            _log.warning("failed_to_beat", error=str(error))
