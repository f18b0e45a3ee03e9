"""Our own share of the exchange's request budget, so that its 429 is rare and a cancel always gets through.

Token buckets as the exchange counts them: reads, writes, and the writes of each shard above 0 apart. We spend nine
tenths of what the account is allowed, and a fifth of every bucket is kept for cancels and exits (`urgent`).
`LocalBudget` serves one program; `SharedBudget` lets all programs draw on one file, and falls back to a small local
bucket when the file does not answer. Tokens are counted in thousandths: one a millisecond is one token a second.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from outcry.domain.errors import InvariantBroken, RateLimited, Unavailable

Kind = Literal["read", "write"]
State = tuple[int, int]  # (thousandths of a token in the bucket, Unix ms when that was so)
Rate = tuple[int, int]  # (tokens a second, tokens when full)

_RESERVED_PERCENT = 20
_OWN_PERCENT = 90

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rates:
    """What the exchange allows: tokens a second and bucket size, for reads and for writes."""

    read_per_s: int
    read_capacity: int
    write_per_s: int
    write_capacity: int

    def ours(self, kind: Kind) -> Rate:
        """What we allow ourselves of it."""
        per_s, capacity = (
            (self.read_per_s, self.read_capacity) if kind == "read" else (self.write_per_s, self.write_capacity)
        )
        return max(1, per_s * _OWN_PERCENT // 100), max(1, capacity * _OWN_PERCENT // 100)


BASIC = Rates(read_per_s=200, read_capacity=600, write_per_s=100, write_capacity=100)


class Budget(Protocol):
    """Where tokens come from."""

    def take(
        self, kind: Kind, tokens: int, *, urgent: bool = False, wait_s: float = 0.0, exchange_index: int = 0
    ) -> None:
        """Pay for one call, waiting up to `wait_s`.

        urgent          a cancel or an exit: may use the reserved share
        exchange_index  shard of a write that names one: shards above 0 have buckets of their own
        raises          RateLimited when the tokens do not come in time: nothing was sent
                        InvariantBroken when so many tokens never fit in the bucket
        """
        ...

    def most(self, kind: Kind, *, urgent: bool = False) -> int:
        """The most tokens that one call (a batch, say) can ever take at once: a full bucket, less what is kept."""
        ...

    def emptied(self, kind: Kind, exchange_index: int = 0) -> None:
        """The exchange answered 429: its bucket is emptier than we thought."""
        ...

    def learn(self, rates: Rates) -> None:
        """Take over what the exchange says the account is allowed."""
        ...


class Store(Protocol):
    """A bucket file shared by programs. All raise Unavailable when it does not answer at once."""

    def update(self, bucket: str, kind: str, change: Callable[[State | None, Rate | None], State]) -> None:
        """Read a bucket and its kind's rate, and write the bucket back, as one step nobody can come between."""
        ...

    def rate(self, kind: str) -> Rate | None:
        """The rate of a kind, if any was kept."""
        ...

    def set_rates(self, rates: Mapping[str, Rate]) -> None:
        """Keep the rate of each kind."""
        ...


