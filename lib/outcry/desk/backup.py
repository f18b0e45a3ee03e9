"""Copies of a floor while it trades, and the way back."""

import contextlib
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from outcry.desk import migrate
from outcry.desk.care import copies
from outcry.desk.common import jobs
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.store import database, health, spool, system

NOUNS = ("exchange", "clerk", "collector", "auditor")
SETTINGS_THEN = "floor.toml.restored"


def make(floor: Floor, settings: Path, folder: Path | None, *, if_due: bool) -> None:
    """Make one copy and let old ones go; its name on stdout.

    raises  Misconfigured without a database; Unavailable when no copy could be made that is worth keeping
    """
    if not floor.database.exists():
        raise Misconfigured(f"no database at {floor.database}", "next: bin/migrate, or name the right --state")
    where = folder or copies.folder_of(floor)
    made: list[Path] = []

    def work() -> str:
        made.append(copies.make(floor, settings, where, now_ms()))
        gone = _rotate(floor, where)
        return f"{made[0]}, {made[0].stat().st_size // 1000} kB; {len(gone)} old ones went"

    if jobs.run(floor, "backup", work, if_due=if_due) and not floor.quiet:
        click.echo(made[0])


def _rotate(floor: Floor, folder: Path) -> list[Path]:
    kept = floor.settings.backup
    there = copies.existing(folder, floor.settings.environment)
    gone = copies.rotate(there, kept.keep_days, kept.keep_weeks, datetime.now(UTC))
    for file in gone:
        file.unlink()
    return gone


def show(floor: Floor, folder: Path | None) -> None:
    """List the copies there are."""
    where = folder or copies.folder_of(floor)
    there = copies.existing(where, floor.settings.environment)
    if not there and not floor.quiet:
        click.echo(f"no copies in {where} (next: bin/backup)", err=True)
    for file in there:
        click.echo(f"{copies.made_at(file):%Y-%m-%d %H:%M:%S}  {file.stat().st_size / 1e6:8.1f} MB  {file}")


def restore(floor: Floor, archive: Path) -> None:
    """Put a copy in the place of what is there, which is put aside; the floor is then halted until a person looked.

    raises  Misconfigured for a copy of another environment, a newer build, or one that is damaged;
            Unavailable while a program of this floor runs
    """
    with contextlib.ExitStack() as held:
        _hold_everything(floor, held)
        fresh = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=".restoring-", dir=floor.folder)))
        manifest = copies.unpack(archive, fresh, quiet=floor.quiet)
        if manifest.environment != floor.settings.environment:
            raise Misconfigured(
                f"{archive.name} is a copy of environment {manifest.environment!r}",
                f"the settings say {floor.settings.environment!r}: books of two environments never mix",
            )
        _refuse_newer(fresh / copies.LEDGER)
        floor.halt_file.write_text(f"restored from {archive.name}; look at bin/status, then bin/resume\n")
        aside = _put_aside(floor)
        _put_in_place(floor, fresh)
        done = migrate.prepare(floor, now_ms())
        _note(floor, archive)
    said = [
        f"restored {archive.name} of {datetime.fromtimestamp(manifest.at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC,"
        f" {manifest.facts['orders']} orders, {manifest.facts['fills']} fills",
        *([f"what was there lies in {aside}"] if aside else []),
        *done,
        f"the settings of that time lie in {floor.folder / SETTINGS_THEN}; nothing uses them",
        "the floor is halted: start it, look at bin/status until it has reconciled, then bin/resume --i-have-checked",
    ]
    if not floor.quiet:
        click.echo("\n".join(said))


def _hold_everything(floor: Floor, held: contextlib.ExitStack) -> None:
    """Every program's own lock: none runs, and none starts meanwhile."""
    known = {file.stem for file in (floor.folder / "locks").glob("*.lock")}
    for name in sorted(known | set(NOUNS)):
        try:
            held.enter_context(one_instance(floor.folder, name))
        except Unavailable as error:
            raise Unavailable(error.args[0], "stop the floor first") from None


def _refuse_newer(ledger: Path) -> None:
    with contextlib.closing(database.read_only(ledger)) as db:
        if unknown := health.unknown_migrations(db):
            raise Misconfigured(f"the copy has {unknown[-1]}, which this build lacks", "install the newer build")


def _put_aside(floor: Floor) -> Path | None:
    """What the copy takes the place of; its log and spool belong to it, and no other database may ever see them."""
    names = [floor.database.name, floor.exchange_books.name]
    there = [floor.folder / f"{name}{end}" for name in names for end in ("", "-wal", "-shm")]
    there += [floor.checkpoints, floor.folder / spool.FOLDER, floor.exchange_file]
    there = [file for file in there if file.exists()]
    if not there:
        return None
    stamp = datetime.now(UTC).strftime(copies.STAMP)
    aside = Path(tempfile.mkdtemp(prefix=f"replaced-{stamp}-", dir=floor.folder))
    aside.chmod(0o750)
    for file in there:
        file.rename(aside / file.name)
    return aside


def _put_in_place(floor: Floor, fresh: Path) -> None:
    """The ledger last: a restore cut short leaves a floor without one, which starts nothing."""
    shutil.copyfile(fresh / copies.SETTINGS, floor.folder / SETTINGS_THEN)
    for name in copies.RECORDS:
        if (fresh / name).exists() and not (floor.folder / name).exists():
            (fresh / name).rename(floor.folder / name)
    for name in ("checkpoints", floor.exchange_books.name, copies.LEDGER):
        if (fresh / name).exists():
            (fresh / name).rename(floor.folder / name)


def _note(floor: Floor, archive: Path) -> None:
    with contextlib.closing(database.connect(floor.database)) as db:
        system.set_control(
            db, "floor", "", "halt", True, cause="person", reason=f"restored from {archive.name}", now_ms=now_ms()
        )
        system.event(db, "critical", "backup", "restored", archive.name, now_ms=now_ms())
