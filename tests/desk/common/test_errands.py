"""Errands: beside the loop, one of a name at a time, with errors handed back and bugs raised where they are seen."""

import threading
import time

import pytest

from outcry.desk.common.errands import Done, Errands
from outcry.domain.errors import Unavailable


def finished(errands: Errands, count: int) -> list[Done]:
    found: list[Done] = []
    end = time.monotonic() + 5
    while len(found) < count:
        assert time.monotonic() < end
        found += errands.finished()
        time.sleep(0.001)
    return found


def test_results_come_back_in_order_under_their_names():
    errands = Errands()
    assert errands.start("one", lambda: 1)
    assert errands.start("two", lambda: threading.current_thread().name)
    assert finished(errands, 2) == [Done("one", 1), Done("two", "errands")]
    errands.close()


def test_a_name_under_way_is_not_started_again():
    errands, release = Errands(), threading.Event()
    assert errands.start("slow", lambda: release.wait(5))
    assert not errands.start("slow", lambda: None)
    release.set()
    finished(errands, 1)
    assert errands.start("slow", lambda: None)
    errands.close()


def test_an_error_is_a_result_and_a_bug_is_raised():
    errands = Errands()

    def unavailable() -> None:
        raise Unavailable("no answer")

    errands.start("call", unavailable)
    (done,) = finished(errands, 1)
    assert str(done.error) == "no answer"
    errands.start("bug", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finished(errands, 1)
    errands.close()
