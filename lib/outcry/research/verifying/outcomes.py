"""Whether markets were paid as the index says: the mean of its last minute before the close, against the strike."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from outcry.domain.market import Market
from outcry.domain.units import format_decimal
from outcry.research.tape import Session, Settlement
from outcry.research.verifying.report import Finding, Report
from outcry.store.tape_rows import UNKNOWN
from outcry.venue.indices import index_id

WINDOW_MS = 60_000
ENOUGH = 50  # seconds of the last minute with a value, for a mean that is worth comparing


class Index:
    """The values of one index in order of time. settled: its own settlement means, {value time: (mean, values)}."""

    def __init__(self) -> None:
        self.times_ms: list[int] = []
        self.values: list[int] = []
        self.settled: dict[int, int] = {}

    def mean(self, from_ms: int, to_ms: int) -> int | None:
        """The mean of the last value of each second in [from_ms, to_ms], None where too many are missing."""
        first, last = bisect_left(self.times_ms, from_ms), bisect_right(self.times_ms, to_ms)
        seconds = {
            at // 1000: value for at, value in zip(self.times_ms[first:last], self.values[first:last], strict=True)
        }
        return round(sum(seconds.values()) / len(seconds)) if len(seconds) >= ENOUGH else None


def read(session: Session) -> dict[str, Index]:
    """All indices of a session, by name."""
    found: dict[str, Index] = {}
    for table in session.index():
        columns = table.columns("symbol", "value_micros", "value_at_ms", "settle_micros")
        for symbol, value, at_ms, settle in zip(*columns, strict=True):
            index = found.setdefault(session.names[symbol], Index())
            if not index.times_ms or at_ms >= index.times_ms[-1]:
                index.times_ms.append(at_ms)
                index.values.append(value)
            if settle != UNKNOWN:
                index.settled[at_ms] = settle
    return found


def check(session: Session, report: Report) -> None:
    """Hold every settlement against the index. Prices of another source only make remarks."""
    facts: dict[str, Market] = {fact.market.ticker: fact.market for fact in session.markets()}
    indices = read(session)
    for settled in session.settlements():
        market = facts.get(settled.ticker)
        if market is None or market.strike_micros is None or not market.underlying:
            report.count("settlements without a strike or index")
            continue
        own = index_id(market.underlying)
        names = (
            [own] if own in indices else sorted(name for name in indices if name.startswith(f"{market.underlying}@"))
        )
        means = [(name, _mean(indices[name], market.close_at_ms)) for name in names]
        known = [(name, mean) for name, mean in means if mean is not None]
        if not known:
            report.count("settlements without an index")
        for name, mean in known[:1]:
            _compare(session, settled, market, (name, mean), report)


def _mean(index: Index, close_ms: int) -> int | None:
    told: Sequence[int] = [at for at in index.settled if close_ms - WINDOW_MS < at <= close_ms]
    return (
        index.settled[max(told)]
        if told and max(told) > close_ms - 1_500
        else index.mean(close_ms - WINDOW_MS, close_ms)
    )


def _compare(session: Session, settled: Settlement, market: Market, by: tuple[str, int], report: Report) -> None:
    name, mean = by
    strike = market.strike_micros or 0
    yes = mean > strike if market.strike_type == "greater" else mean >= strike
    if market.strike_type.startswith("less"):
        yes = mean < strike if market.strike_type == "less" else mean <= strike
    if settled.result not in ("yes", "no"):
        report.count("settlements that are neither yes nor no")
    elif (settled.result == "yes") == yes:
        report.count(f"settlements as {name} says")
    else:
        distance = format_decimal(mean - strike, 6).rstrip("0").rstrip(".")
        what = f"{settled.ticker} was paid {settled.result}, but {name} was {distance} from the strike"
        finding = Finding("settled", session.number, settled.arrival, settled.at_ms, what)
        if "@" in name:
            report.remark(finding)
        else:
            report.defect(finding)
