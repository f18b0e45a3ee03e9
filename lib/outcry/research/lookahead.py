"""Does a strategy, or anything between it and the tape, look ahead; and is its warm-up as long as it says?

Look-ahead: the same tape is played whole, cut off at an instant, and with everything after that instant made into
something else (sizes, prices, results, closes, strikes). Every look up to then must come to the same answer, and every
question to the gate to the same verdict. Warm-up: the tape is played with three times the history that the strategy
says it needs; with no more than a trader keeps for it, each answer must want the same (or nothing, for any reason).
Source: the look-ahead and recursive analyses of freqtrade's documentation.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from outcry.domain.limits import ALL, Limits
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import View, Wish
from outcry.research import made_tape
from outcry.research.backtest import Terms, run
from outcry.research.backtesting.recorded import Recorded
from outcry.research.tape import Day, Fact, Loss, OwnChange, Session, Settlement
from outcry.store.tape_reader import Snapshot, Table
from outcry.store.tape_rows import KINDS
from outcry.strategies.strategy import Strategy
from outcry.trading.coordinator import SPAN_MARGIN_MS

LONGER = 3
MADE_AT_MS = 1_795_176_000_000
AFTER_MS = 30_000  # so much of what was made into something else is played, to be sure that it is there
_CORRUPTED = {
    "change_ch": lambda value: abs(value) * 2 + 100,
    "price_cc": lambda value: ONE_DOLLAR_CC - value,
    "count_ch": lambda value: value * 3,
    "volume_ch": lambda value: value * 7,
    "value_micros": lambda value: value * 2,
    "taker": lambda value: -value,
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the strategy: what it saw, and its answer."""

    view: View
    answer: Wish | str


@dataclass(slots=True)
class Checked:
    """`wrong`: what was found, in words; empty when all is well."""

    looks: int
    asked: int
    after: int
    wrong: list[str]


class Watched:
    """A strategy whose looks are written down. `times`: how much more history it asks for than it needs."""

    def __init__(self, strategy: Strategy, times: int = 1) -> None:
        self._strategy = strategy
        self.looks: list[Look] = []
        self.reads_touch, self.reads_event, self.quotes = strategy.reads_touch, strategy.reads_event, strategy.quotes
        self.warm_up_ms = times * strategy.warm_up_ms

    def decide(self, view: View) -> Wish | str:
        answer = self._strategy.decide(view)
        self.looks.append(Look(view, answer))
        return answer


def check(strategy: Strategy, sessions: Sequence[Session], terms: Terms, instants_ms: Iterable[int]) -> Checked:
    """Check one strategy on a tape, for each of some instants in it."""
    whole = _play(strategy, sessions, terms)
    found = Checked(len(whole.looks), len(whole.asked), 0, [])
    found.wrong += _warm_up(strategy, _play(strategy, sessions, terms, LONGER).looks)
    for at_ms in instants_ms:
        before = whole.until(at_ms)
        found.after += len(whole.looks) - len(before.looks)
        for label, other in (("cut off", Cut), ("made into something else", Corrupted)):
            variant = _play(strategy, [other(session, at_ms) for session in sessions], terms).until(at_ms)
            if apart := before.apart(variant):
                found.wrong.append(f"with the tape {label} after {at_ms}: {apart}")
    return found


@dataclass(frozen=True, slots=True)
class _Played:
    looks: list[Look]
    asked: list[tuple[int, str]]

    def until(self, at_ms: int) -> "_Played":
        looks = [look for look in self.looks if look.view.now_ms <= at_ms]
        return _Played(looks, [asked for asked in self.asked if asked[0] <= at_ms])

    def apart(self, other: "_Played") -> str:
        """The first difference, in words; "" when there is none."""
        for mine, theirs in zip(self.looks, other.looks, strict=False):
            if mine != theirs:
                names = [name for name in View.__slots__ if getattr(mine.view, name) != getattr(theirs.view, name)]
                what = f"its view of {', '.join(names)}" if names else f"the answer ({mine.answer} / {theirs.answer})"
                return f"{what} differs at {mine.view.now_ms} in {mine.view.market.ticker}"
        if len(self.looks) != len(other.looks):
            return f"{len(self.looks)} looks / {len(other.looks)}"
        if self.asked != other.asked:
            return f"{len(self.asked)} questions to the gate / {len(other.asked)}, or other answers"
        return ""


def _play(strategy: Strategy, sessions: Sequence[Recorded], terms: Terms, times: int = 1) -> _Played:
    watched = Watched(strategy, times)
    result = run(watched, sessions, terms)  # type: ignore[arg-type]  # it has all that a strategy has
    asked = [(one.at_ms, f"{one.place.intent} {one.verdict}") for one in result.trader.asked]
    return _Played(watched.looks, asked)