def draw(state: State | None, rate: Rate, now_ms: int, tokens: int, urgent: bool) -> tuple[State, int]:
    """Take tokens from a bucket as it is now, if it has them.

    returns  (the bucket after it, 0) when they were taken, else (the bucket now, ms until they could be)
    raises   InvariantBroken when they can never be
    """
    per_s, capacity = rate
    full, kept = capacity * 1000, _kept(rate, urgent)
    level, at_ms = state or (full, now_ms)
    level = min(full, level + max(0, now_ms - at_ms) * per_s)
    if tokens * 1000 + kept > full:
        raise InvariantBroken(f"a call of {tokens} tokens never fits in a bucket of {capacity}")
    short = tokens * 1000 + kept - level
    if short <= 0:
        return (level - tokens * 1000, now_ms), 0
    return (level, now_ms), -(-short // per_s)


def most(rate: Rate, urgent: bool) -> int:
    """The most tokens that `draw` ever gives at once."""
    return (rate[1] * 1000 - _kept(rate, urgent)) // 1000


class LocalBudget:
    """Buckets of one program, in memory."""

    def __init__(
        self,
        rates: Rates = BASIC,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rates = {"read": rates.ours("read"), "write": rates.ours("write")}
        self._states: dict[str, State] = {}
        self._monotonic, self._sleep = monotonic, sleep

    def take(
        self, kind: Kind, tokens: int, *, urgent: bool = False, wait_s: float = 0.0, exchange_index: int = 0
    ) -> None:
        """See `Budget.take`."""
        bucket = _bucket(kind, exchange_index)

        def attempt() -> int:
            now_ms = int(self._monotonic() * 1000)
            self._states[bucket], wait_ms = draw(self._states.get(bucket), self._rates[kind], now_ms, tokens, urgent)
            return wait_ms

        _wait(attempt, bucket, wait_s, self._monotonic, self._sleep)

    def most(self, kind: Kind, *, urgent: bool = False) -> int:
        """See `Budget.most`."""
        return most(self._rates[kind], urgent)

    def emptied(self, kind: Kind, exchange_index: int = 0) -> None:
        """See `Budget.emptied`."""
        self._states[_bucket(kind, exchange_index)] = (0, int(self._monotonic() * 1000))

    def learn(self, rates: Rates) -> None:
        """See `Budget.learn`."""
        self._rates = {"read": rates.ours("read"), "write": rates.ours("write")}


class SharedBudget:
    """One budget for all programs, in a file. While the file is silent, a third of a bucket refilled at a tenth of the
    rate is this program's own: ten such programs together stay within the account's rate."""

    def __init__(
        self,
        store: Store,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._now_ms, self._monotonic, self._sleep = now_ms, monotonic, sleep
        self._fallback = LocalBudget(_alone(BASIC), monotonic=monotonic, sleep=sleep)
        self.answering = True  # whether the file answered when it was last asked

    def take(
        self, kind: Kind, tokens: int, *, urgent: bool = False, wait_s: float = 0.0, exchange_index: int = 0
    ) -> None:
        """See `Budget.take`."""
        bucket = _bucket(kind, exchange_index)

        def attempt() -> int:
            wait_ms = 0

            def change(state: State | None, rate: Rate | None) -> State:
                nonlocal wait_ms
                state, wait_ms = draw(state, rate or BASIC.ours(kind), self._now_ms(), tokens, urgent)
                return state

            self._store.update(bucket, kind, change)
            return wait_ms

        try:
            _wait(attempt, bucket, wait_s, self._monotonic, self._sleep)
        except RateLimited:
            raise
        except Unavailable as error:
            self._heard(error)
            self._take_alone(kind, tokens, urgent, wait_s, exchange_index)
        else:
            self._heard(None)

    def most(self, kind: Kind, *, urgent: bool = False) -> int:
        """See `Budget.most`. Less while the file is silent."""
        try:
            return most(self._store.rate(kind) or BASIC.ours(kind), urgent)
        except Unavailable as error:
            self._heard(error)
            return self._fallback.most(kind, urgent=urgent)

    def emptied(self, kind: Kind, exchange_index: int = 0) -> None:
        """See `Budget.emptied`."""
        self._fallback.emptied(kind, exchange_index)
        try:
            self._store.update(_bucket(kind, exchange_index), kind, lambda _state, _rate: (0, self._now_ms()))
        except Unavailable as error:
            self._heard(error)

    def learn(self, rates: Rates) -> None:
        """See `Budget.learn`."""
        self._fallback.learn(_alone(rates))
        try:
            self._store.set_rates({"read": rates.ours("read"), "write": rates.ours("write")})
        except Unavailable as error:
            self._heard(error)

    def _take_alone(self, kind: Kind, tokens: int, urgent: bool, wait_s: float, exchange_index: int) -> None:
        """Draw on this program's own bucket. What fits in the shared one only has to wait for the file."""
        if tokens > self._fallback.most(kind, urgent=urgent):
            raise RateLimited(f"{tokens} tokens at once, and the budget file is silent", "nothing was sent; try again")
        self._fallback.take(kind, tokens, urgent=urgent, wait_s=wait_s, exchange_index=exchange_index)

    def _heard(self, error: Unavailable | None) -> None:
        """Say once when the file falls silent, and once when it is back."""
        if (error is None) != self.answering:
            self.answering = error is None
            if error is None:
                log.warning("resumed budget_file")
            else:
                log.warning("lost budget_file, using own bucket cause=%r", str(error))


def _kept(rate: Rate, urgent: bool) -> int:
    """Thousandths of a token that stay in the bucket for cancels and exits."""
    return 0 if urgent else rate[1] * 1000 * _RESERVED_PERCENT // 100


def _bucket(kind: Kind, exchange_index: int) -> str:
    return f"write:{exchange_index}" if kind == "write" and exchange_index > 0 else kind


def _alone(rates: Rates) -> Rates:
    return Rates(rates.read_per_s // 10, rates.read_capacity // 3, rates.write_per_s // 10, rates.write_capacity // 3)


def _wait(
    attempt: Callable[[], int],
    bucket: str,
    wait_s: float,
    monotonic: Callable[[], float],
    sleep: Callable[[float], object],
) -> None:
    """Attempt until it needs no more waiting. Raises RateLimited when that would take longer than `wait_s`."""
    deadline = monotonic() + wait_s
    while wait_ms := attempt():
        if monotonic() + wait_ms / 1000 > deadline:
            raise RateLimited(f"our own {bucket} budget is spent for {wait_ms} ms", "nothing was sent; try again")
        sleep(wait_ms / 1000)
