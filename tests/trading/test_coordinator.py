from itertools import pairwise

import pytest

from hand_fed import (
    CLOSE_MS,
    QUIET,
    TICKER,
    Desk,
    bar,
    cancels,
    conditions,
    intent,
    market,
    order_of,
    places,
    quote,
    renewals,
    resting_order,
    states,
)
from outcry.domain.fill import Fill as Booked
from outcry.domain.market import Status
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.trading.coordinator import Phase
from outcry.trading.events import Fill, Note, OrderUpdate, Topic
from outcry.trading.tempo import Tempo

GTC = {"time_in_force": TimeInForce.GTC, "post_only": True, "limit_cc": 4_000}


def rest(desk, **more):
    """An entry of the desk's that rests."""
    order, place = desk.enter(intent(**GTC | more))
    desk.update(order, State.SENT)
    return desk.update(order, State.RESTING, order_id="x1"), place


# ---- the state machine ----------------------------------------------------------------------------------------------


def test_nothing_is_done_before_the_ledger_was_read():
    desk = Desk()
    desk.strategy.answer = intent()
    assert desk.quote() == [] and desk.control() == [] and desk.clock() == []
    assert desk.trader.phase is Phase.IDLE


def test_a_start_goes_through_calibrating_to_ready():
    desk = Desk()
    assert states(desk.start(control=False, quotes=False)) == ["IDLE -> CALIBRATING (controls not read yet)"]
    assert states(desk.control()) == ["CALIBRATING -> READY"]


@pytest.mark.parametrize("state", [State.SENT, State.UNKNOWN])
def test_calibrating_waits_while_an_order_is_in_doubt(state):
    desk = Desk()
    doubtful = resting_order(state=state, time_in_force=TimeInForce.IOC)
    desk.start(orders=(doubtful,))
    desk.strategy.answer = intent()
    assert places(desk.clock()) == [] and desk.trader.phase is Phase.CALIBRATING
    desk.update(doubtful, State.CANCELED)
    assert desk.trader.phase is Phase.READY
    assert len(places(desk.clock())) == 1


def test_a_presumed_absent_order_lets_the_agent_go_on_elsewhere_but_not_in_its_market():
    desk = Desk()
    desk.start(orders=(resting_order(state=State.PRESUMED_ABSENT),), quotes=False)
    other = "KXETH15M-26MAY130015-15"
    desk.quote(quote(), quote(ticker=other), markets=(market(), market(other)))
    desk.strategy.answer = intent()
    assert desk.trader.phase is Phase.READY
    (place,) = places(desk.clock())
    assert place.market.ticker == other


def test_a_resting_order_found_at_the_start_is_adopted_where_its_market_is_followed():
    desk = Desk()
    desk.start(orders=(resting_order(),), quotes=False)
    assert desk.trader.phase is Phase.CALIBRATING
    assert cancels(desk.quote()) == []
    assert desk.trader.phase is Phase.READY


def test_a_resting_order_found_in_a_market_nobody_follows_is_cancelled_before_anything_new():
    desk = Desk()
    lost = resting_order(ticker="KXOLD-1")
    desk.start(orders=(lost,))
    assert cancels(desk.clock(1_000)) == []
    (cancel,) = cancels(desk.clock(2_500))
    assert cancel.order == lost and desk.trader.phase is Phase.CALIBRATING
    desk.strategy.answer = intent()
    assert places(desk.clock(500)) == []
    desk.update(lost, State.CANCELED)
    assert desk.trader.phase is Phase.READY


def test_an_order_that_appears_after_it_was_given_up_is_cancelled(desk):
    order, _ = desk.enter(intent(**GTC))
    for state in (State.SENT, State.UNKNOWN, State.PRESUMED_ABSENT):
        desk.update(order, state)
        order = order if state is not State.PRESUMED_ABSENT else desk.trader.orders._orders[order.client_order_id]
    desk.update(order, State.RESTING, order_id="x1")
    (cancel,) = cancels(desk.commands)
    assert "given up" in cancel.why


