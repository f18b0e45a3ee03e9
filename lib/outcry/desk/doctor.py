"""Look at everything a floor stands on: what is wrong, what mends it, and what to do next. Writes nothing.

Each check is a function that returns what it found wrong; the catalogue at the end is the order they are told in.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from outcry.desk.care.next_step import next_step
from outcry.desk.common import connect
from outcry.desk.common.living import alive
from outcry.domain.errors import Misconfigured, OutcryError, Refused, Unavailable
from outcry.ops import disk
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place, spoken
from outcry.store import database, health, jobs, spool, system
from outcry.store.holder import write_lock_holders
from outcry.venue import probe
from outcry.venue.rest import Rest

CHECK_S = 10.0  # for reading through one database
LONG_HELD_S, LOOKS = 0.5, 3  # a write lock that the same process holds each time it is looked at, so far apart
CLOCK_MS = 2_000
WAL_BYTES = 256_000_000
SPOOL_OLD_S = 120.0
TIMEOUT_S = (2.0, 3.0)
CRON_MS = 600_000  # a new floor's cron has started something after so long


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what mends it, one clause each."""

    what: str
    mend: str


def run(floor: Floor) -> int:
    """Tell each check's result and what to do next; returns 1 when anything is wrong, else 0."""
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        troubles = check(floor)
        for trouble in troubles:
            click.echo(spoken(f"{'TROUBLE':<8}{name}: {trouble.what}\n{'':<8}mend: {trouble.mend}"))
        if troubles:
            found[name] = troubles[0].mend
        elif not floor.quiet:
            click.echo(f"{'ok':<8}{name}")
    if found or not floor.quiet:
        click.echo(spoken(f"{'next:':<8}{next_step(floor, found)}"))
    return 1 if found else 0


# ---- files ----------------------------------------------------------------------------------------------------------


def _files(floor: Floor) -> list[Trouble]:
    """Owner and mode: what the programs make belongs to whoever owns the folder, and nobody else writes it."""
    owner = floor.folder.stat().st_uid
    troubles: list[Trouble] = []
    for file in [floor.folder, *sorted(floor.folder.rglob("*"))]:
        try:
            facts = file.lstat()
        except FileNotFoundError:  # a neighbour of a checkpoint that was renamed
            continue
        if facts.st_uid != owner:
            mend = f"chown --reference={floor.folder} {file}"
            troubles.append(Trouble(f"{file} belongs to uid {facts.st_uid}, the folder to uid {owner}", mend))
        if facts.st_mode & stat.S_IWOTH and not stat.S_ISLNK(facts.st_mode):
            troubles.append(Trouble(f"anybody may write {file}", f"chmod o-w {file}"))
    if os.geteuid() not in (owner, 0):
        mend = f"run the programs as uid {owner}, or chown -R the folder"
        troubles.append(Trouble(f"{floor.folder} belongs to uid {owner}, this is uid {os.geteuid()}", mend))
    return troubles


def _key(floor: Floor) -> list[Trouble]:
    """The private key: there, readable by its owner only, and a key."""
    troubles: list[Trouble] = []
    for file in (floor.key_file, floor.upstream_key_file):
        if file.exists():
            facts = file.stat()
            if facts.st_mode & 0o077:
                mend = f"chmod 600 {file}, and think about a new key"
                troubles.append(Trouble(f"others may read {file} (mode {stat.S_IMODE(facts.st_mode):04o})", mend))
            if facts.st_uid not in (floor.folder.stat().st_uid, 0):
                mend = f"chown --reference={floor.folder} {file}"
                troubles.append(Trouble(f"{file} belongs to uid {facts.st_uid}, not to the floor", mend))
    if not troubles:
        try:
            connect.signer(floor)
        except Misconfigured as error:
            mend = (
                "bin/migrate, then restart bin/exchange"
                if floor.local
                else "put the key and its id where etc/floor.toml says"
            )
            troubles.append(Trouble(error.args[0], error.mend or mend))
    return troubles


