"""Every boundary at which the drill kills, and what else has to go wrong before a program comes by there."""

from dataclasses import dataclass
from enum import Enum, auto

from outcry import failpoints


class Needs(Enum):
    """What brings a program to a point that it does not pass in good times."""

    NOTHING = auto()
    LOCK = auto()  # a database that refuses
    LOST_ANSWERS = auto()  # orders of unknown outcome
    NEW_FLOOR = auto()  # the very first pass over the account


@dataclass(frozen=True, slots=True)
class Boundary:
    """A point in a program. `most` is the highest pass at which it may be killed: the seed chooses which."""

    program: str
    point: str
    most: int = 1
    needs: Needs = Needs.NOTHING

    @property
    def name(self) -> str:
        return f"{self.program}: {failpoints.POINTS[self.point]}"


FIRST = Boundary("clerk", "shard.opening", needs=Needs.NEW_FLOOR)
BOUNDARIES = (
    Boundary("trader", "plan.commit", 3),
    Boundary("trader", "plan.committed", 3),
    Boundary("trader", "sent.committed", 3),
    Boundary("trader", "post.answered", 3),
    Boundary("trader", "answer.booked", 3),
    Boundary("trader", "cancel.answered"),
    Boundary("trader", "checkpoint.written"),
    Boundary("trader", "exit.spooled", needs=Needs.LOCK),
    Boundary("trader", "spool.written", needs=Needs.LOCK),
    Boundary("trader", "spool.appended", 2, needs=Needs.LOCK),
    Boundary("trader", "spool.applied", needs=Needs.LOCK),
    Boundary("clerk", "fill.heard", 5),
    Boundary("clerk", "fill.commit", 5),
    Boundary("clerk", "fill.booked", 5),
    Boundary("clerk", "order.heard", 5),
    Boundary("clerk", "order.updated", 5),
    Boundary("clerk", "order.found", needs=Needs.LOST_ANSWERS),
    Boundary("clerk", "settlement.read"),
    Boundary("clerk", "settlement.commit"),
    Boundary("clerk", "settlement.booked"),
    Boundary("clerk", "reconcile.begun", 3),
    Boundary("clerk", "reconcile.done", 3),
    Boundary("clerk", "checkpoint.written"),
    Boundary("clerk", "spool.written", 2, needs=Needs.LOCK),
    Boundary("clerk", "spool.appended", 2, needs=Needs.LOCK),
    Boundary("clerk", "spool.applied", needs=Needs.LOCK),
    Boundary("collector", "publish.commit", 20),
    Boundary("collector", "publish.committed", 20),
    Boundary("collector", "tape.commit", 2),
    Boundary("collector", "checkpoint.written"),
    Boundary("exchange", "books.commit", 20),
    Boundary("exchange", "books.kept", 5),
    Boundary("auditor", "trail.commit", 3),
    Boundary("auditor", "trail.committed", 3),
)
HALT = ("halt.filed", "halt.canceled", "halt.told")
