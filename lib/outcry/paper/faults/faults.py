"""What goes wrong, and when: faults described as data, and the decision which of them strike. Pure and seeded.

A fault has a kind, a target, a time and a measure of how often. Kinds, by what they strike:

stream messages  drop · delay (this and what follows, by `ms`) · duplicate · reorder (with the next one) · gap (a
(and pings)      sequence number is left out, from here on) · silence (nothing comes any more) · disconnect · error (the
                 subscription ends with `code`) · rename (`field` to `to`) · missing (`field`)
requests         fail (`status`, like 429, 500, 503; `applied` or not) · mute (the answer never comes; `applied` or
                 not) · hang_up (the connection closes in place of an answer) · delay (of the answer, by `ms`) ·
                 rename · missing; with `pages` only requests for a page after the first
the exchange     read_lag (`ms`) · clock_skew (of the gate's clock, by `ms`) · pause (of trading, or of the `whole`
                 exchange, on `shards`) · early_close (of markets) · void (markets called off, paid at the middle) ·
                 vanish (markets, from listings and by name)

The target is a pattern with * and ?: of a message's type (`ping` for pings); of `METHOD /path` below the base path for
requests, where it needs a slash; of market tickers for early_close, void and vanish.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta, Struct

from outcry.domain.errors import Misconfigured

STREAM = frozenset(
    {"drop", "delay", "duplicate", "reorder", "gap", "silence", "disconnect", "error", "rename", "missing"}
)
REQUEST = frozenset({"fail", "mute", "hang_up", "delay", "rename", "missing"})
WORLD = frozenset({"read_lag", "clock_skew", "pause", "early_close", "void", "vanish"})
NEEDS = {"rename": ("field", "to"), "missing": ("field",), "delay": ("ms",), "read_lag": ("ms",), "clock_skew": ("ms",)}

Kind = Literal[
    "drop", "delay", "duplicate", "reorder", "gap", "silence", "disconnect", "error", "rename", "missing",
    "fail", "mute", "hang_up", "read_lag", "clock_skew", "pause", "early_close", "void", "vanish",
]  # fmt: skip


class Fault(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault.

    at_ms        when it begins, Unix ms; otherwise `after_s` seconds after it was asked for
    for_s        how long it lasts; None for as long as `count` allows
    count, skip  how often it strikes, after so many that it lets pass; None for always
    probability  that it strikes where it could, drawn from `seed`
    """

    kind: Kind
    target: str = "*"
    at_ms: int | None = None
    after_s: Annotated[float, Meta(ge=0)] = 0.0
    for_s: Annotated[float, Meta(ge=0)] | None = None
    count: Annotated[int, Meta(ge=1)] | None = None
    skip: Annotated[int, Meta(ge=0)] = 0
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    seed: int = 0
    ms: Annotated[int, Meta(ge=-3_600_000, le=3_600_000)] = 0
    status: Annotated[int, Meta(ge=400, le=599)] = 503
    applied: bool = False
    pages: bool = False
    field: str = ""
    to: str = ""
    code: Literal[10, 25] = 10
    shards: tuple[Annotated[int, Meta(ge=0, le=3)], ...] = (0, 1, 2, 3)
    whole: bool = False

    def check(self) -> None:
        """raises  Misconfigured when something is missing, or does not go together"""
        for name in NEEDS.get(self.kind, ()):
            if not getattr(self, name):
                raise Misconfigured(f"fault {self.kind} needs {name}")
        if self.ms < 0 and self.kind != "clock_skew":
            raise Misconfigured(f"fault {self.kind}: ms must not be below zero")
        if self.kind in REQUEST - STREAM and "/" not in self.target and self.target != "*":
            raise Misconfigured(f"fault {self.kind}: target {self.target!r} is no request", 'like "POST /portfolio/*"')

    def strikes_request(self) -> bool:
        """Whether it is about requests: of the kinds that could be about either, its target says so."""
        return self.kind in REQUEST and (self.kind not in STREAM or "/" in self.target)