def test_while_an_order_is_in_doubt_the_trader_acts_and_enters_nothing(desk):
    order, _ = desk.enter()
    assert desk.trader.phase is Phase.ACTING
    desk.strategy.answer = intent()
    assert conditions(desk.clock(60_000)) == ["state ACTING"]
    desk.update(order, State.SENT)
    desk.update(order, State.UNKNOWN)
    assert places(desk.clock(60_000)) == []
    desk.update(order, State.CANCELED)
    assert desk.trader.phase is Phase.READY
    assert len(places(desk.clock(60_000))) == 1


def test_capital_that_nobody_recorded_keeps_it_calibrating():
    desk = Desk()
    desk.start(control=False, quotes=False)
    desk.control(unready="no capital")
    assert desk.trader.phase is Phase.CALIBRATING and desk.trader.reason == "no capital"
    desk.control()
    assert desk.trader.phase is Phase.READY


def test_trouble_outside_is_a_state_that_passes(desk):
    assert states(desk.control(trouble="database: locked")) == ["READY -> ERROR (database: locked)"]
    desk.strategy.answer = intent()
    assert places(desk.clock()) == []
    assert (
        states(desk.control()) == ["ERROR -> CALIBRATING", "CALIBRATING -> READY"] or desk.trader.phase is Phase.READY
    )


# ---- looking and entering -------------------------------------------------------------------------------------------


def test_an_intent_becomes_a_question_with_the_whole_view(desk):
    desk.bars(bar(8_000), bar(9_000, close=101), bar(10_000, close=999))
    desk.strategy.answer = intent()
    (place,) = places(desk.clock())
    assert (place.purpose, place.intent.limit_cc, place.count_ch, place.expires_at_ms) == (
        Purpose.ENTRY, 4_200, None, None,
    )  # fmt: skip
    assert place.view.quote == quote() and place.view.market == market()
    assert [seen.close for seen in place.view.index] == [100, 101, 999]
    assert place.index_at_ms == 11_000


def test_a_second_that_is_still_going_on_is_not_known_yet(desk):
    desk.bars(bar(10_000, close=101), bar(11_000, close=999))
    desk.clock(1_000)
    assert [seen.close for seen in desk.strategy.seen[-1].index] == [101]


def test_the_limit_is_put_on_the_grid_towards_the_cautious_side(desk):
    desk.strategy.answer = intent(limit_cc=4_255)
    assert places(desk.clock())[0].intent.limit_cc == 4_200
    other = Desk()
    other.start()
    other.strategy.answer = intent(Side.ASK, 3_945)
    assert places(other.clock())[0].intent.limit_cc == 4_000


def test_a_market_is_looked_at_no_more_than_once_a_second(desk):
    for _ in range(100):
        desk.quote(after_ms=20)
    assert len(desk.strategy.seen) == 1 + 2


def test_looks_are_shortened_with_the_windows_down_to_a_tenth_of_a_second():
    assert (Tempo.of(1).look_ms, Tempo.of(4).look_ms, Tempo.of(60).look_ms) == (1_000, 250, 100)
    assert (Tempo.of(60).cooldown_ms, Tempo.of(60).exit_ms) == (1_000, 1_000)


def test_a_look_without_an_intent_is_counted_under_its_condition(desk):
    assert conditions(desk.clock()) == [QUIET]


def test_a_market_that_is_not_open_is_not_looked_at(desk):
    for changes in ({"status": Status.INACTIVE}, {"close_at_ms": 5_000}, {"open_at_ms": 800_000}):
        desk.strategy.seen.clear()
        desk.quote(markets=(market(**changes),), after_ms=2_000)
        assert desk.strategy.seen == [] and conditions(desk.clock()) == []


