"""Every figure beside another way to compute it: scipy, a textbook, or the plain sum over the trades."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.review import scores
from outcry.review.metrics import wilson_interval
from outcry.review.scores import Sums
from outcry.review.settled_work import Seen, why_excluded, work


def seen(side=Side.BID, price_cc=4_000, count_ch=100, fee_micros=10_000, taker=True, at_ms=0, **more):
    fill = Fill(f"t{at_ms}", "x", "E-1", 1, side, price_cc, count_ch, fee_micros, taker, at_ms)
    return Seen(fill, **more)


def made(*fills, value_cc=10_000, at_ms=60_000, event="E"):
    return work("a", event, "trial", fills, Settlement("E-1", 1, "yes", value_cc, at_ms))


def settled(rng, number):
    """Some work with one or two trades an event."""
    found = []
    for index in range(number):
        for _ in range(rng.randint(1, 2)):
            price_cc, won = rng.randrange(1_000, 9_000, 100), rng.random() < 0.5
            found.append(
                made(
                    seen(price_cc=price_cc, count_ch=rng.randrange(100, 1_000, 100), fee_micros=rng.randrange(50_000)),
                    value_cc=10_000 if won else 0,
                    event=f"E{index}",
                )
            )
    return found


def by_event(found):
    events = {one.event_ticker: [] for one in found}
    for one in found:
        events[one.event_ticker].append(one)
    return events


def summed(found):
    return scores.total(scores.of_event(one) for one in by_event(found).values())


def test_sums_are_the_sums_over_all_trades():
    found = settled(random.Random(1), 200)
    sums, nets = summed(found), [one.net_micros for one in found]
    figures = scores.figures(sums, [], [], 1)
    assert figures["net_dollars"] == pytest.approx(sum(nets) / 1e6)
    assert figures["profit_factor"] == pytest.approx(
        sum(net for net in nets if net > 0) / -sum(net for net in nets if net < 0)
    )
    assert figures["net_per_trade_dollars"] == pytest.approx(statistics.fmean(nets) / 1e6)
    cost = sum(one.paid_micros + one.fees_micros for one in found)
    contracts = sum(one.contracts_ch for one in found) / 100
    assert figures["break_even"] == pytest.approx(cost / 1e6 / contracts)
    assert figures["net_per_dollar_at_risk"] == pytest.approx(sum(nets) / cost)


def test_the_interval_of_the_net_is_that_of_a_mean_of_events():
    """scipy's normal interval of the mean event, times the number of events."""
    found = settled(random.Random(2), 150)
    totals = [sum(one.net_micros for one in done) / 1e6 for done in by_event(found).values()]
    low, high = stats.norm.interval(0.95, loc=statistics.fmean(totals), scale=stats.sem(totals))
    figures = scores.figures(summed(found), [], [], 1)
    assert figures["net_low_dollars"] == pytest.approx(low * len(totals))
    assert figures["net_high_dollars"] == pytest.approx(high * len(totals))


