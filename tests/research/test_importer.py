"""Recordings of others become days of tape: in order, on one clock, with what is wrong with them noted."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.research.importer import Imported, bring
from outcry.research.tape import Day
from outcry.store.tape_reader import Reader
from taped import rows_of, snapshots_of

MARKET = "KXBTC15M-26MAY130945-45"
CLOSE_MS = 1_778_679_900_000
BEGIN_US = (CLOSE_MS - 600_000) * 1_000
SLOW_US = 480_000  # how far the recorder's clock is behind


def stamp(at_us: int) -> dict[str, object]:
    return {"ts": f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%dT%H:%M:%S.%f}Z", "ts_ms": at_us // 1_000}


class Recording:
    """Lines as a recorder wrote them. Times: microseconds after BEGIN_US, by the exchange."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seq = 0

    def _line(self, heard_us: int, body: dict[str, object]) -> None:
        self.lines.append(json.dumps({"recv_ns": (BEGIN_US + heard_us - SLOW_US) * 1_000, **body}))

    def connect(self, heard_us: int) -> None:
        self.seq = 0
        self._line(heard_us, {"event": "ws_connected", "data": {"market_ticker": MARKET}})

    def watch(self, heard_us: int, strike: float) -> None:
        data = {"market_ticker": MARKET, "close_time": "2026-05-13T13:45:00Z", "strike": strike, "status": "active"}
        self._line(heard_us, {"event": "watch_market", "data": data})

    def frame(self, heard_us: int, kind: str, sid: int, msg: dict[str, object]) -> None:
        numbered = {"seq": self.seq} if kind != "ticker" else {}
        self._line(heard_us, {"frame": {"type": kind, "sid": sid, **numbered, "msg": {"market_ticker": MARKET} | msg}})

    def snapshot(self, heard_us: int, yes: list[list[str]], no: list[list[str]]) -> None:
        self.seq += 1
        self.frame(heard_us, "orderbook_snapshot", 2, {"yes_dollars_fp": yes, "no_dollars_fp": no})

    def delta(self, at_us: int, heard_us: int, side: str, price: str, change: str) -> None:
        self.seq += 1
        body = {"side": side, "price_dollars": price, "delta_fp": change}
        self.frame(heard_us, "orderbook_delta", 2, body | stamp(BEGIN_US + at_us))

    def ticker(self, at_us: int, heard_us: int, volume: str, last: str, size: str, offered: str) -> None:
        stamped = stamp(BEGIN_US + at_us)
        body = {"price_dollars": last, "last_trade_size_fp": size, "volume_fp": volume, "yes_bid_dollars": "0.4300",
                "yes_ask_dollars": "0.4500", "yes_bid_size_fp": "5.00", "yes_ask_size_fp": offered}  # fmt: skip
        self.frame(heard_us, "ticker", 1, body | {"time": stamped["ts"], "ts_ms": stamped["ts_ms"]})

    def write(self, folder: Path, name: str = "ws_KXBTC15M_20260513T133500Z.jsonl.gz") -> Path:
        file = folder / "ws" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress("".join(f"{line}\n" for line in self.lines).encode()))
        return file


def whole_story(folder: Path) -> None:
    """A book with one certain trade (3 contracts of the 10 at 0.45, bought), results and spot prices."""
    recording = Recording()
    recording.watch(-900_000, 79_825.79)
    recording.connect(-800_000)
    recording.snapshot(20_000, [["0.4300", "5.00"]], [["0.5500", "10.00"]])
    recording.delta(100_000, 130_000, "yes", "0.4200", "1.00")
    recording.ticker(150_000, 160_000, "100.00", "0.4400", "1.00", "10.00")
    recording.delta(200_000, 210_000, "no", "0.5500", "-3.00")
    recording.delta(300_000, 330_000, "yes", "0.4200", "-1.00")
    recording.ticker(300_500, 999_000, "106.00", "0.4500", "3.00", "7.00")
    recording.write(folder)
    results = folder / "markets" / "KXBTC15M_settlements.jsonl"
    results.parent.mkdir()
    results.write_text(json.dumps({"ticker": MARKET, "result": "yes", "floor_strike": 79_825.79}) + "\n")
    spot = folder / "spot" / "coinbase_btcusd_matches_20260513.csv"
    spot.parent.mkdir()
    rows = [f"2026-05-13T13:{34 + at // 60:02d}:{at % 60:02d}.500000+00:00,1,{79_000 + at},{at}\n" for at in range(660)]
    spot.write_text("exchange_ts_utc,recv_ns,price,trade_id\n" + "".join(rows))


