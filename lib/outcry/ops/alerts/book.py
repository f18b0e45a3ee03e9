"""What is wrong, what was told of it, and to whom it could not be told yet. Pure: every clock is handed in.

    raised -> told -> acknowledged      and over, whenever it is: by itself, or when a person says so

An alert is known by its key: the same key again is the same alert, and one that comes back within a quarter of an hour
is no news. What is to be told becomes a letter, and a letter waits for each channel until that channel took it.

log        kept and shown, told to nobody (a restart)
digest     told once an hour, together (degradation)
critical   told at once; not acknowledged half an hour after that arrived, it is told again, to more people
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct, field

from outcry.domain.errors import OutcryError

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
ESCALATE_MS = 30 * MINUTE_MS
FLAP_MS = 15 * MINUTE_MS
FORGET_MS = 7 * 24 * HOUR_MS
LONGEST_PAUSE_MS = 30 * MINUTE_MS
MOST_LINES = 50  # of a digest


class Level(StrEnum):
    LOG = "log"
    DIGEST = "digest"
    CRITICAL = "critical"


_ORDER = {Level.LOG: 0, Level.DIGEST: 1, Level.CRITICAL: 2}


class Raised(Struct, frozen=True):
    """Something that is wrong. `faint`: keeps an alert open, and is no reason for a new one."""

    key: str
    level: Level
    title: str
    text: str
    at_ms: int
    faint: bool = False


class Alert(Struct):
    """`number` is how people speak of it. told_ms: when it became part of a letter; arrived_ms: when one took that."""

    number: int
    key: str
    level: Level
    title: str
    text: str
    since_ms: int
    last_ms: int
    times: int = 1
    told_ms: int | None = None
    arrived_ms: int | None = None
    escalated_ms: int | None = None
    acked_ms: int | None = None
    over_ms: int | None = None
    over_told: bool = False

    @property
    def open(self) -> bool:
        return self.over_ms is None

    def line(self) -> str:
        """One line of a list."""
        marks = [f"{self.times} times"] if self.times > 1 else []
        marks += ["acknowledged"] if self.acked_ms else []
        marks += [f"over since {_clock(self.over_ms)}"] if self.over_ms else []
        more = f" ({', '.join(marks)})" if marks else ""
        return f"{self.number}  {_clock(self.since_ms)}  {self.level}  {self.title}{more}"


class Attempt(Struct):
    """A channel that has not taken a letter yet."""

    failures: int = 0
    next_ms: int = 0
    error: str = ""


class Letter(Struct):
    """Something to be told, of one alert or (number 0) of several. `waiting`: the channels that have not taken it."""

    letter_id: str
    subject: str
    body: str
    level: Level
    escalated: bool
    at_ms: int
    number: int = 0
    waiting: dict[str, Attempt] = field(default_factory=dict)


class Book(Struct):
    """All of it, as it is kept on disk."""

    alerts: list[Alert] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    numbers: int = 0

    # ---- what is wrong ----------------------------------------------------------------------------------------------

    def hear(self, raised: Raised) -> Alert | None:
        """Take in what is wrong; the alert it belongs to, None for a faint sign that belongs to none."""
        known = self._known(raised)
        if known is None:
            if raised.faint:
                return None
            self.numbers += 1
            known = Alert(self.numbers, raised.key, raised.level, raised.title, raised.text, raised.at_ms, raised.at_ms)
            self.alerts.append(known)
            return known
        if not known.open:
            known.over_ms, known.over_told = None, False
            known.times += 1
        known.last_ms, known.title, known.text = raised.at_ms, raised.title, raised.text
        if _ORDER[raised.level] > _ORDER[known.level]:
            known.level, known.told_ms, known.arrived_ms = raised.level, None, None
            known.acked_ms = known.escalated_ms = None
        return known

    def _known(self, raised: Raised) -> Alert | None:
        for alert in reversed(self.alerts):
            if alert.key == raised.key:
                back = alert.over_ms is not None and not raised.faint and raised.at_ms - alert.over_ms < FLAP_MS
                return alert if alert.open or back else None
        return None

    def over(self, wrong: Iterable[str], watched: Sequence[str], well: Iterable[str], now_ms: int) -> None:
        """End what is not wrong any more, as far as that is known.

        wrong    keys of all that is wrong now
        watched  what keys begin with whose absence among them means that all is well
        well     keys of what was seen to be well
        """
        still, seen = set(wrong), set(well)
        for alert in self.alerts:
            if alert.open and alert.key not in still and (alert.key in seen or alert.key.startswith(tuple(watched))):
                alert.over_ms = now_ms

    def acknowledge(self, numbers: Iterable[int], now_ms: int, watched: Sequence[str]) -> list[Alert]:
        """Somebody knows of it: it is not told again; and what nobody watches is over with that."""
        wanted = set(numbers)
        found = [alert for alert in self.alerts if alert.number in wanted and alert.open]
        for alert in found:
            alert.acked_ms = now_ms
            if not alert.key.startswith(tuple(watched)):
                alert.over_ms = now_ms
        return found

    # ---- what is told -----------------------------------------------------------------------------------------------

    def compose(self, channels: Sequence[str], floor: str, new_id: Callable[[], str], now_ms: int) -> None:
        """Write the letters that are due. Without a channel nothing counts as told."""
        self._forget(now_ms)
        if not channels:
            return
        for alert in self.alerts:
            if alert.level is not Level.CRITICAL or not alert.open or alert.acked_ms:
                continue
            if alert.told_ms is None:
                alert.told_ms = now_ms
                self._write(_alone(alert, floor, ""), alert, channels, new_id, now_ms)
            elif not alert.escalated_ms and alert.arrived_ms and now_ms - alert.arrived_ms >= ESCALATE_MS:
                alert.escalated_ms = now_ms
                self._write(_alone(alert, floor, "not acknowledged: "), alert, channels, new_id, now_ms)
        self._digest(channels, floor, new_id, now_ms)

    def _digest(self, channels: Sequence[str], floor: str, new_id: Callable[[], str], now_ms: int) -> None:
        """Once an hour, what degraded and what is over, if anything is new."""
        hour = now_ms // HOUR_MS
        news = [
            alert for alert in self.alerts
            if (alert.level is not Level.LOG and alert.told_ms is None)
            or (alert.told_ms is not None and alert.over_ms is not None and not alert.over_told)
        ]  # fmt: skip
        if not any((alert.over_ms or alert.since_ms) // HOUR_MS < hour for alert in news):
            return
        for alert in news:
            alert.told_ms = alert.told_ms or now_ms
            alert.over_told = alert.over_ms is not None
        lines = [f"{alert.line()}\n    {alert.text}" for alert in news[:MOST_LINES]]
        if len(news) > MOST_LINES:
            lines.append(f"and {len(news) - MOST_LINES} more: bin/alert lists them")
        subject = f"[{floor}] {len(news)} things in the last hour"
        self._write((subject, "\n".join(lines)), None, channels, new_id, now_ms)

    def _write(
        self,
        words: tuple[str, str],
        alert: Alert | None,
        channels: Sequence[str],
        new_id: Callable[[], str],
        now_ms: int,
    ) -> None:
        level, number, escalated = Level.DIGEST, 0, False
        if alert is not None:
            level, number, escalated = alert.level, alert.number, alert.escalated_ms is not None
        waiting = {channel: Attempt() for channel in channels}
        self.letters.append(Letter(new_id(), *words, level, escalated, now_ms, number, waiting))

    def post(
        self, channels: Sequence[str], send: Callable[[str, Letter], None], keep: Callable[[], object], now_ms: int
    ) -> int:
        """Hand each letter to each channel that is due; what fails waits, longer each time. Returns how many went out.

        channels  those that are configured now: a letter does not wait for one that is not any more
        send      raises OutcryError, in words, when it could not
        keep      called after each one that went out: a kill right afterwards sends it no second time
        """
        sent = 0
        for letter in self.letters:
            for name, attempt in list(letter.waiting.items()):
                if name not in channels:
                    del letter.waiting[name]
                elif attempt.next_ms <= now_ms:
                    try:
                        send(name, letter)
                    except OutcryError as error:
                        attempt.failures += 1
                        attempt.error = str(error)
                        attempt.next_ms = now_ms + min(LONGEST_PAUSE_MS, MINUTE_MS * 2 ** (attempt.failures - 1))
                    else:
                        del letter.waiting[name]
                        sent += 1
                        self._arrived(letter.number, now_ms)
                        keep()
        self.letters = [letter for letter in self.letters if letter.waiting]
        return sent

    def _arrived(self, number: int, now_ms: int) -> None:
        for alert in self.alerts:
            if alert.number == number and alert.arrived_ms is None:
                alert.arrived_ms = now_ms

    @property
    def unsent(self) -> dict[str, str]:
        """Channels that refused something that still waits, with their last words."""
        return {
            name: attempt.error for letter in self.letters for name, attempt in letter.waiting.items() if attempt.error
        }

    def _forget(self, now_ms: int) -> None:
        """Old alerts go when they are over, or were only logged."""
        self.alerts = [
            alert for alert in self.alerts
            if now_ms - max(alert.last_ms, alert.over_ms or 0) < FORGET_MS
            or (alert.open and alert.level is not Level.LOG)
        ]  # fmt: skip


def _alone(alert: Alert, floor: str, prefix: str) -> tuple[str, str]:
    body = (
        f"{alert.title}\n\n{alert.text}\n\nsince {_clock(alert.since_ms)} UTC, alert {alert.number} ({alert.key})\n"
        f"acknowledge it with: alert ack {alert.number}\nwhat it means and what to do: docs/operations.md"
    )
    return f"[{floor}] {prefix}{alert.title}", body


def _clock(at_ms: int | None) -> str:
    return datetime.fromtimestamp((at_ms or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M")
