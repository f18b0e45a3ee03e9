"""bin/tune as people run it: stopped, killed and gone on with; on one machine, and as several with one database."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

import postgres
from outcry.desk import migrate
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import settings
from outcry.ops.floor import Floor, open_floor
from outcry.ops.installed import HOME
from outcry.research import made_tape
from outcry.research.compiler import compile_day
from outcry.research.tuning import storage
from outcry.research.tuning.study import Question, Search
from outcry.store import database, proposals

pytestmark = pytest.mark.floor

DAY, START_MS = "2026-11-20", 1_795_176_000_000
SETTINGS = """
time_factor = 22.5
[risk]
min_time_to_close_ms = 1000
max_spread_and_fee_millionths = 1000000
"""
ENDLESS = 100_000
PATIENCE_S = 120


@pytest.fixture(scope="module")
def tape(tmp_path_factory) -> Path:
    """A compiled day of eighteen short markets."""
    folder = tmp_path_factory.mktemp("tape")
    recorded = made_tape.make(folder / "recorded.db", START_MS, 190, seed=7, window_s=10, average_s=2, volatility=6.0)
    compile_day(recorded, folder / f"{DAY}.db")
    return folder / f"{DAY}.db"


class Machine:
    """One machine: its own settings and state, and the compiled day."""

    def __init__(self, folder: Path, tape: Path, *, books: bool) -> None:
        folder.mkdir()
        self._settings, self._state = folder / "floor.toml", folder / "state"
        self._settings.write_text(SETTINGS)
        self.floor: Floor = open_floor(settings.load(self._settings), self._state)
        (self.floor.tape / "compiled").mkdir(parents=True)
        shutil.copy(tape, self.floor.tape / "compiled")
        if books:
            migrate.prepare(self.floor, START_MS)

    def start(self, trials: int, *options: str, url: str = "") -> subprocess.Popen[str]:
        """Search coin_flip's chance of trading, in a process group of its own, as a terminal has it."""
        words = ["coin_flip", "--vary", "chance_millionths", "--sampler", "random", "--trials", str(trials), *options]
        return subprocess.Popen(
            [sys.executable, HOME / "bin" / "tune", *words, "--settings", self._settings, "--state", self._state],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | ({"OUTCRY_TUNE_STORAGE": url} if url else {}),
        )  # fmt: skip

    def study(self, url: str = "") -> "Looked":
        name = f"coin_flip-random-{DAY}"
        return Looked(storage.postgres(url, name) if url else storage.local(self.floor.folder / "tune", name))

    def proposals(self) -> list[proposals.Proposal]:
        with contextlib.closing(database.read_only(self.floor.database)) as db:
            return proposals.everything(db)


class Looked:
    """A study as somebody from outside sees it, from when it is there."""

    def __init__(self, where: storage.Where) -> None:
        self._where = where
        self._study: optuna.Study | None = None

    def trials(self, state: str) -> list[optuna.trial.FrozenTrial]:
        if self._study is None and self._there():
            with contextlib.suppress(KeyError):  # its tables are there, it is not
                self._study = optuna.load_study(study_name=self._where.study, storage=storage.opened(self._where))
        if self._study is None:
            return []
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.name == state]

    def _there(self) -> bool:
        if not self._where.shared and not Path(self._where.url.removeprefix("sqlite:///")).exists():
            return False  # looking would make it
        return storage.made(self._where)

    def done(self) -> list[tuple[int, dict]]:
        return [(trial.number, trial.user_attrs["parameters"]) for trial in self.trials("COMPLETE")]

    def hands(self) -> set[str]:
        """Whose work is done: host and process that started each worker."""
        return {trial.user_attrs["by"].rpartition(":")[0] for trial in self.trials("COMPLETE")}


def await_that(come, *running):
    deadline = time.monotonic() + PATIENCE_S
    while not come():
        assert time.monotonic() < deadline, "it did not come"
        for process in running:
            assert process.poll() is None, process.communicate()
        time.sleep(0.5)