@pytest.fixture
def told(tmp_path: Path) -> tuple[Imported, Reader]:
    whole_story(tmp_path / "from")
    made = bring([tmp_path / "from"], tmp_path / "to", lambda _name: None)
    reader = Reader(made.days[0][0])
    yield made, reader
    reader.close()


def test_frames_stand_in_the_order_they_were_heard_with_the_clock_s_offset_taken_out(told: tuple[Imported, Reader]):
    _, reader = told
    deltas = rows_of(reader, "delta")
    begin_ms = BEGIN_US // 1_000
    # the fastest frame came 10 ms after its stamp: that much of its delay cannot be told from the offset
    assert [(row.at_ms - begin_ms, row.lag_ms, row.seq, row.signed_price_cc, row.change_ch) for row in deltas] == [
        (120, 20, 2, 4200, 100), (200, 0, 3, -4500, -300), (320, 20, 4, 4200, -100),
    ]  # fmt: skip
    early, late = rows_of(reader, "ticker")
    assert (late.at_ms - begin_ms, late.lag_ms) == (989, 689)
    assert early.arrival < deltas[1].arrival < deltas[2].arrival < late.arrival
    (snapshot,) = snapshots_of(reader)
    assert (snapshot.bids, snapshot.asks, snapshot.seq) == ({4300: 500}, {4500: 1000}, 1)


def test_prints_are_inferred_and_marked_before_the_change_that_shows_them(told: tuple[Imported, Reader]):
    _, reader = told
    (trade,) = rows_of(reader, "print")
    assert (trade.price_cc, trade.count_ch, trade.taker, trade.inferred) == (4500, 300, 1, 1)
    assert trade.arrival == rows_of(reader, "delta")[1].arrival - 1


def test_facts_settlement_and_spot_are_on_the_same_clock(told: tuple[Imported, Reader]):
    made, _ = told
    (file, manifest), *more = made.days
    assert not more
    with Day(file) as day:
        (session,) = day.sessions
        facts = list(session.markets())
        assert (facts[0].market.strike_micros, facts[0].market.close_at_ms) == (79_825_790_000, CLOSE_MS)
        assert facts[0].market.settlement_value_cc is None
        (settled,) = session.settlements()
        assert (settled.result, settled.value_cc, settled.source) == ("yes", 10_000, "recorded")
        assert settled.at_ms == CLOSE_MS + 1_000
        values = [row for table in session.index() for row in table.rows()]
        assert {session.names[row.symbol] for row in values} == {"BTC-USD@coinbase"}
        assert len(values) == 660
        assert [loss.kind for loss in session.losses()] == ["disconnected"]
    assert manifest["verified"]["sound"]
    assert manifest["verified"]["checked"]["tickers equal to the book"] == 2
    # spot was below the strike: another source's price, so a remark
    assert [it["check"] for it in manifest["verified"]["remarks"]] == ["settled"]


def test_the_manifest_names_sources_and_what_is_wrong_with_them(told: tuple[Imported, Reader]):
    made, _ = told
    manifest = made.days[0][1]
    names = [source["name"] for source in manifest["sources"]]
    assert names == ["spot/coinbase_btcusd_matches_20260513.csv", "ws/ws_KXBTC15M_20260513T133500Z.jsonl.gz"]
    assert all(len(source["sha256"]) == 64 and source["bytes"] for source in manifest["sources"])
    clock, inferred = manifest["told"]
    assert "clock, off by -470 to -470 ms" in clock
    assert "3.00 contracts are inferred, taker side and price certain for 100 %" in inferred


def test_the_same_import_twice_gives_the_same_bytes(told: tuple[Imported, Reader], tmp_path: Path):
    again = bring([tmp_path / "from"], tmp_path / "again", lambda _name: None)
    assert again.days[0][0].read_bytes() == told[0].days[0][0].read_bytes()


