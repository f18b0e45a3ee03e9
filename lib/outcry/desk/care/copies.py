"""One copy of a floor: an archive of its databases, checkpoints and settings, with a manifest; keys are never in it."""

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from outcry import __version__
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import disk
from outcry.ops.bar import More, bar
from outcry.ops.floor import Floor
from outcry.store import backup

MANIFEST, SETTINGS, LEDGER = "MANIFEST.json", "floor.toml", "kalshi.db"
RECORDS = ("golive.json", "drill.json")
STAMP = "%Y%m%dT%H%M%SZ"
MAKING = ".making-"
COPYING = 3  # times the size: copied, checked, packed
COMPRESS = 3  # of 9: a night's copy of a large floor must not take the morning


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in an archive. files: name -> sha256."""

    floor_id: str
    environment: str
    version: str
    at_ms: int
    facts: dict[str, object]
    files: dict[str, str]


def folder_of(floor: Floor) -> Path:
    """Where this floor's copies lie."""
    named = floor.settings.backup.folder
    return Path(named).expanduser() if named else floor.folder / "backups"


def made_at(file: Path) -> datetime:
    """When a copy was made, from its name."""
    return datetime.strptime(file.name.removesuffix(".tar.gz").rpartition("-")[2], STAMP).replace(tzinfo=UTC)


def existing(folder: Path, environment: str) -> list[Path]:
    """The copies of an environment, oldest first."""
    return sorted(folder.glob(f"{environment}-*-[0-9]*T[0-9]*Z.tar.gz"), key=made_at)


def make(floor: Floor, settings: Path, folder: Path, at_ms: int) -> Path:
    """Copy, verify, pack; the archive appears whole or not at all.

    raises  Unavailable when there is no room, or the copy is not worth keeping
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    _look_for_room(floor, folder)
    with _workshop(folder) as shop, bar("copying", COPYING * _size(floor), quiet=floor.quiet) as more:
        _copy_databases(floor, shop, more)
        _gather(floor, settings, shop)
        facts = backup.facts(shop / LEDGER)
        files = {str(file.relative_to(shop)): _sha256(file) for file in sorted(shop.rglob("*")) if file.is_file()}
        manifest = Manifest(str(facts["floor_id"]), str(facts["environment"]), __version__, at_ms, facts, files)
        (shop / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
        stamp = datetime.fromtimestamp(at_ms / 1000, UTC).strftime(STAMP)
        target = folder / f"{manifest.environment}-{manifest.floor_id}-{stamp}.tar.gz"
        draft = shop.with_suffix(".tar.gz")
        with tarfile.open(draft, "w:gz", compresslevel=COMPRESS) as archive:
            for name in (MANIFEST, *files):
                with (shop / name).open("rb") as file:
                    archive.addfile(archive.gettarinfo(shop / name, name), _Counted(file, more))
        draft.chmod(0o640)
        draft.replace(target)
    return target


def _copy_databases(floor: Floor, shop: Path, more: More) -> None:
    """The ledger first: what the exchange knows beyond it will be asked for again. The other way round it would know
    fills that never happened."""
    for source, faults, owner in (
        (floor.database, backup.ledger_faults, "the copy"),
        (floor.exchange_books, backup.faults, "the copy of the exchange's books"),
    ):
        if source == floor.database or source.exists():
            made = shop / source.name
            backup.copy(source, made)
            more(made.stat().st_size)
            if wrong := faults(made):
                raise Unavailable(f"{owner} is not sound: {wrong[0]}", "bin/doctor says more")
            more(made.stat().st_size)


class _Counted(io.RawIOBase):
    """A file that is read once, told as far as it was."""

    def __init__(self, file: BinaryIO, more: More) -> None:
        self._file, self._more = file, more

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._more(len(data))
        return data


def _size(floor: Floor) -> int:
    return sum(file.stat().st_size for file in (floor.database, floor.exchange_books) if file.exists())


def _look_for_room(floor: Floor, folder: Path) -> None:
    needed = 2 * _size(floor)
    room = disk.room(folder)
    if not disk.Room(room.free - needed, room.total, room.free_inodes_percent).for_entries:
        what = f"no room for a copy in {folder}: {room}, {needed // disk.MEGABYTE} MB needed"
        raise Unavailable(what, "make room, or set backup.folder to another disk")


def _gather(floor: Floor, settings: Path, shop: Path) -> None:
    shutil.copyfile(settings, shop / SETTINGS)
    for name in RECORDS:
        if (floor.folder / name).exists():
            shutil.copyfile(floor.folder / name, shop / name)
    for file in sorted(floor.checkpoints.glob("*.json")):
        (shop / "checkpoints").mkdir(exist_ok=True)
        shutil.copyfile(file, shop / "checkpoints" / file.name)


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; what a killed run left goes first."""
    for left in folder.glob(f"{MAKING}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shop = Path(tempfile.mkdtemp(prefix=MAKING, dir=folder))
    try:
        yield shop
    finally:
        shutil.rmtree(shop)
        shop.with_suffix(".tar.gz").unlink(missing_ok=True)


def rotate(copies: list[Path], keep_days: int, keep_weeks: int, now: datetime) -> list[Path]:
    """Which of these copies go: all but those of the last days, and the first of each week before that."""
    recent = now - timedelta(days=keep_days)
    oldest = now - timedelta(days=keep_days, weeks=keep_weeks)
    weeks: set[tuple[int, int]] = set()
    gone = []
    for file in sorted(copies, key=made_at):
        made = made_at(file)
        week = made.isocalendar()[:2]
        if made < recent and (made < oldest or week in weeks):
            gone.append(file)
        elif made >= oldest:
            weeks.add(week)
    return gone


def unpack(archive: Path, into: Path, *, quiet: bool = False) -> Manifest:
    """Take a copy out and hold every file against its manifest.

    raises  Misconfigured when it is no copy of ours, or was damaged or changed
    """
    try:
        with bar("unpacking", archive.stat().st_size, quiet=quiet) as more:
            _extract(archive, into, more)
        manifest = Manifest(**json.loads((into / MANIFEST).read_text()))
    except (OSError, EOFError, tarfile.TarError, ValueError, TypeError) as error:
        raise Misconfigured(f"{archive} is no backup that can be read: {error}") from None
    for name, sha256 in manifest.files.items():
        if not (into / name).is_file() or _sha256(into / name) != sha256:
            raise Misconfigured(f"{archive} is damaged: {name} is not what was packed", "take another copy")
    if wrong := backup.ledger_faults(into / LEDGER):
        raise Misconfigured(f"{archive} is not sound: {wrong[0]}", "take another copy")
    return manifest


def _extract(archive: Path, into: Path, more: More) -> None:
    """Plain files below the folder, and nothing else: an archive may come from anywhere."""
    with archive.open("rb") as file, tarfile.open(fileobj=_Counted(file, more), mode="r|gz") as opened:
        for member in opened:
            target = (into / member.name).resolve()
            packed = opened.extractfile(member) if member.isfile() else None
            if packed is None or not target.is_relative_to(into.resolve()):
                raise ValueError(f"{member.name} does not belong into a backup")
            target.parent.mkdir(parents=True, exist_ok=True)
            with packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
