"""Hand-made markets for strategies to look at."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.view import Bar, Quote, Touch, View

NOW_MS = 1_778_679_000_000
TICKER = "KXBTC15M-26MAY130945-45"
START_MICROS = 80_000_000_000  # $80 000
MARKET = Market(
    TICKER, "KXBTC15M-26MAY130945", "KXBTC15M", 2, Status.ACTIVE, NOW_MS - 600_000, NOW_MS + 300_000,
    (PriceRange(0, 10_000, 100),), underlying="BTC-USD",
)  # fmt: skip
QUOTE = Quote(TICKER, 7, NOW_MS, bids=((5_900, 40_000),), asks=((6_000, 30_000),), trusted=True)


def index(change_micros: int, seconds: int, now_ms: int = NOW_MS, factor: float = 1.0) -> tuple[Bar, ...]:
    """Bars of a straight line from $80 000: the last `seconds` change it by so much; flat for a minute before."""
    span = max(1, round(seconds / factor))
    closes = [START_MICROS] * 60 + [START_MICROS + change_micros * (at + 1) // span for at in range(span)]
    first_ms = now_ms - len(closes) * 1_000
    return tuple(Bar("BTC-USD", first_ms + at * 1_000, c, c, c, c) for at, c in enumerate(closes))


def prints(usual_ch: int, recent_ch: int, signed_ch: int, window_s: int = 15, seconds: int = 315) -> tuple[Bar, ...]:
    """One print a second of `usual_ch`, then the window's volume in its last second, signed so much."""
    volumes = [(usual_ch, usual_ch, 0)] * (seconds - window_s)
    volumes += [(0, 0, 0)] * (window_s - 1)
    volumes.append((recent_ch, (recent_ch + signed_ch) // 2, (recent_ch - signed_ch) // 2))
    first_ms = NOW_MS - seconds * 1_000
    return tuple(
        Bar(TICKER, first_ms + at * 1_000, 6_000, 6_000, 6_000, 6_000, volume, buy, sell, 1)
        for at, (volume, buy, sell) in enumerate(volumes)
        if volume
    )


def touches(*states: tuple[int, int | None, int, int | None, int, int], before_s: int = 60) -> tuple[Touch, ...]:
    """The touch of QUOTE for long, then (seconds ago, bid_cc, bid_ch, ask_cc, ask_ch, ofi_ch), oldest first."""
    steady = Touch(NOW_MS - before_s * 1_000, 5_900, 40_000, 6_000, 30_000)
    return (steady, *(Touch(NOW_MS - ago_s * 1_000, *rest) for ago_s, *rest in states))


def view(**changes: object) -> View:
    market = replace(MARKET, **{name[8:]: value for name, value in changes.items() if name.startswith("market__")})
    quote = replace(QUOTE, **{name[7:]: value for name, value in changes.items() if name.startswith("quote__")})
    rest = {name: value for name, value in changes.items() if "__" not in name}
    return View(now_ms=rest.pop("now_ms", NOW_MS), market=market, quote=quote, **rest)


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """`made.view(index=…, quote__bids=…)` and the histories to put in it."""
    return SimpleNamespace(view=view, index=index, prints=prints, touches=touches, now_ms=NOW_MS, ticker=TICKER)
