"""Whether markets were paid as the index says.

The exchange settles on a mean of its index over the last minute before the close (or less of it, on a floor whose
windows are shortened). So the statistic it states must lie among the index's values of that minute, and the result must
follow from it; where it states none, the result must not contradict every value of the minute. Another source's prices
are no proof: where their mean disagrees, that is a remark.
"""

from bisect import bisect_left, bisect_right

from outcry.domain.market import Market
from outcry.domain.units import format_decimal
from outcry.research.tape import Session, Settlement
from outcry.research.verifying.report import Finding, Report
from outcry.venue.indices import index_id

WINDOW_MS = 60_000
ENOUGH = 50  # seconds of the last minute with a value, for a minute that is known


class Index:
    """The values of one index in order of its own time."""

    def __init__(self) -> None:
        self._times_ms: list[int] = []
        self._values: list[int] = []

    def add(self, at_ms: int, value_micros: int) -> None:
        if not self._times_ms or at_ms >= self._times_ms[-1]:
            self._times_ms.append(at_ms)
            self._values.append(value_micros)

    def minute_before(self, at_ms: int) -> list[int]:
        """The last value of each second of the minute, empty where too many are missing."""
        first, last = bisect_left(self._times_ms, at_ms - WINDOW_MS), bisect_right(self._times_ms, at_ms)
        rows = zip(self._times_ms[first:last], self._values[first:last], strict=True)
        seconds = {moment // 1_000: value for moment, value in rows}
        return list(seconds.values()) if len(seconds) >= ENOUGH else []


def check(session: Session, report: Report) -> None:
    """Hold every settlement against the index."""
    facts: dict[str, Market] = {fact.market.ticker: fact.market for fact in session.markets()}
    indices = _read(session)
    for settled in session.settlements():
        market = facts.get(settled.ticker)
        if market is None or market.strike_micros is None or not market.underlying:
            report.count("settlements without a strike or index")
            continue
        own = index_id(market.underlying)
        names = sorted(name for name in indices if name == own or name.startswith(f"{market.underlying}@"))
        minutes = {name: indices[name].minute_before(market.close_at_ms) for name in names}
        if own_minute := minutes.pop(own, []):
            _hold(session, settled, market, (own, own_minute), report)
        elif known := [(name, minute) for name, minute in minutes.items() if minute]:
            _compare(session, settled, market, known[0], report)
        else:
            report.count("settlements without an index")


def _read(session: Session) -> dict[str, Index]:
    found: dict[str, Index] = {}
    for table in session.index():
        for symbol, value, at_ms in zip(*table.columns("symbol", "value_micros", "value_at_ms"), strict=True):
            found.setdefault(session.names[symbol], Index()).add(at_ms, value)
    return found


def _hold(session: Session, settled: Settlement, market: Market, by: tuple[str, list[int]], report: Report) -> None:
    """Against the exchange's own index: a contradiction is a defect."""
    name, minute = by
    stated = market.expiration_micros if settled.expiration_micros is None else settled.expiration_micros
    what = ""
    if stated is not None and not min(minute) <= stated <= max(minute):
        what = f"was settled at {_words(stated)}, but {name} was {_words(min(minute))} to {_words(max(minute))}"
    elif settled.result in ("yes", "no"):
        values = [stated] if stated is not None else [min(minute), max(minute)]
        if all(is_yes(market, value) != (settled.result == "yes") for value in values):
            seen = " to ".join(_words(value) for value in values)
            what = f"was paid {settled.result}, but {name} was {seen}, strike {_words(market.strike_micros or 0)}"
    if what:
        finding = Finding("settled", session.number, settled.arrival, settled.at_ms, f"{settled.ticker} {what}")
        report.defect(finding)
    else:
        report.count(f"settlements as {name} says")


def _compare(session: Session, settled: Settlement, market: Market, by: tuple[str, list[int]], report: Report) -> None:
    """Against another source's prices: a disagreement is a remark."""
    name, minute = by
    mean = round(sum(minute) / len(minute))
    if settled.result in ("yes", "no") and is_yes(market, mean) != (settled.result == "yes"):
        distance = _words(mean - (market.strike_micros or 0))
        what = f"{settled.ticker} was paid {settled.result}, but {name} was {distance} from the strike"
        report.remark(Finding("settled", session.number, settled.arrival, settled.at_ms, what))
    else:
        report.count(f"settlements as {name} says")


def is_yes(market: Market, level_micros: int) -> bool:
    """Whether YES is paid at this level of the index."""
    strike = market.strike_micros or 0
    return {
        "greater": level_micros > strike,
        "less": level_micros < strike,
        "less_or_equal": level_micros <= strike,
    }.get(market.strike_type, level_micros >= strike)


def _words(micros: int) -> str:
    return format_decimal(micros, 6).rstrip("0").rstrip(".")