def test_a_recording_over_midnight_is_two_days_each_with_whole_books(tmp_path: Path):
    recording = Recording()
    recording.connect(0)
    recording.snapshot(20_000, [["0.4300", "5.00"]], [])
    recording.delta(100_000, 110_000, "yes", "0.4200", "1.00")
    midnight_us = 10 * 3_600_000_000 + 25 * 60_000_000
    recording.delta(midnight_us, midnight_us + 10_000, "yes", "0.4200", "-1.00")
    made = bring([recording.write(tmp_path)], tmp_path / "to", lambda _name: None)
    assert [file.stem for file, _ in made.days] == ["2026-05-13", "2026-05-14"]
    reader = Reader(made.days[1][0])
    (snapshot,) = snapshots_of(reader)
    assert (snapshot.bids, snapshot.seq) == ({4300: 500, 4200: 100}, 2)
    reader.close()
    assert all(manifest["verified"]["sound"] for _, manifest in made.days)
    assert made.unsettled == [MARKET]


def test_a_torn_recording_says_so(tmp_path: Path):
    recording = Recording()
    recording.connect(0)
    recording.snapshot(20_000, [["0.4300", "5.00"]], [])
    recording.delta(100_000, 110_000, "yes", "0.4200", "1.00")
    file = recording.write(tmp_path)
    file.write_bytes(file.read_bytes()[:-12])
    made = bring([file], tmp_path / "to", lambda _name: None)
    assert any("ends in the middle of a frame" in what for what in made.days[0][1]["told"])


def test_samples_become_tickers_without_sizes(tmp_path: Path):
    lines = [
        {"ticker": "KXETH15M-26AUG170145-45", "series": "KXETH15M", "ts": 1_786_945_083.97, "yb": 0.093, "ya": 0.094,
         "spot": 1897.375, "spot_ok": 1, "yes_depth": 1.0, "no_depth": 2.0},
        {"ticker": "KXETH15M-26AUG170145-45", "series": "KXETH15M", "ts": 1_786_945_084.36, "yb": 0.0, "ya": 1.0,
         "spot": 1900.0, "spot_ok": 0, "yes_depth": 1.0, "no_depth": 2.0},
    ]  # fmt: skip
    file = tmp_path / "KXETH15M_20260817.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = bring([file], tmp_path / "to", lambda _name: None)
    reader = Reader(made.days[0][0])
    assert [row[6:] for row in rows_of(reader, "ticker")] == [
        (-1, 930, 940, -1, -1, -1, -1),
        (-1, -1, -1, -1, -1, -1, -1),
    ]
    (value,) = rows_of(reader, "index")
    assert (reader.symbols[value.symbol], value.value_micros) == ("ETH-USD@recorded", 1_897_375_000)
    reader.close()
    assert "2 samples of best bid and ask without sizes" in made.days[0][1]["told"][0]


def test_index_days_are_trades_settled_only_where_the_close_leaves_no_doubt(tmp_path: Path):
    folder = tmp_path / "sp"
    folder.mkdir()
    trades = [
        "2026-01-02T20:30:00.5Z,KXINXU-26JAN02H1600-T6800,0.9,3.0,yes_taker",
        "2026-01-02T20:30:00.5Z,KXINXU-26JAN02H1600-T6800,0.9,3.0,yes_taker",
        "2026-01-02T20:31:00Z,KXINXU-26JAN02H1600-T6899.9999,0.4,1.5,no_taker",
        "2026-01-02T20:32:00Z,KXINX-26JAN02H1600-B6912,0.2,1.0,",
    ]
    (folder / "trades.csv").write_text("created_time,ticker,yes_price_dollars,count,taker\n" + "\n".join(trades) + "\n")
    values = ["2026-01-02T20:30:00Z,6880.1,14.7,685.8", "2026-01-02T20:59:30Z,6901.5,14.7,686.0"]
    (folder / "underlying.csv").write_text("ts_utc,spx,vix,spy\n" + "\n".join(values) + "\n")
    made = bring([folder], tmp_path / "to", lambda _name: None)
    with Day(made.days[0][0]) as day:
        (session,) = day.sessions
        rows = [row for table in session.prints() for row in table.rows()]
        assert [(row.price_cc, row.count_ch, row.taker, row.inferred) for row in rows] == [
            (9000, 300, 1, 0), (9000, 300, 1, 0), (4000, 150, -1, 0), (2000, 100, 0, 0),
        ]  # fmt: skip
        (settled,) = session.settlements()
        assert (settled.ticker, settled.result, settled.source) == ("KXINXU-26JAN02H1600-T6800", "yes", "derived")
        names = [session.names[row.symbol] for table in session.index() for row in table.rows()]
        assert names == ["SPX@recorded", "VIX@recorded", "SPY@recorded", "SPX@recorded", "SPY@recorded"]
    assert made.unsettled == ["KXINX-26JAN02H1600-B6912", "KXINXU-26JAN02H1600-T6899.9999"]
    assert "1 trades equal the one before" in made.days[0][1]["told"][0]


