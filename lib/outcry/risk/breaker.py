"""What a breaker answers when it trips. Whoever owns the data asks it, and sets the control that the gate reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trip:
    """Why a breaker tripped: one clause for people, and the figures compared, with units in their names."""

    reason: str
    numbers: tuple[tuple[str, int], ...] = ()


def trip(reason: str, **numbers: int) -> Trip:
    return Trip(reason, tuple(numbers.items()))