@dataclass(slots=True)
class Running:
    """A fault on its way. `struck` counts how often it did."""

    number: int
    fault: Fault
    from_ms: int
    until_ms: int | None
    random: random.Random
    passed: int = 0
    struck: int = 0

    def active(self, now_ms: int) -> bool:
        used_up = self.fault.count is not None and self.struck >= self.fault.count
        return self.from_ms <= now_ms and (self.until_ms is None or now_ms < self.until_ms) and not used_up

    def strikes(self, name: str, now_ms: int) -> bool:
        """Whether it strikes this one; counts it when it does."""
        if not (self.active(now_ms) and fnmatchcase(name, self.fault.target)):
            return False
        if self.passed < self.fault.skip:
            self.passed += 1
            return False
        if self.fault.probability < 1 and self.random.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


@dataclass(slots=True)
class World:
    """How the exchange as a whole is to be: lag of reads, skew of the gate's clock, pauses (shard: the whole exchange),
    patterns of tickers that are gone."""

    read_lag_ms: int = 0
    skew_ms: int = 0
    pauses: dict[int, bool] = field(default_factory=dict)
    vanished: tuple[str, ...] = ()


class Faults:
    """All faults, and which of them strike."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self._next = 1

    # ---- asked for --------------------------------------------------------------------------------------------------

    def add(self, fault: Fault, now_ms: int) -> int:
        """Let a fault begin at its time; returns its number.

        raises  Misconfigured as `Fault.check`
        """
        fault.check()
        from_ms = now_ms + round(fault.after_s * 1000) if fault.at_ms is None else fault.at_ms
        until_ms = None if fault.for_s is None else from_ms + round(fault.for_s * 1000)
        number, self._next = self._next, self._next + 1
        self._running[number] = Running(number, fault, from_ms, until_ms, random.Random(fault.seed))
        return number

    def remove(self, number: int) -> bool:
        return self._running.pop(number, None) is not None

    def clear(self) -> None:
        self._running.clear()

    def all(self) -> list[Running]:
        return list(self._running.values())

    # ---- decided ----------------------------------------------------------------------------------------------------

    def on_request(self, name: str, *, later_page: bool, now_ms: int) -> list[Fault]:
        """The faults that strike a request named `METHOD /path`."""
        return [
            one.fault
            for one in self._running.values()
            if one.fault.strikes_request() and (later_page or not one.fault.pages) and one.strikes(name, now_ms)
        ]

    def on_message(self, name: str, now_ms: int) -> list[Fault]:
        """The faults that strike a message of the stream, by its type."""
        return [
            one.fault
            for one in self._running.values()
            if one.fault.kind in STREAM and not one.fault.strikes_request() and one.strikes(name, now_ms)
        ]

    def world(self, now_ms: int) -> World:
        """How the exchange is to be now."""
        active = [one.fault for one in self._running.values() if one.fault.kind in WORLD and one.active(now_ms)]
        pauses: dict[int, bool] = {}
        for fault in active:
            if fault.kind == "pause":
                pauses |= {shard: fault.whole or pauses.get(shard, False) for shard in fault.shards}
        return World(
            sum(fault.ms for fault in active if fault.kind == "read_lag"),
            sum(fault.ms for fault in active if fault.kind == "clock_skew"),
            pauses,
            tuple(fault.target for fault in active if fault.kind == "vanish"),
        )

    def beginning(self, kind: Kind, open_now: Callable[[], Iterable[str]], now_ms: int) -> list[str]:
        """Which of the open markets close early, or are called off, now. A fault strikes those that are open when it
        begins, once."""
        struck: list[str] = []
        for one in self._running.values():
            if one.fault.kind == kind and one.struck == 0 and one.active(now_ms):
                struck += [ticker for ticker in open_now() if fnmatchcase(ticker, one.fault.target)]
                one.struck = 1
        return struck

    def next_at_ms(self, now_ms: int) -> int | None:
        """When the exchange as a whole changes next."""
        edges = [
            at_ms
            for one in self._running.values()
            if one.fault.kind in WORLD
            for at_ms in (one.from_ms, one.until_ms)
            if at_ms is not None and at_ms > now_ms
        ]
        return min(edges, default=None)
