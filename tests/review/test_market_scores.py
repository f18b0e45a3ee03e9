from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.review.market_scores import ONE, WEIGHTS, Facts, score

NOW = 1_000_000
PLAIN = Facts(
    ticker="M", series_ticker="S", category="Crypto", close_at_ms=NOW + 900_000, bid_cc=4_900, ask_cc=5_000,
    fee_cc=175.0, tick_cc=100, volume_ch=100_000, near_ch=0, prints=60, maker=0.5, past_micros=0, past_ch=0,
    past_trades=0,
)  # fmt: skip


def parts(**changes):
    return score(replace(PLAIN, **changes), NOW, 100_000, 5_000).parts


def test_the_parts_of_a_plain_market():
    assert parts() == {
        "liquidity": 500_000, "spread": 550_000, "activity": 500_000, "time": 989_691, "maker": 500_000,
        "tick": 500_000, "past": 500_000,
    }  # fmt: skip
    whole = score(PLAIN, NOW, 100_000, 5_000)
    assert whole.score == sum(WEIGHTS[name] * part for name, part in whole.parts.items()) // 100
    assert (whole.figures["spread_cc"], whole.figures["left_ms"]) == (100, 900_000)


def test_the_weights_are_a_whole():
    assert sum(WEIGHTS.values()) == 100


@pytest.mark.parametrize(
    ("better", "name"),
    [
        ({"volume_ch": 900_000}, "liquidity"),
        ({"near_ch": 45_000}, "liquidity"),
        ({"ask_cc": 4_950}, "spread"),
        ({"fee_cc": 10.0}, "spread"),
        ({"prints": 600}, "activity"),
        ({"close_at_ms": NOW + 60_000}, "time"),
        ({"maker": 0.9}, "maker"),
        ({"tick_cc": 10}, "tick"),
        ({"past_micros": 5_000_000, "past_ch": 50_000, "past_trades": 40}, "past"),
    ],
)
def test_what_is_better_scores_better_in_its_part_alone(better, name):
    good, plain = parts(**better), parts()
    assert {part for part in plain if good[part] != plain[part]} == {name} and good[name] > plain[name]


def test_a_few_lucky_trades_say_little():
    few = parts(past_micros=1_000_000, past_ch=10_000, past_trades=1)["past"]
    many = parts(past_micros=1_000_000, past_ch=10_000, past_trades=300)["past"]
    assert 500_000 < few < 520_000 < many


def test_a_market_without_a_touch_or_beyond_its_close_has_no_such_part():
    assert parts(bid_cc=None)["spread"] == 0 and parts(close_at_ms=NOW)["time"] == 0
    assert parts(maker=None)["maker"] == 0 and parts(tick_cc=0)["tick"] == 0


@given(
    st.none() | st.integers(1, 9_999), st.none() | st.integers(1, 9_999), st.floats(0, 2_000), st.integers(0, 10**9),
    st.integers(0, 10**9), st.integers(-(10**12), 10**12), st.integers(0, 10**9), st.integers(-(10**9), 10**12),
)  # fmt: skip
def test_every_score_is_a_share(bid_cc, ask_cc, fee_cc, volume_ch, prints, past_micros, past_ch, left_ms):
    facts = replace(
        PLAIN, bid_cc=bid_cc, ask_cc=ask_cc, fee_cc=fee_cc, volume_ch=volume_ch, prints=prints,
        past_micros=past_micros, past_ch=past_ch, past_trades=past_ch, close_at_ms=NOW + left_ms,
    )  # fmt: skip
    scored = score(facts, NOW, 100_000, 5_000)
    assert all(0 <= part <= ONE for part in (*scored.parts.values(), scored.score))
