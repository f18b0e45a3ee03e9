"""The rules, in order: each applies where it should, is silent where evidence is, and writes down what it compared."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.review.selection import DAY_MS, RULES, Challenge, Question, Standing, Thresholds, decide, explain

LIMITS = Thresholds()
NOW_MS = 400 * DAY_MS
SHOWN = Question(log_gain=9.0, log_loss=-5.0, level=0.01)
LOST = Question(log_gain=-5.0, log_loss=9.0, level=0.01)
OPEN = Question(log_gain=4.0, log_loss=4.0, level=0.01)  # -log(0.01) is 4.6
YOUNG = Standing("a", "birth", NOW_MS - 8 * DAY_MS, 10_000_000, 10_000_000)
TRIAL = replace(YOUNG, stage="trial", settled=40, net_micros=1, edge=SHOWN, beside_baseline=SHOWN)
FLAGGED = replace(TRIAL, edge=OPEN, flagged_at_ms=NOW_MS - 3 * DAY_MS)
MONTH_BEHIND = replace(FLAGGED, flagged_at_ms=NOW_MS - 31 * DAY_MS, net_since_flag_micros=-1, settled_since_flag=1)
POOR = replace(TRIAL, edge=OPEN, week_sharpe=0.4, daily=LOST, allocation_micros=50_000_000)
AHEAD = replace(TRIAL, edge=OPEN, challenge=Challenge("p", 90_000_000, 40, SHOWN))

APPLIES = {
    "trial": replace(YOUNG, settled=10),
    "production": TRIAL,
    "clone": replace(TRIAL, stage="production", day_settled=10, day_won=7),
    "flag": replace(TRIAL, edge=OPEN, day_settled=20, day_won=8),
    "retire": replace(FLAGGED, edge=LOST),
    "unflag": replace(FLAGGED, edge_since_flag=SHOWN),
    "shrink": POOR,
    "pause": replace(YOUNG, drawdown_millionths=200_001),
    "resume": replace(YOUNG, paused_at_ms=NOW_MS - 30 * DAY_MS, paused_by_rule=True),
    "succeed": AHEAD,
}
SILENT = {
    "nine trades": replace(YOUNG, settled=9),
    "an open finding at birth": replace(YOUNG, settled=10, open_findings=1),
    "an open finding in trial": replace(TRIAL, open_findings=1),
    "six days": replace(TRIAL, stage_began_at_ms=NOW_MS - 6 * DAY_MS),
    "29 trades": replace(TRIAL, settled=29),
    "not proven": replace(TRIAL, edge=OPEN),
    "not above its baseline": replace(TRIAL, beside_baseline=OPEN),
    "nine trades in a day": replace(TRIAL, edge=OPEN, day_settled=9, day_won=0),
    "a day between": replace(TRIAL, edge=OPEN, day_settled=20, day_won=9),
    "a winning day without proof": replace(TRIAL, edge=OPEN, day_settled=10, day_won=10),
    "enough children": replace(APPLIES["clone"], living_children=3),
    "enough agents": replace(APPLIES["clone"], floor_agents=12),
    "flagged and open": FLAGGED,
    "a month behind, starved": replace(MONTH_BEHIND, starved="no data"),
    "a month without a trade": replace(MONTH_BEHIND, settled_since_flag=0),
    "a lost bound without a flag": replace(TRIAL, edge=LOST),
    "a poor week without proof": replace(POOR, daily=OPEN),
    "a poor week twice in seven days": replace(POOR, shrunk_at_ms=NOW_MS - 6 * DAY_MS),
    "nothing to halve": replace(POOR, allocation_micros=10_000_000),
    "no week": replace(POOR, week_sharpe=None),
    "a small drawdown": replace(YOUNG, drawdown_millionths=200_000),
    "paused already": replace(YOUNG, drawdown_millionths=900_000, paused_at_ms=NOW_MS),
    "paused by a person": replace(YOUNG, paused_at_ms=0, paused_by_rule=False),
    "as much as its parent": replace(AHEAD, allocation_micros=90_000_000),
    "level with its parent": replace(AHEAD, challenge=Challenge("p", 90_000_000, 40, OPEN)),
    "retired": replace(APPLIES["pause"], stage="retired"),
    "a person's word": replace(APPLIES["pause"], decided_until_ms=NOW_MS + 1),
}


@pytest.mark.parametrize("act", APPLIES)
def test_a_rule_applies(act):
    decision = decide(APPLIES[act], LIMITS, NOW_MS)
    assert decision is not None and decision.act == act and decision.figures
    assert dict(explain(APPLIES[act], LIMITS, NOW_MS))[decision.rule].endswith("applies")


@pytest.mark.parametrize("why", SILENT)
def test_nothing_is_decided(why):
    assert decide(SILENT[why], LIMITS, NOW_MS) is None, why


def test_every_rule_is_tried_here():
    assert {act for _, act, _ in RULES} == set(APPLIES)


def test_a_month_behind_is_enough_to_retire():
    assert decide(MONTH_BEHIND, LIMITS, NOW_MS).act == "retire"
    assert decide(replace(FLAGGED, edge_since_flag=LOST), LIMITS, NOW_MS).act == "retire"
    assert decide(replace(MONTH_BEHIND, net_since_flag_micros=0), LIMITS, NOW_MS).act == "unflag"


def test_halving_stops_at_the_birth_allocation():
    assert decide(POOR, LIMITS, NOW_MS).figures["allocation_micros"] == 25_000_000
    assert (
        decide(replace(POOR, allocation_micros=15_000_000), LIMITS, NOW_MS).figures["allocation_micros"] == 10_000_000
    )


def test_figures_tell_proof_and_what_it_took():
    figures = decide(TRIAL, LIMITS, NOW_MS).figures
    assert figures["edge_log_gain"] == 9.0 and figures["edge_needs"] == round(-math.log(0.01), 3)


questions = st.builds(Question, st.floats(-50, 50), st.floats(-50, 50), st.floats(1e-9, 1))
standings = st.builds(
    Standing, st.just("a"), st.sampled_from(["birth", "trial", "production"]), st.integers(0, NOW_MS),
    st.integers(1, 10**9), st.just(10_000_000), settled=st.just(0), net_micros=st.just(0), edge=questions,
    beside_baseline=questions, daily=questions, flagged_at_ms=st.none() | st.integers(0, NOW_MS),
    edge_since_flag=st.just(Question()), starved=st.sampled_from(["", "no data"]),
)  # fmt: skip


@given(standings)
def test_silence_is_never_punished(one):
    """Without a settled trade there is no evidence, and without evidence nobody is flagged, cut, paused or retired."""
    silent = replace(one, edge=Question(), beside_baseline=Question(), daily=Question())
    decision = decide(silent, LIMITS, NOW_MS)
    assert decision is None