def test_after_an_intent_its_market_rests_and_each_refusal_doubles_that(desk):
    desk.strategy.answer = intent()
    asked_at_ms = []
    for _ in range(400):
        for place in places(desk.clock(1_000)):
            asked_at_ms.append(desk.now_ms)
            desk.refuse(place)
    waits = [after - before for before, after in pairwise(asked_at_ms)]
    assert waits == [30_000, 60_000, 120_000]
    assert "cooling down after an intent" in conditions(desk.clock())


def test_an_allowed_intent_ends_the_doubling(desk):
    desk.strategy.answer = intent()
    desk.refuse(places(desk.clock())[0])
    place = places(desk.clock(31_000))[0]
    order = desk.allow(place)
    desk.update(order, State.CANCELED)
    assert places(desk.clock(29_000)) == []
    assert len(places(desk.clock(1_000))) == 1


def test_restarting_is_no_way_around_the_cooldown(desk):
    desk.strategy.answer = intent()
    desk.refuse(places(desk.clock())[0])
    again = Desk()
    again.now_ms = desk.now_ms
    again.strategy.answer = intent()
    assert places(again.start(warm=desk.trader.warm())) == []
    assert len(places(again.clock(30_000))) == 1


@pytest.mark.parametrize("warm", [{"pacing": 3}, {"pacing": {"cool_until_ms": {TICKER: "soon"}}}, {"reviews": []}])
def test_a_checkpoint_that_makes_no_sense_is_a_cold_start(warm):
    desk = Desk()
    desk.start(warm=warm)
    assert desk.trader.phase is Phase.READY


@pytest.mark.parametrize(
    ("reasons", "condition"),
    [
        ({"halted": "person: fire"}, "floor halted"),
        ({"stopped": "drift: 1 micro"}, "entries stopped"),
        ({"stopped_markets": ((TICKER, "jump"),)}, "entries stopped"),
        ({"paused": "drawdown"}, "agent paused"),
        ({"retired": True}, "agent retired"),
    ],
)
def test_what_forbids_entries_is_counted_and_the_strategy_not_asked(desk, reasons, condition):
    desk.strategy.answer = intent()
    desk.control(**reasons)
    desk.strategy.seen.clear()
    assert conditions(desk.clock()) == [condition] and desk.strategy.seen == []
    desk.control()
    assert len(places(desk.clock())) == 1


def test_one_entry_at_a_time_even_when_all_markets_call(desk):
    others = [f"KXETH15M-{number}" for number in range(3)]
    desk.strategy.answer = intent()
    commands = desk.quote(
        *(quote(ticker=name) for name in others), markets=[market(name) for name in others], after_ms=2_000
    )
    assert len(places(commands)) == 1
    assert conditions(commands).count("state ACTING") >= 2


def test_a_clock_that_is_set_back_does_not_freeze_the_trader(desk):
    desk.strategy.answer = intent()
    desk.refuse(places(desk.clock())[0])
    assert len(places(desk.clock(-8_000))) == 1


def test_what_the_database_refused_is_an_error_that_passes(desk):
    desk.strategy.answer = intent()
    place = places(desk.clock())[0]
    commands = desk.step(OrderUpdate, None, ticket=place.ticket, failure="database refused a write")
    assert states(commands) == ["ACTING -> ERROR (database refused a write)"]
    assert (
        states(desk.clock(1_000)) == ["ERROR -> CALIBRATING", "CALIBRATING -> READY"]
        or desk.trader.phase is Phase.READY
    )


def test_after_a_long_outage_entries_are_made_again_within_seconds(desk):
    for _ in range(12):
        desk.step(OrderUpdate, failure="the exchange does not answer", after_ms=2_000)
    assert desk.trader.phase is Phase.ERROR
    desk.clock(4_000)
    assert desk.trader.phase is Phase.READY


# ---- a strategy that breaks -----------------------------------------------------------------------------------------


