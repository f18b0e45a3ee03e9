"""Bring a floor's database and keys to what this build needs. Safe to run at any time, any number of times."""

import os
import secrets
import sqlite3
import uuid
from dataclasses import replace

import click

from outcry.desk.care.next_step import next_step
from outcry.desk.common import strategies
from outcry.desk.common.day import birth_allocation_micros, capital_micros
from outcry.ops import log
from outcry.ops.bar import bar
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.ops.lock import one_instance
from outcry.store import agents, database
from outcry.venue import sign

_log = log.get(__name__)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def run(floor: Floor) -> None:
    """Schema, the floor's identity, keys for a local exchange, the first agents; says what it did, unless quiet."""
    with one_instance(floor.folder, "migrate"):
        done = prepare(floor, now_ms())
    if floor.quiet:
        return
    click.echo("\n".join(done) or f"{floor.database} is up to date")
    if done and not place().name:  # an installation has its own last word
        click.echo(f"next: {next_step(floor, {})}", err=True)


def prepare(floor: Floor, at_ms: int) -> list[str]:
    """Do what `run` promises; returns one line for each thing that was missing.

    raises  Misconfigured when the database is newer than this build or belongs to another environment
    """
    floor.folder.mkdir(parents=True, exist_ok=True)
    db = database.connect(floor.database)
    try:
        with bar("migrating", len(database.pending(db)), quiet=floor.quiet) as more:
            done = [f"applied {name}" for name in database.migrate(db, more=more)]
        candidate = "".join(secrets.choice(_LETTERS) for _ in range(6))
        floor_id = agents.open_floor(db, candidate, floor.settings.environment, at_ms)
        if floor_id == candidate:
            done.append(f"named the floor {floor_id}, environment {floor.settings.environment}")
        if floor.local and make_keys(floor):
            done.append(f"made an Ed25519 key for the local exchange at {floor.folder / 'kalshi.pem'}")
        return done + _seed(db, floor, at_ms) + _refresh_code(db, at_ms)
    finally:
        db.close()


def make_keys(floor: Floor) -> bool:
    """Make the account's key pair for the local exchange; False when there is one.

    The private key is written last and readable by its owner only, so a run cut short begins again cleanly.
    """
    private_file = floor.folder / "kalshi.pem"
    if private_file.exists():
        return False
    private_pem, public_pem = sign.generate("ed25519")
    floor.public_key_file.write_bytes(public_pem)
    (floor.folder / "kalshi.key-id").write_text(f"{uuid.uuid4()}\n")
    draft = private_file.with_suffix(".pem.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private_pem)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(private_file)
    return True


def _seed(db: sqlite3.Connection, floor: Floor, at_ms: int) -> list[str]:
    """The first agents, on a floor that never had any: a person who retires one does not get it back.

    Their allocation is a share of the local exchange's deposit; elsewhere the clerk grants it when it sees the balance.
    """
    if agents.everyone(db):
        return []
    allocation_micros = birth_allocation_micros(floor.settings, capital_micros(db, floor))
    newborn = agents.Agent("", "", {}, "birth", allocation_micros, "", at_ms)
    for name in floor.settings.agents.first:
        sha256 = strategies.keep_source(db, name, at_ms)
        agents.add(db, replace(newborn, name=name, strategy=name, code_sha256=sha256), rule="first")
    return [f"added agents {', '.join(floor.settings.agents.first)}"] if floor.settings.agents.first else []


def _refresh_code(db: sqlite3.Connection, at_ms: int) -> list[str]:
    """Note where this build runs another version of an agent's strategy than it ran before."""
    done = []
    for agent in agents.everyone(db):
        if agent.stage == "retired":
            continue
        sha256 = strategies.keep_source(db, agent.strategy, at_ms)
        if agents.set_code(db, agent.name, sha256, at_ms):
            done.append(f"agent {agent.name} now runs {agent.strategy} {sha256[:12]}")
            _log.info("changed_code", agent=agent.name, strategy=agent.strategy, sha256=sha256[:12])
    return done
