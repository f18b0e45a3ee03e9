import gzip

import pytest

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.paper.replay.recorded import Change, Lost, Tick, Watched, Whole
from outcry.paper.replay.recording import Recording, find
from recorder import Recorder

T0 = 1_778_679_193_000_000
TICKER = "KXBTC15M-26MAY130945-45"
TOUCH = ("0.4000", "5.00", "0.4200", "7.00")


def recorded(lag_us=100_000):
    recorder = Recorder(lag_us)
    recorder.watch(T0, TICKER, "2026-05-13T13:45:00Z", 80128.27)
    recorder.snapshot(T0 + 10, TICKER, {"0.4000": "5.00"}, {"0.5800": "7.00"})
    return recorder


def items(recorder, tmp_path):
    return list(Recording(recorder.write(tmp_path / "one.jsonl.gz")).items())


def test_a_late_ticker_is_put_back_behind_the_changes_of_its_own_microsecond(tmp_path):
    recorder = recorded()
    for n in range(1, 4):
        recorder.delta(T0 + n * 1_000, TICKER, "yes", "0.4000", "1.00")
    recorder.delta(T0 + 5_000_000, TICKER, "yes", "0.4000", "1.00")
    recorder.ticker(T0 + 2_000, TICKER, TOUCH, ("0.4000", "1.00"), "2.00", late_us=20_000_000)
    kinds = [(type(item), item.at_us) for item in items(recorder, tmp_path)]
    assert kinds[2:] == [
        (Change, T0 + 1_000),
        (Change, T0 + 2_000),
        (Tick, T0 + 2_000),
        (Change, T0 + 3_000),
        (Change, T0 + 5_000_000),
    ]


@pytest.mark.parametrize("lag_us", [-480_000, 0, 560_000])
def test_what_has_no_stamp_lies_on_the_exchanges_clock_and_never_after_what_follows_it(tmp_path, lag_us):
    recorder = recorded(lag_us)
    recorder.delta(T0 + 50, TICKER, "no", "0.5800", "-1.00")
    watched, whole, change = items(recorder, tmp_path)
    assert isinstance(watched, Watched)
    assert isinstance(whole, Whole)
    assert (watched.close_at_ms, watched.strike_micros) == (1_778_679_900_000, 80_128_270_000)
    assert (watched.at_us, whole.at_us, change.at_us) == (T0, T0 + 10, T0 + 50)
    assert (whole.bids, whole.asks, whole.first) == ({4_000: 500}, {4_200: 700}, True)
    assert (change.is_bid, change.price_cc, change.change_ch) == (False, 4_200, -100)


def test_a_missing_sequence_number_silences_the_book_until_the_next_snapshot(tmp_path):
    recorder = recorded()
    recorder.delta(T0 + 1_000, TICKER, "yes", "0.4000", "1.00")
    recorder.delta(T0 + 2_000, TICKER, "yes", "0.4000", "1.00", skip=1)
    recorder.delta(T0 + 3_000, TICKER, "yes", "0.4000", "1.00")
    recorder.snapshot(T0 + 4_000, TICKER, {"0.3900": "1.00"}, {})
    recorder.delta(T0 + 5_000, TICKER, "yes", "0.3900", "1.00")
    assert [type(item) for item in items(recorder, tmp_path)] == [Watched, Whole, Change, Lost, Whole, Change]


def test_each_connection_is_a_session_of_its_own_with_its_own_sequence(tmp_path):
    recorder = recorded()
    recorder.delta(T0 + 1_000, TICKER, "yes", "0.4000", "1.00")
    recorder.watch(T0 + 9_000_000, TICKER, "2026-05-13T13:45:00Z", None)
    recorder.snapshot(T0 + 9_000_010, TICKER, {}, {"0.5800": "7.00"})
    recorder.delta(T0 + 9_001_000, TICKER, "no", "0.5800", "1.00")
    found = items(recorder, tmp_path)
    assert [item.first for item in found if isinstance(item, Whole)] == [True, True]
    assert len({item.session for item in found if isinstance(item, Change)}) == 2


def test_a_recorder_that_was_cut_off_gives_what_it_had(tmp_path):
    recorder = recorded()
    recorder.delta(T0 + 1_000, TICKER, "yes", "0.4000", "1.00")
    path = recorder.write(tmp_path / "torn.jsonl.gz")
    text = gzip.decompress(path.read_bytes())
    plain = tmp_path / "torn.jsonl"
    plain.write_bytes(text[:-40])
    recording = Recording(plain)
    assert [type(item) for item in recording.items()] == [Watched, Whole]
    assert recording.torn
    path.write_bytes(path.read_bytes()[:-9])
    assert Recording(path).torn


def test_a_bad_line_in_the_middle_is_drift_with_its_place(tmp_path):
    recorder = recorded()
    recorder.lines.insert(3, '{"recv_ns": "soon"}')
    recorder.delta(T0 + 1_000, TICKER, "yes", "0.4000", "1.00")
    with pytest.raises(SchemaDrift, match=r"one.jsonl.gz line 4"):
        items(recorder, tmp_path)


@pytest.mark.parametrize(("field", "value"), [("price_dollars", "1.2000"), ("delta_fp", "many"), ("side", "maybe")])
def test_a_field_that_cannot_be_read_exactly_is_drift_never_a_zero(tmp_path, field, value):
    recorder = recorded()
    recorder.delta(T0 + 1_000, TICKER, "yes", "0.4000", "1.00")
    recorder.lines[-1] = recorder.lines[-1].replace(
        {"price_dollars": "0.4000", "delta_fp": "1.00", "side": '"yes"'}[field],
        f'"{value}"' if field == "side" else value,
    )
    with pytest.raises(SchemaDrift):
        items(recorder, tmp_path)


def test_files_and_folders_in_any_order_are_found_once_each(tmp_path):
    paths = [recorded().write(tmp_path / name) for name in ("b.jsonl.gz", "a.jsonl.gz")]
    (tmp_path / "notes.txt").write_text("no recording")
    assert find([paths[0], tmp_path, paths[1]]) == sorted(paths)
    with pytest.raises(Misconfigured, match="no recording at"):
        find([tmp_path / "missing.jsonl.gz"])
    with pytest.raises(Misconfigured, match="no recording to replay"):
        find([])
