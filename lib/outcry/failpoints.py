"""Where the drill may kill a program: named points before and after everything that must not be half done.

A program calls `reached` as it passes one. Nothing happens, unless the drill started this very process with
OUTCRY_FAIL_POINT=NAME:N in its environment: then it dies at the Nth pass as it would of SIGKILL, because it is one.
Every room that touches a disk or a network may call it; the pure ones have no such moment.
"""

import os
import signal

VARIABLE = "OUTCRY_FAIL_POINT"
POINTS = {
    "plan.commit": "an order is checked and reserved, its transaction not committed",
    "plan.committed": "an order is planned, not marked sent",
    "sent.committed": "an order is marked sent, not posted",
    "post.answered": "an order was posted and answered, the answer not written",
    "answer.booked": "the answer to an order is written, nothing done with it",
    "cancel.answered": "an order was canceled at the exchange, that not written",
    "exit.spooled": "an exit is in the spool, not posted",
    "spool.written": "an entry is in the spool's file, not synced",
    "spool.appended": "an entry is in the spool, nothing done with it",
    "spool.applied": "what was spooled is in the database, the spool not cleared",
    "checkpoint.written": "a checkpoint lies beside its place, not renamed",
    "fill.heard": "a fill was heard, not booked",
    "fill.commit": "a fill is booked, its transaction not committed",
    "fill.booked": "a fill is booked, nothing else done with it",
    "order.heard": "an order's new state was heard, not written",
    "order.updated": "an order's new state is written, nothing else done with it",
    "order.found": "an order of unknown outcome was found, that not written",
    "settlement.read": "a settlement was read, not booked",
    "settlement.commit": "a settlement is booked, its transaction not committed",
    "settlement.booked": "a settlement is booked, nothing else done with it",
    "shard.opening": "an opening balance was read, not booked",
    "reconcile.begun": "a pass over the account begins",
    "reconcile.done": "a pass over the account is over, its verdict not written",
    "publish.commit": "quotes are written, their transaction not committed",
    "publish.committed": "quotes are published, the collector does not know yet",
    "tape.commit": "rows are on the tape, their transaction not committed",
    "books.commit": "the exchange's books are written, their transaction not committed",
    "books.kept": "the exchange's books are committed, the request not answered",
    "trail.commit": "links are in the audit trail, their transaction not committed",
    "trail.committed": "links are in the audit trail, nothing else done with it",
    "halt.filed": "the HALT file is there, nothing canceled",
    "halt.canceled": "everything is canceled, that not looked at",
    "halt.told": "nothing rests, the ends of our orders not written",
}

_wanted, _, _nth = os.environ.get(VARIABLE, "").partition(":")
_left = int(_nth or 1)


def reached(point: str) -> None:
    """Die here, if this is the point and the pass that the drill asked for."""
    if point == _wanted:
        _pass()


def _pass() -> None:
    global _left  # noqa: PLW0603  one process, one point
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
