"""Recordings of other people brought into the form of our own tape: compiled days that say what is wrong with them.

Understood are recordings of the stream (with or without books), samples of best bid and ask, tables of public trades,
of spot trades and of an underlying, and results of markets: `research/importing/` has a file for each. All of one call
are merged into one order of time, a session a UTC day.
"""

import heapq
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from outcry.domain.market import Market
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.replay.outcomes import Outcomes
from outcry.research.compiler import compile_day
from outcry.research.importing.entries import Entry, IndexValue, in_order
from outcry.research.importing.sources import Found, find
from outcry.research.importing.writing import Days, Ending
from outcry.research.tape import Bar, More, no_bar

EARLY_MS = 60_000  # a file is opened so long before its turn: recorders' clocks differ
KEPT_VALUES = 100
LAST_VALUE_MS = 60_000  # how old the last value of an underlying may be at a close
CLEAR_SHARE = 1_000  # a market is settled from an underlying only when it is more than 1/1000 of it from the strike

Say = Callable[[str], None]


@dataclass(slots=True)
class Imported:
    """What an import made: files with their manifests, and what it could not use."""

    days: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)


def bring(paths: list[Path], folder: Path, say: Say, bar: Bar = no_bar) -> Imported:
    """Import files and folders into compiled days in a folder; days already there are replaced.

    say     told the name of each source as it is opened
    raises  Misconfigured when there is nothing to import; SchemaDrift for a line that is not what its file began with
    """
    found, outcomes = find(paths)
    endings = _Endings(outcomes)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as drafts:
        facts = {source.name: source.facts() for source, _ in found.readable}
        days = Days(Path(drafts), endings.of, facts)
        with bar("reading", len(found.readable)) as more:
            for entry in _merged(found, say, more):
                endings.see(entry)
                days.take(entry)
        days.close()
        made = Imported(strange=found.strange, unsettled=sorted(days.unsettled))
        for draft in days.files:
            target = folder / draft.name
            made.days.append((target, compile_day(draft, target, bar)))
    return made


def _merged(found: Found, say: Say, more: More) -> Iterator[Entry]:
    """All sources in one order of time; each is opened when its turn comes near. One `more` when it was read."""
    waiting, order = deque(found.readable), count()
    heads: list[tuple[int, int, Entry, Iterator[Entry]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[0][0].first_ms - EARLY_MS <= heads[0][0]):
            source, reader = waiting.popleft()
            say(source.name)
            entries = in_order(reader(source))
            first = next(entries, None)
            if first is None:
                more(1)
            else:
                heapq.heappush(heads, (first.at_ms, next(order), first, entries))
        if not heads:
            continue
        _, number, entry, entries = heads[0]
        yield entry
        following = next(entries, None)
        if following is None:
            heapq.heappop(heads)
            more(1)
        else:
            heapq.heapreplace(heads, (following.at_ms, number, following, entries))


class _Endings:
    """How markets ended: as somebody wrote it down, else derived where that leaves no doubt."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._values: dict[str, deque[tuple[int, int]]] = {}

    def see(self, entry: Entry) -> None:
        """Remember the last values of each underlying."""
        if isinstance(entry, IndexValue):
            self._values.setdefault(entry.name, deque(maxlen=KEPT_VALUES)).append((entry.at_ms, entry.value_micros))

    def of(self, market: Market) -> Ending | None:
        """(result, value_cc, statistic, source), None where nobody knows."""
        if market.strike_type == "greater_or_equal":
            told = self._outcomes.of(market.ticker, None)
            known = told.source != "unknown"
            return (told.result, told.value_cc, told.expiration_micros, told.source) if known else None
        if market.strike_type != "greater" or market.strike_micros is None:
            return None
        at_ms, value = next(
            (
                it
                for it in reversed(self._values.get(f"{market.underlying}@recorded", ()))
                if it[0] <= market.close_at_ms
            ),
            (0, 0),
        )
        clear = abs(value - market.strike_micros) * CLEAR_SHARE > value
        if at_ms < market.close_at_ms - LAST_VALUE_MS or not clear:
            return None
        result = "yes" if value > market.strike_micros else "no"
        return result, ONE_DOLLAR_CC if result == "yes" else 0, None, "derived"
