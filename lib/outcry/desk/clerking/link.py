"""The clerk's link to one place where the exchange answers, and what it remembers from link to link."""

import sqlite3
from dataclasses import dataclass

import msgspec

from outcry.desk.clerking.bookings import Memory
from outcry.desk.clerking.lookups import Lookups
from outcry.desk.clerking.private import PrivateFeed
from outcry.desk.clerking.statesync import StateSync
from outcry.desk.common import connect
from outcry.domain.errors import Unavailable
from outcry.ops import log
from outcry.ops.floor import Addresses, Floor
from outcry.store import checkpoints
from outcry.venue.rest import Rest
from outcry.venue.sign import Signer
from outcry.venue.stream import Stream
from outcry.venue.tally import Tally

NAME = "clerk"

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """Everything that belongs to one set of addresses."""

    addresses: Addresses
    rest: Rest
    stream: Stream
    sync: StateSync
    lookups: Lookups
    feed: PrivateFeed

    def moved(self, floor: Floor) -> bool:
        """Whether the exchange, as far as one can see, no longer answers here."""
        try:
            return floor.addresses() != self.addresses
        except Unavailable:
            return True


def find(floor: Floor, db: sqlite3.Connection, key: Signer, memory: Memory, tally: Tally | None = None) -> Link:
    """A link to where the exchange answers now. Raises Unavailable when it does not say where."""
    addresses = floor.addresses()
    rest = connect.rest(floor, key, addresses.rest_url, tally=tally)
    stream = Stream(addresses.stream_url, key)
    return Link(addresses, rest, stream, StateSync(db, rest, memory), Lookups(db, rest), PrivateFeed(db, rest))


def remember(floor: Floor, memory: Memory, at_ms: int) -> None:
    """Write the checkpoint."""
    checkpoints.save(floor.checkpoints, NAME, msgspec.to_builtins(memory, str_keys=True), at_ms)


def recall(floor: Floor, at_ms: int) -> Memory:
    """What passes remembered in the last life; without it they read more than they had to."""
    payload, reason = checkpoints.load(floor.checkpoints, NAME, at_ms)
    if payload is not None:
        try:
            return msgspec.convert(payload, Memory, strict=False)
        except msgspec.ValidationError as error:
            reason = f"of another shape: {error}"
    _log.info("started_cold", reason=reason)
    return Memory()
