"""The auditor's reading of what goes together is another one than the gate's, and says the same."""

from hypothesis import given
from hypothesis import strategies as st

from audited import T0, order
from outcry.domain.groups import Bet, correlated
from outcry.review.checks.groups import together

PARTS = st.sampled_from(["26OCT12", "26OCT19", "26MAY13", "0945", "2000", "BUFLAR", "76ERS", "T1", "", "oct", "2", "é"])
EVENTS = st.tuples(st.sampled_from(["KXA", "KXB"]), st.lists(PARTS, max_size=3).map("".join)).map("-".join)
BETS = st.tuples(EVENTS, st.sampled_from(["", "BTC-USD"]), st.integers(0, 3), st.integers(0, 3), st.booleans())


@given(BETS, BETS)
def test_what_goes_together_is_what_the_gate_holds_together(one, other):
    """Two readings of one sentence, written apart."""

    def read(name, bet):
        event_ticker, underlying, begin, length, described = bet
        window = {"underlying": underlying, "open_at_ms": T0 + begin, "close_at_ms": T0 + begin + length}
        return {"ticker": f"{event_ticker}-{name}", "event_ticker": event_ticker if described else "", **window}

    ours, theirs = read("X", one), read("Y", other)
    assert together(order("o1", **ours), order("o2", **theirs)) == correlated(Bet(**ours), Bet(**theirs))
