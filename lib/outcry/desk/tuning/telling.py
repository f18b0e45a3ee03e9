"""What a search says to people: how the markets were split, what the winner showed, what may be done with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tabulate import tabulate

from outcry.research.backtesting.report import ENOUGH_EVENTS
from outcry.research.tune import Outcome, Task
from outcry.research.tuning.split import NAMES, Split
from outcry.store.proposals import Proposal
from outcry.strategies import catalogue


def begins(task: Task) -> str:
    """What is about to be searched, on what."""
    question, split = task.question, task.split
    lines = [f"{task.where.study}: {', '.join(axis.name for axis in question.axes)}"]
    lines += [
        f"  {name:<10} {part.events:5} events (clusters)  {_minute(part.first_ms)} to {_minute(part.last_ms)}"
        for name, part in zip(NAMES, (split.train, split.validation, split.test), strict=True)
    ]
    lines.append(f"  {split.left_out} events between them are left out")
    if split.test.events < ENOUGH_EVENTS:
        lines.append(
            f"  {split.test.events} events to test on: below {ENOUGH_EVENTS} no conclusion is possible; bring more days"
        )
    return "\n".join(lines)


def parts(split: Split) -> dict[str, Any]:
    """How the markets were split, for the evidence."""
    found = {
        name: {"events": part.events, "first_ms": part.first_ms, "last_ms": part.last_ms}
        for name, part in zip(NAMES, (split.train, split.validation, split.test), strict=True)
    }
    return {**found, "left_out": split.left_out}


def ended(kept: Proposal, outcome: Outcome) -> str:
    """The winner and what was judged of it."""
    rows = [[name, *_figures(kept.evidence[name])] for name in NAMES]
    columns = ["", "events", "trades", "net $", "$ a trade", "its lower bound (95 %)"]
    head = f"proposal {kept.number}: {kept.strategy} {changes(kept) or 'as it is by default'}"
    verdict = f"{'recommended' if kept.recommended else 'not recommended'}: {outcome.verdict.why}"
    lines = [head, "", tabulate(rows, columns, disable_numparse=True), "", verdict]
    if kept.taken_as is not None:
        lines.append(f"taken already: {kept.taken_as}")
    else:
        lines.append(f"to take it: bin/agent clone PARENT --proposal {kept.number} --why …")
    return "\n".join(lines)


def briefly(strategy: str, kept: Proposal | None) -> str:
    """For the row of the nightly job."""
    if kept is None:
        return f"{strategy}: no trial done"
    return f"{strategy}: proposal {kept.number}, {'recommended' if kept.recommended else 'not recommended'}"


def table(found: Sequence[Proposal]) -> str:
    """All proposals, a line each."""
    rows = [
        [
            one.number,
            _minute(one.created_at_ms),
            one.strategy,
            "yes" if one.recommended else "no",
            one.trials,
            one.evidence["test"]["events"],
            _dollars(one.evidence["test"]["per_trade"]),
            _cents(one.evidence["verdict"]["low_dollars"]),
            one.taken_as or "-",
            changes(one),
        ]
        for one in found
    ]
    columns = [
        "number", "at (UTC)", "strategy", "recommended", "trials", "test events", "$ a trade", "proven ¢ a contract",
        "taken as", "otherwise than by default",
    ]  # fmt: skip
    return tabulate(rows, columns, disable_numparse=True) if rows else "nothing has been proposed yet"


def changes(one: Proposal) -> str:
    """What a proposal has otherwise than the strategy's defaults."""
    defaults = {setting.name: setting.default for setting in catalogue.settings(one.strategy)}
    return " ".join(f"{name}={value}" for name, value in one.parameters.items() if defaults.get(name) != value)


def _figures(plain: dict[str, Any]) -> list[str]:
    return [
        str(plain["events"]),
        str(plain["trades"]),
        _dollars(plain["net"]),
        _dollars(plain["per_trade"]),
        _dollars(plain["low"]),
    ]


def _dollars(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"


def _cents(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.0f}"


def _minute(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
