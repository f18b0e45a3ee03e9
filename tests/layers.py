"""Run the tests layer by layer, fast ones first, and say how long each took. Stops at the first layer that fails."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = {
    "unit": ["-m", "not floor and not recorded and not box and not browser", "-n", "2"],
    "recorded": ["-m", "recorded and not floor and not box", "-n", "2"],
    # Whole floors mostly wait. On a busy machine one may wait too long: such a test gets a second try, and is named.
    "floor": ["-m", "floor", "-n", "4", "--dist", "worksteal", "--reruns", "1", "--durations", "15"],
    # Pages in a real browser, by the clock.
    "browser": ["-m", "browser", "-n", "2", "--reruns", "1"],
    # Each test boots a system of its own, with a floor on it. Handed out one by one: they are long, and unlike.
    "box": ["tests/box", "-n", "3", "--dist", "load", "--maxschedchunk", "1", "--reruns", "1"],
}
NO_TESTS = 5


def main(names: list[str]) -> int:
    took: dict[str, float] = {}
    for name in names or LAYERS:
        started = time.monotonic()
        print(f"── {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", "pytest", *LAYERS[name], "-rsR"], cwd=ROOT, check=False)
        took[name] = time.monotonic() - started
        if done.returncode not in (0, NO_TESTS):
            return done.returncode
    print("took " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
