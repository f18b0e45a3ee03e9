"""Which files of a folder can be imported, told by their first line, and how each is read."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from outcry.domain.errors import Misconfigured
from outcry.paper.replay.outcomes import Outcomes
from outcry.research.importing import samples, stream, tables
from outcry.research.importing.entries import Entry, Source, opened

SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
Reader = Callable[[Source], Iterator[Entry]]


@dataclass(slots=True)
class Found:
    """What there is to import. strange: files that no importer knows, with what their first line holds."""

    readable: list[tuple[Source, Reader]] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


def find(paths: Iterable[Path]) -> tuple[Found, Outcomes]:
    """Everything in some files and folders, in the order of its time; and the results among them.

    raises  Misconfigured when a name leads nowhere, or none of it can be imported
    """
    found, kinds = Found(), []
    for path in sorted({file for name in paths for file in _files(name)}):
        kind, first_ms = _kind(path)
        if kind == "results":
            found.results.append(path)
        elif kind in _READERS:
            kinds.append((kind, Source(path, f"{path.parent.name}/{path.name}", first_ms)))
        else:
            found.strange.append(f"{path}: {kind}")
    if not kinds:
        told = f"; {len(found.strange)} files are of other kinds" if found.strange else ""
        raise Misconfigured(f"nothing to import{told}", "recordings of the stream, samples, trades, spot prices")
    outcomes = Outcomes(found.results)
    for kind, source in sorted(kinds, key=lambda item: (item[1].first_ms, item[1].name)):
        found.readable.append((source, partial(_READERS[kind], outcomes)))
    return found, outcomes


_READERS: dict[str, Callable[[Outcomes, Source], Iterator[Entry]]] = {
    "stream": stream.read,
    "samples": samples.read,
    "spot": tables.spot,
    "trades": tables.trades,
    "underlying": tables.underlying,
}


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES)]
    if not path.is_file():
        raise Misconfigured(f"no recording at {path}")
    return [path]


def _kind(path: Path) -> tuple[str, int]:
    """What a file is, and about when it begins; of a strange one, in words."""
    try:
        with opened(path) as file:
            first, second = file.readline(), file.readline()
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot be read: {error}", 0
    return _of_table(first, second) if ".csv" in path.suffixes else _of_lines(first)


def _of_lines(first: bytes) -> tuple[str, int]:
    try:
        row = json.loads(first)
    except ValueError:
        return "no JSON in its first line", 0
    keys = row.keys() if isinstance(row, dict) else set()
    if "recv_ns" in keys and keys & {"frame", "event"}:
        return "stream", row["recv_ns"] // 1_000_000
    if {"ticker", "ts", "yb", "ya"} <= keys:
        return "samples", round(row["ts"] * 1_000)
    if {"ticker", "result"} <= keys and "fill_id" not in keys:
        return "results", 0
    return f"lines of {', '.join(sorted(keys)[:4]) or 'no object'}", 0


def _of_table(first: bytes, second: bytes) -> tuple[str, int]:
    names = first.decode(errors="replace").strip().split(",")
    for kind, column in (("spot", "exchange_ts_utc"), ("trades", "created_time"), ("underlying", "ts_utc")):
        if column == names[0]:
            stamp = second.decode(errors="replace").split(",")[0]
            try:
                return kind, round(datetime.fromisoformat(stamp).timestamp() * 1_000)
            except ValueError:
                return f"no time in its first row: {stamp!r}", 0
    return f"a table of {', '.join(names[:4])}", 0
