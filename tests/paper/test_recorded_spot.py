import gzip

import pytest

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.paper.replay.recorded_spot import SILENT_S, find, seconds, symbol_of

HEAD = "exchange_ts_utc,recv_ns,price,trade_id\n"
T0 = 1_778_679_000


def trades(tmp_path, *rows, name="coinbase_btcusd_matches_20260513.csv.gz"):
    lines = [f"2026-05-13T13:{30 + int(s) // 60:02d}:{s % 60:06.3f}+00:00,0,{price},1\n" for s, price in rows]
    path = tmp_path / name
    with gzip.open(path, "wt") as file:
        file.write(HEAD + "".join(lines))
    return path


def test_each_second_ends_with_its_last_price(tmp_path):
    path = trades(tmp_path, (0.1, "80000.01"), (0.9, "80000.02"), (1.5, "80001"), (3.0, "80002.5"))
    assert list(seconds([path])) == [
        ((T0 + 1) * 1_000_000, 80_000_020_000),
        ((T0 + 2) * 1_000_000, 80_001_000_000),
        ((T0 + 3) * 1_000_000, 80_001_000_000),
        ((T0 + 4) * 1_000_000, 80_002_500_000),
    ]


def test_without_trades_the_index_falls_silent(tmp_path):
    path = trades(tmp_path, (0.5, "80000"), (100.5, "80100"))
    told = [(at // 1_000_000 - T0, value) for at, value in seconds([path])]
    assert told[:-1] == [(second, 80_000_000_000) for second in range(1, SILENT_S + 2)]
    assert told[-1] == (101, 80_100_000_000)


def test_overlapping_files_never_go_back_in_time(tmp_path):
    first = trades(tmp_path, (0.5, "80000"), (9.5, "80009"))
    second = trades(tmp_path, (2.5, "1.00"), (10.5, "80010"), name="coinbase_btcusd_matches_20260514.csv.gz")
    told = list(seconds([first, second]))
    assert [at for at, _ in told] == sorted(at for at, _ in told)
    assert told[-1][1] == 80_010_000_000
    assert 1_000_000 not in [value for _, value in told]


def test_a_row_that_is_none_is_drift_and_a_missing_file_a_setting(tmp_path):
    with pytest.raises(SchemaDrift):
        list(seconds([trades(tmp_path, (0.5, "cheap"))]))
    with pytest.raises(Misconfigured):
        list(seconds([tmp_path / "none.csv"]))


def test_files_say_which_index_they_hold(tmp_path):
    path = trades(tmp_path, (0.5, "1"))
    assert (find(tmp_path), find(tmp_path / "none")) == ([path], [])
    assert symbol_of(path) == "BTC-USD"
    with pytest.raises(Misconfigured, match="does not name its pair"):
        symbol_of(tmp_path / "prices.csv")
