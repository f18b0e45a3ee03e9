"""The answer to a write. One that cannot be read leaves the outcome unknown: it is no reason to believe either way."""

from collections.abc import Callable
from typing import TypeVar

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue import wire
from outcry.venue.http import Reply

Row = TypeVar("Row")
Noun = TypeVar("Noun")

DONE = (200, 204)  # of writes whose answer says nothing


def told(answer: Reply, row: type[Row], what: str, noun: Callable[[Row], Noun]) -> Noun:
    """What an answer says, by its row.

    raises  Unavailable, whose cause is the SchemaDrift with the body, when it cannot be read
    """
    try:
        return noun(wire.decode(row, answer.body, f"answer about {what}"))
    except SchemaDrift as drift:
        drift.raw = drift.raw or answer.body
        raise Unavailable(f"answer about {what} is unreadable: {drift}", "look it up") from drift