def _warm_up(strategy: Strategy, looks: Sequence[Look]) -> list[str]:
    """The first answer that changes when older history than a trader keeps for the strategy is left out."""
    for look in looks:
        view = look.view
        since_ms = view.now_ms - int(strategy.warm_up_ms / view.time_factor) - SPAN_MARGIN_MS
        began = max(0, bisect_right(view.touches, since_ms, key=lambda touch: touch.at_ms) - 1)
        kept = replace(
            view,
            index=tuple(bar for bar in view.index if bar.at_ms >= since_ms),
            prints=tuple(bar for bar in view.prints if bar.at_ms >= since_ms),
            touches=view.touches[began:],
        )
        answer = strategy.decide(kept)
        if answer != look.answer and not (isinstance(answer, str) and isinstance(look.answer, str)):
            long = f"with {LONGER} times its warm-up of {strategy.warm_up_ms} ms"
            return [f"{long} {look.answer!r}, else {answer!r}, at {view.now_ms} in {view.market.ticker}"]
    return []


def made_up(folder: Path) -> Path:
    """Generated markets with short windows to check on: a few seconds, and the same each time."""
    file = folder / f"{datetime.fromtimestamp(MADE_AT_MS / 1_000, UTC):%Y-%m-%d}.db"
    both = ("KXBTC15M", "KXETH15M")
    return made_tape.make(file, MADE_AT_MS, 75, seed=7, window_s=40, average_s=5, volatility=6.0, series=both)


def on_made_up(strategy: Strategy, file: Path) -> Checked:
    """The check on what `made_up` made."""
    limits = Limits(min_time_to_close_ms=2_000, max_spread_and_fee_millionths=ALL)
    terms = Terms(time_factor=22.5, latency_ms=50, limits=limits)
    with Day(file) as day:
        return check(strategy, day.sessions, terms, (MADE_AT_MS + 50_000,))


class Cut:
    """A session that ends at an instant."""

    def __init__(self, session: Session, at_ms: int) -> None:
        self._session, self._at_ms = session, at_ms
        self.names, self.number = session.names, session.number

    def tables(self, kind: str) -> Iterator[Table]:
        for table in self._session.tables(kind):
            if kept := self._changed(table):
                yield kept

    def deltas(self) -> Iterator[Table]:
        return self.tables("delta")

    def tickers(self) -> Iterator[Table]:
        return self.tables("ticker")

    def prints(self) -> Iterator[Table]:
        return self.tables("print")

    def index(self) -> Iterator[Table]:
        return self.tables("index")

    def snapshots(self) -> Iterator[Snapshot]:
        return (it for it in self._session.snapshots() if it.at_ms <= self._at_ms)

    def markets(self) -> Iterator[Fact]:
        return (it for it in self._session.markets() if it.at_ms <= self._at_ms)

    def settlements(self) -> list[Settlement]:
        return [it for it in self._session.settlements() if it.at_ms <= self._at_ms]

    def losses(self) -> list[Loss]:
        return [it for it in self._session.losses() if it.at_ms <= self._at_ms]

    def own_changes(self) -> Iterator[OwnChange]:
        return (it for it in self._session.own_changes() if it.at_ms <= self._at_ms)

    def _changed(self, table: Table) -> Table | None:
        rows = sum(at_ms <= self._at_ms for at_ms in table.column("at_ms"))
        columns = [column[:rows] for column in table.columns()]
        return Table(table.kind, rows, columns, table.ids[:rows]) if rows else None


class Corrupted(Cut):
    """A session in which everything after an instant is something else, for a while."""

    def snapshots(self) -> Iterator[Snapshot]:
        for it in self._session.snapshots():
            if it.at_ms <= self._at_ms:
                yield it
            elif it.at_ms <= self._at_ms + AFTER_MS:
                bids = {ONE_DOLLAR_CC - price: size for price, size in it.asks.items()}
                asks = {ONE_DOLLAR_CC - price: size for price, size in it.bids.items()}
                yield it._replace(bids=bids, asks=asks)

    def markets(self) -> Iterator[Fact]:
        for it in self._session.markets():
            if it.at_ms <= self._at_ms:
                yield it
            elif it.at_ms <= self._at_ms + AFTER_MS:
                value = it.market.settlement_value_cc
                other = replace(
                    it.market,
                    strike_micros=1,
                    close_at_ms=it.market.close_at_ms + 3_600_000,
                    settlement_value_cc=None if value is None else ONE_DOLLAR_CC - value,
                    result={"yes": "no", "no": "yes"}.get(it.market.result, ""),
                )
                yield it._replace(market=other)

    def settlements(self) -> list[Settlement]:
        told = [it for it in self._session.settlements() if it.at_ms <= self._at_ms + AFTER_MS]
        return [
            it if it.at_ms <= self._at_ms else it._replace(result="scalar", value_cc=ONE_DOLLAR_CC - it.value_cc)
            for it in told
        ]

    def _changed(self, table: Table) -> Table | None:
        times = table.column("at_ms")
        same = sum(at_ms <= self._at_ms for at_ms in times)
        rows = sum(at_ms <= self._at_ms + AFTER_MS for at_ms in times)
        if not rows:
            return None
        columns: list[Sequence[int]] = []
        for name, column in zip(KINDS[table.kind]._fields, table.columns(), strict=True):
            corrupt: Any = _CORRUPTED.get(name)
            columns.append(column[:rows] if corrupt is None else [*column[:same], *map(corrupt, column[same:rows])])
        return Table(table.kind, rows, columns, table.ids[:rows])
