"""Manners of every program: options, exit codes, one line for a user's mistake, a quick clean stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outcry.domain.errors import Unavailable
from outcry.ops.lock import one_instance

PROGRAM = """
import click, sys, sqlite3
from outcry.domain import errors
from outcry.ops import program

@click.command()
@click.argument("kind")
@program.options
def main(kind, floor):
    if kind == "long":
        for _ in range(20_000):
            click.echo("a line that somebody may not want to read to its end")
    if kind == "sqlite":
        raise sqlite3.OperationalError("database is locked")
    if kind == "bug":
        raise ValueError("a bug of ours")
    if kind == "PermissionError":
        raise PermissionError(13, "Permission denied", "locks/clerk.lock")
    if kind == "abort":
        raise click.Abort()
    if kind != "fine":
        raise getattr(errors, kind)("it went wrong")
    print(floor.settings.environment, floor.folder.name)

program.start(main)
"""
NOUN = """
from outcry.ops.supervisor import Supervisor
supervisor = Supervisor("noun")
supervisor.ready("embedded")
supervisor.status("READY")
while not supervisor.wait(0.01):
    supervisor.beat()
supervisor.stopped()
"""


def run(tmp_path, *arguments, settings=""):
    file = tmp_path / "floor.toml"
    file.write_text(settings)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--state", str(tmp_path / "state"), "--settings", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("fine", 0), ("OutcryError", 1), ("Refused", 1), ("InvariantBroken", 65), ("SchemaDrift", 65),
        ("Unavailable", 75), ("RateLimited", 75), ("Misconfigured", 78), ("sqlite", 75), ("abort", 130),
    ],
)  # fmt: skip
def test_an_error_becomes_its_exit_code_and_one_line(tmp_path, kind, code):
    done = run(tmp_path, kind)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1
    if kind == "fine":
        assert done.stdout == "embedded embedded\n"


def test_a_bug_of_ours_keeps_its_traceback(tmp_path):
    done = run(tmp_path, "bug")
    assert done.returncode == 1
    assert "ValueError: a bug of ours" in done.stderr


def test_a_reader_that_leaves_is_left_in_silence(tmp_path):
    (tmp_path / "floor.toml").touch()
    options = ["long", "--state", str(tmp_path / "state"), "--settings", str(tmp_path / "floor.toml")]
    writing = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writing.stdout.readline().startswith("a line")
    writing.stdout.close()
    assert writing.stderr.read() == ""
    assert writing.wait() == 1  # click's; a pipe shows the code of its last program
    writing.stderr.close()


def test_a_wrong_option_is_usage(tmp_path):
    done = run(tmp_path, "fine", "--tomorow")
    assert done.returncode == 2
    assert "No such option" in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("nonsense = 1", "unknown setting nonsense"),
        ('environment = "production"', "needs live = true"),
        ('environment = "production"\nlive = true', "golive.json (run bin/golive on the paper floor)"),
    ],
)
def test_what_may_not_run_says_so_and_exits_78(tmp_path, settings, said):
    done = run(tmp_path, "fine", settings=settings)
    assert done.returncode == 78
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "embedded").write_text("a file where a folder should be")
    done = run(tmp_path, "fine")
    assert done.returncode == 78
    assert "cannot make the state folder" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_one_may_not_write_is_one_line(tmp_path):
    done = run(tmp_path, "PermissionError")
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert "locks/clerk.lock" in done.stderr and "check who owns it" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_noun_tells_its_supervisor_and_stops_cleanly(tmp_path, number):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(10)
        noun = subprocess.Popen([sys.executable, "-c", NOUN], env={**os.environ, "NOTIFY_SOCKET": address})
        heard = [listener.recv(100) for _ in range(3)]
        noun.send_signal(number)
        started = time.monotonic()
        assert noun.wait(10) == 0
        assert time.monotonic() - started < 2
    assert heard == [b"READY=1", b"STATUS=READY", b"WATCHDOG=1"]


def test_logs_are_one_json_object_a_line_when_nobody_watches():
    code = (
        "from outcry.ops import log; log.set_up()\n"
        "log.get('outcry.desk.clerk').info('booked', fee_micros=7, why='a b')\n"
        "try: 1 / 0\nexcept ZeroDivisionError: log.get('x').exception('failed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["program"], first["fee_micros"], first["why"]) == ("booked", "clerk", 7, "a b")
    assert "ZeroDivisionError" in second["traceback"]


def test_one_instance_refuses_a_second_and_names_the_first(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys, time; from pathlib import Path; from outcry.ops.lock import one_instance\n"
         "with one_instance(Path(sys.argv[1]), 'clerk'): print('held', flush=True); time.sleep(60)", str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(Unavailable, match=f"clerk already runs on this floor, pid {holder.pid}"),
        one_instance(tmp_path, "clerk"),
    ):
        pass
    with one_instance(tmp_path, "collector"):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with one_instance(tmp_path, "clerk"):
        assert (tmp_path / "locks" / "clerk.lock").read_text() == f"{os.getpid()}\n"


def test_programs_answer_help_without_loading_the_floor():
    folder = Path(__file__).resolve().parents[2] / "bin"
    for program in sorted(folder.iterdir()):
        if program.is_file() and not program.name.startswith("_"):
            done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (program.name, done.stderr)
            assert "Usage:" in done.stdout
            assert "xample" in done.stdout, f"{program.name} shows no example"
