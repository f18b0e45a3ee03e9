"""Measure how much of the five rooms that money depends on the unit tests walk through; fail below the floor.

The branches are counted, not only the lines: an `if` that was only ever true is half tested. Programs that the tests
start are counted as well. What no test walks through is listed, file by file.

usage  python tests/covered.py [TESTS...]      all of the unit layer, or some files or folders of it
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("domain", "risk", "trading", "store", "venue")
LEAST_PERCENT = 95.0


@dataclass(slots=True)
class Walked:
    """How much there is of one room, and how much of it was walked through."""

    lines: int = 0
    lines_walked: int = 0
    branches: int = 0
    branches_walked: int = 0

    def add(self, summary: dict[str, int]) -> None:
        self.lines += summary["num_statements"]
        self.lines_walked += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_walked += summary["covered_branches"]

    @property
    def line_percent(self) -> float:
        return 100 * self.lines_walked / self.lines

    @property
    def branch_percent(self) -> float:
        return 100 * self.branches_walked / self.branches


def main(tests: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="outcry-coverage-") as folder:
        data = f"--data-file={folder}/data"
        passed = run("coverage", "run", data, "-m", "pytest", "-m", "not floor and not recorded", "-n", "2", *tests)
        run("coverage", "combine", "--quiet", data)
        run("coverage", "json", "--quiet", data, "-o", f"{folder}/found.json")
        files = json.loads(Path(folder, "found.json").read_text())["files"]
    rooms = {room: Walked() for room in ROOMS}
    for file, found in sorted(files.items()):
        rooms[Path(file).parts[2]].add(found["summary"])
        holes = sorted({*found["missing_lines"], *(line for line, _ in found["missing_branches"])})
        if holes:
            print(f"{file}: {', '.join(str(line) for line in holes)}")
    print(f"\n{'room':<10}{'lines':>8}{'walked':>9}{'branches':>11}{'walked':>9}")
    for room, walked in rooms.items():
        print(
            f"{room:<10}{walked.lines:>8,}{walked.line_percent:>8.1f}%"
            f"{walked.branches:>11,}{walked.branch_percent:>8.1f}%"
        )
    thin = [room for room, walked in rooms.items() if min(walked.line_percent, walked.branch_percent) < LEAST_PERCENT]
    if thin:
        print(f"below {LEAST_PERCENT:g} %: {', '.join(thin)}", file=sys.stderr)
    return 1 if thin or not passed else 0


def run(*command: str) -> bool:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
