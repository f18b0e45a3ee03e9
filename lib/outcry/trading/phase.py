"""The states of a trader, why it is in ERROR, and what forbids entries in any state."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from outcry.trading.events import Control


class Phase(StrEnum):
    IDLE = "IDLE"
    CALIBRATING = "CALIBRATING"
    READY = "READY"
    ACTING = "ACTING"
    ERROR = "ERROR"


@dataclass(slots=True)
class Fault:
    """Why the trader is in ERROR of its own, until when, and how often in a row."""

    reason: str = ""
    until_ms: int = 0
    times: int = 0

    def happened(self, reason: str, now_ms: int, first_pause_ms: int, longest_ms: int) -> None:
        self.reason, self.times = reason, self.times + 1
        self.until_ms = now_ms + min(first_pause_ms * 2 ** min(self.times - 1, 10), longest_ms)


def following(phase: Phase, *, broken: bool, in_doubt: Callable[[], bool], calibrated: Callable[[], bool]) -> Phase:
    """The state after this one.

    broken  something raised, or is broken outside
    """
    if broken:
        return Phase.ERROR
    if phase in (Phase.READY, Phase.ACTING):
        return Phase.ACTING if in_doubt() else Phase.READY
    if phase in (Phase.IDLE, Phase.ERROR):
        return Phase.CALIBRATING
    return Phase.READY if calibrated() else Phase.CALIBRATING


def forbids(control: Control | None, ticker: str) -> str:
    """The first control against entering a market, as a fixed phrase that can be counted; "" when there is none."""
    if control is None or control.halted:
        return "floor halted"
    if control.stopped or ticker in dict(control.stopped_markets):
        return "entries stopped"
    if control.paused or control.retired:
        return "agent paused" if control.paused else "agent retired"
    return ""
