"""How long each program takes to answer --help, beside `python -c pass`, and what each keeps in memory once running."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
RUNS = 7
NOUNS = ("exchange", "clerk", "collector", "trader")


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def help_times() -> list[str]:
    """In turn, so that a slow moment of the machine hits all alike."""
    programs = sorted(
        file.name for file in (HOME / "bin").iterdir() if file.is_file() and not file.name.startswith("_")
    )
    took: dict[str, list[float]] = {name: [] for name in ["pass", *programs]}
    for _ in range(RUNS):
        took["pass"].append(seconds(sys.executable, "-c", "pass"))
        for name in programs:
            took[name].append(seconds(sys.executable, str(HOME / "bin" / name), "--help"))
    bare = statistics.median(took["pass"])
    lines = [f"python -c pass {bare * 1000:.0f} ms (median of {RUNS})"]
    for name in programs:
        middle = statistics.median(took[name])
        lines.append(f"{name} --help {middle * 1000:.0f} ms, {middle / bare:.1f}x (target 8x)")
    return lines


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def memory() -> list[str]:
    """A small floor for half a minute; its programs' resident memory at the end."""
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen(
            [sys.executable, str(HOME / "bin" / "demo"), "--minutes", "0.6", "--state", folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(30)
        found: list[str] = []
        children = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(demo.pid)], capture_output=True, text=True, check=True
        )
        for line in children.stdout.splitlines():
            pid, *words = line.split()
            name = next(
                (Path(word).name for word in words if Path(word).parent.name == "bin" and Path(word).name in NOUNS), ""
            )
            if name:
                agent = f" {words[words.index(str(HOME / 'bin' / name)) + 1]}" if name == "trader" else ""
                found.append(f"{name}{agent} {resident_mb(int(pid)):.0f} MB resident after 30 s")
        demo.wait()
    return found


def main() -> list[str]:
    return help_times() + memory()
