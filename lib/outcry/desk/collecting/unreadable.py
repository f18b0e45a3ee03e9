"""What nobody could read: a shape we do not know never becomes a zero. Entries stop, and the raw body is in the log."""

import time

from outcry.desk.common.standing import Standing
from outcry.ops import log

RAW_LOGGED = 2_000  # bytes of what nobody could read
LATCH_S = 60.0  # entries stay stopped for so long after the last of it
CAUSE = "stream_schema"

_log = log.get(__name__)


class Unreadable:
    """Since when, and whether it is over."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._heard_at: float | None = None

    def heard(self, what: str, raw: bytes | str, at_ms: int) -> None:
        """Stop entries, and tell a person; once, until it is over."""
        if self._heard_at is None:
            text = raw if isinstance(raw, str) else raw.decode(errors="replace")
            _log.error("failed_to_read", what=what, raw=text[:RAW_LOGGED])
        self._heard_at = time.monotonic()
        self._standing.forbid(CAUSE, what[:300], at_ms)

    def lasts(self, at_ms: int) -> bool:
        """Whether entries are still stopped for it; allows them again once it is over."""
        if self._heard_at is None:
            return False
        if time.monotonic() - self._heard_at < LATCH_S:
            self._standing.enter("ERROR", "the exchange sent what nobody can read", at_ms)
            return True
        self._heard_at = None
        self._standing.allow(CAUSE, "every frame is understood again", at_ms)
        return False
