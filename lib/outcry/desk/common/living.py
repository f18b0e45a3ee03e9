"""Whether a program lives: its process exists, and it beats."""

import os

from outcry.store.system import Heartbeat

MISSED_BEATS_MS = 90_000


def alive(beat: Heartbeat, at_ms: int) -> bool:
    """Whether its process exists and still beats."""
    if beat.state == "STOPPED" or at_ms - beat.beat_at_ms > MISSED_BEATS_MS:
        return False
    try:
        os.kill(beat.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's process: it exists
    return True
