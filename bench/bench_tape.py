"""The tape: bytes a delta and reading back, recorded and compiled, beside a table of plain integers; verify, import.

Uses recorded hours where OUTCRY_RECORDINGS names the recordings, else made-up deltas.
"""

import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from outcry.research.compiler import compile_day
from outcry.research.importer import bring
from outcry.research.tape import Day
from outcry.research.verify import verify
from outcry.store.tape import Tape

ROUNDS = 7
RECORDED = ("ws_KXBTC15M_20260513T133313Z", "ws_KXBTC15M_20260513T152239Z", "ws_KXBTC15M_20260513T215132Z")
COLUMNS = ("at_ms", "seq", "symbol", "signed_price_cc", "change_ch")
MADE_UP = 250_000
BATCH = 500


def made_up(folder: Path) -> Path:
    """A day of deltas that nobody sent, of about the shape of real ones."""
    draw = random.Random(1)
    tape = Tape(folder / "2026-05-13.db", 1)
    symbol, at_ms = tape.symbol("KXBTC15M-26MAY130945-45"), 1_778_679_000_000
    for seq in range(1, MADE_UP + 1):
        at_ms += draw.choice((0, 0, 0, 1, 2, 9))
        price = draw.choice((1, -1)) * draw.randrange(100, 9_900, 100)
        row = (seq, at_ms, draw.randrange(10, 60), 1, 2, seq, symbol, price, draw.randrange(100, 90_000, 100))
        tape.add("delta", [row])
        if seq % BATCH == 0:
            tape.flush()
    tape.close(2)
    return folder / "2026-05-13.db"


def day_of(folder: Path) -> tuple[str, Path, list[str]]:
    """(what it is, a day's file, what making it cost)."""
    recordings = Path(os.environ.get("OUTCRY_RECORDINGS", "")) / "kalshi_btc15m_ws"
    files = [recordings / f"{name}.jsonl.gz" for name in RECORDED]
    if not all(file.exists() for file in files):
        return "made-up", made_up(folder), []
    started = time.process_time()
    made = bring(files, folder, lambda _name: None)
    took = time.process_time() - started
    (file, manifest), *_ = made.days
    rate = manifest["rows"]["delta"] / took
    return "recorded", file, [f"imported, prints inferred, verified: {rate:,.0f} deltas/s of one core"]


def recorded_again(file: Path, folder: Path) -> Path:
    """The same deltas as the collector writes them: 500 a flush."""
    again = Tape(folder / file.name, 1)
    with Day(file) as day:
        rows = [tuple(row) for session in day.sessions for table in session.deltas() for row in table.rows()]
        for name in day.reader.symbols.values():
            again.symbol(name)
    for at in range(0, len(rows), BATCH):
        again.add("delta", rows[at : at + BATCH])
        again.flush()
    again.close(2)
    return folder / file.name


def integer_rows(file: Path, folder: Path) -> sqlite3.Connection:
    plain = sqlite3.connect(folder / "rows.db")
    plain.execute("CREATE TABLE d (at_ms INTEGER, seq INTEGER, market INTEGER, price INTEGER, change INTEGER)")
    with Day(file) as day:
        for session in day.sessions:
            for table in session.deltas():
                plain.executemany("INSERT INTO d VALUES (?, ?, ?, ?, ?)", zip(*table.columns(*COLUMNS), strict=True))
    plain.commit()
    return plain


def read_columns(file: Path) -> None:
    with Day(file) as day:
        for session in day.sessions:
            for table in session.deltas():
                table.columns(*COLUMNS)


def read_events(file: Path) -> None:
    total = 0
    with Day(file) as day:
        for session in day.sessions:
            for table in session.deltas():
                for _, _, _, _, change in zip(*table.columns(*COLUMNS), strict=True):
                    total += change


def read_rows(plain: sqlite3.Connection) -> None:
    total = 0
    for _, _, _, _, change in plain.execute("SELECT * FROM d"):
        total += change


def medians(variants: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of the processor for each: the median of alternating runs, so that a noisy minute hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            started = time.process_time()
            run()
            took[name].append(time.process_time() - started)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def bytes_a_delta(file: Path) -> float:
    with Day(file) as day:
        rows, size = day.reader.counts()["delta"]
        return size / rows


def main() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        what, source, lines = day_of(folder / "source")
        recorded = recorded_again(source, folder / "recorded")
        compiled = folder / "compiled" / source.name
        compile_day(recorded, compiled)
        plain = integer_rows(source, folder)
        with Day(compiled) as day:
            count = day.manifest["rows"]["delta"]
            started = time.process_time()
            verify(day)
            verified = count / (time.process_time() - started)
        took = medians(
            {
                "rows": lambda: read_rows(plain),
                "recorded": lambda: read_columns(recorded),
                "columns": lambda: read_columns(compiled),
                "events": lambda: read_events(compiled),
            }
        )
        size = (folder / "rows.db").stat().st_size / count
        plain.close()
        packed, small = bytes_a_delta(compiled), bytes_a_delta(recorded)
    speed = {name: count / seconds for name, seconds in took.items()}
    times = {name: speed[name] / speed["rows"] for name in speed}
    return [
        f"{count:,} {what} deltas; integer rows {size:.1f} bytes, {speed['rows']:,.0f}/s",
        f"bytes a delta: compiled {packed:.1f}, recorded {small:.1f}: {packed / size:.2f} x, {small / size:.2f} x"
        " (target 0.35 x)",
        f"read back as columns: compiled {speed['columns']:,.0f}/s, recorded {speed['recorded']:,.0f}/s:"
        f" {times['columns']:.1f} x, {times['recorded']:.1f} x integer rows (target 8 x)",
        f"read back event by event in Python: {speed['events']:,.0f}/s: {times['events']:.1f} x",
        f"verified: {verified:,.0f} deltas/s of one core",
        *lines,
    ]


if __name__ == "__main__":
    print(*main(), sep="\n")
