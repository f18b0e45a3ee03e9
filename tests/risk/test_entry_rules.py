"""The rules that look at floor and market: each at its limit, one unit inside it, one unit beyond."""

import pytest

from outcry.domain.market import Status
from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Answer

YES, NO = True, False


def check(floor, rule, passes, **changes):
    verdict = floor.ask(**changes)
    if passes:
        assert verdict.answer is Answer.ALLOWED, verdict
        assert verdict.count_ch == 3_300
    else:
        assert (verdict.answer, verdict.rule, verdict.count_ch) == (Answer.REFUSED, rule, 0)
        assert verdict.reason
    return verdict


def test_the_ordinary_case_passes_whole(floor):
    verdict = check(floor, "", YES)
    assert dict(verdict.numbers) == {
        "stake_micros": 20_000_000,
        "quote_source": "stream",
        "wanted_ch": 3_300,
        "fee_micros": 0,
        "cost_micros": 19_800_000,
    }


@pytest.mark.parametrize("state", ["halted", "stopped", "paused"])
def test_nobody_enters_while_somebody_says_no(floor, state):
    verdict = check(floor, "controls", NO, **{f"facts__{state}": "drill"})
    assert verdict.reason == f"{state}: drill"


@pytest.mark.parametrize(("stage", "passes"), [("birth", YES), ("trial", YES), ("production", YES), ("retired", NO)])
def test_a_retired_agent_only_manages(floor, stage, passes):
    check(floor, "controls", passes, facts__stage=stage)


def test_a_halt_is_named_before_anything_else_that_is_wrong(floor):
    verdict = floor.ask(facts__halted="file", quote__trusted=False, intent__probability=float("nan"))
    assert verdict.rule == "controls"


@pytest.mark.parametrize(
    ("age_ms", "passes"), [(14_999, YES), (15_000, YES), (15_001, NO), (-15_000, YES), (-15_001, NO)]
)
def test_a_silent_stream_is_stale(floor, age_ms, passes):
    check(floor, "stale", passes, quote__heard_at_ms=floor.now_ms - age_ms)


@pytest.mark.parametrize(("age_ms", "passes"), [(4_999, YES), (5_000, YES), (5_001, NO), (-5_001, NO)])
def test_a_quick_book_that_stands_still_is_stale(floor, age_ms, passes):
    check(floor, "stale", passes, quote__changed_at_ms=floor.now_ms - age_ms)


@pytest.mark.parametrize(
    ("unchanged_ms", "ticker_ms", "passes"),
    [
        (60_000, 100, YES),
        (60_001, 100, NO),
        (60_001, 60_000, NO),
        (60_001, 60_001, YES),  # the ticker stands still too: a quiet market, not a broken book
        (59_999, 100, YES),
    ],
)
@pytest.mark.parametrize("change", [{"market__underlying": ""}, {"market__longer": 1}])
def test_a_slow_book_is_stale_only_while_its_ticker_moves(floor, change, unchanged_ms, ticker_ms, passes):
    if "market__longer" in change:  # a window of one millisecond more than 15 minutes
        change = {"market__open_at_ms": floor.now_ms - 300_001}
    check(
        floor,
        "stale",
        passes,
        quote__changed_at_ms=floor.now_ms - unchanged_ms,
        quote__ticker_moved_at_ms=floor.now_ms - ticker_ms,
        **change,
    )


@pytest.mark.parametrize(("age_ms", "passes"), [(2_999, YES), (3_000, YES), (3_001, NO), (-3_001, NO)])
def test_an_old_index_price_is_stale(floor, age_ms, passes):
    check(floor, "stale", passes, facts__index_at_ms=floor.now_ms - age_ms)


def test_a_market_on_an_index_needs_its_price_and_others_do_not(floor):
    check(floor, "stale", NO, facts__index_at_ms=None)
    check(floor, "stale", YES, facts__index_at_ms=None, market__underlying="")


def test_an_untrusted_book_says_why(floor):
    verdict = check(floor, "stale", NO, quote__trusted=False, quote__distrust="sequence gap")
    assert "sequence gap" in verdict.reason


@pytest.mark.parametrize(("left_ms", "passes"), [(19_999, NO), (20_000, YES), (20_001, YES), (-1, NO)])
def test_too_late_to_enter(floor, left_ms, passes):
    check(floor, "close_time", passes, market__close_at_ms=floor.now_ms + left_ms)


@pytest.mark.parametrize("status", Status)
def test_only_an_active_market_is_entered(floor, status):
    check(floor, "close_time", status is Status.ACTIVE, market__status=status)


