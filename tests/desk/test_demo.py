"""The demo told to leave, wherever it is; and its line on a narrow terminal."""

import os
import signal

import click
import pytest

from outcry.desk import demo
from outcry.store.progress import Progress


@pytest.fixture
def quiet_demo(tmp_path, monkeypatch):
    """A demo whose floor does nothing; whatever is named `there` sends it a signal, twice."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for name, result in {"_start": None, "_watch": [], "_last_look": None, "_conclude": 0, "_traders": []}.items():
        monkeypatch.setattr(demo, name, lambda *_arguments, result=result: result)

    def run(there: str, number: signal.Signals) -> int:
        before = getattr(demo, there)

        def told(*arguments: object) -> object:
            os.kill(os.getpid(), number)
            return before(*arguments)

        monkeypatch.setattr(demo, there, told)
        return demo.run(tmp_path / "none.toml", tmp_path / "state", demo.Plan(1.0))

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("there", ["_start", "_watch", "_last_look"])
def test_told_to_leave_it_says_so_and_stops_everything(quiet_demo, capsys, there, number):
    assert quiet_demo(there, number) == 130
    assert "stopping" in capsys.readouterr().err


def test_told_while_it_prints_its_report_it_ends_as_any_program_does(quiet_demo):
    with pytest.raises(click.Abort):
        quiet_demo("_conclude", signal.SIGTERM)


def test_nobody_hurries_it_while_it_stops_the_floor(quiet_demo, monkeypatch):
    asked: list[object] = []

    def slowly(_children: object, names: list[str], *_patience: object) -> list[str]:
        if names == ["dashboard"]:  # the first of all of them
            os.kill(os.getpid(), signal.SIGTERM)
        asked.extend(names)
        return []

    monkeypatch.setattr(demo.Children, "stop", slowly)
    assert quiet_demo("_conclude", signal.SIGCHLD) == 0
    assert asked[-1] == "exchange"


def test_what_matters_most_stands_first_in_its_line():
    now = Progress(6_730, 71, 20, 18, settled_markets=5, settled_trades=3, reconciled=True, reconciled_at_ms=1)
    line = demo._line(75.0, demo.Plan(3.0), now)
    assert line.startswith("1:15 of 3:00  ledger agrees  settled 5 markets and 3 trades  fills 18  orders 20  ")
