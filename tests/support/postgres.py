"""A PostgreSQL server of a test's own: a socket in a folder of its own, a user who is not root, a password."""

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PASSWORD, WRITTEN = "pass:word/1", "pass%3Aword%2F1"  # as it is, and as it stands in an address
PATIENCE_S = 60


def program(name: str) -> str:
    """Where Debian, or whoever packed it, put one of PostgreSQL's programs; skips where nobody did."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1:]), None)  # noqa: PTH207
    if found is None:
        pytest.skip(f"PostgreSQL is not installed: no {name} (apt-get install postgresql)")
    return found


@contextmanager
def server() -> Iterator[str]:
    """Runs one; hands over its address, password included."""
    initdb, postgres = program("initdb"), program("postgres")
    nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:  # a socket's path has to be short
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        if nobody:
            shutil.chown(folder, "nobody", "nogroup")
            shutil.chown(folder / "password", "nobody", "nogroup")
        making = [initdb, "-D", folder / "data", "-U", "tune", "-A", "scram-sha-256", "--pwfile", folder / "password",
                  "--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8"]  # fmt: skip
        subprocess.run(making, check=True, capture_output=True, cwd="/", **nobody)
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(
                [postgres, "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=log, stderr=log, cwd="/", **nobody,
            )  # fmt: skip
        try:
            url = f"postgresql://tune:{WRITTEN}@/postgres?host={folder}"
            _await(running, url, folder / "log")
            yield url
        finally:
            running.send_signal(signal.SIGINT)  # at once, whoever is connected
            running.wait(PATIENCE_S)


def _await(running: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            assert running.poll() is None and time.monotonic() < deadline, (str(error), log.read_text())
            time.sleep(0.1)
