"""A day as research reads it: columns in order, rare things as records, days found by name."""

import sqlite3
import zlib
from array import array
from pathlib import Path

import pytest

from outcry.domain.errors import InvariantBroken, Misconfigured
from outcry.research import tape
from outcry.research.tape import Day, Settlement
from outcry.store import database
from outcry.store.tape import SCHEMA
from outcry.store.tape_rows import NO_LAG, UNKNOWN
from taped import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "2026-11-20.db")


def test_columns_are_read_by_name(recorder: Recorder):
    for seq in range(2, 9):
        recorder.delta("A" if seq % 2 else "B", seq, 4300 if seq % 3 else -4500, seq * 10)
    with Day(recorder.close()) as day:
        (session,) = day.sessions
        (table,) = session.deltas()
        assert len(table) == 7
        rows = list(zip(*table.columns("symbol", "signed_price_cc", "change_ch"), strict=True))
        assert [(session.names[symbol], price, change) for symbol, price, change in rows][:2] == [
            ("B", 4300, 20), ("A", -4500, 30),
        ]  # fmt: skip
        assert list(table.column("arrival")) == [1, 2, 3, 4, 5, 6, 7]
        assert [row.seq for row in table.rows()] == list(range(2, 9))
        assert not day.manifest
        assert day.name == "2026-11-20"


def test_facts_are_told_when_they_became_known(recorder: Recorder):
    recorder.market("A", 1_795_177_000_000)
    recorder.market("A", 1_795_177_000_000, strike_micros=5)
    with Day(recorder.close()) as day:
        first, second = day.sessions[0].markets()
        assert (first.market.strike_micros, second.market.strike_micros) == (None, 5)
        assert first.arrival < second.arrival


def test_a_fact_that_is_none_is_told_with_its_place(recorder: Recorder):
    recorder.note("market", {"ticker": "A"}, name="A")
    with Day(recorder.close()) as day, pytest.raises(InvariantBroken, match=r"2026-11-20\.db, note 1"):
        list(day.sessions[0].markets())


def test_a_settlement_counts_from_when_it_was_first_told(recorder: Recorder):
    recorder.note("lifecycle", {"kind": "determined", "ticker": "A", "result": "yes", "value_cc": 10_000}, name="A")
    recorder.note("lifecycle", {"kind": "settled", "ticker": "A", "result": "", "value_cc": None}, name="A")
    recorder.market("B", 1_795_177_000_000, result="no", settlement_value_cc=0, expiration_micros=7)
    recorder.market("A", 1_795_177_000_000, result="yes", settlement_value_cc=10_000)
    facts = {"result": "no", "value_cc": 0, "expiration_micros": None, "source": "derived"}
    recorder.note("settlement", facts, name="C")
    with Day(recorder.close()) as day:
        told = day.sessions[0].settlements()
    start = 1_795_176_000_000
    assert told == [
        Settlement(1, start + 100, "A", "yes", 10_000, None, "exchange"),
        Settlement(3, start + 300, "B", "no", 0, 7, "exchange"),
        Settlement(5, start + 500, "C", "no", 0, None, "derived"),
    ]


def test_losses_say_whether_books_are_lost_with_them(recorder: Recorder):
    recorder.note("gap", {"sid": 2, "channel": "orderbook_delta", "messages": 3})
    recorder.note("gap", {"sid": 5, "channel": "trade", "messages": 1})
    recorder.note("dropped", {"messages": 9}, epoch=0)
    recorder.note("disconnected", {"reason": "gone"}, epoch=4)
    recorder.note("own", {"client_order_id": "oc-1"}, name="A", sid=2, seq=4)
    with Day(recorder.close()) as day:
        (session,) = day.sessions
        losses = [(loss.kind, loss.epoch, loss.books) for loss in session.losses()]
        assert losses == [("gap", 1, True), ("gap", 1, False), ("dropped", 0, True), ("disconnected", 4, True)]
        assert [(own.ticker, own.client_order_id) for own in session.own_changes()] == [("A", "oc-1")]