def _disk(floor: Floor) -> list[Trouble]:
    room = disk.room(floor.folder)
    mend = f"make room on the disk of {floor.folder}: old days of tape/ first"
    troubles = []
    if not room.for_entries:
        troubles.append(Trouble(f"{room}: entries stop", mend))
    elif not room.for_the_tape:
        troubles.append(Trouble(f"{room}: the tape stops", mend))
    if room.free_inodes_percent < 1:
        troubles.append(Trouble("less than 1 % of the disk's inodes are free", mend))
    return troubles


def _spools(floor: Floor) -> list[Trouble]:
    troubles = []
    for file in sorted((floor.folder / spool.FOLDER).glob("*.jsonl")):
        waiting = spool.count_in(file)
        if waiting and time.time() - file.stat().st_mtime > SPOOL_OLD_S:
            mend = f"start bin/clerk, and {file.stem}: they write it down"
            troubles.append(Trouble(f"{waiting} records of {file.stem} wait for the database", mend))
    return troubles


# ---- databases ------------------------------------------------------------------------------------------------------


def _database(floor: Floor) -> list[Trouble]:
    """Sound, of this build, of this environment, and not held by somebody."""
    try:
        db = database.read_only(floor.database)
    except Misconfigured as error:
        return [Trouble(error.args[0], "bin/migrate")]
    except Unavailable as error:
        return [Trouble(error.args[0], _restore(floor.database))]
    try:
        if torn := health.quick_check(db, CHECK_S):
            return [Trouble(f"{floor.database} is corrupt: {torn.splitlines()[-1]}", _restore(floor.database))]
        return [*_schema(db, floor), *_wal(floor), *_lock(floor.database)]
    except sqlite3.Error as error:
        return [Trouble(f"{floor.database} cannot be read: {error}", _restore(floor.database))]
    finally:
        db.close()


def _schema(db: sqlite3.Connection, floor: Floor) -> list[Trouble]:
    if missing := health.missing_migrations(db):
        return [Trouble(f"{floor.database} lacks {', '.join(missing)}", "stop the floor, bin/migrate, start it")]
    if unknown := health.unknown_migrations(db):
        return [Trouble(f"{floor.database} has {unknown[-1]}, which this build lacks", "install the newer build")]
    wanted, found = floor.settings.environment, health.environment(db)
    if found != wanted:
        mend = f"set environment = {found!r}, or name another state folder"
        return [Trouble(f"these are the books of {found or 'no floor'!r}, the settings say {wanted!r}", mend)]
    return []


