"""Who holds the database's write lock. Asked of the kernel by a helper process (see `lock_probe` for why)."""

import subprocess
import sys
from pathlib import Path

_PROBE = Path(__file__).with_name("lock_probe.py")
_LONGEST_S = 2.0
_WORDS = 200


def write_lock_holders(database: Path) -> list[str]:
    """Each as `pid 4711 (python3 bin/clerk)`; empty when nobody holds it, or none that can be seen from here."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_PROBE), str(database)],
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [f"pid {pid} ({_command(pid)})" for pid in done.stdout.split()]


def _command(pid: str) -> str:
    """How a process was started, as far as we may see it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "not visible from here"
    return words[:_WORDS] or "no command line"
