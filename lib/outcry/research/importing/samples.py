"""Samples of best bid and ask: one JSON object a line, `ticker, ts, yb, ya, spot, …` (prices in dollars, ts in s)."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.paper.generate.windows import underlying_of
from outcry.paper.replay.outcomes import Outcomes
from outcry.research.importing import entries
from outcry.research.importing.entries import Entry, Source
from outcry.research.importing.stream import market_of
from outcry.store.tape_rows import NO_LAG, UNKNOWN
from outcry.venue import fields


class _Line(Struct):
    ticker: str
    series: str
    ts: float
    yb: float | None
    ya: float | None
    spot: float | None = None
    spot_ok: int = 0


_parse = msgspec.json.Decoder(_Line).decode


def read(outcomes: Outcomes, source: Source) -> Iterator[Entry]:
    """Every sample as a ticker without sizes; spot prices beside them where they changed."""
    known: set[str] = set()
    at_ms = rows = frozen = 0
    spot, before = None, None
    with entries.opened(source.path) as lines:
        for number, raw in enumerate(lines, 1):
            try:
                line = _parse(raw)
                numbers = (UNKNOWN, _price(line.yb, 0), _price(line.ya, 10_000), *(UNKNOWN,) * 4)
            except (msgspec.MsgspecError, SchemaDrift) as error:
                raise SchemaDrift(f"{source.path} line {number}: {error}", raw) from error
            at_ms = max(at_ms, round(line.ts * 1_000))
            if line.ticker not in known:
                known.add(line.ticker)
                yield entries.Known(at_ms, source.name, "", market_of(line.ticker, outcomes))
            if line.spot is not None and line.spot_ok and line.spot != spot:
                spot = line.spot
                name = f"{underlying_of(line.series)}@recorded"
                yield entries.IndexValue(at_ms, source.name, "", name, round(spot * 1_000_000))
            rows, frozen, before = rows + 1, frozen + ((line.ticker, numbers) == before), (line.ticker, numbers)
            yield entries.Ticker(at_ms, source.name, "", NO_LAG, 0, line.ticker, numbers)
    what = f"{rows} samples of best bid and ask without sizes; {frozen} repeat the one before; depths are left out"
    yield entries.Told(at_ms, source.name, "", f"{source.name}: {what}")


def _price(dollars: float | None, empty_cc: int) -> int:
    """Centicents, UNKNOWN for an empty side."""
    price = UNKNOWN if dollars is None else fields.price_cc(dollars)
    return UNKNOWN if price == empty_cc else price
