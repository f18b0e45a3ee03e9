"""What a long-running program owes its supervisor: signs of life from its working loop, and a quick clean stop.

Speaks systemd's notification protocol (a datagram to $NOTIFY_SOCKET), and is silent where there is none.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from outcry.ops import log

# A sign of life is due each 30 s, or three times within the patience of a shorter watchdog (systemd says it in us).
BEAT_EVERY_S = min(30.0, int(os.environ.get("WATCHDOG_USEC") or 90_000_000) / 3_000_000)
_log = log.get(__name__)


class Stopped(BaseException):
    """Somebody asked us to stop while we waited for somebody else."""


class Supervisor:
    """Make one at the top of a noun's `run`. It installs handlers for SIGTERM and SIGINT."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stop = threading.Event()
        self._interruptible = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self._stop.set()
        if self._interruptible:
            self._interruptible = False
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Around a wait on somebody who may hang: the request to stop then ends it with `Stopped`.

        Only where a kill would do no harm either. A request that came before changes nothing here.
        """
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    @property
    def stopping(self) -> bool:
        """True once somebody asked us to stop: finish the step, checkpoint, close, leave."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask this program to stop, from within."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when asked to stop; returns whether we are."""
        return self._stop.wait(seconds)

    def ready(self, environment: str) -> None:
        """The loop runs: said with where orders go, so that nobody mistakes one floor for another."""
        _notify("READY=1")
        _log.info("started", name=self.name, environment=environment, pid=os.getpid())

    def status(self, text: str) -> None:
        """The state, in words, for `systemctl status`."""
        _notify(f"STATUS={text}")

    def beat(self) -> None:
        """Call it from the working loop, never from a side thread: a hung loop is then a missed beat."""
        _notify("WATCHDOG=1")

    def stopped(self) -> None:
        """The last word before leaving."""
        _notify("STOPPING=1")
        _log.info("stopped", name=self.name)


def _notify(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(message.encode(), address)
        except OSError as error:
            _log.warning("failed_to_notify", error=str(error))
