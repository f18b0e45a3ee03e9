"""Many backtests at once: one process a core, each over the whole tape. What is run is named, so that it can be sent.

Columns are read faster than anything is computed from them, so each process reads the tape itself.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outcry.research.backtest import Result, Terms, run
from outcry.research.backtesting.report import Report, report_of
from outcry.research.tape import Day, Session
from outcry.strategies import catalogue

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One backtest: a strategy by name, what differs from its defaults, and what is assumed."""

    strategy: str
    parameters: dict[str, Any] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)


def one(case: Case, files: Sequence[Path], progress: Progress = lambda _at_ms, _changes: None) -> Result:
    """One backtest in this process. Raises Misconfigured for an unknown strategy or setting."""
    strategy = catalogue.build(case.strategy, case.parameters)
    with ExitStack() as stack:
        return run(strategy, _sessions(files, stack), case.terms, progress)


def sweep(cases: Sequence[Case], files: Sequence[Path], processes: int | None = None) -> list[Report]:
    """The reports of many backtests, in the order of the cases.

    processes  None for one a core; 1 stays in this process
    """
    most = min(len(cases), processes or os.cpu_count() or 1)
    if most <= 1:
        return [_reported(case, files) for case in cases]
    with ProcessPoolExecutor(most) as pool:
        return list(pool.map(_reported, cases, [files] * len(cases)))


def _reported(case: Case, files: Sequence[Path]) -> Report:
    return report_of(one(case, files))


def _sessions(files: Sequence[Path], stack: ExitStack) -> Iterator[Session]:
    for file in files:
        yield from stack.enter_context(Day(file)).sessions
