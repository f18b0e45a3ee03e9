"""On any history: money is conserved, free cash is never negative, the books add up, and subscribers see them so.

`engine_kit.check` runs after every step: on each shard what came in = cash + locked dollars + others' cash + fees; what
an account put in lies in its purses or is under way; positions sum to zero; reservations follow their formula;
displayed = foreign - taken + orders; fills sum to orders; groups hold their orders; events rebuild the book.
"""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine_kit import CLOSE_MS, TICKER, Rig, market
from exchange_histories import CENT, STEPS, TRADES, act, new_rig
from histories import histories
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side
from outcry.paper.engine.accounts import purses_of
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.money_records import MoveKind
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import Reject
from outcry.paper.events import Determined, Disputed, Listed, Print, Settled, Voided
from outcry.venue import fees

OUTCOMES = st.sampled_from([("yes", 10_000), ("no", 0), ("scalar", 3_333)])
TERMS = st.sampled_from([FeeTerms(), FeeTerms("quadratic_with_maker_fees"), FeeTerms("quadratic", 0)])
PRECISIONS = st.sampled_from([fees.DIRECT_MICROS, fees.NON_DIRECT_MICROS])
MANNERS = st.builds(
    Manners,
    fok_kill_is_refused=st.booleans(),
    post_only_cross_is_kept=st.booleans(),
    group_triggers_at_limit=st.booleans(),
    group_counts_takers=st.booleans(),
    cancel_all_tail_ms=st.sampled_from([0, 5_000]),
)
ENDINGS = st.lists(
    st.one_of(
        st.builds(lambda outcome, timer: Determined(TICKER, *outcome, 0, timer_ms=timer), OUTCOMES, st.just(3_000)),
        st.just(Disputed(TICKER, 0)),
        st.just(Settled(TICKER, 0)),
        st.just(Voided(TICKER, 0, timer_ms=3_000)),
    ),
    max_size=4,
)


@histories(150, 4_000)
@given(
    st.lists(STEPS, min_size=20, max_size=60),
    st.integers(300, 3_000),
    TERMS,
    PRECISIONS,
    MANNERS,
    ENDINGS,
    OUTCOMES,
)
def test_on_any_history_every_cent_is_somewhere_and_none_is_missing(
    steps, cents, terms, precision, manners, endings, outcome
):
    rig = new_rig(cents * CENT, precision_micros=precision, manners=manners)
    rig.feed(Listed(market(fee=terms, close_at_ms=10 * CLOSE_MS), rig.now))
    for step in steps:
        act(rig, step)
        rig.tick(rig.now + 1)
    settle(rig, endings, outcome)
    state, names = rig.engine.state, ("ann", "bob")
    moves = {
        kind: sum(move.amount_micros for name in names for move in rig.engine.moves(name, kind)) for kind in MoveKind
    }
    purses = list(purses_of(state.accounts.values()))
    cash = sum(sum(purse.cash.values()) for purse in purses)
    assert cash + sum(state.house.foreign.values()) + sum(state.house.fees.values()) == (
        moves[MoveKind.DEPOSIT] - moves[MoveKind.WITHDRAWAL]
    )
    assert state.house.positions == {} and state.under_way == {}
    for purse in purses:
        assert all(micros >= 0 == purse.reserved_micros(shard) for shard, micros in purse.cash.items())
        assert all(micros % precision == 0 for micros in purse.cash.values())
        assert sum(purse.cash.values()) == sum(purse.moved_in.values()) + sum(
            held.realized_micros - held.fees_micros for held in purse.positions.values()
        ) - rounding(rig, purse)


def settle(rig: Rig, endings: list, outcome: tuple[str, int]) -> None:
    """Whatever an outcome goes through, at last it is determined and paid, once; and all money arrives."""
    for name in ("ann", "bob"):
        rig.does(rig.engine.set_target(name, {}, rig.now))
    for event in endings:
        if not isinstance(event, Settled) or rig.engine.market(TICKER).market.settlement_value_cc is not None:
            rig.feed(replace(event, at_ms=rig.now))
        rig.tick(rig.now + 1_000)
    rig.feed(Determined(TICKER, *outcome, rig.now + 1, timer_ms=3_000))
    rig.tick(rig.now + 10_000)
    record = rig.engine.market(TICKER)
    assert record.settled_at_ms is not None and record.pays_at_ms is None
    for name in ("ann", "bob"):
        paid = [(each.ticker, each.subaccount) for each in rig.engine.settlements(name)]
        assert len(paid) == len(set(paid)) == len(rig.engine.positions(name, settled=True, subaccount=None))


def rounding(rig: Rig, purse: Purse) -> int:
    """What rounding scalar payouts down took: the exact value of net positions less what was paid."""
    lost = 0
    for paid in rig.engine.settlements(purse.account, subaccount=purse.number):
        net = paid.yes_count_ch - paid.no_count_ch
        lost += abs(net) * (paid.value_cc if net >= 0 else 10_000 - paid.value_cc) - paid.revenue_micros
    return lost


@histories(60, 1_500)
@given(st.lists(TRADES, min_size=5, max_size=40))
def test_on_a_frozen_book_no_actions_raise_equity(steps):
    """Others stand still: whatever one account does, cash plus what closing would bring never rises."""
    rig = Rig({4200: 5000, 4300: 1000}, {4500: 1000, 9010: 5000})
    equity = worth(rig)
    for step in steps:
        if step[0] in ("order", "cancel", "amend", "decrease"):
            act(rig, (step[0], ("ann", 0), *step[2:]))
            rig.tick(rig.now + 1)
            assert worth(rig) <= equity
            equity = worth(rig)


def worth(rig: Rig) -> int:
    """Liquidation equity against foreign size as it stood at the start: the account's own orders are no market."""
    q = rig.engine.position("ann", TICKER).position_ch
    cash = rig.engine.balance("ann").cash_micros
    return cash + (q * 4300 if q >= 0 else -q * 10_000 + q * 4500)


def test_the_same_history_gives_the_same_events():
    def run() -> list:
        rig = Rig({4200: 5000}, {4500: 1000})
        told = []
        for number in range(60):
            side = Side.BID if number % 3 else Side.ASK
            with suppress(Reject):
                rig.order(side, 4200 + 100 * (number * 7 % 5), 10 + number, "ann" if number % 2 else "bob")
                told += rig.events
            told += rig.feed(Print(TICKER, 4200 + 100 * (number % 4), 25, side.opposite, rig.now))
        return told

    assert run() == run()