def test_markets_of_an_event_that_win_together_widen_the_interval():
    apart = [made(seen(price_cc=5_000), value_cc=10_000 * (n % 2), event=f"E{n}") for n in range(100)]
    together = [made(seen(price_cc=5_000), value_cc=10_000 * (n // 2 % 2), event=f"E{n // 2}") for n in range(100)]
    assert scores.net_error_dollars(summed(together)) == pytest.approx(
        math.sqrt(2) * scores.net_error_dollars(summed(apart)), rel=0.02
    )


@pytest.mark.parametrize(("won", "settled"), [(0, 10), (8, 10), (45, 100), (999, 1000)])
def test_the_win_rate_has_wilsons_interval(won, settled):
    theirs = stats.binomtest(won, settled).proportion_ci(0.95, method="wilson")
    assert wilson_interval(won, settled) == pytest.approx((theirs.low, theirs.high))
    figures = scores.figures(Sums(settled=settled, won=won, contracts_ch=1, paid_micros=1, traded_ch=1), [], [], 1)
    assert (figures["win_rate_low"], figures["win_rate_high"]) == pytest.approx((theirs.low, theirs.high))


def test_the_sharpe_ratio_of_a_known_series():
    returns = [0.01, -0.02, 0.03, 0.00, 0.015]
    ratio, error = scores.sharpe(returns)
    daily = statistics.fmean(returns) / statistics.stdev(returns)
    assert ratio == pytest.approx(daily * math.sqrt(365))
    assert error == pytest.approx(math.sqrt(365 * (1 + daily**2 / 2) / 5))
    assert scores.sharpe(returns[:2]) is None and scores.sharpe([0.01] * 9) is None


def test_its_standard_error_is_how_far_it_scatters():
    rng = random.Random(3)
    seen_ratios = [scores.sharpe([rng.gauss(0.001, 0.01) for _ in range(250)]) for _ in range(400)]
    scatter = statistics.stdev(ratio for ratio, _ in seen_ratios)
    assert statistics.fmean(error for _, error in seen_ratios) == pytest.approx(scatter, rel=0.1)


@given(st.lists(st.integers(-1000, 1000), max_size=30))
def test_the_drawdown_is_the_deepest_of_all_falls(nets):
    path = [0]
    for net in nets:
        path.append(path[-1] + net)
    falls = [path[a] - path[b] for a in range(len(path)) for b in range(a, len(path))]
    assert scores.max_drawdown_micros(nets) == max(falls)


def test_brier_scores_of_what_was_stated_and_of_what_was_paid():
    """Stated 0.7 and paid 0.4 for YES, which came; stated 0.6 of NO and paid 0.3 for it, which did not."""
    yes = made(seen(price_cc=4_000, probability=0.7))
    no = made(seen(side=Side.ASK, price_cc=7_000, probability=0.6), event="F")
    figures = scores.figures(summed([yes, no, made(seen(), event="G")]), [], [], 1)
    assert figures["brier"] == pytest.approx((0.3**2 + 0.6**2) / 2)
    assert figures["brier_of_price"] == pytest.approx((0.6**2 + 0.3**2) / 2)


def test_slippage_markout_maker_share_and_time():
    one = made(
        seen(price_cc=4_100, touch_cc=4_000, later_cc=4_300),
        seen(price_cc=4_000, count_ch=300, taker=False, later_cc=3_900, at_ms=1_000),
        seen(side=Side.ASK, price_cc=6_000, count_ch=400, touch_cc=6_200, at_ms=31_000, is_entry=False),
    )
    figures = scores.figures(summed([one]), [], [], 1)
    assert figures["slippage_cents"] == pytest.approx((1 * 1 + 4 * 2) / 5)
    assert figures["markout_cents"] == pytest.approx((1 * 2 - 3 * 1) / 4)
    assert figures["maker_share"] == pytest.approx(3 / 8)
    assert figures["hours_per_trade"] == pytest.approx(31 / 3600)
    assert one.gross_micros == 4 * 600_000 - 410_000 - 3 * 400_000


@pytest.mark.parametrize(
    ("agents", "value_cc", "doubted", "why"),
    [
        ({"a"}, 10_000, set(), ""),
        ({"b"}, 10_000, set(), "not an agent's"),
        ({"a"}, 5_000, set(), "paid neither all nor nothing"),
        ({"a"}, 0, {"E-1"}, "an open finding speaks of it"),
        ({"a"}, 0, {"t0"}, "an open finding speaks of it"),
        ({"a"}, 0, {"E-11"}, ""),
    ],
)
def test_what_counts(agents, value_cc, doubted, why):
    assert why_excluded(made(seen()), agents, value_cc, {"t0"}, doubted) == why


def test_taken_back_exactly():
    rng = random.Random(5)
    parts = [summed(settled(rng, 5)) for _ in range(20)]
    whole = scores.total(parts)
    for part in parts[1:]:
        whole = whole.plus(part, -1)
    for name in scores.COLUMNS:
        assert getattr(whole, name) == pytest.approx(getattr(parts[0], name), abs=1e-9), name
