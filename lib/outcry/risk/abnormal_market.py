"""A market that behaves like none: its price jumps, its book stays crossed, or what it shows is suddenly gone.

Whoever keeps the books says what it sees as it changes. Only books that are whole are looked at: one that waits for a
snapshot, or whose market is closed, begins anew. On a floor whose windows are shortened, a market lives faster: how far
back one looks for a jump, and how long a stop lasts, are shortened with them.

reset  `abnormal_stop_ms` after it was last abnormal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from outcry.domain.limits import ALL, Limits
from outcry.risk.breaker import Trip, trip

CAUSE = "abnormal_market"


@dataclass(frozen=True, slots=True)
class Look:
    """One state of a whole book, from `at_ms` until the next. Prices in centicents, sizes in hundredths.

    middle_2cc  bid and ask together, twice the middle; None unless both sides are there
    shown_ch    all that it shows, both sides
    """

    at_ms: int
    middle_2cc: int | None
    shown_ch: int
    crossed: bool = False


def check(looks: Sequence[Look], now_ms: int, limits: Limits, time_factor: float = 1.0) -> Trip | None:
    """looks: oldest first, the newest in force now; those older than needed are harmless (see `needed`)."""
    if not looks:
        return None
    newest, since_ms = looks[-1], now_ms - limits.abnormal_window_ms / time_factor
    if newest.crossed:
        crossed_ms = now_ms - _crossed_since_ms(looks)
        if crossed_ms > limits.crossed_ms:
            reason = f"book crossed for {crossed_ms} ms, limit {limits.crossed_ms} ms"
            return trip(reason, crossed_ms=crossed_ms, limit_ms=limits.crossed_ms)
        return None
    recent = [look for look, end_ms in zip(looks, _ends(looks, now_ms), strict=True) if end_ms > since_ms]
    return _jump(recent, limits) or _collapse(recent, limits)


def needed(looks: Sequence[Look], now_ms: int, limits: Limits, time_factor: float = 1.0) -> int:
    """How many of the oldest looks no check from now on will need."""
    if not looks:
        return 0
    since_ms = min(now_ms - limits.abnormal_window_ms / time_factor, _crossed_since_ms(looks))
    return next(place for place, end_ms in enumerate(_ends(looks, now_ms)) if end_ms > since_ms)


def over(abnormal_at_ms: int, now_ms: int, limits: Limits, time_factor: float = 1.0) -> bool:
    """Whether the stop has lasted long enough."""
    return now_ms - abnormal_at_ms >= limits.abnormal_stop_ms / time_factor


def _jump(recent: Sequence[Look], limits: Limits) -> Trip | None:
    middles = [look.middle_2cc for look in recent if look.middle_2cc is not None and not look.crossed]
    if recent[-1].middle_2cc is None or not middles:
        return None
    moved_2cc = max(abs(recent[-1].middle_2cc - middle) for middle in middles)
    if moved_2cc <= 2 * limits.jump_cc:
        return None
    return trip(
        f"price jumped {moved_2cc / 20_000:.4f} within {limits.abnormal_window_ms} ms, limit {limits.jump_cc / 10_000}",
        moved_cc=moved_2cc // 2,
        limit_cc=limits.jump_cc,
    )


def _collapse(recent: Sequence[Look], limits: Limits) -> Trip | None:
    most_ch, now_ch = max(look.shown_ch for look in recent), recent[-1].shown_ch
    if (most_ch - now_ch) * ALL <= limits.collapse_millionths * most_ch:
        return None
    return trip(
        f"size collapsed from {most_ch / 100:.2f} to {now_ch / 100:.2f} contracts within"
        f" {limits.abnormal_window_ms} ms, limit {limits.collapse_millionths / 10_000:.0f} %",
        most_ch=most_ch,
        now_ch=now_ch,
        limit_millionths=limits.collapse_millionths,
    )


def _crossed_since_ms(looks: Sequence[Look]) -> int:
    """When the book became crossed as it is now; the newest look's time when it is not."""
    since_ms = looks[-1].at_ms
    for look in reversed(looks):
        if not look.crossed:
            break
        since_ms = look.at_ms
    return since_ms


def _ends(looks: Sequence[Look], now_ms: int) -> list[int]:
    """When each look stopped being in force."""
    return [*(look.at_ms for look in looks[1:]), now_ms + 1]
