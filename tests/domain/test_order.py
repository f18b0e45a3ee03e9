"""The chart of an order's life."""

from outcry.domain.order import NEXT, TERMINAL, Side, State, may_follow, worst_cost_micros


def test_terminal_states_are_those_that_nothing_follows():
    assert TERMINAL == {State.ABANDONED, State.EXECUTED, State.CANCELED, State.REJECTED, State.ABSENT}


def test_every_state_but_the_first_can_be_reached():
    assert {state for follows in NEXT.values() for state in follows} == set(State) - {State.PLANNED}


def test_a_sent_order_is_never_planned_again_and_a_timeout_is_not_a_rejection():
    assert not may_follow(State.SENT, State.PLANNED)
    assert not may_follow(State.UNKNOWN, State.SENT)
    assert not may_follow(State.UNKNOWN, State.ABSENT)
    assert not may_follow(State.PLANNED, State.REJECTED)
    assert may_follow(State.PRESUMED_ABSENT, State.RESTING)
    assert not any(may_follow(end, state) for end in TERMINAL for state in State)


def test_worst_cost_is_what_can_be_lost():
    assert worst_cost_micros(Side.BID, 4_300, 1_200, 70) == 5_160_070
    assert worst_cost_micros(Side.ASK, 4_300, 1_200, 70) == 5_700 * 1_200 + 70