def test_a_strategy_that_raises_puts_its_trader_in_error_and_is_asked_again_later(desk):
    desk.strategy.answer = ValueError("no such bar")
    commands = desk.clock()
    (raised,) = [note for note in commands if isinstance(note, Note) and note.topic is Topic.RAISED]
    assert isinstance(raised.error, ValueError) and raised.ticker == TICKER
    assert desk.trader.phase is Phase.ERROR
    desk.strategy.seen.clear()
    desk.clock(500)
    assert desk.strategy.seen == []
    desk.strategy.answer = QUIET
    desk.clock(500)
    assert desk.trader.phase is Phase.READY


def test_pauses_grow_while_it_goes_on_raising_up_to_a_minute(desk):
    desk.strategy.answer = ValueError("always")
    raised_at_ms = []
    for _ in range(300):
        if any(isinstance(note, Note) and note.topic is Topic.RAISED for note in desk.clock(1_000)):
            raised_at_ms.append(desk.now_ms)
    waits = [after - before for before, after in pairwise(raised_at_ms)]
    assert waits[:6] == sorted(waits[:6]) and waits[0] <= 2_000 and 60_000 <= waits[-1] <= 61_000


def test_a_position_is_left_even_while_its_strategy_raises(desk):
    desk.hold(4_200)
    desk.strategy.answer = ValueError("broken")
    desk.clock(60_000)
    assert desk.trader.phase is Phase.ERROR
    (leave,) = places(desk.quote(quote(3_300, 3_500)))
    assert (leave.purpose, leave.intent.side) == (Purpose.EXIT, Side.ASK)


# ---- exits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bid_cc", "leaves"), [(3_361, False), (3_360, True), (3_300, True)])
def test_a_stop_loss_fires_at_a_fifth_of_the_cost_and_not_before(desk, bid_cc, leaves):
    desk.hold(4_200)
    commands = desk.quote(quote(bid_cc, 4_500), after_ms=100)
    assert bool(places(commands)) is leaves
    if leaves:
        (leave,) = places(commands)
        assert (leave.count_ch, leave.intent.time_in_force) == (1_000, TimeInForce.IOC)
        assert leave.intent.limit_cc <= bid_cc - 200
        assert "stop-loss" in leave.intent.why


def test_a_short_position_is_stopped_by_the_ask_and_bought_back(desk):
    desk.hold(4_000, answer=intent(Side.ASK, 4_000))
    assert places(desk.quote(quote(4_900, 5_199))) == []
    (leave,) = places(desk.quote(quote(5_000, 5_200)))
    assert (leave.intent.side, leave.intent.limit_cc, leave.count_ch) == (Side.BID, 5_500, 1_000)


def test_a_take_profit_asks_for_no_less_than_the_touch(desk):
    desk.hold(4_200, answer=intent(take_profit_millionths=200_000))
    assert places(desk.quote(quote(5_000, 5_100))) == []
    (leave,) = places(desk.quote(quote(5_100, 5_200)))
    assert leave.intent.limit_cc == 5_100 and "take-profit" in leave.intent.why


def test_a_plan_without_a_take_profit_or_a_time_holds_to_settlement(desk):
    desk.hold(4_200)
    assert places(desk.quote(quote(9_800, 9_900))) == []
    assert places(desk.clock(800_000)) == []
    desk.settle()
    assert desk.trader.positions.held() == []


def test_a_time_exit_needs_no_new_quote(desk):
    desk.hold(4_200, answer=intent(hold_ms=60_000))
    assert places(desk.clock(59_000)) == []
    (leave,) = places(desk.clock(1_000))
    assert "time" in leave.intent.why


def test_after_the_close_nothing_is_tried(desk):
    desk.hold(4_200)
    desk.now_ms = CLOSE_MS
    assert places(desk.quote(quote(100, 200))) == []


