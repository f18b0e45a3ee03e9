import gzip
import itertools
import json

import pytest

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken, Misconfigured
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.engine.engine import Engine
from outcry.paper.events import BookChange, BookSet, Closed, Determined, IndexTick, Listed, Print, Settled, Stats
from outcry.paper.generate.windows import close_of
from outcry.paper.replay.source import BATCH, Replay
from recorder import Recorder

SECOND = 1_000_000
FIRST = "KXBTC15M-26MAY130945-45"
CLOSE = close_of(FIRST) * 1_000  # 13:45, in microseconds
START = 1_795_194_000_000
YES, NO = {"0.4000": "5.00"}, {"0.5800": "7.00"}
FOLDER = "kalshi_btc15m_ws"


def watching(recorder, at_us, ticker=FIRST, close="2026-05-13T13:45:00Z", strike=80128.27):
    recorder.watch(at_us, ticker, close, strike)
    recorder.snapshot(at_us + 10, ticker, YES, NO)
    recorder.delta(at_us + 20, ticker, "yes", "0.3900", "1.00")


def settlements(tmp_path, **results):
    rows = [{"ticker": ticker.replace("_", "-"), "result": result} for ticker, result in results.items()]
    path = tmp_path / "markets" / "KXBTC15M_settlements.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def told(source):
    events = []
    while (next_ms := source.next_at_ms()) is not None:
        events += source.advance(next_ms)
    return events


def replayed(tmp_path, *recorders, **options):
    paths = [one.write(tmp_path / "ws" / f"{n}.jsonl.gz") for n, one in enumerate(recorders)]
    source = Replay(paths, start_ms=START, **options)
    return told(source), source


def life(events, ticker):
    named = [e for e in events if isinstance(e, Closed | Determined | Settled) and e.ticker == ticker]
    return [(type(event).__name__, event.at_ms - START) for event in named]


def test_a_market_is_listed_with_its_strike_and_settles_as_recorded(tmp_path):
    settlements(tmp_path, **{FIRST.replace("-", "_"): "no"})
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    for n in range(60):
        recorder.delta(CLOSE - (59 - n) * SECOND - 1, FIRST, "yes", "0.3900", "1.00")
    events, source = replayed(tmp_path, recorder)
    market = next(event.market for event in events if isinstance(event, Listed))
    assert (market.ticker, market.status, market.strike_micros) == (FIRST, Status.ACTIVE, 80_128_270_000)
    assert (market.open_at_ms - START, market.close_at_ms - START) == (-840_000, 60_000)
    assert life(events, FIRST) == [("Closed", 60_000), ("Determined", 61_000), ("Settled", 64_000)]
    outcome = next(event for event in events if isinstance(event, Determined))
    assert (outcome.result, outcome.value_cc) == ("no", 0)
    assert source.verifier.recorded == [FIRST]


