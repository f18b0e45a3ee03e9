"""Failure 20: a wrong key, a setting twice, a forgotten flag, a typo: and the floor trades in a way nobody meant.

Every program refuses in one line that says what, where and the mend, before it touches anything.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outcry.venue import sign
from running import HOME, SETTINGS, RunningFloor

NOUNS = [("exchange",), ("clerk",), ("collector",), ("trader", "momentum"), ("auditor",)]
VERBS = [("halt",), ("resume",), ("agent", "ls"), ("migrate",)]
REFUSED = {  # what is wrong with the settings -> the words it is refused in
    'environment = "embedded"\nenvironment = "production"': "Cannot overwrite a value",
    '[risk]\nmax_spread_cc = 900\n[local]\nseed = 1\n[risk]\nmax_spread_cc = 5': "Cannot declare ('risk',) twice",
    'enviroment = "demo"': "did you mean environment?",
    '[risk]\nmax_spred_cc = 5': "did you mean risk.max_spread_cc?",
    'environment = "live"': "one of embedded, paper, demo, production",
    'environment = "production"': "needs live = true",
    'environment = "production"\nlive = true': "golive.json",
    "[risk]\nper_floor_millionths = 300000.0": "risk.per_floor_millionths: Expected `int`",
    "[risk]\nfloor_daily_loss_millionths = nan": "risk.floor_daily_loss_millionths: Expected `int`",
}  # fmt: skip


def run(program, *arguments, folder, settings=None):
    options = ["--state", folder, "--settings", settings or folder / "floor.toml"]
    command = [sys.executable, HOME / "bin" / program, *arguments, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def refused(done, words: str) -> None:
    assert done.returncode == 78, (done.args, done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert words in line and "Traceback" not in line
    assert done.stdout == ""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A floor that was made and never ran; tests work on copies."""
    folder = tmp_path_factory.mktemp("made")
    RunningFloor(folder, SETTINGS)
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "floor")
    return tmp_path / "floor"


@pytest.mark.floor
@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=range(len(REFUSED)))
def test_settings_that_cannot_be_meant_are_refused_in_one_line_and_nothing_is_touched(folder, text, words):
    (folder / "floor.toml").write_text(text)
    before = there(folder)
    refused(run("trader", "momentum", folder=folder), words)
    assert there(folder) == before


@pytest.mark.floor
@pytest.mark.parametrize("program", [*NOUNS, *VERBS], ids=" ".join)
def test_every_program_refuses_them(folder, program):
    (folder / "floor.toml").write_text('environment = "embedded"\nenvironment = "production"')
    before = there(folder)
    refused(run(*program, folder=folder), "Cannot overwrite a value")
    assert there(folder) == before


def there(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm")))


@pytest.mark.floor
@pytest.mark.parametrize("program", [*NOUNS, *VERBS], ids=" ".join)
def test_a_typo_in_a_flag_is_usage_and_names_the_nearest(folder, program):
    done = run(*program, "--setings", "x", folder=folder)
    assert done.returncode == 2 and "--settings" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.floor
@pytest.mark.parametrize("program", [*NOUNS[1:], ("resume", "--i-have-checked"), ("migrate",)], ids=" ".join)
def test_books_of_another_environment_are_not_written_by_anybody(folder, program):
    """Somebody copies the folder to try the demo exchange with it: books of two environments never mix."""
    (folder / "embedded").rename(folder / "demo")
    (folder / "floor.toml").write_text('environment = "demo"\n')
    refused(run(*program, folder=folder), "demo")


@pytest.mark.floor
def test_resume_wants_the_flag_that_says_somebody_looked(folder):
    (folder / "embedded" / "HALT").write_text("a test\n")
    done = run("resume", folder=folder)
    assert done.returncode == 1 and "--i-have-checked" in done.stderr
    assert (folder / "embedded" / "HALT").exists()


@pytest.mark.floor
def test_a_key_that_is_not_this_exchange_s_lets_nobody_trade_and_says_so(floor):
    """A key of another exchange: the clerk leaves with 78, the trader places nothing, the doctor has the mend."""
    floor.start_exchange()
    floor.agent("flip")
    private, _ = sign.generate("rsa")
    (floor.state / "kalshi.pem").write_bytes(private)
    floor.start("clerk", "collector", "trader@flip")
    floor.wait_for(lambda: floor.children.all["clerk"].exit_code == 78, 60, "the clerk leaves")
    assert "check the key" in floor.children.all["clerk"].last_words(1)
    said = floor.run("doctor", check=False)
    assert said.returncode == 1 and "the key does not match the environment 'embedded'" in said.stdout + said.stderr
    floor.children.stop(["trader@flip", "collector"])
    assert floor.query("SELECT 1 FROM orders") == []


@pytest.mark.floor
def test_where_orders_go_is_printed_at_the_start_and_stored_with_each(floor):
    floor.trade()
    for name in floor.children.all:
        assert '"environment": "embedded"' in floor.said(name), name
    assert "embedded" in floor.run("status").stdout.splitlines()[0]
    floor.survived()
    assert {row["environment"] for row in floor.query("SELECT environment FROM orders")} == {"embedded"}
