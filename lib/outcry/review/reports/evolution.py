"""What evolution decided and why, and what its budget for false discoveries was spent on: for people and programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from tabulate import tabulate

from outcry.review.bets import level

QUIET = frozenset({"evidence", "why", "reason"})


@dataclass(frozen=True, slots=True)
class Decided:
    """One event. `evidence`: its figures, as they were kept."""

    at_ms: int
    agent: str
    rule: str
    act: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spent:
    """One budget. Of all that is answered yes at most the share `budget` is expected to be wrong.

    question    what is asked
    asked       how often it was asked of an agent, a flag or a clone
    yes         how many of those were answered yes
    spent       the share of the budget that the questions asked so far have been granted (all there will ever be: 1)
    next_level  the error with which the next new one may be answered yes
    """

    question: str
    asked: int
    yes: int
    spent: float
    next_level: float


@dataclass(frozen=True, slots=True)
class Report:
    budget: float
    spent: tuple[Spent, ...]
    decided: tuple[Decided, ...]


def as_json(report: Report) -> dict[str, Any]:
    return asdict(report)


def as_text(report: Report) -> str:
    """Decisions, the newest first, each with its reason; then the budget."""
    rows = [[_clock(one.at_ms), one.agent, one.act, one.rule, _why(one.evidence)] for one in report.decided]
    table = tabulate(rows, ["when (UTC)", "agent", "act", "rule", "why"], tablefmt="simple", disable_numparse=True)
    spent = tabulate(
        [[one.question, one.asked, one.yes, f"{one.spent:.1%}", f"{one.next_level:.1e}"] for one in report.spent],
        ["question", "asked", "yes", "spent", "next level"],
        tablefmt="simple",
        disable_numparse=True,
        colalign=["left", "right", "right", "right", "right"],
    )
    told = f"False discoveries: of all answers of a kind at most {report.budget:.0%} are expected to be wrong."
    return "\n\n".join([table if rows else "nothing was decided yet", told, spent])


def _why(evidence: dict[str, Any]) -> str:
    """The reason a person gave, or what the rule compared and the evidence behind it."""
    if given := str(evidence.get("why") or evidence.get("reason") or ""):
        return given
    seen = evidence.get("evidence")
    said = [f"{key}={value}" for key, value in evidence.items() if key not in QUIET and _plain(value)]
    if isinstance(seen, dict):
        low, high = (_bound(seen.get(name)) for name in ("low_dollars", "high_dollars"))
        said.append(
            f"net {seen.get('net_dollars')} over {seen.get('events')} events, per contract from {low} to {high}"
        )
    return " ".join(said)


def _plain(value: object) -> bool:
    return isinstance(value, int | float | str) and value != ""


def _bound(value: object) -> str:
    return "?" if value is None else f"{value:+.2f}"


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def spending(asked: Sequence[tuple[str, int, int]], budget: float) -> tuple[Spent, ...]:
    """asked: (question, how many, how many were answered yes)."""
    return tuple(
        Spent(question, number, yes, number / (number + 1), level(number + 1, yes, budget))
        for question, number, yes in asked
    )
