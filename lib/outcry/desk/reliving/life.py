"""One life of a trader, run again: the same coordinator, fed what the live one heard, in the same order.

The publishes come from the tape and everything else from the journal: what was told, when the clock struck, and, after
each command that was carried out, what came of it. Whatever the coordinator says now is held against what it said then.
At the first difference the life is over: what would follow from it was never answered.
"""

import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from outcry.desk.common import strategies
from outcry.desk.dealing import memory
from outcry.desk.dealing.memory import Asked, Described, Running, words
from outcry.desk.reliving.published import Published
from outcry.domain.errors import Misconfigured
from outcry.domain.view import Bar, Quote
from outcry.store import journal
from outcry.store.bars import one_a_second
from outcry.store.journal import Step
from outcry.strategies import catalogue
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import Bars, Clock, Command, Event, Note, OrderUpdate, Place, Quotes, Together
from outcry.trading.tempo import Tempo

_UNREADABLE = (msgspec.MsgspecError, KeyError, TypeError, ValueError)


class Missing(Exception):
    """Publishes that were read, and cannot be made again."""


class Wall:
    """What stands published, as one reader sees it: the rows that are newer than what it read last."""

    def __init__(self, read: int) -> None:
        self._read = read
        self._quotes: dict[str, Quote] = {}
        self._waiting: deque[Published] = deque()

    def known(self, quote: Quote) -> None:
        """It stood there before."""
        self._quotes[quote.ticker] = quote

    def take(self, published: Published) -> None:
        """One more publish, which nobody read yet."""
        if published.number > self._read:
            self._waiting.append(published)

    def read(self, number: int) -> tuple[list[Quote], list[Bar]]:
        """Everything up to a publish that was not read before. Raises Missing when some of it is not known."""
        here: dict[str, Quote] = {}
        bars: dict[tuple[str, int, str], Bar] = {}
        while self._waiting and self._waiting[0].number <= number:
            published = self._waiting.popleft()
            if published.number != self._read + 1:
                break
            self._read = published.number
            quotes = self._taken_back(published) if published.taken_back else published.quotes
            here |= {quote.ticker: quote for quote in quotes}
            bars |= {(bar.symbol, bar.at_ms, bar.source): bar for bar in published.bars}
        if self._read != number:
            raise Missing(f"publish {self._read + 1}, which it read, is not on the tape")
        self._quotes |= here
        shown = sorted(here.values(), key=lambda quote: (quote.publish, quote.ticker))
        return shown, one_a_second(sorted(bars.values(), key=lambda bar: (bar.at_ms, bar.symbol)))

    def _taken_back(self, published: Published) -> list[Quote]:
        """Nothing that stands there is trusted any more."""
        return [
            replace(
                quote,
                trusted=False,
                distrust=published.taken_back,
                publish=published.number,
                published_at_ms=published.at_ms,
            )
            for quote in self._quotes.values()
            if quote.trusted
        ]


@dataclass(slots=True)
class Carried:
    """A question to the gate, and what came of it: None when the life ended, or broke off, before that was known."""

    places: tuple[Place, ...]
    answers: list[Event] | None = None

    @property
    def updates(self) -> list[OrderUpdate]:
        """The gate's own answers."""
        tickets = {place.ticket for place in self.places}
        return [it for it in self.answers or () if isinstance(it, OrderUpdate) and it.ticket in tickets]


