"""The rules, in order: each applies where it should, is silent where evidence is, and writes down what it compared."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.review.selection import RULES, decide, explain
from outcry.review.standing import DAY_MS, Challenge, Question, Standing, Thresholds

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
    "ten settled trades": replace(YOUNG, settled=10),
    "proven gain": TRIAL,
    "winning day, proven gain": replace(TRIAL, stage="production", day_settled=10, day_won=7),
    "proven loss": replace(TRIAL, stage="production", edge=LOST),
    "losing day": replace(TRIAL, edge=OPEN, day_settled=20, day_won=8),
    "flagged, proven loss or a month behind": replace(FLAGGED, edge=LOST),
    "flag outlived": replace(FLAGGED, edge_since_flag=SHOWN),
    "poor week, proven": POOR,
    "drawdown": replace(YOUNG, drawdown_millionths=200_001),
    "pause outlived": replace(YOUNG, paused_at_ms=NOW_MS - 30 * DAY_MS, paused_by_rule=True),
    "ahead of its parent, proven": AHEAD,
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
    "enough children": replace(APPLIES["winning day, proven gain"], living_children=3),
    "enough agents": replace(APPLIES["winning day, proven gain"], floor_agents=12),
    "flagged and open": FLAGGED,
    "a month behind, starved": replace(MONTH_BEHIND, starved="no data"),
    "a month without a trade": replace(MONTH_BEHIND, settled_since_flag=0),
    "a loss not proven": replace(TRIAL, edge=replace(LOST, log_loss=4.0)),
    "a loss at birth": replace(YOUNG, edge=LOST),
    "a poor week without proof": replace(POOR, daily=OPEN),
    "a poor week twice in seven days": replace(POOR, shrunk_at_ms=NOW_MS - 6 * DAY_MS),
    "nothing to halve": replace(POOR, allocation_micros=10_000_000),
    "no week": replace(POOR, week_sharpe=None),
    "a small drawdown": replace(YOUNG, drawdown_millionths=200_000),
    "paused already": replace(YOUNG, drawdown_millionths=900_000, paused_at_ms=NOW_MS),
    "paused by a person": replace(YOUNG, paused_at_ms=0, paused_by_rule=False),
    "as much as its parent": replace(AHEAD, allocation_micros=90_000_000),
    "level with its parent": replace(AHEAD, challenge=Challenge("p", 90_000_000, 40, OPEN)),
    "retired": replace(APPLIES["drawdown"], stage="retired"),
    "a person's word": replace(APPLIES["drawdown"], decided_until_ms=NOW_MS + 1),
}


@pytest.mark.parametrize("name", APPLIES)
def test_a_rule_applies(name):
    decision = decide(APPLIES[name], LIMITS, NOW_MS)
    assert decision is not None and decision.rule == name and decision.figures
    assert (decision.act, name, "applies") in explain(APPLIES[name], LIMITS, NOW_MS)


@pytest.mark.parametrize("why", SILENT)
def test_nothing_is_decided(why):
    assert decide(SILENT[why], LIMITS, NOW_MS) is None, why


YOUNG_PROOF = Question(1.1632, -2.0, 2 / 51_000, 0.0, -0.02, None)
YOUNG_TRIAL = replace(
    TRIAL, stage_began_at_ms=NOW_MS - 5 * DAY_MS, settled=18, net_micros=-250_000, edge=YOUNG_PROOF,
    beside_baseline=replace(YOUNG_PROOF, log_gain=0.5, mean_dollars=0.004), open_findings=1,
    day_settled=12, day_won=7, day_break_even_millionths=540_000, week_sharpe=1.25, drawdown_millionths=31_400,
)  # fmt: skip
SAID = [
    (YOUNG_TRIAL, {
        "ten settled trades": "only from birth, and its stage is trial",
        "proven gain": (
            "needs 2.00 more days in trial (5.00 of 7); 12 more settled trades (18 of 30);"
            " a net of its stage above $0 (-0.25); no open finding about it;"
            " a proven gain in its stage: lower bound -2 ¢ a contract, must be 0 ¢ or more"
            " (bets grew 3.2-fold, must 25,500-fold);"
            " a proven gain beyond the baseline's: lower bound -2 ¢ a contract, must be +0.4 ¢ or more"
            " (bets grew 1.6-fold, must 25,500-fold)"
        ),
        "winning day, proven gain": (
            "needs a day with more than 60 % won (58.3 %, its break-even 54 %); a net of its stage above $0 (-0.25);"
            " no open finding about it; a proven gain in its stage: lower bound -2 ¢ a contract, must be 0 ¢ or more"
            " (bets grew 3.2-fold, must 25,500-fold)"
        ),
        "flagged, proven loss or a month behind": "not flagged",
        "flag outlived": "not flagged",
        "losing day": "needs a day with less than 45 % won (58.3 %, its break-even 54 %)",
        "poor week, proven": (
            "needs a week's Sharpe ratio below 0.5 (1.25); proof that it is so poor: upper bound above +30 ¢"
            " a contract, must be 0 ¢ or less (bets grew 1-fold, must 20-fold);"
            " an allocation above that of birth, $10.00"
        ),
        "proven loss": (
            "needs a proven loss in its stage: upper bound above +30 ¢ a contract, must be 0 ¢ or less"
            " (bets grew 0.14-fold, must 25,500-fold)"
        ),
        "drawdown": "needs a fall of more than 20 % from its highest equity (3.1 %)",
        "pause outlived": "not paused",
        "ahead of its parent, proven": "no clone of an agent that is still there",
    }),
    (replace(YOUNG, settled=7), {
        "ten settled trades": "needs 3 more settled trades (7 of 10)",
        "proven gain": "only from trial, and its stage is birth",
        "losing day": "needs a day with 10 settled trades (0)",
    }),
    (replace(APPLIES["winning day, proven gain"], living_children=3, floor_agents=12), {
        "winning day, proven gain": "needs room: 3 of 3 children live; room: the floor has 12 of 12 agents",
    }),
    (replace(MONTH_BEHIND, edge=YOUNG_PROOF, edge_since_flag=YOUNG_PROOF, starved="no data", stage="production"), {
        "flagged, proven loss or a month behind": (
            "needs a proven loss in its stage: upper bound above +30 ¢ a contract, must be 0 ¢ or less (bets grew"
            " 0.14-fold, must 25,500-fold); or since its flag: upper bound above +30 ¢ a contract, must be 0 ¢ or less"
            " (bets grew 0.14-fold, must 25,500-fold); or 30 days flagged with a loss (31.00, 1 trades settled,"
            " net -0.00), in which it could trade"
        ),
        "proven loss": "flagged already",
        "not punished": "no data",
    }),
    (replace(POOR, daily=OPEN, daily_since_flag=LOST), {"poor week, proven": "applies"}),
    (replace(POOR, shrunk_at_ms=NOW_MS - 6 * DAY_MS), {
        "poor week, proven": "needs 1.00 more days since the last halving",
    }),
    (replace(APPLIES["pause outlived"], paused_at_ms=NOW_MS - DAY_MS), {
        "pause outlived": "needs 29.00 more days paused (1.00 of 30)", "drawdown": "paused already",
    }),
    (SILENT["paused by a person"], {"pause outlived": "paused, but not for a fall: whoever paused it ends it"}),
    (SILENT["as much as its parent"], {
        "ahead of its parent, proven": "needs a parent with more capital than its own $90.00",
    }),
    (SILENT["a person's word"], {
        "respected": "no rule is applied for another 0.00 days: a person decided", "drawdown": "applies",
    }),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SAID)))
def test_people_are_told_what_is_lacking_in_words_and_figures(number):
    one, expected = SAID[number]
    said = {rule: words for _, rule, words in explain(one, LIMITS, NOW_MS)}
    assert {rule: said.get(rule) for rule in expected} == expected
    assert set(said) >= {rule.name for rule in RULES}


def test_every_rule_is_tried_here():
    assert {rule.name for rule in RULES} == set(APPLIES)


def test_a_month_behind_is_enough_to_retire():
    assert decide(MONTH_BEHIND, LIMITS, NOW_MS).act == "retire"
    assert decide(replace(FLAGGED, edge_since_flag=LOST), LIMITS, NOW_MS).act == "retire"
    assert decide(replace(MONTH_BEHIND, net_since_flag_micros=0), LIMITS, NOW_MS).act == "unflag"


def test_halving_stops_at_the_birth_allocation():
    assert decide(POOR, LIMITS, NOW_MS).figures["allocation_micros"] == 25_000_000
    assert (
        decide(replace(POOR, allocation_micros=15_000_000), LIMITS, NOW_MS).figures["allocation_micros"] == 10_000_000
    )


PROOFS = {
    "proven gain": ("edge", "beside_baseline"),
    "winning day, proven gain": ("edge",),
    "flagged, proven loss or a month behind": ("edge", "edge_since_flag"),
    "flag outlived": ("edge", "edge_since_flag"),
    "proven loss": ("edge",),
    "losing day": ("edge",),
    "poor week, proven": ("daily", "daily_since_flag"),
    "ahead of its parent, proven": ("difference",),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_decision_keeps_interval_level_and_threshold_of_each_proof(name):
    figures = decide(APPLIES[name], LIMITS, NOW_MS).figures
    for proof in PROOFS[name]:
        kept = {f"{proof}_{one}" for one in ("low_dollars", "high_dollars", "against_dollars", "level", "needs")}
        assert kept <= figures.keys(), proof


def test_figures_tell_proof_and_what_it_took():
    figures = decide(TRIAL, LIMITS, NOW_MS).figures
    assert figures["edge_log_gain"] == 9.0 and figures["edge_needs"] == round(-math.log(0.01), 3)


questions = st.builds(Question, st.floats(-50, 50), st.floats(-50, 50), st.floats(1e-9, 1))
standings = st.builds(
    Standing, st.just("a"), st.sampled_from(["birth", "trial", "production"]), st.integers(0, NOW_MS),
    st.integers(1, 10**9), st.just(10_000_000), settled=st.just(0), net_micros=st.just(0), edge=questions,
    beside_baseline=questions, daily=questions, flagged_at_ms=st.none() | st.integers(0, NOW_MS),
    edge_since_flag=st.just(Question()), daily_since_flag=st.just(Question()), starved=st.sampled_from(["", "no data"]),
)  # fmt: skip


@given(standings)
def test_silence_is_never_punished(one):
    """Without a settled trade there is no evidence, and without evidence nobody is flagged, cut, paused or retired."""
    silent = replace(one, edge=Question(), beside_baseline=Question(), daily=Question())
    decision = decide(silent, LIMITS, NOW_MS)
    assert decision is None
