"""The wall clock, in the units the floor uses. Intervals are measured with `time.monotonic` instead."""

import time


def now_ms() -> int:
    """Unix milliseconds UTC."""
    return time.time_ns() // 1_000_000


def now_ns() -> int:
    """Unix nanoseconds UTC: local receive times on the tape."""
    return time.time_ns()
