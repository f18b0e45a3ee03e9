"""Whether somebody has to look: programs that fell silent, feeds that are late. Pure."""

from outcry.web.source import Look

FEED_LATE_MS = 30_000  # the collector publishes index prices each second, whatever the books do


def faults(look: Look) -> list[str]:
    """What is wrong, in words; nothing when all is well. A program that was asked to stop is no fault.

    A floor that is halted or stops entries is healthy: it does what it was told, and the page says so.
    """
    if not look.beats:
        return ["no program has run on this floor yet"]
    wrong = [
        f"{beat.program} is not running: last heartbeat {seconds(look.at_ms - beat.beat_at_ms)} ago"
        for beat in look.beats
        if beat.program not in look.living and beat.state != "STOPPED"
    ]
    feeds = look.feeds
    if feeds.published_at_ms is None:
        return [*wrong, "the collector has published nothing yet"]
    if feeds.index and look.at_ms - feeds.published_at_ms > FEED_LATE_MS:
        wrong.append(f"feed: nothing published for {seconds(look.at_ms - feeds.published_at_ms)}")
    wrong += [
        f"feed: index {symbol} is {seconds(look.at_ms - at_ms)} old"
        for symbol, at_ms in feeds.index.items()
        if look.at_ms - at_ms > FEED_LATE_MS
    ]
    if feeds.books and not feeds.trusted:
        wrong.append(f"feed: none of {feeds.books} books is trusted")
    wrong += [
        f"feed: the {beat.program}'s stream is disconnected"
        for beat in look.beats
        if beat.program in look.living and beat.detail.get("stream") == "disconnected"
    ]
    return wrong


def seconds(ms: int) -> str:
    """
    >>> seconds(31_400)
    '31 s'
    """
    return f"{max(0, ms) // 1000} s"
