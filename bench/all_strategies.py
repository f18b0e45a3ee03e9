"""`make research`: every strategy over every recording, and the table of docs/strategies.md written anew from it.

What OUTCRY_RECORDINGS names is imported into tapes once; then each strategy, each held to settlement, and coin_flip
with several seeds are backtested over all of them, one process a core. What is done is kept by the digests of the tape,
the terms and the source of this build, so that a run that was interrupted goes on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strategies_page import PAGE, Tables, write

from outcry.desk.backtest import BASELINE, held
from outcry.domain.limits import RANGES, Limits
from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_MICROS
from outcry.research.backtest import Result, Terms
from outcry.research.backtesting.report import by_event, report_of, trades_of
from outcry.research.importer import bring
from outcry.research.sweep import Case, one
from outcry.research.tape import Day
from outcry.strategies import catalogue

HOME = Path(__file__).resolve().parents[1]
SEEDS = 8  # of coin_flip, in the main table; elsewhere one
SLOW_MS, QUICK_MS = 150, 50

# Every limit of a trade as shipped; but no brake of the day ends the evidence early, as a floor of $1,000 would.
_NEVER = ("trades_per_day", "orders_per_day", "agent_notional_per_day_millionths")
OPEN = Terms(
    capital_micros=100_000 * ONE_DOLLAR_MICROS,
    allocation_micros=10_000 * ONE_DOLLAR_MICROS,
    limits=replace(Limits(), **{name: RANGES[name][1] for name in _NEVER}),
    latency_ms=SLOW_MS,
)
MAIN, QUEUE, HELD = "main", "proportional", "held"
TERMS = {
    MAIN: OPEN,
    QUEUE: replace(OPEN, proportional=True),
    "quick": replace(OPEN, latency_ms=QUICK_MS),
    "as shipped": Terms(latency_ms=SLOW_MS),
}
TITLES = {
    MAIN: f"{SLOW_MS} ms, pessimistic",
    QUEUE: f"{SLOW_MS} ms, proportional",
    "quick": f"{QUICK_MS} ms, pessimistic",
    "as shipped": "$1,000 and its brakes",
    HELD: "held to settlement",
}
DAYS = "????-??-??.db"


@dataclass(frozen=True, slots=True)
class Run:
    """One backtest: what it stands for in the table, and what it is."""

    label: str
    kind: str
    case: Case

    @property
    def everywhere(self) -> bool:
        """Whether also over days without a book, where nobody can enter: once for each strategy shows that."""
        return self.case.terms == OPEN and self.kind == MAIN


def first_runs() -> list[Run]:
    """Every strategy, with either idea of the queue."""
    return [Run(name, kind, Case(name, {}, TERMS[kind])) for kind in (MAIN, QUEUE) for name in catalogue.names()]


def further_runs(traded: list[str]) -> list[Run]:
    """What is asked of those that traded: other terms, no exits of their own; and of coin_flip, other luck."""
    kinds = [kind for kind in TERMS if kind not in (MAIN, QUEUE)]
    found = [Run(name, kind, Case(name, {}, TERMS[kind])) for kind in kinds for name in traded]
    found += [Run(name, HELD, Case(name, held(name, {}), OPEN)) for name in traded if held(name, {})]
    seeds = (replace(OPEN, seed=f"{OPEN.seed} {number}") for number in range(1, SEEDS))
    return found + [Run(BASELINE, MAIN, Case(BASELINE, {}, seeded)) for seeded in seeds]


# ---- the tape -------------------------------------------------------------------------------------------------------


def tapes(recordings: Path, folder: Path) -> list[Path]:
    """The recordings as tapes, imported unless they are there."""
    listing = folder / "imported.json"
    there = {str(file.relative_to(recordings)): file.stat().st_size for file in recordings.rglob("*") if file.is_file()}
    if not listing.exists() or json.loads(listing.read_text()) != there:
        for file in folder.glob(DAYS):
            file.unlink()
        bring([recordings], folder, lambda name: say(f"importing {name}"))
        listing.write_text(json.dumps(there))
    return sorted(folder.glob(DAYS))


def described(file: Path) -> dict[str, Any]:
    """A day of tape: how many markets of which kind it has, and its digest."""
    with Day(file) as day:
        booked, told, printed, known, ended = (set[str]() for _ in range(5))
        for session in day.sessions:
            booked |= {whole.ticker for whole in session.snapshots()}
            told |= _named(session.names, (table.column("symbol") for table in session.tickers()))
            printed |= _named(session.names, (table.column("symbol") for table in session.prints()))
            known |= {fact.market.ticker for fact in session.markets()}
            ended |= {settlement.ticker for settlement in session.settlements()}
        return {
            "day": day.name,
            "digest": day.manifest["digest"],
            "changes": day.reader.counts().get("delta", (0, 0))[0],
            "books": len(booked),
            "touches": len(told - booked),
            "prints": len(printed - told - booked),
            "ended": len(ended & known),
        }


def _named(names: Mapping[int, str], columns: Iterable[Iterable[int]]) -> set[str]:
    return {names[symbol] for column in columns for symbol in set(column)}


# ---- running --------------------------------------------------------------------------------------------------------


def build() -> str:
    """What the code of this build is."""
    lib = HOME / "lib" / "outcry"
    digest = hashlib.sha256()
    for file in sorted(lib.rglob("*.py")):
        digest.update(f"{file.relative_to(lib)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def results(wanted: list[Run], files: list[Path], days: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What came of each run, in their order: kept from an earlier time, or run now on all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    source = [build(), [day["digest"] for day in days]]
    kept = [folder / f"{hashlib.sha256(repr((source, run)).encode()).hexdigest()}.json" for run in wanted]
    todo = [(run, place) for run, place in zip(wanted, kept, strict=True) if not place.exists()]
    say(f"{len(wanted)} backtests, {len(wanted) - len(todo)} of them kept from before")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        booked = [file for file, day in zip(files, days, strict=True) if day["changes"]]
        running = [pool.submit(run_one, run, files if run.everywhere else booked, place) for run, place in todo]
        for number, done in enumerate(as_completed(running), 1):
            say(f"{number} of {len(todo)}: {done.result()}")
    return [json.loads(place.read_text()) for place in kept]


def run_one(run: Run, files: list[Path], place: Path) -> str:
    """One backtest, its outcome kept in a file."""
    started = time.process_time()
    result = one(run.case, files)
    told = outcome(result)
    draft = place.with_suffix(".new")
    draft.write_text(json.dumps(told))
    draft.rename(place)
    took = f"{time.process_time() - started:.0f} s of a core"
    return f"{run.label}, {run.kind}: {told['report']['trades']} trades, {took}"


def outcome(result: Result) -> dict[str, Any]:
    """What the tables need of a result."""
    trades = trades_of(result)
    events = {
        name: (
            sum(trade.net_micros for trade in cluster) / ONE_DOLLAR_MICROS,
            sum(trade.count_ch for trade in cluster) / ONE_CONTRACT_CH,
        )
        for name, cluster in by_event(result, trades).items()
    }
    return {
        "report": report_of(result).plain(),
        "events": events,
        "markets": sorted({trade.ticker for trade in trades}),
        "refusals": Counter(asked.verdict.rule for asked in result.trader.asked if asked.order is None),
    }


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME / "state" / "research", help="tapes and results")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write the table into")
    told = parser.parse_args()
    recordings = os.environ.get("OUTCRY_RECORDINGS", "")
    if not recordings or not Path(recordings).is_dir():
        sys.exit("OUTCRY_RECORDINGS names no folder of recordings")
    files = tapes(Path(recordings), told.folder / "tape")
    days, wanted = [described(file) for file in files], first_runs()
    outcomes = results(wanted, files, days, told.folder / "results")
    traded = [run.label for run, done in zip(wanted, outcomes, strict=True) if run.kind == MAIN and done["events"]]
    further = further_runs(traded)
    wanted += further
    outcomes += results(further, files, days, told.folder / "results")
    labels = [(run.kind, run.label) for run in wanted]
    write(told.page, Tables(labels, outcomes, days, TITLES, BASELINE).text())


if __name__ == "__main__":
    main()
