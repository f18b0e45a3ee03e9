"""What `make research` writes into docs/strategies.md: what was run, two tables, and what they amount to."""

import sys
from pathlib import Path
from typing import Any

from outcry.research import comparison
from outcry.research.comparison import Earned, Estimate, Events

PAGE = Path(__file__).resolve().parents[1] / "docs" / "strategies.md"
BEGIN, END = "<!-- make research writes from here -->", "<!-- to here -->"
TAPE = (
    "| tape | days | changes of books | markets with a book | with a touch only | with trades only | results known |",
    "|---|---:|---:|---:|---:|---:|---:|",
)
COUNTS = ("changes", "books", "touches", "prints", "ended")


class Tables:
    """Outcomes by kind and strategy. What draws lots has one for each seed; its events are taken together.

    titles    of the kinds, in their order; the first kind is the main table's
    baseline  what the others are held against
    """

    def __init__(
        self,
        labels: list[tuple[str, str]],
        outcomes: list[dict[str, Any]],
        days: list[dict[str, Any]],
        titles: dict[str, str],
        baseline: str,
    ) -> None:
        self._days, self._titles, self._baseline = days, titles, baseline
        self._main = next(iter(titles))
        self._found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for label, told in zip(labels, outcomes, strict=True):
            self._found.setdefault(label, []).append(told)
        self._names = sorted({name for _, name in labels})
        self._tried = len(self._names)

    def text(self) -> str:
        return "\n".join([*self._tape(), "", *self._each(), "", *self._otherwise(), "", self._finding()])

    def _events(self, kind: str, name: str) -> Events:
        told = self._found.get((kind, name), [])
        return comparison.together({event: Earned(*it) for event, it in one["events"].items()} for one in told)

    def _tape(self) -> list[str]:
        months: dict[str, list[dict[str, Any]]] = {}
        for day in self._days:
            if any(day[what] for what in COUNTS):
                months.setdefault(day["day"][:7], []).append(day)
        rows = [
            f"| {month} | {len(some)} | {' | '.join(f'{sum(day[what] for day in some):,}' for what in COUNTS)} |"
            for month, some in months.items()
        ]
        return [*TAPE, *rows]

    def _each(self) -> list[str]:
        level = f"{100 - 5 / self._tried:g} %"
        head = "| strategy | markets | events | trades | win rate (break-even) | net, 95 % | per contract, 95 %"
        lines = [
            f"{head} | less coin_flip's, {level} | what may be said |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---|",
        ]
        return lines + [self._row(name) for name in self._names]

    def _row(self, name: str) -> str:
        first, events = self._found[self._main, name][0], self._events(self._main, name)
        if not events:
            return f"| {name} | 0 | 0 | 0 | | | | | did not trade: {self._why_not(name)} |"
        report = first["report"]
        once = {event: Earned(*it) for event, it in first["events"].items()}
        baseline = self._events(self._main, self._baseline)
        beside = comparison.against(events, baseline, comparison.width(self._tried))
        cells = [
            name,
            len(first["markets"]),
            len(once),
            report["trades"],
            f"{report['win_rate']:.0%} ({report['break_even']:.0%})",
            dollars(comparison.total(once, comparison.width())),
            cents(comparison.per_contract(events, comparison.width())),
            "" if name == self._baseline else cents(beside),
            "the baseline" if name == self._baseline else self._said(name),
        ]
        return f"| {' | '.join(str(cell) for cell in cells)} |"

    def _said(self, name: str) -> str:
        baseline = self._events(self._main, self._baseline)
        return comparison.verdict(self._events(self._main, name), baseline, self._tried)

    def _why_not(self, name: str) -> str:
        """What stood against it most often where there were books."""
        booked = self._found[list(self._titles)[1], name][0]
        return ", ".join(f"{why} ({count:,})" for why, count in list(booked["report"]["conditions"].items())[:3])

    def _otherwise(self) -> list[str]:
        lines = [f"| per contract (events) | {' | '.join(self._titles.values())} |"]
        lines.append(f"|---|{'---:|' * len(self._titles)}")
        for name in self._names:
            cells = [self._cell(kind, name) for kind in self._titles]
            if any(cells):
                lines.append(f"| {name} | {' | '.join(cells)} |")
        return lines

    def _cell(self, kind: str, name: str) -> str:
        events = self._events(kind, name)
        if not events:
            return ""
        return f"{comparison.per_contract(events, comparison.width()).value * 100:+.1f} ¢ ({len(events)})"

    def _finding(self) -> str:
        """What it amounts to, in two sentences."""
        said = {name: self._said(name) for name in self._names if name != self._baseline}
        gains = [name for name, words in said.items() if words.startswith("gains")]
        better = [name for name, words in said.items() if words.endswith("better than a coin")]
        first = (
            f"After fees {', '.join(gains)} gained." if gains else "After fees no strategy is shown to gain anything."
        )
        second = f"Better than a coin: {', '.join(better)}." if better else "None is shown to beat its baseline."
        return f"**{first} {second} That is the finding.**"


def cents(estimate: Estimate) -> str:
    return f"{estimate.value * 100:+.1f} ¢ ({estimate.low * 100:+.1f} to {estimate.high * 100:+.1f})"


def dollars(estimate: Estimate) -> str:
    return f"{_signed(estimate.value)} ({_signed(estimate.low)} to {_signed(estimate.high)})"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}${abs(value):,.0f}"


def write(page: Path, text: str) -> None:
    """Put a text between the two marks of a page."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{page} lacks the marks {BEGIN!r} and {END!r}: nothing written")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
