"""A backtest: the same changes through our loop, the usual way, and the engines of others where they are installed.

Each engine is a process of its own (`bench/engines/`): a strategy sees each move of the touch and takes a contract at
the best ask every 500 of them, with latency and a fee. The usual way only keeps the book. All are measured in seconds
of the processor, in turn. `make bench-peers` installs the others into an environment of their own, .peers.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS_PYTHON = HERE.parent / ".peers" / "bin" / "python"
CHANGES = 1_000_000
ROUNDS = 3
START_MS = 1_795_176_000_000
OURS, USUAL, HFT, NAUTILUS = "ours", "usual", "other_hftbacktest", "other_nautilus"
MODULES = {HFT: "hftbacktest", NAUTILUS: "nautilus_trader"}


def there(engine: str) -> bool:
    """Whether an engine of others is installed."""
    if not PEERS_PYTHON.exists():
        return False
    asked = [PEERS_PYTHON, "-c", f"import importlib.util as u, sys; sys.exit(not u.find_spec('{MODULES[engine]}'))"]
    return subprocess.run(asked, check=False).returncode == 0


def call(engine: str, folder: Path, what: str) -> dict[str, Any]:
    python = PEERS_PYTHON if engine in MODULES else sys.executable
    words = [python, HERE / "engines" / f"{engine}.py", folder, what]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if what != "prepare" else {}
    return found


def measured(engines: list[str], folder: Path) -> dict[str, dict[str, float]]:
    """Medians of alternating rounds: a cold process with one session, and the second session of another."""
    rounds: dict[str, list[dict[str, float]]] = {engine: [] for engine in engines}
    for engine in engines:
        call(engine, folder, "prepare")
    for _ in range(ROUNDS):
        for engine in engines:
            cold, warm = call(engine, folder, "1"), call(engine, folder, "2")
            rounds[engine].append(
                {
                    "cold": CHANGES / cold["whole_s"],
                    "first": CHANGES / cold["sessions_s"][0],
                    "second": CHANGES / warm["sessions_s"][1],
                    "peak_mb": cold["peak_mb"],
                    "moves": cold["moves"],
                    "fills": cold["fills"],
                }
            )
    return {
        engine: {name: statistics.median(one[name] for one in some) for name in some[0]}
        for engine, some in rounds.items()
    }


def compared(found: dict[str, dict[str, float]]) -> list[str]:
    """A line an engine, then the targets."""
    lines = [
        f"{MODULES.get(engine, engine)}: cold {one['cold']:,.0f}/s, run only {one['first']:,.0f}/s, second session"
        f" {one['second']:,.0f}/s, peak {one['peak_mb']:.0f} MB; {one['moves']:,.0f} moves, {one['fills']:,.0f} fills"
        for engine, one in found.items()
    ]
    ours = found[OURS]
    lines.append(f"cold: {ours['cold'] / found[USUAL]['cold']:.1f} x the usual way")
    for engine, least in ((HFT, 4), (NAUTILUS, 8)):
        if engine not in found:
            lines.append(f"{MODULES[engine]} is not installed: nothing to be held against it (make bench-peers)")
            continue
        lines.append(f"cold: {ours['cold'] / found[engine]['cold']:.1f} x {MODULES[engine]} (target {least} x)")
    if HFT in found:
        hft = found[HFT]
        lines.append(
            f"run only: {ours['first'] / hft['second']:.2f} x the second session of hftbacktest (target 0.8 x)"
        )
        lines.append(f"peak memory: {ours['peak_mb'] / hft['peak_mb']:.2f} x hftbacktest (target 0.5 x)")
    return lines


def whole(folder: Path) -> str:
    """A whole backtest: coordinator, gate, fees, queue and latency, of generated markets."""
    from outcry.research.backtest import Terms, run
    from outcry.research.made_tape import make
    from outcry.research.tape import Day
    from outcry.strategies import catalogue

    file, lines, changes = make(folder / "2026-11-21.db", START_MS + 86_400_000, 600), [], 0
    for name in ("coin_flip", "digital", "spread_capture"):
        started = time.process_time()
        with Day(file) as day:
            changes = run(catalogue.build(name, {}), day.sessions, Terms()).changes
        lines.append(f"{name} {changes / (time.process_time() - started):,.0f}/s")
    return f"whole backtests as live, {changes:,} changes: {', '.join(lines)}"


def main() -> list[str]:
    sys.path.insert(0, str(HERE / "engines"))
    import events

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events.make(folder, CHANGES)
        found = measured([OURS, USUAL, *(engine for engine in MODULES if there(engine))], folder)
        moves = {engine: one["moves"] for engine, one in found.items()}
        if max(moves.values()) - min(moves.values()) > 100:  # the others are told the first book level by level
            raise AssertionError(f"not the same moves of the touch: {moves}")
        return [f"{CHANGES:,} changes of one market", *compared(found), whole(folder)]


if __name__ == "__main__":
    print(*main(), sep="\n")
