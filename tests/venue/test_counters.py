"""What is counted, found out from the numbers: a subscription's messages, or those of the whole connection."""

from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.venue.counters import Counters
from outcry.venue.sequence import Step

BOOKS, PRINTS, INDEX = 3, 4, 7


def started() -> Counters:
    """Two books on one subscription, nothing else yet."""
    made = Counters()
    made.tickers[BOOKS] = {"A", "B"}
    assert made.snapshot(BOOKS, 1, "A") is Step.APPLY
    assert made.snapshot(BOOKS, 2, "B") is Step.APPLY
    return made


def shared() -> Counters:
    """The same, and prints that count with them; at 6, and both books came again."""
    made = started()
    assert made.change(PRINTS, 3) is Step.RESYNC
    assert (made.missed, made.stale) == (0, {BOOKS: ["A", "B"]})
    assert made.snapshot(BOOKS, 4, "A") is Step.APPLY
    assert made.snapshot(BOOKS, 5, "B") is Step.APPLY
    assert made.change(BOOKS, 6, "A") is Step.APPLY
    return made


def test_who_begins_at_one_has_a_counter_of_its_own():
    made = started()
    assert made.change(PRINTS, 1) is Step.APPLY
    assert made.change(BOOKS, 3, "A") is Step.APPLY
    assert made.change(PRINTS, 2) is Step.APPLY
    assert made.shared is None
    assert made.change(INDEX, 4) is Step.RESYNC  # its beginning was lost
    assert (made.missed, made.stale) == (3, {})
    assert made.change(BOOKS, 4, "B") is Step.APPLY


def test_who_goes_on_where_another_was_shares_its_counter():
    made = shared()
    assert made.change(INDEX, 7) is Step.APPLY
    assert made.by_sid == {BOOKS: made.shared, PRINTS: made.shared, INDEX: made.shared}
    assert [made.last(sid) for sid in (BOOKS, PRINTS, INDEX)] == [7, 7, 7]


def test_a_gap_of_a_shared_counter_makes_every_book_stale_whoever_reveals_it():
    made = shared()
    made.tickers[INDEX] = {"C"}
    assert made.change(PRINTS, 8) is Step.RESYNC
    assert (made.missed, made.stale) == (1, {BOOKS: ["A", "B"], INDEX: ["C"]})
    assert made.change(BOOKS, 9, "A") is Step.DROP
    assert made.snapshot(BOOKS, 10, "A") is Step.APPLY
    assert made.change(PRINTS, 12) is Step.RECONNECT


def test_a_gap_at_the_frame_that_shows_it_shared_is_a_gap():
    made = started()
    assert made.change(PRINTS, 5) is Step.RESYNC
    assert (made.missed, made.stale) == (2, {BOOKS: ["A", "B"]})
    assert made.snapshot(BOOKS, 6, "A") is Step.APPLY
    assert made.snapshot(BOOKS, 7, "B") is Step.APPLY
    assert made.change(BOOKS, 8, "B") is Step.APPLY


def test_a_number_that_goes_back_refutes_it_and_everything_is_asked_for():
    made = started()
    assert made.change(PRINTS, 3) is Step.RESYNC  # 1 and 2 were lost
    assert made.snapshot(BOOKS, 3, "B") is Step.RESYNC
    assert (made.missed, made.stale, made.shared) == (1, {BOOKS: ["A"]}, None)
    assert made.change(BOOKS, 4, "A") is Step.DROP
    assert made.change(BOOKS, 5, "B") is Step.APPLY
    assert made.change(PRINTS, 4) is Step.APPLY
    assert made.snapshot(BOOKS, 6, "A") is Step.APPLY


def test_an_echo_from_before_is_dropped_and_one_after_is_not_told_from_a_loss():
    made = started()
    assert made.change(PRINTS, 3) is Step.RESYNC
    assert made.change(BOOKS, 2, "B") is Step.DROP
    made = shared()
    assert made.change(BOOKS, 6, "A") is Step.RESYNC
    assert made.stale == {BOOKS: ["A", "B"]}


def test_a_beginning_far_ahead_is_refuted_without_starting_over():
    """Whoever begins at any number costs one request for snapshots, not a connection after another."""
    made = started()
    assert made.change(PRINTS, 88) is Step.RESYNC
    assert made.snapshot(BOOKS, 3, "A") is Step.RESYNC
    assert made.stale == {BOOKS: ["B"]}
    assert made.snapshot(BOOKS, 4, "B") is Step.APPLY
    assert made.change(PRINTS, 89) is Step.APPLY
    assert made.change(BOOKS, 5, "A") is Step.APPLY


