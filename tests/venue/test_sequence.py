"""Sequence rules, one by one and over random losses."""

from hypothesis import given
from hypothesis import strategies as st

from outcry.venue.sequence import Sequence, Step

BOTH = ("A", "B")


def started(seq: int) -> Sequence:
    """Two books, both fresh, with the last frame at `seq`."""
    made = Sequence()
    made.snapshot(1, "A", BOTH)
    made.snapshot(2, "B", BOTH)
    for number in range(3, seq + 1):
        made.change(number, "A", BOTH)
    return made


def test_the_next_applies_and_an_echo_is_dropped():
    made = started(9)
    assert made.change(10, "A", BOTH) is Step.APPLY
    assert made.change(10, "A", BOTH) is Step.DROP
    assert made.change(4, "B", BOTH) is Step.DROP
    assert made.snapshot(4, "B", BOTH) is Step.DROP
    assert made.change(11, "B", BOTH) is Step.APPLY


def test_a_gap_makes_every_book_of_the_subscription_wait_for_its_snapshot():
    made = started(9)
    assert made.change(11, "A", BOTH) is Step.RESYNC
    assert made.gaps == 1
    assert made.change(12, "B", BOTH) is Step.DROP
    assert made.snapshot(13, "B", BOTH) is Step.APPLY
    assert made.change(14, "B", BOTH) is Step.APPLY
    assert made.change(15, "A", BOTH) is Step.DROP
    assert made.snapshot(16, "A", BOTH) is Step.APPLY
    assert made.change(17, "A", BOTH) is Step.APPLY
    assert made.waiting == set()


def test_a_second_gap_before_all_are_back_means_starting_over():
    made = started(9)
    made.change(11, "A", BOTH)
    made.snapshot(12, "A", BOTH)
    assert made.change(14, "A", BOTH) is Step.RECONNECT


def test_a_second_gap_after_recovery_is_a_first_one_again():
    made = started(9)
    made.change(11, "A", BOTH)
    made.snapshot(12, "A", BOTH)
    made.snapshot(13, "B", BOTH)
    assert made.change(15, "A", BOTH) is Step.RESYNC


def test_a_snapshot_that_reveals_a_gap_is_itself_good():
    made = started(9)
    assert made.snapshot(12, "A", BOTH) is Step.RESYNC
    assert made.waiting == {"B"}
    assert made.change(13, "A", BOTH) is Step.APPLY


def test_control_frames_advance_only_as_the_exact_next():
    made = started(9)
    made.control(10)
    assert made.change(11, "A", BOTH) is Step.APPLY
    made.control(40)  # a counter of its own, perhaps
    made.control(3)
    assert made.change(12, "A", BOTH) is Step.APPLY


def test_a_book_that_left_is_not_waited_for():
    made = started(9)
    made.change(11, "A", BOTH)
    made.forget("B")
    made.snapshot(12, "A", BOTH)
    assert made.change(14, "A", ("A",)) is Step.RESYNC


def test_a_stream_without_books_never_asks_to_start_over():
    made = Sequence()
    assert [made.change(seq, "") for seq in (1, 3, 6, 7)] == [Step.APPLY, Step.RESYNC, Step.RESYNC, Step.APPLY]
    assert made.gaps == 2


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=40), st.data())
def test_whatever_is_lost_a_book_that_is_not_waiting_is_exactly_right(tickers: list[str], data: st.DataObject):
    """Frames get lost; on RESYNC the exchange answers with snapshots. Fresh books equal the exchange's at all times."""
    made, seq = Sequence(), 0
    truth, ours = dict.fromkeys("ab", 0), dict.fromkeys("ab", 0)

    def resynced() -> bool:
        nonlocal seq
        for ticker in "ab":
            seq += 1
            if data.draw(st.integers(0, 9)) == 0:
                continue
            step = made.snapshot(seq, ticker, "ab")
            if step is Step.RECONNECT:
                return False
            ours[ticker] = truth[ticker]
        return True

    seq += 1
    made.snapshot(seq, "a", "ab")
    seq += 1
    made.snapshot(seq, "b", "ab")
    for ticker in tickers:
        seq += 1
        truth[ticker] += seq
        if data.draw(st.integers(0, 4)) == 0:
            continue
        step = made.change(seq, ticker, "ab")
        if step is Step.APPLY:
            ours[ticker] += seq
        elif step is Step.RECONNECT or not resynced():
            return  # a new connection begins
        if seq == made.last:
            fresh = set("ab") - made.waiting
            assert {name: ours[name] for name in fresh} == {name: truth[name] for name in fresh}
