import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain import ledger
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.review import metrics

TICKER = "KXBTC15M-A"


def fill(side, price_cc, count_ch, fee_micros=0, at_ms=1):
    return Fill("t", "x", TICKER, 2, side, price_cc, count_ch, fee_micros, True, at_ms)


def paid(value_cc, at_ms=100):
    return Settlement(TICKER, 2, "", value_cc, at_ms)


def test_a_winner_held_to_settlement():
    (trade,) = metrics.trades("a", [fill(Side.BID, 4_000, 500, 1_700)], paid(10_000))
    assert (trade.side, trade.count_ch, trade.settled, trade.closed_at_ms) == (Side.BID, 500, True, 100)
    assert (trade.paid_micros, trade.gross_micros, trade.net_micros) == (2_000_000, 3_000_000, 2_998_300)
    assert trade.won


def test_no_is_bought_at_a_dollar_less_the_price_and_wins_when_yes_is_worthless():
    (trade,) = metrics.trades("a", [fill(Side.ASK, 4_000, 500)], paid(0))
    assert (trade.side, trade.paid_micros, trade.gross_micros, trade.won) == (Side.ASK, 3_000_000, 2_000_000, True)


def test_an_exit_before_the_settlement_closes_a_trade_and_a_new_entry_opens_another():
    history = [
        fill(Side.BID, 4_000, 300, at_ms=1),
        fill(Side.ASK, 4_500, 300, 10, at_ms=2),
        fill(Side.BID, 6_000, 100, at_ms=3),
    ]
    exited, held = metrics.trades("a", history, None)
    assert (exited.closed_at_ms, exited.settled, exited.gross_micros, exited.fees_micros) == (2, False, 150_000, 10)
    assert (held.closed_at_ms, held.position_ch, held.won) == (None, 100, False)


def test_a_fill_through_zero_closes_one_trade_and_opens_the_next_sharing_its_fee():
    history = [fill(Side.BID, 4_000, 100), fill(Side.ASK, 5_000, 300, 1_000, at_ms=2)]
    long, short = metrics.trades("a", history, None)
    assert (long.gross_micros, long.fees_micros, long.closed_at_ms) == (100_000, 333, 2)
    assert (short.side, short.count_ch, short.position_ch, short.fees_micros) == (Side.ASK, 200, -200, 667)


def test_a_trade_that_only_fees_lose_is_lost():
    (trade,) = metrics.trades("a", [fill(Side.BID, 9_900, 100, 10_000)], paid(10_000))
    assert (trade.gross_micros, trade.net_micros, trade.won) == (10_000, 0, False)


histories = st.lists(
    st.builds(
        fill,
        st.sampled_from(list(Side)),
        st.integers(1, 9_999),
        st.integers(1, 1_000),
        st.integers(-100, 5_000),
    ),
    max_size=12,
)


@given(history=histories, value_cc=st.integers(0, 10_000))
def test_trades_add_up_to_the_ledger_exactly(history, value_cc):
    holding = ledger.Holding()
    for one in history:
        holding = ledger.apply_fill(holding, one)
    open_ = metrics.trades("a", history, None)
    assert sum(trade.gross_micros for trade in open_) == holding.cash_micros
    assert sum(trade.fees_micros for trade in open_) == holding.fees_micros
    assert sum(trade.position_ch for trade in open_) == holding.position_ch
    assert all(trade.position_ch == 0 for trade in open_[:-1])
    closed = metrics.trades("a", history, paid(value_cc))
    assert sum(trade.net_micros for trade in closed) == ledger.settle(holding, paid(value_cc)).net_cash_micros
    assert all(trade.closed_at_ms is not None for trade in closed)
    assert all(0 <= trade.paid_micros <= trade.count_ch * 10_000 for trade in closed)


@given(history=histories, value_cc=st.integers(0, 10_000))
def test_yes_and_no_are_mirror_images(history, value_cc):
    mirrored = [fill(one.side.opposite, 10_000 - one.price_cc, one.count_ch, one.fee_micros) for one in history]
    ours = metrics.trades("a", history, paid(value_cc))
    theirs = metrics.trades("a", mirrored, paid(10_000 - value_cc))
    assert [(t.net_micros, t.paid_micros, t.won) for t in ours] == [
        (t.net_micros, t.paid_micros, t.won) for t in theirs
    ]


def test_buying_at_90_cents_and_winning_80_per_cent_loses_money_and_shows_it():
    trades = [
        trade
        for won in [True] * 8 + [False] * 2
        for trade in metrics.trades("a", [fill(Side.BID, 9_000, 100, 6_300)], paid(10_000 * won))
    ]
    summary = metrics.summary(trades)
    assert (summary.trades, summary.won, summary.win_rate) == (10, 8, 0.8)
    assert summary.break_even == pytest.approx(0.9063)
    assert summary.net_micros == 8 * 100_000 - 2 * 900_000 - 10 * 6_300
    assert summary.win_low < 0.8 < summary.win_high
    assert summary.mean_net_micros == pytest.approx(summary.net_micros / 10)
    assert summary.mean_error_micros > 0


def test_nothing_closed_has_no_rates():
    assert metrics.summary([]) == metrics.Summary(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (1, 1)])
def test_an_interval_stays_between_0_and_1_and_around_the_rate(successes, trials):
    low, high = metrics.wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert high - low > 0.2