def test_there_is_one_exit_at_a_time_until_its_fills_are_booked(desk):
    desk.hold(4_200)
    (leave,) = places(desk.quote(quote(3_000, 3_200)))
    order = desk.allow(leave)
    assert places(desk.quote(quote(2_900, 3_100), after_ms=10_000)) == []
    order = desk.update(order, State.EXECUTED, filled_ch=1_000)
    assert places(desk.quote(quote(2_800, 3_000), after_ms=10_000)) == [], "filled at the exchange, not booked yet"
    desk.fill(order, 3_000, 1_000)
    assert desk.trader.positions.held() == [] and places(desk.quote(quote(2_700, 2_900))) == []


def test_an_answer_that_knows_of_fills_before_they_are_heard_brings_no_second_exit(desk):
    desk.hold(4_200)
    order = desk.allow(places(desk.quote(quote(3_000, 3_200)))[0])
    desk.update(order, State.EXECUTED, filled_ch=1_000, booked_ch=1_000, order_id="x9")
    assert places(desk.commands) == []
    parts = [Booked(f"p{part}", "x9", TICKER, 2, Side.ASK, 3_000, 250, 0, True, desk.now_ms) for part in range(4)]
    assert [places(desk.step(Fill, part)) for part in parts] == [[]] * 4
    assert desk.trader.positions.held() == [] and not desk.trader.orders.exiting(TICKER)


def test_a_settled_market_lets_its_orders_go_and_takes_no_late_fill(desk):
    order = desk.hold(4_200)
    desk.update(order, State.EXECUTED, filled_ch=1_000)
    desk.settle()
    desk.step(Fill, Booked("late", "x", TICKER, 2, Side.BID, 4_200, 100, 0, True, desk.now_ms))
    assert desk.trader.positions.held() == [] and desk.trader.orders.tickers() == set()


def test_what_an_exit_left_over_is_tried_again_at_once_and_what_it_did_not_move_after_a_pause(desk):
    desk.hold(4_200)
    (first,) = places(desk.quote(quote(3_000, 3_200)))
    desk.fill(desk.update(desk.allow(first), State.CANCELED, filled_ch=400), 3_000, 400)
    (second,) = places(desk.commands)
    assert second.count_ch == 600
    desk.update(desk.allow(second, 600), State.CANCELED)
    assert places(desk.quote(quote(2_900, 3_000), after_ms=900)) == []
    (third,) = places(desk.quote(quote(2_900, 3_000), after_ms=200))
    desk.update(desk.allow(third, 600), State.CANCELED)
    assert places(desk.quote(quote(2_900, 3_000), after_ms=1_900)) == []
    assert len(places(desk.quote(quote(2_900, 3_000), after_ms=200))) == 1


@pytest.mark.parametrize(
    "reasons", [{"halted": "x"}, {"stopped": "x"}, {"paused": "x"}, {"retired": True}, {"trouble": "x"}]
)
def test_nothing_that_forbids_entries_holds_back_an_exit(desk, reasons):
    desk.hold(4_200)
    desk.control(**reasons)
    (leave,) = places(desk.quote(quote(3_000, 3_200)))
    assert leave.purpose is Purpose.EXIT


def test_an_exit_while_calibrating():
    desk = Desk()
    fill = Booked("t", "x", TICKER, 2, Side.BID, 4_200, 1_000, 0, True, 5_000)
    desk.start(fills=(fill,), plans=((TICKER, intent()),), orders=(resting_order(state=State.UNKNOWN),), quotes=False)
    commands = desk.quote(quote(3_000, 3_200))
    assert desk.trader.phase is Phase.CALIBRATING
    assert [place.purpose for place in places(commands)] == [Purpose.EXIT]


def test_a_book_that_is_untrusted_for_a_moment_is_no_reason_to_leave(desk):
    desk.hold(4_200)
    assert places(desk.quote(quote(100, 9_900, trusted=False))) == []
    assert places(desk.clock(1_900)) == []
    assert len(places(desk.clock(200))) == 1, "but a position is no hostage of a broken feed"


def test_an_exit_waits_for_nobody_to_trade_with(desk):
    desk.hold(4_200)
    assert places(desk.quote(quote(None, 4_000), after_ms=1_000)) == []


