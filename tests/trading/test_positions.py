from hypothesis import given
from hypothesis import strategies as st

from hand_fed import TICKER, intent, resting_order
from outcry.domain.fill import Fill
from outcry.domain.ledger import Holding, apply_fill, realized_micros
from outcry.domain.order import Side, State
from outcry.trading.positions import PositionTracker


def fill(number, side, price_cc, count_ch, at_ms=None, fee_micros=0):
    return Fill(f"t{number}", "x", TICKER, 2, side, price_cc, count_ch, fee_micros, True, at_ms or 1_000 * number)


def track(*fills):
    tracker = PositionTracker()
    for one in fills:
        tracker.add(one)
    return tracker


def test_a_long_position_costs_what_was_paid_and_a_short_one_what_it_can_lose():
    assert track(fill(1, Side.BID, 4_000, 300)).get(TICKER).cost_micros == 300 * 4_000
    short = track(fill(1, Side.ASK, 4_000, 300)).get(TICKER)
    assert (short.position_ch, short.cost_micros, short.side) == (-300, 300 * 6_000, Side.ASK)


def test_closing_value_of_both_sides_and_of_an_empty_book():
    long, short = track(fill(1, Side.BID, 4_000, 300)).get(TICKER), track(fill(1, Side.ASK, 4_000, 300)).get(TICKER)
    assert (long.value_micros(4_500, None), short.value_micros(None, 4_500)) == (300 * 4_500, 300 * 5_500)
    assert (long.value_micros(None, 4_500), short.value_micros(4_500, None)) == (None, None)


def test_the_cost_of_what_is_left_is_the_average_and_its_age_that_of_the_position():
    tracker = track(
        fill(1, Side.BID, 4_000, 100), fill(2, Side.BID, 6_000, 100), fill(3, Side.ASK, 9_000, 150),
    )  # fmt: skip
    left = tracker.get(TICKER)
    assert (left.position_ch, left.cost_micros, left.opened_at_ms) == (50, 50 * 5_000, 1_000)


def test_a_position_that_turns_over_is_a_new_one():
    turned = track(fill(1, Side.BID, 4_000, 100), fill(2, Side.ASK, 5_000, 300)).get(TICKER)
    assert (turned.position_ch, turned.cost_micros, turned.opened_at_ms) == (-200, 200 * 5_000, 2_000)


def test_the_same_fill_twice_is_one_and_one_taken_back_is_none():
    first = fill(1, Side.BID, 4_000, 100)
    tracker = track(first, first)
    assert tracker.position_ch(TICKER) == 100
    tracker.take_back(first)
    tracker.take_back(first)
    assert tracker.held() == [] and tracker.position_ch(TICKER) == 0


def test_in_a_market_that_has_paid_every_fill_counts_as_heard():
    """An answer that was lost comes after the payout: its order must not wait for fills that nobody keeps any more."""
    late = resting_order(state=State.EXECUTED, count_ch=500, filled_ch=500)
    tracker = PositionTracker()
    assert tracker.heard_ch(late) == 0
    tracker.settled(TICKER)
    tracker.add(fill(1, Side.BID, 4_000, 500))
    assert tracker.heard_ch(late) == 500


def test_a_plan_stays_with_its_position_until_the_market_settles():
    tracker = PositionTracker()
    tracker.plan(TICKER, intent(hold_ms=5))
    tracker.add(fill(1, Side.BID, 4_000, 100))
    assert tracker.get(TICKER).plan.hold_ms == 5
    tracker.settled(TICKER)
    tracker.add(fill(2, Side.BID, 4_000, 100))
    assert tracker.held() == [], "booked late: the settlement has paid it"
    tracker.forget(TICKER)
    tracker.add(fill(3, Side.BID, 4_000, 100))
    assert tracker.get(TICKER).plan is None


def test_a_review_is_remembered_while_the_position_lives():
    tracker = track(fill(1, Side.BID, 4_000, 100))
    tracker.reviewed(TICKER, 9_000)
    tracker.add(fill(2, Side.BID, 4_000, 100))
    assert tracker.reviews() == {TICKER: 9_000}
    tracker.add(fill(3, Side.ASK, 4_000, 200))
    tracker.add(fill(4, Side.BID, 4_000, 100))
    assert tracker.reviews() == {TICKER: 4_000}


histories = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 9_999), st.integers(1, 500), st.integers(0, 3_000)), max_size=15
)


@given(histories, st.randoms(use_true_random=False))
def test_whatever_order_fills_are_booked_in_the_position_is_the_ledgers(history, chance):
    fills = [
        fill(number, side, price_cc, count_ch, 1_000 * number, fee_micros)
        for number, (side, price_cc, count_ch, fee_micros) in enumerate(history, 1)
    ]
    holding = Holding()
    for one in fills:
        holding = apply_fill(holding, one)
    shuffled = fills[:]
    chance.shuffle(shuffled)
    found = track(*shuffled).get(TICKER)
    if holding.position_ch == 0:
        assert found is None
        return
    assert found.position_ch == holding.position_ch
    paid_micros = realized_micros(fills) - holding.cash_micros
    assert found.cost_micros == paid_micros + max(0, -holding.position_ch) * 10_000
    assert 0 <= found.cost_micros <= abs(found.position_ch) * 10_000