def test_speed_shortens_everything_alike(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    recorder.delta(CLOSE - 30 * SECOND, FIRST, "yes", "0.3900", "1.00")
    events, _ = replayed(tmp_path, recorder, speed=10.0)
    market = next(event.market for event in events if isinstance(event, Listed))
    assert (market.open_at_ms - START, market.close_at_ms - START) == (-84_000, 6_000)
    assert [event.at_ms - START for event in events if isinstance(event, BookChange)] == [0, 3_000]


def test_a_hole_between_files_takes_five_seconds_and_moves_the_close_of_what_outlasts_it(tmp_path):
    early, late = Recorder(), Recorder(lag_us=-400_000)
    watching(early, CLOSE - 800 * SECOND)
    watching(late, CLOSE - 200 * SECOND)
    late.delta(CLOSE - 100 * SECOND, FIRST, "yes", "0.3900", "1.00")
    events, source = replayed(tmp_path, late, early)
    closes = [(e.at_ms - START, e.market.close_at_ms - START) for e in events if isinstance(e, Listed)]
    assert closes[0] == (0, 800_000)
    assert closes[1] == (0, 205_000)  # told at the hole: 600 s of recording are missing, 5 s of them are played
    assert [event.at_ms - START for event in events if isinstance(event, BookSet)][:2] == [0, 5_000]
    assert source.verifier.holes == 1
    assert life(events, FIRST)[0][0] == "Closed"


def test_a_market_that_closes_in_a_hole_closes_before_it_and_leaves_no_book(tmp_path):
    settlements(tmp_path, **{FIRST.replace("-", "_"): "yes"})
    early, late = Recorder(), Recorder()
    watching(early, CLOSE - 500 * SECOND)
    watching(late, CLOSE + 5_000 * SECOND, "KXBTC15M-26MAY131115-15", "2026-05-13T15:15:00Z", 80000.0)
    events, _ = replayed(tmp_path, early, late)
    assert life(events, FIRST) == [("Closed", 0), ("Determined", 1_000), ("Settled", 4_000)]
    sets = [(e.bids, e.asks) for e in events if isinstance(e, BookSet) and e.ticker == FIRST]
    assert sets[-1] == ({}, {})
    assert [e.result for e in events if isinstance(e, Determined) and e.ticker == FIRST] == ["yes"]


def test_a_quiet_market_is_no_hole(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 300 * SECOND)
    recorder.delta(CLOSE - 200 * SECOND, FIRST, "yes", "0.3900", "1.00")
    events, source = replayed(tmp_path, recorder)
    assert [event.at_ms - START for event in events if isinstance(event, BookChange)] == [0, 100_000]
    assert source.verifier.holes == 0


def test_a_reconnect_begins_a_new_book(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 300 * SECOND)
    recorder.watch(CLOSE - 298 * SECOND, FIRST, "2026-05-13T13:45:00Z", 80128.27)
    recorder.snapshot(CLOSE - 298 * SECOND, FIRST, {"0.3000": "2.00"}, {})
    recorder.delta(CLOSE - 297 * SECOND, FIRST, "yes", "0.3000", "-2.00")
    events, source = replayed(tmp_path, recorder)
    assert [event.bids for event in events if isinstance(event, BookSet)][:2] == [{4_000: 500}, {3_000: 200}]
    assert source.verifier.snapshots_first == 2
    assert len([event for event in events if isinstance(event, Listed)]) == 2  # at first, and when its close moved


def test_of_two_recorders_the_newer_connection_is_followed(tmp_path):
    one, two = Recorder(), Recorder()
    watching(one, CLOSE - 300 * SECOND)
    watching(two, CLOSE - 298 * SECOND)
    for n in range(3):
        one.delta(CLOSE - (297 - n) * SECOND, FIRST, "yes", "0.3900", "1.00")
        two.delta(CLOSE - (297 - n) * SECOND, FIRST, "yes", "0.3900", "1.00")
    events, _ = replayed(tmp_path, one, two)
    assert len([event for event in events if isinstance(event, BookSet) and event.bids]) == 2
    assert len([event for event in events if isinstance(event, BookChange)]) == 2 + 3


def test_the_index_has_a_past_and_is_silent_where_it_was_not_recorded(tmp_path):
    spot = tmp_path / "spot" / "coinbase_btcusd_matches_20260513.csv.gz"
    spot.parent.mkdir()
    seconds = [*range(-100, 21), *range(60, 81)]  # from the first frame
    with gzip.open(spot, "wt") as file:
        file.write("exchange_ts_utc,recv_ns,price,trade_id\n")
        for second in seconds:
            at = 13 * 3_600 + 44 * 60 + second
            file.write(
                f"2026-05-13T{at // 3_600:02d}:{at // 60 % 60:02d}:{at % 60:02d}.5+00:00,0,{80_000 + second},1\n"
            )
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    for n in range(60):
        recorder.delta(CLOSE - (59 - n) * SECOND, FIRST, "yes", "0.3900", "1.00")
    source = Replay([recorder.write(tmp_path / "ws" / "a.jsonl.gz")], start_ms=START)
    past = source.history("BTC-USD", START - 50_000, START)
    assert [(tick.at_ms - START) // 1_000 for tick in past] == list(range(-50, 1))
    assert past[-1].value_micros == 79_999_000_000
    ticks = [e for e in told(source) if isinstance(e, IndexTick)]
    assert [(tick.at_ms - START) // 1_000 for tick in ticks][:32] == [*range(1, 32), 61]
    assert source.history("BTC-USD", START + 1_000, START + 3_000) == ticks[:3]
    assert source.history("ETH-USD", 0, START) == []


def test_without_a_recorded_result_the_last_price_is_paid_and_said_so(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    touch = ("0.4000", "5.00", "0.4200", "7.00")
    recorder.ticker(CLOSE - 50 * SECOND, FIRST, touch, ("0.4100", "1.00"), "2.00")
    events, source = replayed(tmp_path, recorder)
    outcome = next(event for event in events if isinstance(event, Determined))
    assert (outcome.result, outcome.value_cc) == ("scalar", 4_100)
    assert any(line.startswith(f"unknown    {FIRST}") for line in source.verifier.lines())
    assert [(e.last_price_cc, e.volume_ch) for e in events if isinstance(e, Stats)] == [(4_100, 200)]


def test_as_fast_as_possible_it_tells_a_batch_whenever_asked(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    for n in range(2 * BATCH):
        recorder.delta(CLOSE - 59 * SECOND + n * 1_000, FIRST, "yes", "0.3900", "1.00")
    source = Replay([recorder.write(tmp_path / "ws" / "a.jsonl.gz")], start_ms=START, speed="max")
    batch = source.advance(START + 7)
    assert len(batch) == BATCH
    assert {event.at_ms for event in batch[2:]} == {START + 7}
    listed = next(event for event in told(source) if isinstance(event, Listed))
    assert listed.market.close_at_ms == listed.at_ms
    assert source.next_at_ms() is None


def test_a_recording_that_lost_a_frame_unseen_stops_with_its_place(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    recorder.delta(CLOSE - 50 * SECOND, FIRST, "yes", "0.3900", "-9.00")
    with pytest.raises(InvariantBroken, match=r"0.jsonl.gz#0.*the recording lost a frame"):
        replayed(tmp_path, recorder)


def test_nonsense_is_refused_before_it_plays(tmp_path):
    recorder = Recorder()
    watching(recorder, CLOSE - 60 * SECOND)
    path = recorder.write(tmp_path / "ws" / "a.jsonl.gz")
    with pytest.raises(Misconfigured, match="speed -1"):
        Replay([path], start_ms=START, speed=-1)
    with pytest.raises(Misconfigured, match="cannot read"):
        Replay([path], tmp_path / "none.jsonl", start_ms=START)


# ---- real recordings ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def afternoon(recordings):
    """Two files of one afternoon: three markets, one of them in both files with a hole of seven minutes in between."""
    names = ("ws_KXBTC15M_20260513T154206Z.jsonl.gz", "ws_KXBTC15M_20260513T152239Z.jsonl.gz")
    source = Replay([recordings / FOLDER / name for name in names], start_ms=START)
    return told(source), source


@pytest.mark.recorded
def test_recorded_books_equal_their_own_later_snapshots_and_tickers(afternoon):
    _, source = afternoon
    verifier = source.verifier
    assert verifier.ok
    assert (verifier.tickers_agree, verifier.tickers_differ) == (1_136, 0)
    assert (verifier.snapshots_agree, verifier.snapshots_differ, verifier.snapshots_first) == (2, 0, 4)
    assert verifier.changes == 33_369 + 35_896 + 28_037 + 31_615


@pytest.mark.recorded
def test_the_exchange_shows_what_the_recorded_tickers_show(recordings):
    """End to end: frames through source and engine, read back as clients see them, against each ticker's touch."""
    source = Replay([recordings / FOLDER / "ws_KXBTC15M_20260513T171256Z.jsonl.gz"], start_ms=START)
    ids = itertools.count()
    engine = Engine(lambda: str(next(ids)))
    checked = 0
    for event in told(source):
        engine.feed(event)
        if isinstance(event, BookSet):
            book = Book()
            book.replace(dict(event.bids), dict(event.asks))
        elif isinstance(event, BookChange):
            book.apply(event.side is Side.BID, event.price_cc, event.change_ch)
        elif isinstance(event, Stats) and engine.market(event.ticker).market.status is Status.ACTIVE:
            assert engine.displayed(event.ticker) == (book.bids, book.asks)
            checked += 1
    assert checked > 350
    assert source.verifier.tickers_agree >= checked


@pytest.mark.recorded
def test_recorded_markets_settle_as_recorded_on_both_sides_of_a_hole(afternoon, recordings):
    events, source = afternoon
    path = recordings / "markets" / "KXBTC15M_settlements.jsonl.gz"
    known = {row["ticker"]: row["result"] for row in map(json.loads, gzip.decompress(path.read_bytes()).splitlines())}
    outcomes = [event for event in events if isinstance(event, Determined)]
    assert [event.ticker[-9:] for event in outcomes] == ["131130-30", "131145-45", "131200-00"]
    assert [event.result for event in outcomes] == [known[event.ticker] for event in outcomes]
    assert source.verifier.recorded == [event.ticker for event in outcomes]
    assert len(outcomes) == 3


@pytest.mark.recorded
def test_inferred_prints_add_up_to_the_recorded_volume(afternoon):
    """Every contract between two tickers of one connection is printed once; most with a side."""
    events, _ = afternoon
    printed = known = 0
    volume: dict[str, int] = {}
    rise = 0
    for event in events:
        if isinstance(event, Print):
            assert event.inferred
            printed += event.count_ch
            known += event.count_ch if event.taker_side else 0
        elif isinstance(event, BookSet):
            volume.pop(event.ticker, None)
        elif isinstance(event, Stats):
            rise += event.volume_ch - volume.get(event.ticker, event.volume_ch)
            volume[event.ticker] = event.volume_ch
    assert 2 * printed == rise
    assert known / printed > 0.7


@pytest.mark.recorded
def test_a_match_is_always_at_the_touch_it_hits(afternoon):
    events, _ = afternoon
    books: dict[str, Book] = {}
    checked = 0
    for event in events:
        if isinstance(event, BookSet):
            books.setdefault(event.ticker, Book()).replace(dict(event.bids), dict(event.asks))
        elif isinstance(event, BookChange):
            books[event.ticker].apply(event.side is Side.BID, event.price_cc, event.change_ch)
        elif isinstance(event, Print) and event.taker_side is not None:
            book = books[event.ticker]
            levels = book.asks if event.taker_side is Side.BID else book.bids
            assert levels.get(event.price_cc, 0) > 0
            checked += 1
    assert checked > 5_000


@pytest.mark.recorded
def test_the_exchange_takes_a_reconnect_and_every_event(recordings):
    source = Replay([recordings / FOLDER / "ws_KXBTC15M_20260514T043811Z.jsonl.gz"], start_ms=START, speed=60.0)
    ids = itertools.count()
    engine = Engine(lambda: str(next(ids)))
    for event in told(source):
        engine.feed(event)
    assert {record.market.status for record in engine.markets()} == {Status.FINALIZED}
    assert source.verifier.ok
