import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.view import Bar
from outcry.signals.flow import Flow, between, spike

T0 = 1_778_679_000_000


def prints(volumes):
    """{second: (bought_ch, sold_ch)}"""
    return tuple(
        Bar("M", T0 + at * 1_000, 5_000, 5_000, 5_000, 5_000, buy + sell, buy, sell, 1)
        for at, (buy, sell) in sorted(volumes.items())
    )


def test_only_whole_seconds_within_count():
    history = prints({0: (1, 0), 1: (20, 5), 2: (0, 300), 3: (4_000, 0)})
    assert between(history, T0 + 1_000, T0 + 3_000) == Flow(325, -285)
    assert between(history, T0 + 1_001, T0 + 3_000) == Flow(300, -300)
    assert between(history, T0 + 1_000, T0 + 2_999) == Flow(25, 15)
    assert between((), T0, T0 + 9_000) == Flow()


def test_a_print_without_a_known_side_counts_in_volume_only():
    bar = Bar("M", T0, 5_000, 5_000, 5_000, 5_000, 700, 200, 100, 3)
    assert between((bar,), T0, T0 + 1_000) == Flow(700, 100)


def test_the_spike_is_compared_with_the_average_window_before_it():
    history = prints(dict.fromkeys(range(100), (100, 0)) | {100: (600, 0), 101: (0, 1)})
    seen = spike(history, T0 + 102_400, 2_000, 100_000)
    assert (seen.recent, seen.before_ch, seen.before_ms, seen.average_ch) == (Flow(601, 599), 10_000, 100_000, 200.0)
    assert seen.reaches(3_000_000)
    assert seen.reaches(3_005_000)
    assert not seen.reaches(3_005_001)


@pytest.mark.parametrize(("first", "known"), [(50, True), (51, False), (99, False)])
def test_half_the_baseline_has_to_be_known(first, known):
    history = prints(dict.fromkeys(range(first, 103), (100, 0)))
    seen = spike(history, T0 + 102_000, 2_000, 100_000)
    assert (seen is not None) is known
    if seen:
        assert (seen.before_ms, seen.average_ch) == (50_000, 200.0)


def test_without_prints_there_is_no_average():
    assert spike((), T0, 2_000, 100_000) is None


@given(st.dictionaries(st.integers(0, 60), st.tuples(st.integers(0, 999), st.integers(0, 999))), st.integers(0, 70_000))
def test_the_future_changes_nothing(volumes, after_ms):
    past = {second: volume for second, volume in volumes.items() if (second + 1) * 1_000 <= after_ms}
    at_ms = T0 + after_ms
    assert spike(prints(volumes), at_ms, 3_000, 20_000) == spike(prints(past), at_ms, 3_000, 20_000)
