"""What a trader keeps of its turns, so that its life can be run again; and how whoever does so reads it.

The publishes that a turn read are on the tape: their numbers are enough. Kept whole is what is to be found nowhere else
as it was at that moment: the account's news, what forbade entries, bars that were there before, answers with their
clocks. Of a market's description only what changed is kept. Each command that is carried out is kept in words with a
checksum, before it is; and one running checksum over everything the coordinator said, counted looks too, and over all
that is kept here, is told step by step, so that two lives part at a known turn.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from outcry.domain.market import Market
from outcry.store.journal import Journal
from outcry.trading.events import (
    Bars,
    Cancel,
    Command,
    Control,
    Event,
    Fill,
    Note,
    OrderUpdate,
    Place,
    Quotes,
    Renew,
    Restored,
    Settlement,
    Together,
)

_EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (Restored, Quotes, Bars, OrderUpdate, Fill, Settlement, Control)
}


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A command in words, and its checksum."""

    words: str
    check: int


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step's body. `told` comes before the publishes that were read, `after` behind the clock.

    described  of markets that are new or described anew: the fields that changed, the ticker always
    asked      a command that is carried out now
    answered   what came of it
    """

    told: list[tuple[str, msgspec.Raw]] = []
    described: list[dict[str, Any]] = []
    after: list[tuple[str, msgspec.Raw]] = []
    asked: Asked | None = None
    answered: list[tuple[str, msgspec.Raw]] | None = None


NOTHING = Kept()


def events(kept: Iterable[tuple[str, msgspec.Raw]]) -> list[Event]:
    """Events as they were heard. Raises msgspec.ValidationError or KeyError for what this build does not know."""
    return [msgspec.msgpack.decode(body, type=_EVENTS[name]) for name, body in kept]


def read(body: bytes) -> Kept:
    """What a step's body says. Raises msgspec.DecodeError for what is none."""
    return msgspec.msgpack.decode(body, type=Kept) if body else NOTHING


class Described:
    """Markets as they were last described: both who writes and who reads keep one."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def changes(self, markets: Iterable[Market]) -> list[dict[str, Any]]:
        """What to keep of these descriptions."""
        found = []
        for market in markets:
            said = msgspec.to_builtins(market)
            known = self._known.get(market.ticker, {})
            self._known[market.ticker] = said
            changed = {field: value for field, value in said.items() if field not in known or known[field] != value}
            found.append(changed | {"ticker": market.ticker})
        return found

    def again(self, changes: Iterable[dict[str, Any]]) -> tuple[Market, ...]:
        """The descriptions that were kept so."""
        found = []
        for changed in changes:
            said = self._known[changed["ticker"]] = self._known.get(changed["ticker"], {}) | changed
            found.append(msgspec.convert(said, Market))
        return tuple(found)


class Running:
    """The running checksum over a life: every command, and every body that is kept."""

    def __init__(self) -> None:
        self._sum = 0

    @property
    def byte(self) -> int:
        return self._sum & 0xFF

    def said(self, command: Command) -> int:
        """The checksum of this command alone."""
        encoded = _encoded(command)
        self._sum = zlib.crc32(encoded, self._sum)
        return zlib.crc32(encoded)

    def kept(self, body: bytes) -> None:
        self._sum = zlib.crc32(body, self._sum)


def words(command: Command) -> str:
    """A command for people."""
    match command:
        case Place(purpose=purpose, intent=intent, count_ch=count_ch):
            most = "" if count_ch is None else f", at most {count_ch} hundredths"
            return (
                f"{purpose} {intent.ticker} {intent.side} {intent.limit_cc} {intent.time_in_force}{most}: {intent.why}"
            )
        case Together(places=places):
            return "together " + " and ".join(words(place) for place in places)
        case Cancel(order=order, why=why):
            return f"cancel {order.client_order_id} in {order.ticker}: {why}"
        case Renew(order=order, expires_at_ms=expires_at_ms):
            return f"renew {order.client_order_id} in {order.ticker} until {expires_at_ms}"
        case Note(topic=topic, ticker=ticker, text=text):
            return f"{topic} {ticker}{': ' if ticker else ''}{text}"


def _encoded(command: Command) -> bytes:
    """Canonical bytes: fields in their order. What a strategy raised is in the note's text."""
    if isinstance(command, Note):
        return f"{command.topic}\0{command.at_ms}\0{command.ticker}\0{command.text}".encode(errors="backslashreplace")
    return msgspec.msgpack.encode((type(command).__name__, command))


class Memory:
    """One trader's writing side. All marks are those of its feed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._marks: Sequence[int] = ()
        self._described, self._running = Described(), Running()

    def begin(self, header: dict[str, Any], at_ms: int, marks: Sequence[int], first: Iterable[Event]) -> None:
        """A life begins with these events."""
        self._marks = marks
        self._journal.begin(header, at_ms, marks)
        self._step(at_ms, Kept(told=_kept(first)))

    def turn(
        self,
        at_ms: int,
        marks: Sequence[int],
        told: Sequence[Event],
        *,
        shown: Sequence[Event] = (),
        clock: bool = False,
        after: Sequence[Event] = (),
    ) -> None:
        """A turn is about to be run: `told`, what was shown up to these marks, the clock if it struck, `after`."""
        self._marks = marks
        markets = [market for event in shown if isinstance(event, Quotes) for market in event.markets]
        described = self._described.changes(markets) if markets else []
        if told or described or after:
            kept = Kept(told=_kept(told), described=described, after=_kept(after))
            self._step(at_ms, kept, clock=clock)
        else:
            self._journal.step(at_ms, marks, clock=clock, check=self._running.byte)

    def said(self, note: Note) -> None:
        """The coordinator said something that nobody carries out."""
        self._running.said(note)

    def asked(self, at_ms: int, command: Command) -> None:
        """A command is about to be carried out: whatever becomes of that, it was asked."""
        check = self._running.said(command)
        self._step(at_ms, Kept(asked=Asked(words(command), check)))
        self._journal.flush()

    def answered(self, at_ms: int, answers: Iterable[Event]) -> None:
        """What came of it."""
        self._step(at_ms, Kept(answered=_kept(answers)))

    def close(self, at_ms: int) -> None:
        """The life ends in order: its last words count."""
        if self._marks:
            self._journal.step(at_ms, self._marks, check=self._running.byte)
        self._journal.close()

    def _step(self, at_ms: int, kept: Kept, *, clock: bool = False) -> None:
        body = msgspec.msgpack.encode(kept)
        self._journal.step(at_ms, self._marks, clock=clock, check=self._running.byte, body=body)
        self._running.kept(body)


def _kept(told: Iterable[Event]) -> list[tuple[str, msgspec.Raw]]:
    return [(type(event).__name__, msgspec.Raw(msgspec.msgpack.encode(event))) for event in told]
