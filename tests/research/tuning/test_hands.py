"""Worker processes: what goes wrong in one is said by who started it, and what it was at is given back."""

import multiprocessing
import tempfile
import time
from pathlib import Path

import pytest

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.research import tune
from outcry.research.backtesting.terms import Terms
from outcry.research.tuning import space, storage
from outcry.research.tuning.split import Part, Split
from outcry.research.tuning.study import Question

PART = Part(frozenset({"T"}), 1, 0, 1)


@pytest.fixture
def task():
    """Two trials on a tape that is not there."""
    question = Question("coin_flip", "sha", {}, space.axes("coin_flip", {}, ()), {}, {})
    with tempfile.TemporaryDirectory() as folder:
        where = storage.local(Path(folder), "study")
        missing = Path(folder) / "2026-11-20.db"
        yield tune.Task(where, question, "random", 2, Split(PART, PART, PART, 0), Terms(), (missing,))


def left(task):
    search = task.search("test")
    assert search.join()
    return search.running(), search.done()


def test_an_error_in_a_worker_is_raised_by_who_started_it(task):
    with pytest.raises(Misconfigured, match="no database at"):
        tune.search(task, 1, None, lambda done: None)
    assert left(task) == (0, []) and not multiprocessing.active_children()


def test_a_worker_that_is_killed_ends_the_search_in_one_line(task):
    def kill(done):
        for worker in multiprocessing.active_children():
            worker.kill()

    with pytest.raises(Unavailable, match=r"a worker died of signal 9 \(the same command goes on"):
        tune.search(task, 1, None, kill)
    assert left(task) == (0, []) and not multiprocessing.active_children()


def test_when_the_time_is_over_nobody_is_left(task):
    told = []
    assert tune.search(task, 2, time.monotonic() + 0.1, told.append) == []
    assert tune.search(task, 2, time.monotonic() - 1, told.append) == []
    assert set(told) == {0} and not multiprocessing.active_children()


def test_nobody_helps_with_what_nobody_began(task):
    assert not tune.help_with(task, 1, None, lambda done: None, patience_s=0)