def test_what_is_no_recording_is_left_out_by_name(tmp_path: Path):
    whole_story(tmp_path)
    (tmp_path / "orders.jsonl").write_text('{"order_id": "x"}\n')
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    made = bring([tmp_path], tmp_path / "to", lambda _name: None)
    assert made.strange == [f"{tmp_path}/odd.csv: a table of a, b", f"{tmp_path}/orders.jsonl: lines of order_id"]
    with pytest.raises(Misconfigured, match="nothing to import; 1 files are of other kinds"):
        bring([tmp_path / "odd.csv"], tmp_path / "to", lambda _name: None)
    with pytest.raises(Misconfigured, match="no recording at"):
        bring([tmp_path / "nowhere"], tmp_path / "to", lambda _name: None)


def test_a_line_that_is_none_is_told_with_its_place_and_leaves_nothing(tmp_path: Path):
    file = tmp_path / "trades.csv"
    file.write_text(
        "created_time,ticker,yes_price_dollars,count,taker\n2026-01-02T20:30:00Z,KXINXU-26JAN02H1600-T1,x,1,\n"
    )
    with pytest.raises(SchemaDrift, match=r"trades\.csv line 2, yes_price_dollars"):
        bring([file], tmp_path / "to", lambda _name: None)
    assert not list((tmp_path / "to").iterdir())


@pytest.mark.recorded
def test_real_recordings_replay_without_a_defect(tmp_path: Path, recordings: Path):
    """Two short files: a reconnect inside a market, and a market over its close; 750 tickers equal their books."""
    folder = recordings / "kalshi_btc15m_ws"
    files = [folder / f"ws_KXBTC15M_{name}.jsonl.gz" for name in ("20260514T043123Z", "20260513T171256Z")]
    made = bring([*files, recordings / "markets"], tmp_path, lambda _name: None)
    checked: dict[str, int] = {}
    for _, manifest in made.days:
        assert manifest["verified"]["defects"] == []
        for name, count in manifest["verified"]["checked"].items():
            checked[name] = checked.get(name, 0) + count
    assert checked["deltas"] == 31_092 + 44_112
    assert checked["tickers equal to the book"] > 700
    assert checked["prints"] > 3_000
    assert made.unsettled == []


@pytest.mark.recorded
def test_real_days_of_tickers_alone_and_of_trades_alone_say_what_they_lack(tmp_path: Path, recordings: Path):
    """A real day without books; and two days of real trades with the index beside them, cut out of a month."""
    cut = tmp_path / "sp500"
    cut.mkdir()
    for name in ("trades_KXINX_KXINXU_2026-01", "underlying_2026-01"):
        lines = gzip.decompress((recordings / "kalshi_sp500" / f"{name}.csv.gz").read_bytes()).splitlines(keepends=True)
        kept = [line for line in lines[1:] if line[:10] <= b"2026-01-05"]
        (cut / f"{name}.csv").write_bytes(b"".join([lines[0], *kept]))
    told = recordings / "kalshi_btc15m_ticker" / "ticker_KXBTC15M_20260514.jsonl.gz"
    made = bring([told, cut, recordings / "markets"], tmp_path / "to", lambda _name: None)
    rows = {file.stem: manifest["rows"] for file, manifest in made.days}
    assert list(rows) == ["2026-01-02", "2026-01-05", "2026-05-14"]
    assert all(manifest["verified"]["sound"] for _, manifest in made.days)
    assert rows["2026-05-14"]["ticker"] > 250 and not {"delta", "snapshot"} & rows["2026-05-14"].keys()
    assert sum(rows[day]["print"] for day in ("2026-01-02", "2026-01-05")) == 1_265 + 1_843
    assert any("trades only, no books" in what for what in made.days[1][1]["told"]), "at the end of its source"
    with Day(made.days[0][0]) as day:
        (session,) = day.sessions
        close = {settled.ticker: settled.result for settled in session.settlements()}
        assert len(close) >= 5 and {settled.source for settled in session.settlements()} == {"derived"}
        strikes = {int(ticker.rpartition("T")[2].partition(".")[0]): result for ticker, result in close.items()}
        assert [strikes[strike] for strike in sorted(strikes)] == sorted(strikes.values(), reverse=True), "yes, then no"
    assert made.unsettled
