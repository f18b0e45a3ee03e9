"""What keeps a floor from entering, in words for somebody who has never seen one: what is so, what it means, its end.

Nothing here is an error of the floor's: a floor that is halted does what it was told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from outcry.review.reports.today_text import span

LATE_MS = 30_000  # prices come every second; who judges by older ones enters nothing


class Kind(StrEnum):
    """In the order in which they are told: what stops everybody first."""

    HALTED = "halted"
    NOT_BEGUN = "not begun"
    NOT_RUNNING = "not running"
    STOPPED = "stopped"
    PAUSED = "paused"
    RETIRED = "retired"
    ERROR = "error"
    CALIBRATING = "calibrating"
    STARVED = "starved"


MEANS: Mapping[Kind, str] = {
    Kind.HALTED: "Nobody enters anything; what is held is still watched, and left by its own exits.",
    Kind.NOT_BEGUN: "There is nothing to trade with yet.",
    Kind.NOT_RUNNING: "What it does is not done.",
    Kind.STOPPED: "No new position is opened there; what is held is still watched, and left by its own exits.",
    Kind.PAUSED: "It opens no new position; what it holds is still watched, and left by its own exits.",
    Kind.RETIRED: "It opens no new position, and goes once it holds nothing.",
    Kind.ERROR: "It enters nothing, still leaves what it holds, and tries again by itself.",
    Kind.CALIBRATING: "Before it enters, it makes sure of every order it ever sent and of the money there is.",
    Kind.STARVED: "Whoever judges by that enters nothing until it comes again.",
}
LIFTED = "It lasts until a person lifts it: bin/status and bin/doctor first, then bin/resume --i-have-checked."
PASSES = "It ends by itself."
# How what is forbidden for a cause ends. Any other cause ends with what the reason names.
ENDS: Mapping[str, str] = {
    "daily_loss": "It ends by itself when the trading day rolls.",
    "losing_streak": "It ends by itself after a rest; then it trades the smallest size for a while.",
    "abnormal_market": "It ends by itself a few minutes after the market is normal again.",
    "api_errors": "It ends by itself once enough calls to the exchange are answered well.",
    "database": "It ends by itself once the database has taken writes for a while.",
    "unread": "It ends by itself once the account can be read.",
    "disk": "It ends by itself once there is room: bin/upkeep drops what is old.",
    "drift": "It ends by itself once ledger and exchange agree; for money that came or went: bin/resume --help.",
    "audit": "It ends once the findings are mended or judged: bin/auditor --findings lists them.",
}
LONGEST = 240  # of a reason; what ends it is never cut


@dataclass(frozen=True, slots=True)
class Hindrance:
    """
    scope, name  whom it holds: "floor" and "", "agent" or "market" and its name
    why    as its cause was written down; "" where the kind says it all
    ends   what ends it, as a sentence
    needs  whether it lasts until a person does something
    """

    kind: Kind
    scope: str
    name: str
    why: str
    ends: str
    needs: bool = False
    since_ms: int | None = None

    @property
    def who(self) -> str:
        return f"{self.scope} {self.name}" if self.name else f"the {self.scope}"

    def said(self, now_ms: int) -> str:
        """Who, since when and why, without the kind.

        >>> Hindrance(Kind.HALTED, "floor", "", "odd fills.", LIFTED, True, 0).said(60_000)[:32]
        'the floor, for 1 min: odd fills.'
        """
        long = "" if self.since_ms is None else f", for {span(max(0, now_ms - self.since_ms))}"
        why = self.why if len(self.why) <= LONGEST else f"{self.why[:LONGEST]}…"
        because = f": {why.rstrip('.')}" if why else ""
        return f"{self.who}{long}{because}. {MEANS[self.kind]} {self.ends}"
