"""Parquet that others read: a folder a day, prices as integers, what is unknown as null."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.dataset
import pytest

from outcry.domain.errors import Misconfigured
from outcry.research import export as exporting
from outcry.research.export import export
from outcry.research.tape import Day
from taped import Recorder


def record(file: Path) -> Path:
    recorder = Recorder(file)
    recorder.market("A", 1_795_176_900_000, strike_micros=5)
    recorder.whole("A", 1, {4300: 500}, {4500: 700})
    recorder.delta("A", 2, 4400, 100)
    recorder.delta("A", 3, -4500, -200, lag_ms=-32_768)
    recorder.ticker("A", (4400, 100), (-1, 0))
    recorder.trade("A", 4500, 700, taker=-1)
    recorder.trade("A", 4500, 7, taker=0, inferred=1)
    recorder.index("BRTI", 97_000_000_000, 1_795_176_000_000)
    recorder.note("settlement", {"result": "yes", "value_cc": 10_000, "expiration_micros": None, "source": "recorded"},
                  name="A")  # fmt: skip
    return recorder.close()


def written(out: Path, name: str) -> list[dict[str, object]]:
    return pyarrow.dataset.dataset(out / name, partitioning="hive").to_table().to_pylist()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for name in ("2026-11-20", "2026-11-21"):
        with Day(record(tmp_path / f"{name}.db")) as day:
            rows = export(day, tmp_path / "parquet")
        assert list(rows.values()) == [2, 1, 2, 1, 2, 1, 1]
    return tmp_path / "parquet"


def test_a_day_is_a_partition(out: Path):
    assert (out / "deltas" / "day=2026-11-21" / "part-0.parquet").is_file()
    assert [row["day"] for row in written(out, "settlements")] == ["2026-11-20", "2026-11-21"]
    one = pyarrow.dataset.dataset(out / "deltas", partitioning="hive").to_table(
        filter=pyarrow.dataset.field("day") == "2026-11-20", columns=["change_ch"]
    )
    assert one.column("change_ch").to_pylist() == [100, -200]


def test_columns_mean_the_same_and_the_unknown_is_null(out: Path):
    first, second = written(out, "deltas")[:2]
    wanted = {
        "session": 1,
        "arrival": 3,
        "ticker": "A",
        "side": "bid",
        "price_cc": 4400,
        "change_ch": 100,
        "lag_ms": 10,
    }
    assert wanted.items() <= first.items()
    assert first["heard_at"] == datetime.fromtimestamp(1_795_176_000.3, UTC)
    assert (second["side"], second["price_cc"], second["lag_ms"]) == ("ask", 4500, None)
    ticker = written(out, "tickers")[0]
    assert (ticker["bid_cc"], ticker["ask_cc"], ticker["last_cc"], ticker["ask_ch"]) == (4400, None, None, 0)
    told, guessed = written(out, "prints")[:2]
    assert (told["taker"], told["inferred"], told["trade_id"]) == ("no", False, "t-6")
    assert (guessed["taker"], guessed["inferred"]) == (None, True)
    value = written(out, "index")[0]
    assert (value["name"], value["value_micros"], value["settle_micros"]) == ("BRTI", 97_000_000_000, None)
    levels = [(row["side"], row["price_cc"], row["count_ch"]) for row in written(out, "snapshots")[:2]]
    assert levels == [("bid", 4300, 500), ("ask", 4500, 700)]
    assert written(out, "settlements")[0]["value_cc"] == 10_000
    market = written(out, "markets")[0]
    assert (market["ticker"], market["strike_micros"], market["settlement_value_cc"]) == ("A", 5, None)


def test_a_day_exported_again_replaces_itself(out: Path, tmp_path: Path):
    recorder = Recorder(tmp_path / "2026-11-21.db")
    recorder.delta("A", 2, 4400, 100)
    with Day(recorder.close()) as day:
        export(day, out)
    assert len(written(out, "deltas")) == 5
    assert not list(out.rglob("*.draft"))


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda _name: None)
    with Day(record(tmp_path / "2026-11-20.db")) as day, pytest.raises(Misconfigured, match="pip install pyarrow"):
        export(day, tmp_path / "parquet")