def ended(process, code):
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, (process.returncode, out, err)
    assert "Traceback" not in err, err
    return out, err


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_search_survives_a_kill_and_ctrl_c_and_counts_all_that_is_done(tmp_path, tape):
    machine = Machine(tmp_path / "one", tape, books=True)
    study = machine.study()

    killed = machine.start(ENDLESS, "--processes", "2")
    await_that(lambda: len(study.done()) >= 2, killed)
    workers = children_of(killed.pid)
    assert len(workers) >= 2
    killed.kill()
    ended(killed, -signal.SIGKILL)
    await_that(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    first = study.done()

    stopped = machine.start(ENDLESS, "--processes", "1")
    await_that(lambda: len(study.done()) > len(first), stopped)
    os.killpg(stopped.pid, signal.SIGINT)
    _, err = ended(stopped, 130)
    second = study.done()
    assert f"stopped with {len(second)} trials done; the same command goes on" in err
    assert second[: len(first)] == first and not study.trials("RUNNING")

    out, err = ended(machine.start(len(second) + 1, "--json"), 0)
    told = json.loads(out)
    assert told["trials"] == len(study.done()) == len(second) + 1 and not study.trials("RUNNING")
    assert "no conclusion possible" in told["evidence"]["verdict"]["why"] and not told["recommended"]
    assert f"{told['evidence']['split']['test']['events']} events to test on: below 30" in err
    assert [one.number for one in machine.proposals()] == [told["number"]]
    assert "stake_millionths" not in told["parameters"]


def test_two_machines_search_together_in_one_database_and_a_stranger_is_refused(tmp_path, tape, monkeypatch):
    boss, helper = Machine(tmp_path / "boss", tape, books=True), Machine(tmp_path / "helper", tape, books=False)
    with postgres.server() as url:
        study = boss.study(url)
        one = boss.start(ENDLESS, "--processes", "1", url=url)
        two = helper.start(ENDLESS, "--processes", "1", "--worker", url=url)
        await_that(lambda: len(study.hands()) == 2, one, two)
        os.killpg(two.pid, signal.SIGINT)
        os.killpg(one.pid, signal.SIGINT)
        said = "".join((*ended(one, 130), *ended(two, 130)))
        assert not study.trials("RUNNING"), "who stops gives back what it was at"

        refused(helper, url, tmp_path)
        given_back_once_silent(url, monkeypatch)
        so_far = len(study.done())
        out, err = ended(boss.start(so_far + 1, "--json", url=url), 0)
        assert json.loads(out)["trials"] == len(study.done()) == so_far + 1
        failed = refused_by_password(url)
        for secret in (postgres.PASSWORD, postgres.WRITTEN, "wrong/password", "wrong%2Fpassword"):
            assert secret not in said + out + err + failed
    assert len(boss.proposals()) == 1 and not helper.floor.database.exists()


def refused(machine, url, folder):
    """Another tape under the same name of the day."""
    from outcry.desk import tune

    other = made_tape.make(folder / "other.db", START_MS, 60, seed=8, window_s=5, average_s=2)
    target = machine.floor.tape / "compiled" / f"{DAY}.db"
    target.unlink()
    compile_day(other, target)
    wanted = tune.Wanted("coin_flip", named=("chance_millionths",), sampler="random", storage=url, worker=True)
    with pytest.raises(Misconfigured, match="was begun with another: its tape"):
        tune.run(machine.floor, wanted)


def given_back_once_silent(url, monkeypatch):
    """Two died without a word: one in the middle of a trial, one that had only taken a number."""
    monkeypatch.setattr(storage, "SILENT_S", 2)
    where = storage.postgres(url, "silence")
    search = Search(where, Question("coin_flip", "sha", {}, [], {}, {}), "random", 2, "me")
    search.begin()
    held = storage.opened(where)
    dead = optuna.load_study(study_name="silence", storage=held)
    with pytest.warns(UserWarning, match="Heartbeat of storage"):
        trial, _ = dead.ask(), dead.ask()
    held.record_heartbeat(trial._trial_id)
    trial.set_user_attr("by", "somebody")
    assert search.running() == 2
    await_that(lambda: search.running() == 0)


def refused_by_password(url):
    where = storage.postgres(url.replace(postgres.WRITTEN, "wrong%2Fpassword"), "study")
    with pytest.raises(Unavailable, match="password authentication failed") as refused:
        Search(where, Question("coin_flip", "sha", {}, [], {}, {}), "random", 1, "me").begin()
    return str(refused.value)
