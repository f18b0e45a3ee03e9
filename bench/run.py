"""`make bench`: run every bench_*.py beside this file and print what it measured.

Each has `main() -> list[str]`: lines of medians of several runs, ours beside its peer or bound, measured in turn in the
same run, so that only ratios count. `bench/run.py NAME …` runs some of them.
"""

import importlib.util
import os
import platform
import sqlite3
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def machine() -> str:
    """What these figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )


def main(names: list[str]) -> None:
    sys.path.insert(0, str(HERE))
    print(machine(), flush=True)
    for file in sorted(HERE.glob("bench_*.py")):
        name = file.stem.removeprefix("bench_")
        if names and name not in names:
            continue
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        started = time.monotonic()
        lines = module.main()
        print(f"\n{name} ({time.monotonic() - started:.0f} s)", *(f"  {line}" for line in lines), sep="\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
