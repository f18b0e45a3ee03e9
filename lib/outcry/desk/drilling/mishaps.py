"""What the drill does to its floor beside killing: lost answers, a cut stream, a locked database, a full disk."""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from outcry.desk.drilling.floor import DrillFloor
from outcry.domain.errors import Unavailable
from outcry.ops import disk
from outcry.paper.faults.faults import Fault
from outcry.store import database

LOST_ANSWERS = (  # the exchange did it or did not: the trader cannot know
    Fault("mute", "POST /portfolio/*", applied=True, count=2),
    Fault("hang_up", "POST /portfolio/*", applied=True, count=3),
    Fault("fail", "POST /portfolio/*", applied=True, status=503, count=3),
    Fault("mute", "POST /portfolio/*", count=1),
    Fault("hang_up", "POST /portfolio/*", count=2),
    Fault("hang_up", "DELETE /portfolio/*", applied=True, count=2),
)
LOST_TWICE = (  # neither the answer nor the stream says what became of an order: it has to be looked up
    Fault("hang_up", "POST /portfolio/*", applied=True, count=3),
    Fault("drop", "user_order", count=12),
)
CUT_STREAM = (Fault("disconnect", count=4),)
UNHEARD = (Fault("drop", "fill", count=12), Fault("drop", "user_order", count=12), Fault("reorder", "fill", count=4))
MEGABYTES = 512
LOOK_S = 0.25


def strike(drilled: DrillFloor, faults: tuple[Fault, ...], patience_s: float) -> int:
    """Let faults strike until they are used up, or for so long; how often they struck."""
    _admin(drilled, "POST", msgspec.json.encode(faults))
    deadline = time.monotonic() + patience_s
    while any(one["struck"] < one["count"] for one in _struck(drilled)) and time.monotonic() < deadline:
        drilled.hold(LOOK_S)
    times = sum(one["struck"] for one in _struck(drilled))
    _admin(drilled, "DELETE")
    return times


def _struck(drilled: DrillFloor) -> list[dict[str, int]]:
    return json.loads(_admin(drilled, "GET"))["faults"]


def _admin(drilled: DrillFloor, method: str, body: bytes | None = None) -> bytes:
    where = drilled.floor.addresses().rest_url.partition("/trade-api")[0] + "/faults"
    request = urllib.request.Request(where, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()
    except OSError as error:
        raise Unavailable(f"the drill's exchange does not take faults: {error}") from error


@contextlib.contextmanager
def locked(drilled: DrillFloor) -> Iterator[None]:
    """A stranger holds the ledger's write lock."""
    stranger = database.connect(drilled.floor.database)
    try:
        with database.write(stranger):
            drilled.disturbed = True
            yield
    finally:
        stranger.close()
        drilled.disturbed = False


class Disk(Protocol):
    """A disk under the floor that can be full; `how` says by what means."""

    how: str

    def full(self, drilled: DrillFloor) -> contextlib.AbstractContextManager[None]: ...
    def close(self, *, keep: bool) -> None: ...


class SmallDisk:
    """A tmpfs of its own, filled to the last byte. Needs to be allowed to mount."""

    how = f"a tmpfs of {MEGABYTES} MB, filled to the last byte"

    def __init__(self, folder: Path) -> None:
        """raises  Unavailable where nothing can be mounted"""
        self.folder = folder
        folder.mkdir()
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "tmpfs", folder],
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"no tmpfs can be mounted at {folder}: {error}") from error

    @contextlib.contextmanager
    def full(self, drilled: DrillFloor) -> Iterator[None]:
        ballast = self.folder / "ballast"
        drilled.disturbed = True
        try:
            with ballast.open("wb", buffering=0) as file:
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, disk.room(self.folder).free)
                file.seek(0, os.SEEK_END)
                for size in (65_536, 4_096, 1):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(size)):
                            pass
            yield
        finally:
            ballast.unlink(missing_ok=True)
            drilled.disturbed = False

    def close(self, *, keep: bool) -> None:
        """Unmount it; what lay on it is gone, or lies in its place."""
        copy = self.folder.with_name("copy")
        if keep:
            shutil.copytree(self.folder, copy, symlinks=True)
        subprocess.run(["umount", "--lazy", self.folder], capture_output=True, check=False)
        if keep:
            copy.replace(self.folder)


class Quota:
    """No byte more for the floor's programs (RLIMIT_FSIZE 0): harder than a full disk, as not even the spool is spared.

    The exchange keeps its books: it is somebody else's machine.
    """

    how = "a quota of 0 bytes on the floor's programs (RLIMIT_FSIZE)"

    @contextlib.contextmanager
    def full(self, drilled: DrillFloor) -> Iterator[None]:
        drilled.disturbed = True
        limited = [run.child.process.pid for name, run in drilled.running.items() if name != "exchange"]
        try:
            for pid in limited:
                self._limit(pid, 0)
            yield
        finally:
            for pid in limited:
                self._limit(pid, resource.RLIM_INFINITY)
            drilled.disturbed = False

    @staticmethod
    def _limit(pid: int, size: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            soft = hard if size == resource.RLIM_INFINITY else size
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

    def close(self, *, keep: bool) -> None:
        """Nothing is left of it, and everything lies where it lay."""


def disk_for(folder: Path) -> Disk:
    """A small disk at a folder where that can be had, else a quota."""
    try:
        return SmallDisk(folder)
    except Unavailable:
        folder.mkdir(exist_ok=True)
        return Quota()
