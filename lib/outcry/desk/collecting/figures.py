"""What the collector tells people of itself: figures in its heartbeat, and counters that outlive it."""

from dataclasses import dataclass

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.index_prices import IndexPrices
from outcry.desk.collecting.publisher import Publisher
from outcry.desk.collecting.scribe import Scribe
from outcry.ops import log
from outcry.ops.floor import Floor
from outcry.store import checkpoints
from outcry.venue.stream import Stream

_log = log.get(__name__)


@dataclass(slots=True)
class Counters:
    """Kept in the checkpoint; all else is found again in the database or at the exchange."""

    reconnects: int = 0
    gaps: int = 0
    deltas_before: int = 0  # of earlier lives

    def save(self, floor: Floor, name: str, deltas: int, at_ms: int) -> None:
        """Write the checkpoint. Raises OSError when the disk refuses."""
        payload: dict[str, object] = {
            "reconnects": self.reconnects,
            "gaps": self.gaps,
            "deltas": self.deltas_before + deltas,
        }
        checkpoints.save(floor.checkpoints, name, payload, at_ms)


def restore(floor: Floor, name: str, at_ms: int) -> Counters:
    """The counters of the last life; zeros when its checkpoint cannot be used."""
    payload, reason = checkpoints.load(floor.checkpoints, name, at_ms)
    if payload is None:
        _log.info("started_cold", reason=reason)
        return Counters()
    known = {key: value for key, value in payload.items() if isinstance(value, int)}
    return Counters(known.get("reconnects", 0), known.get("gaps", 0), known.get("deltas", 0))


def figures(
    stream: Stream, books: Books, publisher: Publisher, index: IndexPrices, scribe: Scribe | None, counters: Counters
) -> dict[str, object]:
    """For bin/status."""
    return {
        "stream": "connected" if stream.connected else "disconnected",
        "heard_at_ms": stream.heard_at_ms,
        "epoch": stream.epoch,
        "reconnects": counters.reconnects,
        "gaps": counters.gaps,
        "snapshots": books.snapshots,
        "deltas": counters.deltas_before + books.deltas,
        "tickers_equal": books.tickers_equal,
        "tickers_other": books.tickers_other,
        "publish": publisher.number,
        "markets": len(books.books),
        "untrusted": books.untrusted(),
        "index": index.state(),
        "tape_waiting": scribe.waiting if scribe else 0,
        "tape_dropped": scribe.dropped if scribe else 0,
        "tape": (scribe.failing or "writing") if scribe else "off",
    }
