"""The index channel: one value a second, and the averages that contracts settle on."""

import json

from outcry.paper.events import IndexTick
from outcry.paper.server.index_board import IndexBoard
from outcry.venue.indices import index_id

CLOSE = 1795194900_000  # a quarter hour
DOLLAR = 1_000_000


def tick(at_ms: int, dollars: float) -> IndexTick:
    return IndexTick("BTC-USD", round(dollars * DOLLAR), at_ms)


def test_indices_have_the_exchanges_names():
    assert [index_id(symbol) for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")] == ["BRTI", "ETHUSD_RTI", "SOLUSD_RTI"]
    assert IndexBoard(["ETH-USD", "BTC-USD"]).ids == ["BRTI", "ETHUSD_RTI"]


def test_the_first_value_is_its_own_average_and_later_ones_are_not_counted_in_theirs():
    board = IndexBoard(["BTC-USD"])
    first = board.take(tick(CLOSE - 300_000, 100.5))
    assert first is not None
    assert first["avg_60s_data"] == {
        "value": "100.50000000",
        "window_size": 0,
        "window_start_ts_ms": CLOSE - 360_000,
        "window_end_ts_exclusive": CLOSE - 300_000,
    }
    assert json.loads(str(first["data"])) == {
        "type": "value", "id": "BRTI", "time": CLOSE - 300_000, "value": "100.50",
    }  # fmt: skip
    second = board.take(tick(CLOSE - 299_000, 200))
    assert second is not None
    assert second["avg_60s_data"]["value"] == "100.50000000"
    assert second["avg_60s_data"]["window_size"] == 1
    assert "last_60s_windowed_average_15min" not in second


def test_a_second_value_within_a_second_and_a_late_one_are_left_out_but_known_as_the_last():
    board = IndexBoard(["BTC-USD"])
    assert board.take(tick(1_000, 1)) is not None
    assert board.take(tick(1_400, 2)) is None
    assert board.take(tick(900, 3)) is None
    third = board.take(tick(2_000, 4))
    assert third is not None and third["avg_60s_data"]["value"] == "1.00000000"


def test_the_trailing_window_is_a_minute_with_its_start_and_without_its_end():
    board = IndexBoard(["BTC-USD"])
    for second in range(61):
        board.take(tick(CLOSE + second * 1000, second))
    last = board.take(tick(CLOSE + 61_000, 1000))
    assert last is not None
    assert last["avg_60s_data"]["window_size"] == 60
    assert last["avg_60s_data"]["value"] == f"{sum(range(1, 61)) / 60:.8f}"


def test_the_settlement_mean_counts_up_to_sixty_at_the_close_and_is_absent_outside_the_last_minute():
    board, sizes, last = IndexBoard(["BTC-USD"]), [], {}
    for second in range(-62, 3):
        message = board.take(tick(CLOSE + second * 1000, 1000 + second))
        assert message is not None
        window = message.get("last_60s_windowed_average_15min")
        sizes.append(window["window_size"] if isinstance(window, dict) else None)
        if isinstance(window, dict):
            last = window
    assert sizes == [None, None, None, *range(1, 61), None, None]
    assert last["value"] == f"{sum(1000 + second for second in range(-59, 1)) / 60:.8f}"
    assert last["window_start_ts_ms"] == CLOSE - 60_000