def test_a_position_whose_plan_is_lost_has_the_usual_stop():
    desk = Desk()
    desk.start(fills=(Booked("t", "x", TICKER, 2, Side.BID, 5_000, 100, 0, True, 5_000),), quotes=False)
    assert places(desk.quote(quote(4_001, 4_200))) == []
    assert len(places(desk.quote(quote(4_000, 4_200)))) == 1


def test_a_fill_that_was_not_ours_after_all_leaves_nothing_to_exit(desk):
    order = desk.hold(4_200)
    taken = Booked("t1", order.order_id or "x", TICKER, 2, Side.BID, 4_200, 1_000, 0, True, desk.now_ms)
    desk.step(Fill, taken, undone=True)
    assert desk.trader.positions.held() == [] and places(desk.quote(quote(100, 200))) == []


def test_when_the_strategy_wants_the_other_side_the_position_is_left_not_reversed(desk):
    desk.hold(4_200)
    desk.strategy.answer = intent(Side.ASK, 4_000)
    commands = desk.clock(31_000)
    assert places(commands) == [] and conditions(commands) == ["leaving: the strategy wants the other side"]
    (leave,) = places(desk.quote(after_ms=10))
    assert (leave.purpose, leave.intent.side, leave.count_ch) == (Purpose.EXIT, Side.ASK, 1_000)


def test_a_position_is_reexamined_after_the_rebalance_interval_as_if_it_were_new(desk):
    long_market = market(close_at_ms=50_000_000)
    desk.quote(markets=(long_market,), after_ms=1_000)
    desk.hold(4_200)
    desk.strategy.seen.clear()
    desk.strategy.answer = intent(Side.ASK, 4_000)
    desk.control(paused="only exits")
    desk.clock(3_500_000)
    assert desk.strategy.seen == []
    (leave,) = places(desk.clock(100_000))
    assert "rebalance" in leave.intent.why
    assert desk.strategy.seen[-1].position_ch == 0 and leave.view.position_ch == 1_000


# ---- resting orders -------------------------------------------------------------------------------------------------


def test_a_resting_entry_expires_by_itself_before_the_close_and_within_ten_minutes(desk):
    _, place = rest(desk)
    assert place.expires_at_ms == (desk.now_ms + 600_000) // 1_000 * 1_000
    late = Desk()
    late.start()
    late.now_ms = 400_000
    assert late.enter(intent(**GTC))[1].expires_at_ms == CLOSE_MS - 5_000
    later = Desk()
    later.start()
    later.now_ms = CLOSE_MS - 6_500
    later.strategy.answer = intent(**GTC)
    assert conditions(later.clock(500)) == ["too close to the close to rest"]


def test_a_living_trader_renews_what_rests_and_only_once_at_a_time():
    desk = Desk()
    desk.start(quotes=False)
    desk.quote(markets=(market(close_at_ms=5_000_000),))
    order, place = rest(desk)
    assert renewals(desk.clock(200_000)) == []
    (renew,) = renewals(desk.clock(150_000))
    assert renew.order == order and renew.expires_at_ms > place.expires_at_ms
    assert renewals(desk.clock(1_000)) == []
    desk.update(order, State.RESTING, expires_at_ms=renew.expires_at_ms)
    assert renewals(desk.clock(10_000)) == []


def test_near_the_close_there_is_nothing_to_renew(desk):
    desk.now_ms = 400_000
    rest(desk)
    desk.now_ms = CLOSE_MS - 30_000
    assert renewals(desk.clock()) == []


