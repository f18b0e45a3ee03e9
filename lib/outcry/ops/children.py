"""Programs as child processes, for a floor without systemd: a demo, a drill, a test.

They die with their parent, however it dies, and never get the terminal's Ctrl-C themselves: the parent stops them in
the right order.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outcry.ops.installed import HOME

PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One running (or ended) program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def last_words(self, lines: int = 3) -> str:
        """The end of its log, for telling a person why it died."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """Starts programs of bin/ with common options, each with its own log file."""

    def __init__(self, logs: Path, options: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._logs, self._options, self._environment = logs, list(options), dict(environment or {})
        self.all: dict[str, Child] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start bin/PROGRAM; `name` is how it is spoken of (`trader@momentum`).

        environment  beside what all of them have
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [HOME / "bin" / program, *arguments, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (the parent runs no threads)
                env={**os.environ, **self._environment, **(environment or {})},
            )
        self.all[name] = Child(name, process, log)
        return self.all[name]

    def ended(self) -> list[Child]:
        """Those that have exited."""
        return [child for child in self.all.values() if child.exit_code is not None]

    def stop(self, names: Sequence[str], patience_s: float = 5.0) -> list[str]:
        """SIGTERM and wait; SIGKILL what does not leave. Returns the names that had to be killed."""
        chosen = [self.all[name] for name in names if name in self.all]
        for child in chosen:
            if child.exit_code is None:
                child.process.send_signal(signal.SIGTERM)
        deadline, killed = time.monotonic() + patience_s, []
        for child in chosen:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                killed.append(child.name)
        return killed