@pytest.mark.parametrize(("opens_in_ms", "passes"), [(-1, YES), (0, YES), (1, NO)])
def test_not_before_it_opens(floor, opens_in_ms, passes):
    check(floor, "close_time", passes, market__open_at_ms=floor.now_ms + opens_in_ms)


def test_not_while_the_exchange_is_closed(floor):
    check(floor, "close_time", NO, facts__exchange_open=False)


@pytest.mark.parametrize(("spread_cc", "passes"), [(999, YES), (1_000, YES), (1_001, NO), (1, YES), (0, NO), (-1, NO)])
def test_a_wide_or_crossed_book_is_not_entered(floor, spread_cc, passes):
    bids = ((6_000 - spread_cc, 40_000),)
    check(floor, "spread", passes, quote__bids=bids, limits__max_spread_and_fee_millionths=1_000_000)


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_one_sided_book_is_not_entered(floor, side):
    check(floor, "spread", NO, **{f"quote__{side}": ()})


@pytest.mark.parametrize(
    ("volume_ch", "before_ch", "passes"),
    [(99_999, 0, NO), (100_000, 0, YES), (100_001, 0, YES), (40_000, 59_999, NO), (40_000, 60_000, YES)],
)
def test_traded_enough_here_and_before(floor, volume_ch, before_ch, passes):
    thin = {"quote__bids": ((5_900, 100),), "quote__asks": ((6_000, 100),)}
    check(floor, "liquidity", passes, quote__volume_ch=volume_ch, facts__predecessor_volume_ch=before_ch, **thin)


@pytest.mark.parametrize(
    ("bids", "asks", "passes"),
    [
        (((5_900, 5_000),), ((6_000, 5_000),), YES),
        (((5_900, 4_999),), ((6_000, 5_000),), NO),
        (((5_900, 5_000),), ((6_000, 4_999),), NO),
        (((5_900, 4_999), (5_400, 1)), ((6_000, 5_000),), YES),  # 5 cents from the touch still counts
        (((5_900, 4_999), (5_399, 9_000)), ((6_000, 5_000),), NO),  # a tick further does not
        (((5_900, 5_000),), ((6_000, 4_999), (6_500, 1)), YES),
        (((5_900, 5_000),), ((6_000, 4_999), (6_501, 9_000)), NO),
    ],
)
def test_or_enough_shown_near_the_touch_on_both_sides(floor, bids, asks, passes):
    check(floor, "liquidity", passes, quote__volume_ch=0, quote__bids=bids, quote__asks=asks)


NAN = float("nan")


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"intent__probability": bad}
            for bad in (NAN, float("inf"), -float("inf"), 0.0, 1.0, -0.1, 1.1, 0, 1, True, "0.7")
        ),
        *({"intent__limit_cc": bad} for bad in (NAN, 6_000.0, 0, 10_000, -100, 6_050, True, None)),
        *({"intent__stake_millionths": bad} for bad in (NAN, 0, -1, 1_000_001, 20_000.0)),
        *({"intent__stop_loss_millionths": bad} for bad in (NAN, 0, -1, 1_000_001, None)),
        *({"intent__take_profit_millionths": bad} for bad in (NAN, 0, -1)),
        *({"intent__hold_ms": bad} for bad in (NAN, 0, -1)),
        {"intent__side": "bid"},
        {"intent__ticker": "KXETH15M-26MAY130945-45"},
        {"quote__ticker": "KXETH15M-26MAY130945-45"},
        {"intent__post_only": True},
        {"intent__post_only": True, "intent__time_in_force": TimeInForce.FOK},
        {"quote__bids": ((NAN, 40_000),)},
        {"quote__asks": ((6_000, NAN),)},
        {"quote__volume_ch": NAN},
        {"quote__heard_at_ms": NAN},
        {"quote__changed_at_ms": NAN},
        {"quote__ticker_moved_at_ms": NAN},
        {"facts__predecessor_volume_ch": NAN},
        {"facts__index_at_ms": NAN},
        {"exposure__capital_micros": NAN},
        {"exposure__floor_micros": NAN},
        {"exposure__agent_day_pnl_micros": NAN},
        {"now_ms": NAN},
    ],
    ids=str,
)
def test_an_unsound_question_is_refused(floor, change):
    check(floor, "sound", NO, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"intent__side": Side.BID},
        {"intent__time_in_force": TimeInForce.GTC, "intent__post_only": True},
        {"intent__time_in_force": TimeInForce.GTC},
        {"intent__stop_loss_millionths": 1_000_000, "intent__take_profit_millionths": 1, "intent__hold_ms": 1},
        {"exposure__orders_today": 3},
    ],
    ids=str,
)
def test_a_sound_one_passes(floor, change):
    check(floor, "", YES, **change)
