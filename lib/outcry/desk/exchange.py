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
import msgspec

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.market import Market, Status
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import BEAT_EVERY_S, Supervisor
from outcry.paper.engine import keeping
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.manners import Manners
from outcry.paper.events import Source
from outcry.paper.faults.faults import Fault
from outcry.paper.generate import windows
from outcry.paper.replay.timeline import Speed
from outcry.paper.rest.calls import BASE
from outcry.paper.server.auth import Key, Keys
from outcry.paper.server.exchange import STREAM_PATH, Exchange, Terms
from outcry.paper.server.server import Server
from outcry.paper.server.spot import PREFIX as SPOT
from outcry.store import database, exchange_books, system
from outcry.venue import sign

NAME = "exchange"
ACCOUNT = "floor"
IDLE_S = 0.25  # longest wait in one turn: how late a stop may be noticed
TICKER_EVERY_MS = 1_000

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play. Without recordings, generated markets as the settings describe them.

    faults  what is to go wrong; None where nothing ever can, and nobody may ask for it
    """

    replay: tuple[Path, ...] = ()
    speed: Speed = 1.0
    port: int | None = None
    faults: tuple[Fault, ...] | None = None


_Parts = tuple[Engine, Source, Callable[[], None], Keys, Callable[[], int], Terms]


@dataclass(frozen=True, slots=True)
class _Playing:
    """A source of markets, and what else there is to say of it.

    verified  for a replay: whether its books agree with the recording's own, and how well
    trouble   for a mirror: what it cannot see just now, "" when all is well
    """

    source: Source
    verified: Callable[[], tuple[bool, list[str]]] | None = None
    trouble: Callable[[], str] = str


def run(floor: Floor, plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT.

    raises  Misconfigured when this floor's orders go elsewhere, its key is missing, or the address cannot be used;
            Unavailable when the exchange of this floor runs already
    """
    environment = floor.settings.environment
    if not floor.local:
        raise Misconfigured(f"environment {environment!r} has its exchange elsewhere", "use 'embedded' or 'paper'")
    if environment == "paper" and plan.replay:
        raise Misconfigured("environment 'paper' mirrors another exchange and replays nothing", "use 'embedded'")
    supervisor = Supervisor(NAME)
    try:
        _serve(floor, plan, supervisor)
    except Unavailable:
        if not supervisor.stopping:
            raise  # else nothing failed: it was asked to stop while it waited
    supervisor.stopped()


def _serve(floor: Floor, plan: Plan, supervisor: Supervisor) -> None:
    with (
        one_instance(floor.folder, NAME),
        contextlib.closing(exchange_books.open_file(floor.exchange_books)) as books,
        contextlib.ExitStack() as leaving,
    ):
        engine = keeping.load(books, lambda: str(uuid.uuid4()), _manners(floor))
        keep = _keeper(books, engine)
        mirrors = floor.settings.environment == "paper"
        playing = _mirrored(floor, engine, supervisor, leaving) if mirrors else _made(floor, plan, engine)
        _open_account(floor, engine, keep, playing.source)
        parts = (engine, playing.source, keep, _keys(floor), now_ms, _terms(floor))
        exchange = Exchange(*parts) if plan.faults is None else _faulty(parts, plan.faults)
        server = _listen(floor, plan, exchange)
        try:
            _Program(floor, supervisor, server, playing).run()
        finally:
            server.close()
            floor.exchange_file.unlink(missing_ok=True)
            keep()


def _keeper(books: sqlite3.Connection, engine: Engine) -> Callable[[], None]:
    def keep() -> None:
        try:
            keeping.save(books, engine)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"the exchange's books cannot be written: {error}") from error

    return keep


def _open_account(floor: Floor, engine: Engine, keep: Callable[[], None], source: Source) -> None:
    """The floor's own account, when the exchange is new: its deposit, in equal parts where there are several shards."""
    local = floor.settings.local
    shards = sorted({info.exchange_index for info in source.series()}) or [windows.CRYPTO_SHARD]
    share_dollars, left_dollars = divmod(local.deposit_dollars, len(shards))
    deposit = dict.fromkeys(shards, share_dollars * ONE_DOLLAR_MICROS)
    deposit[shards[0]] += left_dollars * ONE_DOLLAR_MICROS
    if engine.add_account(ACCOUNT, deposit, local.tier):
        engine.set_netting(ACCOUNT, 0, False)  # a ledger that compares balances to the cent knows no such return
        keep()
        _log.info("opened_account", account=ACCOUNT, deposit_dollars=local.deposit_dollars)


def _keys(floor: Floor) -> Keys:
    try:
        pem = floor.public_key_file.read_bytes()
    except FileNotFoundError:
        raise Misconfigured(f"no public key at {floor.public_key_file}", "next: bin/migrate") from None
    return Keys((Key(floor.key_id(), ACCOUNT, sign.load_public(pem)),))


