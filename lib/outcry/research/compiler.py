"""Closes a day: rewrites it into large chunks, in one order, with a manifest that says what it is and what it lacks.

The manifest (JSON, one row of the file): `schema`, `day`, `digest` (of the content: equal digests mean equal days),
`sources` (the files it was made from), `rows` by kind, `coverage` by market, `verified` (defects, remarks and what was
checked), and `told`: what an import had to say about its sources.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from outcry.domain.errors import Misconfigured
from outcry.research.tape import Bar, Day, More, no_bar, rows_of
from outcry.research.verify import verify
from outcry.research.verifying.report import Report
from outcry.store.tape_reader import Table
from outcry.store.tape_rows import FORMAT, KINDS
from outcry.store.tape_writer import Writer

SCHEMA = f"outcry-tape-{FORMAT}"
SOURCE, TOLD = "source", "told"  # notes that an import leaves


def compile_day(source: Path, target: Path, bar: Bar = no_bar) -> dict[str, Any]:
    """Write the compiled day; returns its manifest.

    raises  Misconfigured when the source is a compiled day already; InvariantBroken when it is damaged: what is wrong
            must be seen (verify), not packed away
    """
    writer = Writer(target)
    try:
        with Day(source) as day:
            if day.manifest:
                raise Misconfigured(f"{source} is compiled already")
            _copy(day, writer, bar)
            sources = _sources(day)
            told = [note.body.decode() for note in day.reader.notes(TOLD)]
            told += [f"{source.name} is torn: {what}" for what in (day.reader.torn, *day.reader.lost) if what]
        with Day(writer.draft) as draft:
            report = verify(draft, bar)
            manifest = _manifest(draft, report, writer.digest)
        manifest |= {"sources": sources, "told": told}
        writer.finish(msgspec.json.encode(manifest, order="sorted").decode())
    except BaseException:
        writer.abandon()
        raise
    return manifest


def digest_of(file: Path) -> str:
    """The digest of a compiled day as it reads now."""
    scratch = Writer(file.with_name(f".{file.name}.check"))
    try:
        with Day(file) as day:
            _copy(day, scratch)
        return scratch.digest
    finally:
        scratch.abandon()


def _copy(day: Day, writer: Writer, bar: Bar = no_bar) -> None:
    with bar(f"closing {day.name}", rows_of(day)) as more:
        _copy_all(day, writer, more)


def _copy_all(day: Day, writer: Writer, more: More) -> None:
    reader = day.reader
    writer.names(reader.symbols)
    numbers = {name: number for number, name in reader.symbols.items()}
    for row in reader.sessions:
        writer.session(row)
        for kind in KINDS:
            writer.tables(kind, row.session, _counted(reader.tables(kind, row.session), more))
        writer.snapshots(reader.snapshots(row.session), numbers)
        writer.notes(reader.notes(session=row.session))


def _counted(tables: Iterable[Table], more: More) -> Iterator[Table]:
    for table in tables:
        yield table
        more(len(table))


def _sources(day: Day) -> list[dict[str, Any]]:
    """The files an import read; else the recorded file itself."""
    imported = [msgspec.json.decode(note.body) for note in day.reader.notes(SOURCE)]
    return imported or [{"name": day.file.name, "sessions": len(day.sessions)}]


def _manifest(day: Day, report: Report, digest: str) -> dict[str, Any]:
    span = day.reader.span_ms()
    return {
        "schema": SCHEMA,
        "day": day.name,
        "digest": digest,
        "first_ms": span[0] if span else None,
        "last_ms": span[1] if span else None,
        "sessions": len(day.sessions),
        "rows": {kind: rows for kind, (rows, _) in sorted(day.reader.counts().items())},
        "coverage": {ticker: asdict(coverage) for ticker, coverage in sorted(report.coverage.items())},
        "verified": report.plain(),
    }