def test_a_reply_is_the_beginning_of_a_subscription_too():
    made = started()
    made.control(PRINTS, 1)
    assert made.change(PRINTS, 2) is Step.APPLY
    assert made.change(BOOKS, 3, "A") is Step.APPLY
    assert made.shared is None


def test_a_reply_that_is_counted_with_all_is_no_gap():
    made = started()
    made.control(PRINTS, 3)
    made.control(INDEX, 4)
    assert made.change(BOOKS, 5, "A") is Step.RESYNC
    assert (made.missed, made.stale) == (0, {BOOKS: ["A", "B"]})
    assert made.change(PRINTS, 6) is Step.APPLY
    made.control(BOOKS, 7)
    assert made.change(INDEX, 8) is Step.APPLY


def test_replies_with_numbers_of_their_own_are_no_gap_either():
    made = started()
    for seq in (1, 2, 3):
        made.control(PRINTS, seq)
    assert made.change(BOOKS, 3, "A") is Step.APPLY
    assert made.change(BOOKS, 4, "A") is Step.APPLY
    assert made.change(BOOKS, 6, "A") is Step.RESYNC
    assert made.shared is None


def test_a_book_that_is_wrong_waits_and_one_that_left_does_not():
    made = shared()
    made.wait(BOOKS, "A")
    assert made.change(BOOKS, 7, "A") is Step.DROP
    assert made.change(BOOKS, 8, "B") is Step.APPLY
    made.forget("A")
    assert made.change(BOOKS, 10, "B") is Step.RESYNC
    assert made.stale == {BOOKS: ["B"]}


@settings(max_examples=400)
@given(st.booleans(), st.lists(st.sampled_from(["A", "prints", "index"]), min_size=4, max_size=12), st.data())
def test_whichever_is_counted_and_whatever_is_lost_a_fresh_book_is_right(whole: bool, order: list, data: st.DataObject):
    """A stretch of frames is lost; RESYNC is answered with snapshots. What applies afterwards applies to the truth."""
    made, seqs, truth, ours = Counters(), dict[int, int](), {"A": 0, "B": 0}, dict[str, int]()
    made.tickers[BOOKS] = {"A", "B"}
    begin = data.draw(st.integers(0, 6))
    lost = range(begin, begin + data.draw(st.integers(0, 4)))
    frames = [("A", True), ("B", True), *((name, False) for name in order)]
    number = -1
    while frames:
        name, is_snapshot = frames.pop(0)
        sid = {"prints": PRINTS, "index": INDEX}.get(name, BOOKS)
        counted = 0 if whole else sid
        seq = seqs[counted] = seqs.get(counted, 0) + 1
        number += 1
        if sid == BOOKS and not is_snapshot:
            truth[name] += 1
        if number in lost:
            continue
        step = made.snapshot(sid, seq, name) if is_snapshot else made.change(sid, seq, name if sid == BOOKS else "")
        if step is Step.RECONNECT:
            return  # a new connection begins
        if step is Step.RESYNC:
            for ticker in made.stale.get(BOOKS, ()):
                ours.pop(ticker, None)
            frames[:0] = [(ticker, True) for ticker in made.stale.get(BOOKS, ())]
        if is_snapshot and step is not Step.DROP:
            ours[name] = truth[name]
        elif sid == BOOKS and step is Step.APPLY and name in ours:
            ours[name] += 1
        if sid == BOOKS and name in ours and step is not Step.DROP:
            assert ours[name] == truth[name]


frames = st.lists(
    st.tuples(
        st.sampled_from([BOOKS, PRINTS, INDEX]), st.integers(0, 9), st.sampled_from(["change", "snapshot", "control"])
    )
)


@given(frames, frames)
def test_counters_that_were_kept_go_on_as_if_nothing_had_been(before: list, after: list):
    def hear(counters: Counters, heard: list) -> list:
        found = []
        for sid, ahead, kind in heard:
            seq = counters.last(sid) + ahead - 2
            if kind == "control":
                counters.control(sid, seq)
            else:
                step = counters.snapshot if kind == "snapshot" else counters.change
                found.append(step(sid, seq, "AB"[seq % 2] if sid == BOOKS else ""))
        return found

    one = started()
    hear(one, before)
    other = Counters.of(one.kept())
    assert hear(one, after) == hear(other, after)
