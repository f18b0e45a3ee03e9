"""Verifying names each thing that is wrong with its place, and nothing that is right."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from outcry.research.tape import Day
from outcry.research.verify import verify
from outcry.research.verifying.report import KEPT, Report
from taped import Recorder

CLOSE_MS = 1_795_176_900_000


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "2026-11-20.db")


def begun(recorder: Recorder) -> None:
    recorder.market("A", CLOSE_MS)
    recorder.whole("A", 1, {4300: 500}, {4500: 700})


def report(recorder: Recorder) -> Report:
    with Day(recorder.close()) as day:
        return verify(day)


def defects(recorder: Recorder) -> list[tuple[str, int, str]]:
    return [(it.check, it.arrival, it.what) for it in report(recorder).defects]


def test_a_sound_tape_has_no_defects_and_its_coverage_is_told(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.delta("A", 3, -4500, -700)
    recorder.ticker("A", (4400, 100), (-1, 0))
    recorder.delta("A", 4, -4600, 30)
    recorder.whole("A", 5, {4300: 500, 4400: 100}, {4600: 30})
    recorder.trade("A", 4500, 700)
    found = report(recorder)
    assert (found.defects, found.remarks, found.sound) == ([], [], True)
    assert found.checked == {
        "deltas": 3, "prints": 1, "sequence numbers": 5, "snapshots equal to the book": 1,
        "snapshots that begin a book": 1, "tickers equal to the book": 1,
    }  # fmt: skip
    covered = found.coverage["A"]
    assert (covered.deltas, covered.snapshots, covered.tickers, covered.prints) == (3, 2, 1, 1)
    assert covered.last_ms - covered.first_ms == 600
    assert covered.known_ms == 500


def test_a_hole_that_the_tape_does_not_tell_of(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.delta("A", 5, 4400, -900)  # not applied to a book that lost something
    assert defects(recorder) == [("sequence", 4, "2 missing after seq 2 of subscription 2, connection 1")]


def test_a_hole_that_the_tape_tells_of_is_a_remark(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 4, 4400, 100)
    recorder.at_ms -= 100  # what was lost is noted at the moment of the frame that showed it
    recorder.note("gap", {"sid": 2, "channel": "orderbook_delta", "messages": 2})
    recorder.whole("A", 5, {4400: 5}, {})
    recorder.delta("A", 6, 4400, -5)
    found = report(recorder)
    assert not found.defects
    assert [it.check for it in found.remarks] == ["sequence"]
    assert found.checked["deltas without a book"] == 1


def test_numbers_may_count_the_connection(recorder: Recorder):
    begun(recorder)
    recorder.trade("A", 4500, 1, seq=2)
    recorder.delta("A", 3, 4400, 100)
    recorder.trade("A", 4500, 1, seq=4)
    recorder.delta("A", 5, 4400, 100)
    assert not defects(recorder)


def test_answers_may_or_may_not_count(recorder: Recorder):
    begun(recorder)
    recorder.note("ok", {"id": 1}, sid=2, seq=2)
    recorder.delta("A", 3, 4400, 100)
    recorder.note("ok", {"id": 2}, sid=2, seq=9)
    recorder.delta("A", 4, 4400, 100)
    assert not defects(recorder)


def test_a_frame_twice_is_remarked_and_counts_once(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4300, -400)
    recorder.delta("A", 2, 4300, -400)
    recorder.delta("A", 3, 4300, -100)
    found = report(recorder)
    assert not found.defects
    assert [(it.check, it.arrival) for it in found.remarks] == [("again", 4)]


def test_the_recorder_s_own_books_in_a_new_file_are_no_repetition(recorder: Recorder):
    recorder.whole("A", 40, {4300: 500}, {})
    recorder.whole("B", 40, {4300: 500}, {})
    recorder.delta("A", 41, 4300, -500)
    assert not report(recorder).remarks


def test_a_level_below_zero(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, -4500, -701)
    recorder.delta("A", 3, -4500, -1)  # the book is not known any more: told once
    assert defects(recorder) == [("negative", 3, "A: ask level 4500 would hold -1 hundredths of a contract")]


def test_a_book_that_stays_crossed(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4500, 10)
    recorder.delta("A", 3, 4500, -10)  # for an instant: usual
    recorder.delta("A", 4, 4600, 10)
    recorder.at_ms += 1_000
    recorder.delta("A", 5, 4600, -10)
    assert defects(recorder) == [("crossed", 6, "A: book was crossed for 1.1 s")]


@pytest.mark.parametrize(
    ("bid", "ask", "wrong"),
    [((4400, 60), (4500, 700), False), ((4400, 100), (4500, 700), False), ((4300, 500), (4500, 700), False),
     ((4400, 50), (4500, 700), True), ((4400, 100), (4500, 699), True)],
)  # fmt: skip
def test_a_ticker_is_held_against_the_book_of_its_own_moment(recorder: Recorder, bid, ask, wrong):
    """Every state of its millisecond will do, and the one it began with; not the one after."""
    begun(recorder)
    recorder.delta("A", 2, 4200, 1)
    recorder.delta("A", 3, 4400, 60, lag_ms=50)
    recorder.at_ms -= 100
    recorder.delta("A", 4, 4400, 40, lag_ms=50)
    recorder.delta("A", 5, 4400, -50)
    recorder.ticker("A", bid, ask, lag_ms=250)
    assert [name for name, *_ in defects(recorder)] == (["ticker"] if wrong else [])


def test_a_ticker_may_be_heard_before_the_changes_it_knows_of(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4200, 1)
    recorder.ticker("A", (4400, 60), (4500, 700), lag_ms=0)
    recorder.delta("A", 3, 4400, 60, lag_ms=100)
    recorder.delta("A", 4, 4400, -60, lag_ms=100)
    found = report(recorder)
    assert not found.defects
    assert found.checked["tickers equal to the book"] == 1


def test_a_snapshot_that_the_book_contradicts(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.whole("A", 3, {4300: 500}, {4500: 700, 4600: 1})
    assert defects(recorder) == [("snapshot", 4, "A: snapshot and book differ in 2 levels")]


@pytest.mark.parametrize("at_ms", [CLOSE_MS, CLOSE_MS - 60_000])
def test_an_empty_snapshot_is_right_at_the_close_only(recorder: Recorder, at_ms: int):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.at_ms = at_ms
    recorder.whole("A", 3, {}, {})
    assert bool(defects(recorder)) == (at_ms < CLOSE_MS)


def test_books_of_another_connection_are_not_compared(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.note("disconnected", {"reason": "gone"})
    recorder.whole("A", 1, {1000: 1}, {}, epoch=2)
    recorder.delta("A", 2, 1000, -1, epoch=2)
    assert not defects(recorder)


def paid(result: str, **more: object) -> Callable[[Recorder], None]:
    def told(recorder: Recorder) -> None:
        at_ms, value = CLOSE_MS + 1_000, 10_000 if result == "yes" else 0
        facts = {"underlying": "BTC-USD", "strike_type": "greater_or_equal", "strike_micros": 100_000_000}
        recorder.market("A", CLOSE_MS, **facts)
        for second in range(61):
            recorder.index("BRTI", 100_000_000 + second * 1_000, CLOSE_MS - 60_000 + second * 1_000)
        recorder.at_ms = at_ms
        recorder.market("A", CLOSE_MS, **facts, result=result, settlement_value_cc=value, **more)

    return told


@pytest.mark.parametrize(
    ("pay", "words"),
    [
        (paid("yes"), ""),
        (paid("yes", expiration_micros=100_030_000), ""),
        (paid("no"), "A was paid no, but BRTI was 100 to 100.06, strike 100"),
        (paid("no", expiration_micros=100_030_000), "A was paid no, but BRTI was 100.03, strike 100"),
        (paid("yes", expiration_micros=100_060_001), "A was settled at 100.060001, but BRTI was 100 to 100.06"),
    ],
    ids=["agrees", "as stated", "contradicts the minute", "contradicts its own statistic", "beyond the minute"],
)
def test_a_settlement_is_held_against_the_index(recorder: Recorder, pay: Callable[[Recorder], None], words: str):
    pay(recorder)
    assert [what for _, _, what in defects(recorder)] == ([words] if words else [])


def test_another_source_only_makes_remarks(recorder: Recorder):
    facts = {"underlying": "BTC-USD", "strike_type": "greater_or_equal", "strike_micros": 100_000_000}
    for second in range(60):
        recorder.index("BTC-USD@coinbase", 110_000_000, CLOSE_MS - 60_000 + second * 1_000)
    recorder.market("A", CLOSE_MS, **facts, result="no", settlement_value_cc=0)
    found = report(recorder)
    assert not found.defects
    assert [it.what for it in found.remarks] == ["A was paid no, but BTC-USD@coinbase was 10 from the strike"]


def test_rows_out_of_order(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    recorder.arrival -= 1
    recorder.delta("A", 3, 4400, 100)
    assert "order" in [name for name, *_ in defects(recorder)]


def test_a_damaged_chunk_and_a_recorder_that_was_killed(recorder: Recorder):
    begun(recorder)
    recorder.delta("A", 2, 4400, 100)
    file = recorder.close()
    with sqlite3.connect(file) as db:
        db.execute("UPDATE chunks SET crc = crc + 1 WHERE kind = 'delta'")
        db.execute("UPDATE sessions SET ended_at_ns = NULL")
    db.close()
    with Day(file) as day:
        found = verify(day)
    assert [(it.check, "does not match its checksum" in it.what) for it in found.defects] == [("damaged", True)]
    assert [it.check for it in found.remarks] == ["killed"]


def test_many_defects_are_counted_and_the_first_are_told(recorder: Recorder):
    begun(recorder)
    for number in range(KEPT + 5):
        recorder.whole("A", 2 + number, {4300 + number: 1}, {})
    found = report(recorder)
    assert found.counts == {"snapshot": KEPT + 5}
    assert len(found.defects) == KEPT
    assert "and      snapshot   5 more" in found.lines()