def test_days_are_found_by_name_compiled_before_recorded_before_imported(tmp_path: Path):
    for place, day in (("", "2026-11-20"), ("compiled", "2026-11-20"), ("imported", "2026-05-13"), ("", "2026-11-21")):
        Recorder(tmp_path / place / f"{day}.db").close()
    found = tape.find(tmp_path, ["2026-11-20", "2026-05-13"])
    assert [str(file.relative_to(tmp_path)) for file in found] == ["imported/2026-05-13.db", "compiled/2026-11-20.db"]
    assert [file.stem for file in tape.find(tmp_path, [])] == ["2026-05-13", "2026-11-20", "2026-11-21"]
    assert tape.find(tmp_path, [str(tmp_path / "imported")]) == [tmp_path / "imported" / "2026-05-13.db"]
    assert tape.find(tmp_path, [str(tmp_path / "2026-11-20.db")]) == [tmp_path / "2026-11-20.db"]
    assert len(tape.find_all(tmp_path)) == 4
    with pytest.raises(Misconfigured, match="no tape of 2026-01-01"):
        tape.find(tmp_path, ["2026-01-01"])


def test_sessions_of_the_first_format_are_read_with_what_they_lack_marked(tmp_path: Path):
    """They kept connections apart, so their rows are brought back into order of arrival."""
    file = tmp_path / "2026-11-20.db"
    with sqlite3.connect(file) as db:
        database.migrate(db, SCHEMA)
        db.execute("INSERT INTO sessions VALUES (1, 5000000, 6000000, 1)")
        db.execute("INSERT INTO symbols VALUES (1, 'A')")
        for epoch, arrivals in ((1, [1, 4]), (2, [2, 3])):
            plain = (
                bytes([0, arrivals[1] - arrivals[0]])
                + bytes([0, 1])
                + bytes([0, 1])
                + array("h", [4300, -4400]).tobytes()
            )
            codec = f"zlib1:b+{arrivals[0]}:b+100:b+7:@1,0:h:@5,0"
            values = ("delta", 1, epoch, 9, None, arrivals[0], 2, 7, 8, 100, 101, codec, zlib.crc32(plain),
                      zlib.compress(plain, 1), None)  # fmt: skip
            db.execute(f"INSERT INTO chunks VALUES (NULL, {', '.join('?' * 15)})", values)
        plain = array("q", [90]).tobytes()
        codec = "zlib1:@5,0:@120,0:@3,0:@1,0:@4300,0:@100,0:@1,0:q"
        values = ("print", 1, 1, 4, None, 5, 1, 3, 3, 120, 120, codec, zlib.crc32(plain), zlib.compress(plain, 1),
                  zlib.compress(b"t-1", 1))  # fmt: skip
        db.execute(f"INSERT INTO chunks VALUES (NULL, {', '.join('?' * 15)})", values)
    db.close()
    with Day(file) as day:
        (session,) = day.sessions
        (table,) = session.deltas()
        assert [row[:6] for row in table.rows()] == [
            (1, 100, NO_LAG, 1, 9, 7), (2, 100, NO_LAG, 2, 9, 7), (3, 101, NO_LAG, 2, 9, 8), (4, 101, NO_LAG, 1, 9, 8),
        ]  # fmt: skip
        (prints,) = session.prints()
        assert list(prints.rows()) == [(5, 120, 30, 1, 4, 3, 1, 4300, 100, 1, 0)]
        assert (prints.ids, UNKNOWN) == (("t-1",), -1)


def test_a_tape_of_a_newer_build_is_refused(recorder: Recorder):
    file = recorder.close()
    with sqlite3.connect(file) as db:
        db.execute("INSERT INTO migrations VALUES ('0099_future.sql', 'later')")
    db.close()
    with pytest.raises(Misconfigured, match="install the newer build"):
        Day(file)
