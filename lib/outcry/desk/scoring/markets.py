"""Score every market that is open or will be: read what is known of it, judge it, keep the parts, show the best."""

import sqlite3

from tabulate import tabulate

from outcry.desk.common import connect
from outcry.domain.limits import Limits
from outcry.domain.market import Market
from outcry.domain.view import Level, Quote
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review import market_scores
from outcry.review.market_scores import ONE, WEIGHTS, Facts, Score
from outcry.signals.cost import fee_cc
from outcry.store import market_scores as rows
from outcry.store import markets, quotes
from outcry.store import report as reading

HOUR_MS = 3_600_000
MIDDLE_CC = 5_000


def score(floor: Floor) -> list[Score]:
    """Every market's score, kept; the best first.

    raises  Misconfigured when there is no database yet, Unavailable when it refuses
    """
    db = connect.books(floor)
    try:
        at_ms = now_ms()
        scores = build(db, floor.settings.risk, at_ms)
        rows.keep(db, (_row(one) for one in scores), at_ms)
    finally:
        db.close()
    return scores


def build(db: sqlite3.Connection, limits: Limits, at_ms: int) -> list[Score]:
    """Every unfinished market's score, the best first. All figures are of one instant."""
    with reading.one_instant(db):
        known = [market for market in markets.unfinished(db) if market.close_at_ms > at_ms]
        seen, past = rows.sightings(db), rows.past(db)
        scored = [
            market_scores.score(
                _facts(db, market, seen, past, limits, at_ms), at_ms, limits.min_volume_ch, limits.min_displayed_ch
            )
            for market in known
        ]
    return sorted(scored, key=lambda score: (-score.score, score.ticker))


def as_text(scores: list[Score], top: int) -> str:
    """A table of the best, and one of the categories."""
    names = list(WEIGHTS)
    best = [
        [score.ticker, score.category or "–", _share(score.score), *(_share(score.parts[name]) for name in names)]
        for score in scores[:top]
    ]
    groups: dict[str, list[int]] = {}
    for score in scores:
        groups.setdefault(score.category or "–", []).append(score.score)
    categories = [
        [name, len(found), _share(sum(found) // len(found)), _share(max(found))]
        for name, found in sorted(groups.items())
    ]
    if not scores:
        return "no market is open or will be: nothing to score"
    return "\n\n".join(
        [
            tabulate(best, ["market", "category", "score", *names], tablefmt="simple", disable_numparse=True),
            tabulate(categories, ["category", "markets", "average", "best"], tablefmt="simple", disable_numparse=True),
        ]
    )


def _facts(
    db: sqlite3.Connection,
    market: Market,
    seen: dict[str, rows.Sighting],
    past: dict[str, rows.Past],
    limits: Limits,
    at_ms: int,
) -> Facts:
    quote, sighting = quotes.load(db, market.ticker), seen.get(market.ticker, rows.Sighting(market.ticker))
    bid_cc, ask_cc = sighting.bid_cc, sighting.ask_cc
    if quote is not None and quote.trusted:
        bid_cc, ask_cc = quote.bid_cc, quote.ask_cc
    middle_cc = MIDDLE_CC if bid_cc is None or ask_cc is None else (bid_cc + ask_cc) // 2
    before, won = markets.predecessor(db, market), past.get(market.series_ticker, rows.Past())
    volumes = [market.volume_ch, quote.volume_ch if quote else 0, before.volume_ch if before else 0]
    return Facts(
        ticker=market.ticker,
        series_ticker=market.series_ticker,
        category=sighting.category,
        close_at_ms=market.close_at_ms,
        bid_cc=bid_cc,
        ask_cc=ask_cc,
        fee_cc=fee_cc(market, middle_cc, is_taker=True) or 0.0,
        tick_cc=_tick_cc(market, middle_cc),
        volume_ch=max(volumes),
        near_ch=_near_ch(quote, limits.displayed_within_cc),
        prints=rows.prints_since(db, market.ticker, at_ms - HOUR_MS),
        maker=None if sighting.maker_millionths is None else sighting.maker_millionths / ONE,
        past_micros=won.micros,
        past_ch=won.count_ch,
        past_trades=won.trades,
    )


def _tick_cc(market: Market, price_cc: int) -> int:
    """The distance of two tradable prices around one."""
    below_cc, above_cc = market.snap(price_cc, down=True), market.snap(price_cc + 1, down=False)
    return 0 if below_cc is None or above_cc is None else above_cc - below_cc


def _near_ch(quote: Quote | None, within_cc: int) -> int:
    def near(levels: tuple[Level, ...]) -> int:
        return sum(count_ch for price_cc, count_ch in levels if abs(price_cc - levels[0][0]) <= within_cc)

    return 0 if quote is None or not quote.trusted else min(near(quote.bids), near(quote.asks))


def _row(score: Score) -> tuple[str, str, str, int, dict[str, int], dict[str, int | float | None]]:
    return score.ticker, score.series_ticker, score.category, score.score, score.parts, score.figures


def as_json(score: Score) -> dict[str, object]:
    return {
        "ticker": score.ticker,
        "series": score.series_ticker,
        "category": score.category,
        "score": score.score / ONE,
        "parts": {name: part / ONE for name, part in score.parts.items()},
        "figures": score.figures,
    }


def _share(part: int) -> str:
    return f"{part / ONE:.2f}"