@pytest.mark.parametrize("reasons", [{"halted": "x"}, {"stopped": "x"}, {"paused": "x"}, {"retired": True}])
def test_what_forbids_entries_also_pulls_those_that_rest(desk, reasons):
    order, _ = rest(desk)
    (cancel,) = cancels(desk.control(**reasons))
    assert cancel.order.client_order_id == order.client_order_id
    desk.control()
    assert cancels(desk.clock(500)) == [], "asked a moment ago"
    assert len(cancels(desk.clock(2_000))) == 1, "once unwanted, for good: it is asked again until it is gone"
    desk.update(order, State.CANCELED)
    assert cancels(desk.clock(10_000)) == []


def test_quotes_are_pulled_from_a_book_that_stays_untrusted(desk):
    rest(desk)
    assert cancels(desk.quote(quote(trusted=False))) == []
    assert len(cancels(desk.clock(2_000))) == 1


def test_nothing_rests_on_quotes_of_a_collector_that_fell_silent(desk):
    """It marked nothing when it died or hung: its last word still says that the book is trusted."""
    rest(desk)
    desk.quote(quote(publish=9, heard_at_ms=desk.now_ms))
    assert cancels(desk.clock(15_000 + Tempo().distrust_ms - 1)) == []
    (cancel,) = cancels(desk.clock(1))
    assert cancel.why == f"book untrusted for {Tempo().distrust_ms} ms"


def test_a_resting_order_stays_while_the_strategy_is_silent_and_goes_when_it_turns(desk):
    rest(desk)
    assert cancels(desk.clock(60_000)) == []
    desk.strategy.answer = intent(Side.ASK, 4_200)
    commands = desk.clock(1_000)
    assert conditions(commands) == ["an order of ours is open here"] and places(commands) == []
    assert len(cancels(desk.clock(1_000))) == 1


def test_no_second_entry_while_one_rests(desk):
    rest(desk)
    desk.strategy.answer = intent()
    assert places(desk.clock(60_000)) == []


def test_an_order_past_its_expiry_that_nobody_reported_is_asked_about(desk):
    _, place = rest(desk)
    desk.control(paused="")
    desk.now_ms = place.expires_at_ms
    desk.quote(markets=(market(close_at_ms=place.expires_at_ms + 1),))
    assert len(cancels(desk.clock(2_500))) == 1


def test_own_resting_orders_leave_before_an_exit_does(desk):
    order, _ = rest(desk)
    desk.fill(order, 4_000, 400)
    commands = desk.quote(quote(3_000, 3_200), after_ms=100)
    assert len(cancels(commands)) == 1 and places(commands) == []
    desk.update(order, State.CANCELED, filled_ch=400, booked_ch=400)
    (leave,) = places(desk.commands)
    assert leave.count_ch == 400


def test_an_exit_does_not_wait_for_a_cancel_that_never_comes(desk):
    order, _ = rest(desk)
    desk.fill(order, 4_000, 400)
    desk.quote(quote(3_000, 3_200), after_ms=100)
    assert len(places(desk.clock(2_000))) == 1


# ---- the whole function ---------------------------------------------------------------------------------------------


def test_same_events_and_same_chance_give_the_same_commands():
    def life():
        desk = Desk()
        commands = desk.start()
        desk.strategy.answer = intent(**GTC)
        for number in range(200):
            made = desk.quote(quote(4_000 - 10 * number), after_ms=700)
            commands += made
            for place in places(made):
                order = order_of(place, 1_000, desk.now_ms)
                commands += desk.step(OrderUpdate, order, ticket=place.ticket)
                desk.fill(desk.update(order, State.RESTING, order_id=f"x{number}"), place.intent.limit_cc, 1_000)
        return commands

    first = life()
    assert len(places(first)) >= 3 and first == life()


def test_markets_closed_long_ago_are_forgotten_unless_something_is_held(desk):
    gone, held = "KXGONE-1", TICKER
    desk.quote(quote(ticker=gone), markets=(market(gone),), after_ms=2_000)
    desk.hold(4_200)
    desk.now_ms = CLOSE_MS + 700_000
    desk.clock()
    assert set(desk.trader.board.markets) == {held}
    desk.settle()
    desk.clock()
    assert desk.trader.board.markets == {}
