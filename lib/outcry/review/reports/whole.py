"""The whole report of a span: what the agents did, and all that stands beside it. Its JSON: docs/report.md."""

from dataclasses import asdict, dataclass
from typing import Any

from outcry.review.reports import today
from outcry.review.reports.budget import Spent

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked. `kind`: today, hour, day, week or since; half-open, ms UTC; `days`: its trading days.

    ended  whether all of it has passed: then nothing is shown that is true only now
    """

    kind: str
    title: str
    from_ms: int
    to_ms: int
    days: tuple[str, ...]
    ended: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """A market in which we held something when it paid; `net_micros` of all our trades there."""

    ticker: str
    result: str
    value_cc: int
    settled_at_ms: int
    agents: str
    net_micros: int


@dataclass(frozen=True, slots=True)
class Finding:
    finding_id: int
    found_at_ms: int
    severity: str
    what: str


@dataclass(frozen=True, slots=True)
class Program:
    """`running`: alive; None: stopped on purpose. `up_ms`: since it was started; None while it does not run."""

    name: str
    state: str
    running: bool | None
    up_ms: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted and what is. `met` None: cannot be told yet."""

    name: str
    wanted: str
    actual: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one agent traded and paid for it. Contracts in hundredths; prices on the YES scale."""

    agent: str
    fills: int
    taker_fills: int
    count_ch: int
    taker_ch: int
    traded_micros: int
    fees_micros: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit trail's head, and what came of decisions made again in the span."""

    seq: int
    link: str
    chained_at_ms: int
    unchained: int
    replays: dict[str, int]
    findings_ever: int
    findings_open: int


@dataclass(frozen=True, slots=True)
class Point:
    """Floor equity at the roll of a day, or now; `result_micros`: of the day before, deposits taken out."""

    day: str
    at_ms: int
    equity_micros: int
    result_micros: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What evolution, or a person, did to an agent, and why in a sentence."""

    at_ms: int
    agent: str
    act: str
    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be found by chance: of each kind's yes at most `millionths` are expected to be wrong.

    questions  asked so far; a birth asks none, its trades decide nothing
    kinds      each kind's own budget
    """

    millionths: int
    questions: int
    discoveries: int
    kinds: tuple[Spent, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """
    scored      True: of so long a time trades are counted by market once it has paid, from bin/score's work;
                False: from flat to flat, each from its fills
    unscored    settlements that scoring has not come to
    complete    whether all settlements of the span are listed, not only the newest
    """

    span: Span
    report: today.Report
    scored: bool
    unscored: int
    settlements: tuple[Settlement, ...]
    complete: bool
    findings: tuple[Finding, ...]
    programs: tuple[Program, ...]
    forbidden: tuple[str, ...]
    jobs: str
    jobs_late: bool
    targets: tuple[Target, ...]
    costs: tuple[Cost, ...]
    audit: Audit
    curve: tuple[Point, ...]
    evolution: tuple[Change, ...]
    budget: Budget


def as_json(whole: Whole) -> dict[str, Any]:
    """Everything, in integers with their unit in the name. Keys are added, never changed, under one schema number."""
    span, total = whole.span, whole.report.total
    return {
        "schema": SCHEMA,
        "kind": span.kind,
        "title": span.title,
        **today.as_json(whole.report),
        "to_ms": span.to_ms,
        "ended": span.ended,
        "net_error_micros": total.net_error_micros,
        "counted": "markets that paid, as scored" if whole.scored else "trades from flat to flat",
        "unscored_settlements": whole.unscored,
        "settlements": [asdict(one) for one in whole.settlements],
        "settlements_complete": whole.complete,
        "findings": [asdict(one) for one in whole.findings],
        "programs": [asdict(one) for one in whole.programs],
        "forbidden": list(whole.forbidden),
        "jobs": whole.jobs,
        "jobs_late": whole.jobs_late,
        "targets": [asdict(one) for one in whole.targets],
        "costs": [asdict(one) for one in whole.costs],
        "audit": asdict(whole.audit),
        "curve": [asdict(one) for one in whole.curve],
        "evolution": [asdict(one) for one in whole.evolution],
        "budget": asdict(whole.budget),
    }
