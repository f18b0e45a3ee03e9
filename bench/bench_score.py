"""Scoring 1 000 markets, each with a published book and an hour of one-second bars: milliseconds a market.

The bound is the plan's: under 100 ms per market.
"""

import statistics
import tempfile
import time
from pathlib import Path

MARKETS, BARS, RUNS = 1_000, 600, 5
NOW = 1_800_000_000_000


def main() -> list[str]:
    from outcry.desk.scoring import markets as scoring
    from outcry.domain.limits import Limits
    from outcry.domain.market import Market, PriceRange, Status
    from outcry.domain.view import Bar, Quote
    from outcry.store import bars, database, market_scores, markets, quotes

    with tempfile.TemporaryDirectory() as folder:
        db = database.connect(Path(folder) / "kalshi.db")
        database.migrate(db)
        grid = (PriceRange(0, 1_000, 10), PriceRange(1_000, 9_000, 100), PriceRange(9_000, 10_000, 10))
        names = [f"KXMANY-{number:04}" for number in range(MARKETS)]
        markets.save(
            db,
            [
                Market(name, name, f"S{at % 50}", 0, Status.ACTIVE, NOW - 60_000, NOW + 900_000, grid, volume_ch=at)
                for at, name in enumerate(names)
            ],
            NOW,
        )
        levels = (
            tuple((4_000 - 100 * depth, 500) for depth in range(10)),
            tuple((4_200 + 100 * d, 500) for d in range(10)),
        )
        shown = [Quote(name, 1, NOW, *levels, trusted=True, volume_ch=9_000) for name in names]
        quotes.publish(db, 1, NOW, [quotes.row(quote) for quote in shown])
        for name in names:
            with database.quick(db):
                bars.write(
                    db, 1, [Bar(name, NOW - 6_000 * second, 1, 1, 1, 1, 100, 60, 40, 2) for second in range(BARS)]
                )
        market_scores.see(db, [market_scores.Sighting(name, "Crypto", 4_000, 4_200, 600_000) for name in names], NOW)
        took = []
        for _ in range(RUNS):
            started = time.perf_counter()
            scores = scoring.build(db, Limits(), NOW)
            rows = ((s.ticker, s.series_ticker, s.category, s.score, s.parts, s.figures) for s in scores)
            market_scores.keep(db, rows, NOW)
            took.append((time.perf_counter() - started) * 1_000)
        db.close()
    each_ms = statistics.median(took) / MARKETS
    return [f"{MARKETS} markets scored and kept: {each_ms:.3f} ms a market (bound 100 ms), {BARS} bars each"]