def _wal(floor: Floor) -> list[Trouble]:
    log = floor.database.with_name(floor.database.name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    if size <= WAL_BYTES:
        return []
    return [Trouble(f"{log} has {size // disk.MEGABYTE} MB", "start bin/clerk, which folds it; close old readers")]


def _lock(file: Path) -> list[Trouble]:
    """Somebody who holds the write lock whenever one looks."""
    holders = set(write_lock_holders(file))
    for _ in range(LOOKS - 1):
        if not holders:
            return []
        time.sleep(LONG_HELD_S)
        holders &= set(write_lock_holders(file))
    return [Trouble(f"{file} is locked by {holder}", "let it finish, or end it") for holder in sorted(holders)]


def _others(floor: Floor) -> list[Trouble]:
    """The databases beside the floor's own."""
    mends = {
        floor.budget_file: f"stop the floor and remove {floor.budget_file}: it is made anew",
        floor.exchange_books: _restore(floor.exchange_books),
    }
    troubles = []
    for file, mend in mends.items():
        if file.exists():
            try:
                db = database.read_only(file)
                torn = health.quick_check(db, CHECK_S)
                db.close()
            except Unavailable as error:
                torn = error.args[0]
            troubles += [Trouble(f"{file} is corrupt: {torn.splitlines()[-1]}", mend)] if torn else []
    return troubles


def _restore(file: Path) -> str:
    return f"stop the floor; keep the file; restore a backup, or: sqlite3 {file} .recover | sqlite3 mended.db"


# ---- the exchange ---------------------------------------------------------------------------------------------------


def _exchange(floor: Floor) -> list[Trouble]:
    """It answers, our clocks agree, it knows our key, and returns no collateral across markets."""
    try:
        url = floor.addresses().rest_url
        least_ms, most_ms = probe.clock_ahead_ms(url)
    except Unavailable as error:
        mend = "start bin/exchange" if floor.local else "look at the network, and at status.kalshi.com"
        return [Trouble(error.args[0], error.mend or mend)]
    if least_ms > CLOCK_MS or most_ms < -CLOCK_MS:
        off_s = (least_ms if least_ms > 0 else most_ms) / 1000
        return [Trouble(f"this machine's clock is off by {off_s:+.1f} s", "set it by NTP: timedatectl set-ntp true")]
    try:
        rest = connect.rest(floor, connect.signer(floor), url, TIMEOUT_S)
    except Misconfigured:
        return []  # told by the check of the key
    return _account(floor, rest)


def _account(floor: Floor, rest: Rest) -> list[Trouble]:
    environment = floor.settings.environment
    try:
        rest.balance()
        returned = [place for place, on in rest.netting().items() if on]
    except Misconfigured as error:
        mend = f"use the key and key id of {environment}; they are separate from every other environment's"
        return [Trouble(f"the key does not match the environment {environment!r}: {error.args[0]}", mend)]
    except Unavailable as error:
        return [Trouble(error.args[0], error.mend or "look again in a minute")]
    except (Refused, OutcryError) as error:
        return [Trouble(f"the exchange refused a question: {error}", "look at the key's scopes, and for a newer build")]
    mend = "switch it off in the account's settings: the ledger compares balances without it"
    return [
        Trouble(f"collateral return is on (subaccount {number}, shard {shard})", mend) for number, shard in returned
    ]


# ---- programs -------------------------------------------------------------------------------------------------------


def _programs(floor: Floor) -> list[Trouble]:
    """Those that ran and were not asked to stop: alive, beating, and of this build."""
    try:
        db = database.read_only(floor.database)
    except OutcryError:
        return []  # told by the check of the database
    try:
        beats = system.heartbeats(db)
    except sqlite3.Error:
        return []
    finally:
        db.close()
    troubles, at_ms = [], now_ms()
    for beat in beats:
        unit, agent = beat.program.partition("@")[::2]
        start = f"start bin/{' '.join(part for part in (unit, agent) if part)}, and read its log"
        if beat.state == "STOPPED":
            continue
        if not alive(beat, at_ms):
            silent_s = (at_ms - beat.beat_at_ms) // 1000
            troubles.append(Trouble(f"{beat.program} (pid {beat.pid}) gave no sign of life for {silent_s} s", start))
        elif beat.version != place().build:
            what = f"{beat.program} runs version {beat.version}, this build is {place().build}"
            troubles.append(Trouble(what, f"restart {beat.program}"))
    return troubles


def _cron(floor: Floor) -> list[Trouble]:
    """Where it is installed, cron does its part."""
    if not place().name or not floor.database.exists():
        return []
    try:
        with closing(database.read_only(floor.database)) as db:
            silent = jobs.first_at_ms(db) is None and now_ms() - health.created_at_ms(db) > CRON_MS
    except (OutcryError, sqlite3.Error):
        return []  # told by the check of the database
    mend = f"apt-get install cron; look at /etc/cron.d/{place().name}"
    return [Trouble("cron has started nothing: no alerts, backups or reports", mend)] if silent else []


CHECKS: dict[str, Callable[[Floor], list[Trouble]]] = {
    "files": _files,
    "key": _key,
    "disk": _disk,
    "database": _database,
    "other databases": _others,
    "spools": _spools,
    "exchange": _exchange,
    "programs": _programs,
    "cron": _cron,
}
