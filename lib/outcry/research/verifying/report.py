"""What verifying a day found: defects with their places, remarks, counts, coverage."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KEPT = 40  # of each kind described; the rest is only counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing. `check`: what noticed it."""

    check: str
    session: int
    arrival: int
    at_ms: int
    what: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}.{self.at_ms % 1000:03d} session {self.session}, {self.arrival}: {self.what}"


@dataclass(slots=True)
class Coverage:
    """What there is of one market. known_ms: how long its book was known."""

    deltas: int = 0
    snapshots: int = 0
    tickers: int = 0
    prints: int = 0
    first_ms: int = 0
    last_ms: int = 0
    known_ms: int = 0

    def seen(self, at_ms: int) -> None:
        self.first_ms = min(self.first_ms or at_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)


@dataclass(slots=True)
class Report:
    """Of one day.

    defects   what the tape gets wrong or lost without saying so; `counts` has how many of each check
    remarks   what it says of itself, and what a price from another source disagrees with
    checked   how much was looked at, by name
    coverage  by market
    """

    defects: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)
    coverage: dict[str, Coverage] = field(default_factory=dict)

    def defect(self, finding: Finding) -> None:
        self._keep(self.defects, finding)

    def remark(self, finding: Finding) -> None:
        self._keep(self.remarks, finding)

    def count(self, name: str, by: int = 1) -> None:
        self.checked[name] = self.checked.get(name, 0) + by

    def of(self, ticker: str) -> Coverage:
        """The coverage of a market, begun where there was none."""
        found = self.coverage.get(ticker)
        if found is None:
            found = self.coverage[ticker] = Coverage()
        return found

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.defects

    def lines(self) -> list[str]:
        """For people: defects, remarks, then what was looked at."""
        told = [f"defect   {finding.check:<10} {finding}" for finding in self.defects]
        told += [f"remark   {finding.check:<10} {finding}" for finding in self.remarks]
        for name, number in sorted(self.counts.items()):
            shown = sum(finding.check == name for finding in (*self.defects, *self.remarks))
            if number > shown:
                told.append(f"and      {name:<10} {number - shown} more")
        return told + [f"checked  {name:<28} {number:>10,}" for name, number in sorted(self.checked.items())]

    def plain(self) -> dict[str, Any]:
        """For a manifest."""
        return {
            "sound": self.sound,
            "defects": [_plain(finding) for finding in self.defects],
            "remarks": [_plain(finding) for finding in self.remarks],
            "counts": dict(sorted(self.counts.items())),
            "checked": dict(sorted(self.checked.items())),
        }

    def _keep(self, where: list[Finding], finding: Finding) -> None:
        self.counts[finding.check] = self.counts.get(finding.check, 0) + 1
        if self.counts[finding.check] <= KEPT:
            where.append(finding)


def _plain(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__slots__}
