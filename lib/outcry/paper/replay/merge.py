"""What a replay reads, brought into one order of time: frames of many recordings, seconds of many indices."""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from outcry.paper.replay import recorded_spot
from outcry.paper.replay.infer import with_matches
from outcry.paper.replay.recorded import Item
from outcry.paper.replay.recording import Recording
from outcry.paper.replay.verify import Verifier

EARLY_US = 60_000_000  # a file is opened so long before its turn: recorders' clocks differ


def index_in_order(files: Sequence[Path], symbols: set[str]) -> Iterator[tuple[int, str, int]]:
    """(microseconds, symbol, micro-dollars) of each second of each index that matters, in time order."""
    folders = [inside for file in files for inside in (recorded_spot.find(file) if file.is_dir() else [file])]
    by_symbol: dict[str, list[Path]] = {}
    for file in folders:
        by_symbol.setdefault(recorded_spot.symbol_of(file), []).append(file)
    streams = [_named(symbol, by_symbol[symbol]) for symbol in sorted(symbols & by_symbol.keys())]
    return heapq.merge(*streams)


def _named(symbol: str, files: list[Path]) -> Iterator[tuple[int, str, int]]:
    return ((at_us, symbol, value) for at_us, value in recorded_spot.seconds(files))


def recordings_in_order(recordings: Sequence[Recording], verifier: Verifier) -> Iterator[Item]:
    """All recordings in one order of time; a file is opened when its turn comes near."""
    waiting = deque(recordings)
    heads: list[tuple[int, int, Item, Iterator[Item], Recording]] = []
    order = count()
    while waiting or heads:
        while waiting and (not heads or waiting[0].first_us - EARLY_US <= heads[0][0]):
            one = waiting.popleft()
            items = with_matches(one.items(), verifier)
            first = next(items, None)
            if first is not None:
                heapq.heappush(heads, (first.at_us, next(order), first, items, one))
        if not heads:
            continue
        at_us, number, item, items, one = heads[0]
        yield item
        following = next(items, None)
        if following is not None:
            heapq.heapreplace(heads, (max(at_us, following.at_us), number, following, items, one))
            continue
        heapq.heappop(heads)
        if one.torn:
            verifier.torn.append(one.path.name)
