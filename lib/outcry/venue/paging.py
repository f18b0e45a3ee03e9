"""Lists that come in pages: all of it, or an exception. A partial list read as a whole one loses orders."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from outcry.domain.errors import Unavailable
from outcry.venue import wire
from outcry.venue.http import Http, Parameters

Row = TypeVar("Row")
P = TypeVar("P", bound="Page")
LIMIT = 1000


class Page(Struct, frozen=True, kw_only=True):
    """One page. The last one's cursor is empty, null or absent; one listing calls it `next_cursor`."""

    cursor: str | None = None
    next_cursor: str | None = None


def every(
    http: Http,
    template: str,
    page: type[P],
    rows: Callable[[P], list[Row]],
    parameters: Parameters = (),
    *,
    limit: int = LIMIT,
    urgent: bool = False,
) -> list[Row]:
    """All rows of a listing, the filters repeated with each page.

    raises  Unavailable when a page does not come, or when a cursor comes twice; never a part of the list
    """
    found: list[Row] = []
    seen: set[str] = set()
    cursor = ""
    while True:
        asked = [*parameters, ("limit", limit)] + ([("cursor", cursor)] if cursor else [])
        answer = wire.decode(page, http.get(template, asked, urgent=urgent).body, template)
        found += rows(answer)
        cursor = answer.cursor or answer.next_cursor or ""
        if not cursor:
            return found
        if cursor in seen:
            raise Unavailable(f"{template} repeats the cursor {cursor[:40]!r} after {len(found)} rows")
        seen.add(cursor)


def given(**values: str | int | None) -> list[tuple[str, str | int]]:
    """Query parameters without those that are None."""
    return [(name, value) for name, value in values.items() if value is not None]