def _manners(floor: Floor) -> Manners:
    """What the settings say of the open questions.

    raises  Misconfigured for a word or a value that none of them knows
    """
    words = floor.settings.local.manners
    if unknown := sorted(set(words) - set(Manners.__dataclass_fields__)):
        known = ", ".join(Manners.__dataclass_fields__)
        raise Misconfigured(f"local.manners: there is no {unknown[0]!r}", f"one of {known}")
    try:
        return msgspec.convert(words, Manners)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"local.manners: {error}") from None


def _terms(floor: Floor) -> Terms:
    local = floor.settings.local
    every_ms = max(1, round(TICKER_EVERY_MS / floor.settings.time_factor))
    return Terms(local.read_lag_ms, ticker_every_ms=every_ms, keeps_hours=local.keeps_hours)


def _mirrored(floor: Floor, engine: Engine, supervisor: Supervisor, leaving: contextlib.ExitStack) -> _Playing:
    """Another exchange's markets, looked at until we leave."""
    from outcry.desk.hosting.mirror import open_mirror

    waiting = False

    def wait(seconds: float) -> bool:
        """It does not answer yet: no reason to be taken for one that fails to start, or hangs."""
        nonlocal waiting
        if not waiting:
            supervisor.ready(floor.settings.environment)
        waiting = True
        supervisor.status("WAITING for the exchange that is mirrored")
        supervisor.beat()
        return supervisor.wait(seconds)

    mirror = open_mirror(floor, _owed(engine), wait)
    leaving.callback(mirror.close)
    mirror.start()
    return _Playing(mirror, trouble=lambda: mirror.trouble)


def _owed(engine: Engine) -> list[Market]:
    """Markets of an earlier life that were not paid yet."""
    return [record.market for record in engine.markets() if record.market.status is not Status.FINALIZED]


def _made(floor: Floor, plan: Plan, engine: Engine) -> _Playing:
    """Replayed or generated markets."""
    local = floor.settings.local
    if plan.replay:
        from outcry.paper.replay.source import Replay

        replay = Replay(plan.replay, start_ms=now_ms(), speed=plan.speed)
        return _Playing(replay, lambda: (replay.verifier.ok, replay.verifier.lines()))
    from outcry.paper.generate.source import Generator

    at_ms = now_ms()
    generator = Generator(
        local.seed,
        floor.settings.discovery.series,
        at_ms,
        window_s=local.window_s,
        average_s=local.average_s,
        volatility=local.volatility,
        jumps_per_hour=local.jumps_per_hour,
        crowd_lag_ms=local.crowd_lag_ms,
        owed=[market for market in _owed(engine) if market.close_at_ms <= at_ms],
    )
    return _Playing(generator)


def _faulty(parts: _Parts, faults: tuple[Fault, ...]) -> Exchange:
    from outcry.paper.faults.faulty import FaultyExchange

    _log.warning("prepared_faults", scheduled=len(faults), admin="/faults")
    return FaultyExchange(*parts, faults)


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
        return Server(exchange, now_ms, host, port, exchange.new_socket)
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
        playing: _Playing,
    ) -> None:
        self._floor, self._supervisor, self._server, self._playing = floor, supervisor, server, playing
        self._trouble = ""
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
        self._supervisor.ready(self._floor.settings.environment)
        _log.info("listened", rest_url=self._facts["rest_url"])
        while not self._supervisor.stopping:
            self._server.turn(IDLE_S)
            if self._state == "SERVING" and self._playing.source.next_at_ms() is None:
                self._ended()
            if bool(trouble := self._playing.trouble()) != bool(self._trouble):
                self._troubled(trouble)
            if time.monotonic() >= self._beat_at:
                self._beat()
        self._state, self._since_ms = "STOPPED", now_ms()
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
        if self._playing.verified is not None:
            agrees, lines = self._playing.verified()
            self._facts["replay"] = {"agrees": agrees, "lines": lines}
            for line in lines:
                click.echo(line)
            (_log.info if agrees else _log.warning)("ended_replay", agrees=agrees)
        self._publish()

    def _troubled(self, trouble: str) -> None:
        """The mirrored exchange can no longer be seen in part, or can again."""
        self._trouble = trouble
        self._state, self._since_ms, self._beat_at = ("DEGRADED" if trouble else "SERVING"), now_ms(), 0.0
        (_log.warning if trouble else _log.info)("changed_state", state=self._state, trouble=trouble)

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + BEAT_EVERY_S
        self._supervisor.beat()
        self._supervisor.status(f"{self._state} {self._trouble}".rstrip())
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
                    version=place().build,
                    detail={
                        "clients": self._server.clients,
                        "rest_url": self._facts["rest_url"],
                        "trouble": self._playing.trouble(),
                    },
                    now_ms=now_ms(),
                )
        except (sqlite3.Error, Unavailable) as error:
            _log.warning("failed_to_beat", error=str(error))
