"""Fresh data at each entry: what the decision was made on was heard, changed and priced recently enough."""

from collections.abc import Iterator
from typing import NamedTuple

from outcry.review.checks.records import CRITICAL, Finding

CHECK = "fresh"
QUICK_MS = 900_000  # windows up to so long are held to the quick limit


class Seen(NamedTuple):
    """What an entry that was not refused was made on. `index_end_ms`: None without an index price."""

    decision_id: str
    at_ms: int
    looked_at_ms: int
    trusted: bool
    heard_at_ms: int
    changed_at_ms: int
    ticker_moved_at_ms: int
    underlying: str
    index_end_ms: int | None
    open_at_ms: int
    close_at_ms: int
    status: str


class Ages(NamedTuple):
    """The most that is allowed, in ms; and the least time before the close."""

    silence_ms: int
    quick_unchanged_ms: int
    slow_unchanged_ms: int
    index_ms: int
    before_close_ms: int


def check(seen: Seen, ages: Ages) -> Iterator[Finding]:
    """Every way in which an entry's data were not fit to enter on."""
    quick = bool(seen.underlying) and seen.close_at_ms - seen.open_at_ms <= QUICK_MS
    if not seen.trusted:
        yield _finding(seen, "trusted", "an untrusted book")
    if _old(seen, seen.heard_at_ms, ages.silence_ms):
        yield _finding(seen, "heard", f"a stream silent for {seen.at_ms - seen.heard_at_ms} ms", ages.silence_ms)
    unchanged_ms = seen.at_ms - seen.changed_at_ms
    if quick and _old(seen, seen.changed_at_ms, ages.quick_unchanged_ms):
        yield _finding(seen, "changed", f"a book unchanged for {unchanged_ms} ms", ages.quick_unchanged_ms)
    if (
        not quick
        and _old(seen, seen.changed_at_ms, ages.slow_unchanged_ms)
        and not _old(seen, seen.ticker_moved_at_ms, ages.slow_unchanged_ms)
    ):
        yield _finding(seen, "changed", f"a book unchanged for {unchanged_ms} ms", ages.slow_unchanged_ms)
    if seen.underlying and (seen.index_end_ms is None or _old(seen, seen.index_end_ms, ages.index_ms)):
        age = "no price" if seen.index_end_ms is None else f"a price {seen.at_ms - seen.index_end_ms} ms old"
        yield _finding(seen, "index", f"{age} of {seen.underlying}", ages.index_ms)
    if seen.status != "active" or not seen.open_at_ms <= seen.at_ms <= seen.close_at_ms - ages.before_close_ms:
        text = f"a market that is {seen.status} and closes in {seen.close_at_ms - seen.at_ms} ms"
        yield _finding(seen, "open", text, ages.before_close_ms)
    if seen.looked_at_ms > seen.at_ms + ages.silence_ms:
        yield _finding(seen, "clock", f"a view of {seen.looked_at_ms}, decided at {seen.at_ms}")


def _old(seen: Seen, then_ms: int, limit_ms: int) -> bool:
    return abs(seen.at_ms - then_ms) > limit_ms


def _finding(seen: Seen, what: str, text: str, limit_ms: int = 0) -> Finding:
    return Finding(
        CHECK,
        f"decision {seen.decision_id} {what}",
        CRITICAL,
        f"decision {seen.decision_id} entered on {text}",
        "the gate let it pass: look at what it was asked (table circumstances)",
        {"limit_ms": limit_ms, "at_ms": seen.at_ms},
    )
