"""Lots followed one by one come to the same as the ledger's arithmetic, and to nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from audited import fill
from outcry.review.checks.lots import Account, Books, compare, compare_cash, match

FILLS = st.lists(
    st.tuples(st.sampled_from(["bid", "ask"]), st.integers(1, 9_999), st.integers(1, 5_000), st.integers(-50, 90_000))
)


def test_oldest_lot_first_and_the_rest_is_paid():
    fills = [fill(1, "bid", 4_000, 1_000), fill(2, "bid", 5_000, 500), fill(3, "ask", 6_000, 1_200)]
    assert match(fills, None) == Account(300, 1_000 * 2_000 + 200 * 1_000, 300 * 5_000, 300, 3)
    assert match(fills, 10_000).earned_micros == 2_200_000 + 300 * 5_000
    assert match(fills, 10_000).position_ch == 0


def test_through_flat_to_the_other_side():
    account = match([fill(1, "ask", 7_000, 100), fill(2, "bid", 6_000, 300)], None)
    assert (account.position_ch, account.earned_micros, account.tied_micros) == (200, 100_000, 200 * 6_000)


@given(FILLS, st.none() | st.integers(0, 10_000))
def test_cash_is_what_moved_whatever_was_matched_with_what(rows, value_cc):
    fills = [fill(number, side, price, count, fee_micros=fee) for number, (side, price, count, fee) in enumerate(rows)]
    held = sum(one.signed_ch for one in fills)
    moved = -sum(one.signed_ch * one.price_cc for one in fills) + (held * value_cc if value_cc is not None else 0)
    account = match(fills, value_cc)
    assert account.cash_micros == moved
    assert account.position_ch == (held if value_cc is None else 0)
    assert account.fees_micros == sum(one.fee_micros for one in fills)


def test_a_micro_dollar_is_a_difference():
    ours = match([fill()], None)
    books = Books(ours.position_ch, ours.cash_micros, ours.fees_micros, ours.fills)
    assert list(compare("bull", "T-1", ours, books)) == []
    (found,) = compare("bull", "T-1", ours, books._replace(fees_micros=books.fees_micros + 1))
    assert (found.severity, found.subject) == ("critical", "bull T-1 fees_micros")
    assert found.evidence == {"from_lots": 100, "ledger": 101}
    assert len(list(compare("bull", "T-1", ours, None))) == 4
    assert [one.subject for one in compare_cash("bull", 2, (5, 1), (5, 0))] == ["bull shard 2 fees_micros"]
