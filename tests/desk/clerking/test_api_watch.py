"""Calls of all programs, judged by the clerk."""

import pytest

from account import T0
from outcry.desk.clerking.api_watch import ApiWatch, read
from outcry.desk.common.standing import Standing
from outcry.domain.limits import Limits
from outcry.store import system
from outcry.venue.tally import Tally


class Quiet:
    def status(self, text):
        pass


class Watch:
    def __init__(self, db):
        self.db, self.calls = db, Tally()
        self.restart()

    def restart(self):
        self.api = ApiWatch(self.db, Limits(), self.calls, Standing(self.db, "clerk", Quiet(), "READY", T0))

    def call(self, good, bad=0, at_ms=T0):
        for number in range(good + bad):
            self.calls.count(number < bad, at_ms)
        self.api.look(at_ms)

    def beat(self, program, slices, at_ms=T0):
        facts = {"pid": 1, "started_at_ms": 1, "state": "READY", "state_since_ms": 1, "version": "", "now_ms": at_ms}
        system.beat(self.db, program, detail={"calls": slices}, **facts)

    def stopped(self):
        return [(row.scope, row.kind, row.cause) for row in system.controls_now(self.db)]


STOPPED = [("floor", "stop_entries", "api_errors")]


@pytest.fixture
def watch(db):
    return Watch(db)


def test_more_than_a_tenth_of_twenty_stops_the_floor_and_twenty_good_ones_since_let_it_go_on(watch):
    watch.call(18, 2)
    assert watch.stopped() == []
    watch.call(0, 1)
    assert watch.stopped() == STOPPED
    watch.restart()
    watch.call(17, 3, T0 + 60_000)
    assert watch.stopped() == STOPPED
    watch.call(9, 0, T0 + 70_000)
    assert watch.stopped() == STOPPED, "3 of 29"
    watch.call(1, 0, T0 + 80_000)
    assert watch.stopped() == []
    watch.call(1, 0, T0 + 90_000)
    assert watch.stopped() == [], "what failed before it was good is forgiven"
    events = [row["event"] for row in system.recent_events(watch.db)]
    assert events == ["allowed_entries", "stopped_entries"]


def test_failures_are_forgotten_after_five_minutes(watch):
    watch.call(0, 19)
    watch.call(2, 0, T0 + 310_000)
    assert watch.stopped() == []


def test_one_program_whose_calls_fail_is_enough(watch):
    """All its orders fail, while the clerk's reads are as good as ever."""
    watch.beat("trader@momentum", [[T0 - 30_000, 12, 1], [T0 - 20_000, 8, 2]])
    watch.call(500)
    assert watch.stopped() == STOPPED
    (control,) = system.controls_now(watch.db)
    assert control.reason.startswith("trader@momentum: 3 of 20 calls")


def test_few_calls_of_many_programs_add_up(watch):
    for name in ("a", "b", "c"):
        watch.beat(f"trader@{name}", [[T0 - 1_000, 5, 1]])
    watch.call(5)
    assert watch.stopped() == STOPPED


def test_what_a_program_said_that_is_gone_counts_no_more(watch):
    watch.beat("trader@momentum", [[T0 - 1_000, 50, 50]], at_ms=T0)
    watch.call(1, at_ms=T0 + 90_001)
    assert watch.stopped() == []


def test_a_heartbeat_of_another_build_is_read_as_far_as_it_goes():
    assert read([[1, 2, 3], [1, 2], "x", [1, 2, "3"], None]) == [(1, 2, 3)]
    assert read(None) == read("calls") == read({}) == []
