"""`score` and `evolve` by turns: one at a time, again and again; a failure is said, "try later" is not."""

from types import SimpleNamespace

import pytest

from outcry.desk.evolving import judges


class Held:
    """Children that end when and as the test says."""

    def __init__(self):
        self.all, self.started = {}, []

    def start(self, name, program):
        self.started.append(program)
        self.all[name] = SimpleNamespace(name=name, exit_code=None, log="its log", last_words=lambda lines: "broken")

    def stop(self, names):
        for name in names:
            self.all[name].exit_code = -15


@pytest.fixture
def turn(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr(judges, "time", clock)
    held = Held()
    return clock, held, judges.Judges(held, time_factor=15.0)


def test_each_has_its_turn_and_never_both(turn):
    clock, held, both = turn
    assert both.follow() == "" and held.started == []
    clock.now = 60.0
    for _ in range(3):
        both.follow()
    assert held.started == ["score"], "evolve is due too, and waits"
    held.all["score"].exit_code = 0
    assert both.follow() == "" and held.started == ["score", "evolve"]
    held.all["evolve"].exit_code = 75
    assert both.follow() == "", "it tries again at its next turn"
    clock.now = 80.0
    both.follow()
    assert held.started == ["score", "evolve", "score"]
    held.all["score"].exit_code = 65
    assert both.follow() == "score ended with exit code 65: broken (log: its log)"
    assert held.all == {}


def test_the_one_that_runs_is_ended(turn):
    clock, held, both = turn
    both.stop()
    clock.now = 20.0
    both.follow()
    child = held.all["score"]
    both.stop()
    assert child.exit_code == -15 and held.all == {}
