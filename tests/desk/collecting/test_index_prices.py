"""Index prices: the exchange's own first, a spot venue's when that is silent, the past asked for once."""

import sqlite3
from pathlib import Path

import pytest

from outcry.desk.collecting import index_prices as collector_index
from outcry.desk.collecting.index_prices import OLD_MS, RETRY_S, SILENT_S, IndexPrices
from outcry.domain.view import Bar
from outcry.ops.floor import Floor
from outcry.ops.settings import Index, Settings
from outcry.signals.second_bars import SecondBars
from outcry.store import bars
from outcry.venue.messages import IndexValue, Subscribed
from outcry.venue.spot.coinbase import Tick


class FakeSpot:
    """A spot feed that says what it was given."""

    made: "list[FakeSpot]" = []  # noqa: RUF012

    def __init__(self, _where, symbols) -> None:
        self.symbols, self.closed, self.why_not, self.given = symbols, False, "", []
        self.made.append(self)

    def taken(self) -> list[Tick]:
        given, self.given = self.given, []
        return given

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    FakeSpot.made = []
    monkeypatch.setattr(collector_index, "SpotFeed", FakeSpot)
    monkeypatch.setattr(collector_index.time, "monotonic", lambda: now[0])
    return now


def prices(source: str = "exchange") -> tuple[IndexPrices, SecondBars]:
    made = SecondBars()
    return IndexPrices(Floor(Settings(index=Index(source)), Path("unused")), made), made


def value(index_id: str, micros: int, at_ms: int) -> IndexValue:
    return IndexValue(2, 1, index_id, micros, at_ms, at_ms + 1)


def test_the_exchanges_own_values_become_bars_of_their_symbol(clock: list[float]):
    index, made = prices()
    assert index.index_ids == ["BRTI", "ETHUSD_RTI"]
    assert index.hear(value("ETHUSD_RTI", 3_000_000_000, 5_000))
    assert index.hear(value("SOLUSD_RTI", 1, 5_000))  # one we did not ask for
    assert not index.hear(Subscribed(1, "ticker", 2))
    assert made.due(9_000) == [Bar("ETH-USD", 5_000, *[3_000_000_000] * 4, source="exchange")]


def test_a_spot_venue_is_asked_only_while_the_exchange_is_silent(clock: list[float]):
    index, made = prices()
    index.take(None)
    clock[0] += SILENT_S + 1
    index.take(None)
    (spot,) = FakeSpot.made
    assert spot.symbols == ["BTC-USD", "ETH-USD"]
    spot.given = [Tick("BTC-USD", 97_000_000_000, 7_000)]
    index.take(None)
    (bar,) = made.due(9_000)
    assert (bar.symbol, bar.source, bar.close) == ("BTC-USD", "coinbase", 97_000_000_000)
    assert index.state() == {"source": "coinbase", "newest_ms": {"BTC-USD": 7_000}, "spot": ""}
    index.hear(value("BRTI", 97_000_000_000, 8_000))
    index.take(None)
    assert spot.closed
    assert len(FakeSpot.made) == 1
    assert index.state()["source"] == "exchange"


def test_where_the_settings_name_the_spot_venue_the_exchange_is_not_asked(clock: list[float]):
    index, _ = prices("coinbase")
    assert index.index_ids == []
    index.take(None)
    assert len(FakeSpot.made) == 1
    index.close()
    assert FakeSpot.made[0].closed


def test_the_past_is_asked_for_until_it_is_known_and_only_where_it_is_not(clock: list[float], db: sqlite3.Connection):
    bars.write(db, 1, [Bar("ETH-USD", 1_000_000, 1, 1, 1, 1, source="exchange")])
    index, _ = prices()
    assert index.without_history(db, 1_000_000 + OLD_MS) == ["BTC-USD"]
    bars.write(db, 2, [Bar("BTC-USD", 1_060_000, 1, 1, 1, 1, source="exchange")])  # live values meanwhile
    assert index.without_history(db, 1_000_000 + OLD_MS) == []
    clock[0] += RETRY_S
    assert index.without_history(db, 1_000_000 + OLD_MS) == ["BTC-USD"]
    index.history_known("BTC-USD")
    clock[0] += RETRY_S
    assert index.without_history(db, 9_000_000) == []
