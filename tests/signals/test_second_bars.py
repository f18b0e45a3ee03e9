"""One-second bars: complete ones only, changed by a late print, never by a very late one."""

from outcry.domain.order import Side
from outcry.domain.view import Bar
from outcry.signals.second_bars import SecondBars


def test_a_bar_is_due_when_its_second_is_over():
    bars = SecondBars()
    for at_ms, value in ((1_000, 5), (1_400, 9), (1_900, 3), (1_999, 7), (2_000, 8)):
        bars.add("BTC-USD", "exchange", value, at_ms)
    assert bars.due(1_999) == []
    assert bars.due(2_000) == [Bar("BTC-USD", 1_000, 5, 9, 3, 7, source="exchange")]


def test_prints_are_summed_by_who_crossed():
    bars = SecondBars()
    for count, taker in ((100, Side.BID), (50, Side.ASK), (7, None)):
        bars.add("M", "exchange", 4400, 1_500, count, taker)
    (bar,) = bars.due(2_000)
    assert (bar.volume_ch, bar.buy_ch, bar.sell_ch, bar.trades) == (157, 100, 50, 3)


def test_what_was_published_comes_again_only_when_it_changed():
    bars = SecondBars()
    bars.add("M", "exchange", 4400, 1_500, 100, Side.BID)
    first = bars.due(3_000)
    assert bars.due(3_000) == first  # a publish that failed is tried again
    bars.published(first)
    assert bars.due(3_000) == []
    bars.add("M", "exchange", 4500, 1_700, 10, Side.ASK)
    (again,) = bars.due(3_000)
    assert (again.at_ms, again.close, again.volume_ch) == (1_000, 4500, 110)


def test_what_comes_more_than_ten_seconds_late_is_left_out_and_counted():
    bars = SecondBars()
    bars.add("M", "exchange", 1, 20_000)
    bars.add("M", "exchange", 2, 10_000)
    bars.add("M", "exchange", 3, 9_999)
    bars.add("N", "exchange", 4, 9_999)  # another symbol has its own time
    assert bars.too_late == 1
    assert [(bar.symbol, bar.at_ms) for bar in bars.due(30_000)] == [("N", 9_000), ("M", 10_000), ("M", 20_000)]


def test_old_seconds_are_forgotten_once_published():
    bars = SecondBars()
    for second in range(100):
        bars.add("M", "exchange", 1, second * 1000)
        bars.published(bars.due(second * 1000 + 1000))
    assert len(bars._seconds) <= 11


def test_sources_do_not_mix():
    bars = SecondBars()
    bars.add("BTC-USD", "exchange", 1, 1_000)
    bars.add("BTC-USD", "coinbase", 2, 1_000)
    assert {(bar.source, bar.close) for bar in bars.due(5_000)} == {("exchange", 1), ("coinbase", 2)}
