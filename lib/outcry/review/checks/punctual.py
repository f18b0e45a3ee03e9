"""Jobs that cron starts are done within their grace; a missed one is noticed by somebody who does not need cron."""

from collections.abc import Iterable
from typing import NamedTuple

from outcry.review.checks.records import WARNING, Finding

CHECK = "jobs"
MINUTE_MS = 60_000


class Turn(NamedTuple):
    """The newest turn of a job. `last_words`: how its newest run ended, "" when it is running or never did."""

    name: str
    due_at_ms: int
    done: bool
    grace_ms: int
    last_words: str


def check(turns: Iterable[Turn], watched_since_ms: int, now_ms: int) -> list[Finding]:
    """The jobs that were missed.

    watched_since_ms  nothing is blamed on turns before it, nor before a grace has passed since
    """
    return [
        _missed(turn, now_ms)
        for turn in turns
        if not turn.done and now_ms - max(turn.due_at_ms, watched_since_ms) >= turn.grace_ms
    ]


def _missed(turn: Turn, now_ms: int) -> Finding:
    late = (now_ms - turn.due_at_ms) // MINUTE_MS
    why = f": {turn.last_words}" if turn.last_words else ""
    return Finding(
        CHECK,
        turn.name,
        WARNING,
        f"the job {turn.name} is {late} minutes late{why}",
        "look at /etc/cron.d/kalshi and at what cron says (journalctl -u cron)",
        {"due_at_ms": turn.due_at_ms, "grace_ms": turn.grace_ms},
    )
