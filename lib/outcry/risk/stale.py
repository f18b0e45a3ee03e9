"""Stale or untrusted data: nobody enters on a book that is broken, silent or standing still, or on an old index.

An age below zero (our clock stepped back, or the stamp is wrong) proves nothing, so it is held to the same limit.
"""

from outcry.domain.market import Market
from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "stale"
QUICK_WINDOW_MS = 900_000  # the 15-minute windows; their books change several times a second


def check(case: Case) -> Verdict | None:
    quote, limits, now_ms = case.facts.quote, case.limits, case.now_ms
    if not quote.trusted:
        return refused(RULE, f"untrusted book: {quote.distrust or 'no reason given'}", distrust=quote.distrust)
    if abs(now_ms - quote.heard_at_ms) > limits.stream_silence_ms:
        return _old("stream heard", quote.heard_at_ms, now_ms, limits.stream_silence_ms)
    if is_quick(case.facts.market):
        if abs(now_ms - quote.changed_at_ms) > limits.quick_book_unchanged_ms:
            return _old("book changed", quote.changed_at_ms, now_ms, limits.quick_book_unchanged_ms)
    elif (
        abs(now_ms - quote.changed_at_ms) > limits.slow_book_unchanged_ms
        and abs(now_ms - quote.ticker_moved_at_ms) <= limits.slow_book_unchanged_ms
    ):
        return _old(
            "book changed, though its ticker moves,", quote.changed_at_ms, now_ms, limits.slow_book_unchanged_ms
        )
    if case.facts.market.underlying:
        return _index(case)
    return None


def is_quick(market: Market) -> bool:
    """Whether it is a window on an index of 15 minutes or less."""
    return bool(market.underlying) and market.close_at_ms - market.open_at_ms <= QUICK_WINDOW_MS


def _index(case: Case) -> Verdict | None:
    at_ms, limit_ms = case.facts.index_at_ms, case.limits.index_age_ms
    if at_ms is None:
        return refused(RULE, f"no price of {case.facts.market.underlying} yet")
    if abs(case.now_ms - at_ms) > limit_ms:
        return _old(f"{case.facts.market.underlying} priced", at_ms, case.now_ms, limit_ms)
    return None


def _old(what: str, at_ms: int, now_ms: int, limit_ms: int) -> Verdict:
    age_ms = now_ms - at_ms
    return refused(RULE, f"{what} {age_ms} ms ago, limit {limit_ms} ms", age_ms=age_ms, limit_ms=limit_ms)
