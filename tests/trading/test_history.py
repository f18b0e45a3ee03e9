from hypothesis import given
from hypothesis import strategies as st

from hand_fed import bar
from outcry.trading.history import History


def seconds(history, now_ms, symbol="BTC-USD"):
    return [kept.at_ms for kept in history.complete(symbol, now_ms)]


def test_a_bar_is_known_when_its_second_is_over():
    history = History(60_000)
    history.add(bar(10_000))
    assert seconds(history, 10_999) == [] and seconds(history, 11_000) == [10_000]


def test_a_late_bar_takes_its_place_and_a_corrected_one_replaces_the_first():
    history = History(60_000)
    for at_ms, close in ((1_000, 1), (3_000, 3), (2_000, 2), (3_000, 33)):
        history.add(bar(at_ms, close))
    assert [(kept.at_ms, kept.close) for kept in history.complete("BTC-USD", 9_000)] == [
        (1_000, 1), (2_000, 2), (3_000, 33),
    ]  # fmt: skip


def test_symbols_keep_apart_and_can_be_forgotten():
    history = History(60_000)
    history.add(bar(1_000))
    history.add(bar(1_000, symbol="KXBTC15M-A"))
    history.forget("KXBTC15M-A")
    assert seconds(history, 5_000) == [1_000] and seconds(history, 5_000, "KXBTC15M-A") == []


@given(st.lists(st.integers(0, 300), max_size=120), st.integers(0, 300))
def test_what_is_known_is_the_last_span_each_second_once(numbers, now_s):
    history = History(30_000)
    for number in numbers:
        history.add(bar(number * 1_000))
    newest = max(numbers, default=0)
    expected = sorted({n for n in numbers if now_s - 30 <= n <= now_s - 1})
    found = [at_ms // 1_000 for at_ms in seconds(history, now_s * 1_000)]
    assert [n for n in found if n >= newest - 30] == [n for n in expected if n >= newest - 30]
    assert set(found) <= set(expected)