class Life:
    """
    turns, commands  how many of each were the same
    differs          the first difference, "" while there is none; `parted` is the question that differed, if it was one
    ended            why it could not be run to its end; "" when it was, or when a kill ended it
    carried          its questions to the gate, in order
    until_ms         the clock of the last step that was run
    """

    def __init__(self, header: dict[str, Any], steps: Iterator[Step]) -> None:
        self.agent, self.began_ms = header["agent"], header["at_ms"]
        self.until_ms = self.began_ms
        self.turns = self.commands = 0
        self.differs = self.ended = ""
        self.parted: Place | None = None
        self.carried: list[Carried] = []
        factor = header["time_factor"]
        self._coordinator = Coordinator(
            catalogue.build(header["strategy"], header["parameters"]),
            Tempo.of(factor, header["expire_s"]),
            factor,
            random.Random(header["seed"]).random,
        )
        self._other_code = strategies.sha256_of(header["strategy"]) != header["code_sha256"]
        self._wall, self._publish = Wall(header["marks"][0]), header["marks"][0]
        self._described, self._running = Described(), Running()
        self._said: list[Command] = []
        self._steps = steps
        self._next = next(steps, None)

    @property
    def over(self) -> bool:
        return self._next is None or bool(self.differs or self.ended)

    def take(self, published: Published) -> None:
        """One more publish: first comes every turn that had not read it."""
        while not self.over and self._next is not None and self._next.marks[0] < published.number:
            self._turn()
        if not self.over:
            self._wall.take(published)

    def finish(self) -> None:
        """There are no more publishes."""
        while not self.over:
            self._turn()

    # ---- one turn ---------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        checked = self._running.byte
        step = self._pop()
        try:
            kept = memory.read(step.body)
            if kept.asked is not None:
                self._parted(kept.asked.words)
            elif step.check != checked:
                self._parted("something else, of which only a checksum is kept: a look, a state or an answer")
            elif kept.answered is None:
                self._run(self._heard(step, kept))
                self.turns += 1
        except Missing as missing:
            self.ended = str(missing)
        except _UNREADABLE as error:
            self.ended = f"its journal cannot be read from {utc(step.at_ms)} on: {error!r}"

    def _heard(self, step: Step, kept: memory.Kept) -> list[Event]:
        """What the turn heard: told, shown, the clock, and what came after."""
        told, after = memory.events(kept.told), memory.events(kept.after)
        for event in told:
            if isinstance(event, Quotes):
                for quote in event.quotes:
                    self._wall.known(quote)
        markets, publish = self._described.again(kept.described), step.marks[0]
        shown: list[Event] = []
        if publish != self._publish or markets:
            quotes, seconds = self._wall.read(publish)
            if seconds:
                shown.append(Bars(step.at_ms, tuple(seconds)))
            shown.append(Quotes(step.at_ms, publish, tuple(quotes), markets))
        self._publish, self.until_ms = publish, step.at_ms
        return [*told, *shown, *([Clock(step.at_ms)] if step.clock else []), *after]

    def _run(self, events: list[Event]) -> None:
        """As the trader does."""
        self._said = []
        waiting = deque(events)
        while waiting:
            for command in self._coordinator.step(waiting.popleft()):
                self._said.append(command)
                check = self._running.said(command)
                if isinstance(command, Note):
                    continue
                answers = self._carry_out(command, check)
                if answers is None:
                    return
                waiting.extend(answers)

    def _carry_out(self, command: Command, check: int) -> list[Event] | None:
        """The answers that it got then; None when it got none, or was another command."""
        asked = memory.read(self._next.body).asked if self._next is not None else None
        if self._next is not None and (asked is None or asked.check != check):
            self._parted(asked.words if asked else "nothing", command, asked)
            return None
        carried = Carried(_places(command))
        if carried.places:
            self.carried.append(carried)
        if self._next is None:  # killed before it could write that down
            return None
        self.until_ms = self._pop().at_ms
        self.commands += 1
        answered = memory.read(self._next.body).answered if self._next is not None else None
        if answered is None:  # killed meanwhile, or the turn broke off
            return None
        self.until_ms = self._pop().at_ms
        carried.answers = memory.events(answered)
        return carried.answers

    def _pop(self) -> Step:
        assert self._next is not None
        step, self._next = self._next, next(self._steps, None)
        self._running.kept(step.body)
        return step

    def _parted(self, live: str, command: Command | None = None, asked: Asked | None = None) -> None:
        """The first difference, both sides in words."""
        again = words(command) if command else "; ".join(words(said) for said in self._said) or "nothing"
        if isinstance(command, Place) and asked is not None and asked.words == again:
            self.parted = command
            live = "the same in words, on another view"
        code = "; its strategy's code is not what it was" if self._other_code else ""
        self.differs = f"{self.agent} at {utc(self.until_ms)}: again {again!r}, live {live!r}{code}"


def utc(at_ms: int) -> str:
    """A moment for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_ms // 1_000)) + f".{at_ms % 1_000:03d}"


def _places(command: Command) -> tuple[Place, ...]:
    if isinstance(command, Place):
        return (command,)
    return command.places if isinstance(command, Together) else ()


def open_life(file: Path) -> Life:
    """A journal's life, before its first turn. Raises ValueError, saying why, when it cannot be run."""
    header, steps = journal.read(file)
    if not header["begins"]:
        raise ValueError(f"{file.name} goes on from a journal that a full disk cut off")
    try:
        return Life(header, steps)
    except (Misconfigured, KeyError) as error:
        raise ValueError(f"{file.name}: {error}") from error
