from dataclasses import replace

import pytest

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Purpose, Side, State
from outcry.store import accounts, exposure, fills, markets, orders, settlements
from placing_floor import CAPITAL_MICROS, TICKER, furnish, market, plan, request

OTHER = "KXBTC15M-26MAY130030-30"


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def read(db, agent="bull", ticker=TICKER):
    return exposure.read(db, agent, ticker, 2)


def book(db, order, price_cc, count_ch, fee_micros=0, at_ms=3_000):
    """A fill of an order, booked."""
    number = db.execute("SELECT count(*) FROM fills").fetchone()[0]
    order_id = order.order_id or f"x-{order.client_order_id}"
    fill = Fill(f"t{number}", order_id, order.ticker, 2, order.side, price_cc, count_ch, fee_micros, True, at_ms,
                order.client_order_id)  # fmt: skip
    fills.book(db, fill, "stream", at_ms)


def over(db, order, state, filled_ch):
    return orders.update(db, order.client_order_id, state, source="answer", now_ms=3_000, filled_ch=filled_ch)


def sent(db, order):
    return orders.mark_sent(db, order.client_order_id, 2_000)


def test_an_idle_floor_has_capital_and_nothing_at_risk(floor):
    idle = read(floor)
    assert (idle.capital_micros, idle.allocation_micros, idle.available_cash_micros) == (
        CAPITAL_MICROS, 10_000_000, CAPITAL_MICROS,
    )  # fmt: skip
    assert (idle.floor_micros, idle.agent_markets, idle.orders_today, idle.floor_day_pnl_micros) == (0, 0, 0, 0)
    assert exposure.capital_known(floor)


def test_without_a_roll_of_the_day_there_is_no_capital_and_so_no_room(db):
    assert read(db).capital_micros == 0
    assert not exposure.capital_known(db)


def test_a_planned_order_counts_at_its_worst_case_from_the_moment_it_is_written(floor):
    plan(floor, request(), count_ch=1_000)
    plan(floor, request("bear", Side.ASK, 4_000), count_ch=500)
    mine, cost, theirs = read(floor), 1_000 * 4_200, 500 * 6_000
    assert (mine.agent_micros, mine.market_micros, mine.floor_micros) == (cost, cost + theirs, cost + theirs)
    assert (mine.market_count_ch, mine.agent_market_count_ch, mine.open_order_ch) == (1_500, 1_000, 1_000)
    assert mine.available_cash_micros == CAPITAL_MICROS - cost - theirs
    elsewhere = read(floor, ticker=OTHER)
    assert (elsewhere.market_micros, elsewhere.agent_micros, elsewhere.agent_markets) == (0, cost, 1)


def test_booking_a_fill_moves_its_share_from_the_order_to_the_position(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.RESTING, 400)
    assert read(floor).agent_micros == 1_000 * 4_200, "reported, not booked: still the order's"
    book(floor, order, 4_100, 400)
    held = read(floor)
    assert held.agent_micros == 400 * 4_100 + 600 * 4_200
    assert (held.position_ch, held.open_order_ch, held.agent_market_count_ch) == (400, 600, 1_000)
    assert (held.account_position_ch, held.agent_markets) == (400, 1)


def test_an_order_counts_until_over_and_booked_and_then_no_more(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.CANCELED, 300)
    assert read(floor).agent_micros == 1_000 * 4_200
    book(floor, order, 4_200, 300)
    assert (read(floor).agent_micros, read(floor).open_order_ch) == (300 * 4_200, 0)


def test_reserved_shares_round_up(floor):
    order = sent(floor, plan(floor, request(), count_ch=3))
    floor.execute("UPDATE orders SET reserved_micros = 100")
    book(floor, order, 1, 1)
    assert read(floor).agent_micros == 1 + 67


def test_a_short_position_is_at_cost_what_it_can_lose(floor):
    order = sent(floor, plan(floor, request("bear", Side.ASK, 4_000), count_ch=500))
    over(floor, order, State.EXECUTED, 500)
    book(floor, order, 4_500, 500)
    assert read(floor, "bear").agent_micros == 500 * 5_500
    assert read(floor, "bear").position_ch == -500


def test_what_is_left_of_a_partly_closed_position_keeps_its_average_cost(floor):
    first, second = (sent(floor, plan(floor, request(), count_ch=1_000)) for _ in range(2))
    leave = sent(floor, plan(floor, request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT), count_ch=500))
    for order, price_cc, count_ch in ((first, 4_000, 1_000), (second, 5_000, 1_000), (leave, 9_000, 500)):
        over(floor, order, State.EXECUTED, count_ch)
        book(floor, order, price_cc, count_ch)
    assert read(floor).agent_micros == 1_500 * 4_500, "the gain of the part that was closed frees nothing"


def test_exits_in_flight_are_counted_apart_from_entries(floor):
    plan(floor, request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT), count_ch=700)
    held = read(floor)
    assert (held.exits_in_flight_ch, held.open_order_ch, held.agent_market_count_ch) == (700, 0, 0)
    assert held.agent_micros == 700 * 6_000
    assert held.agent_notional_today_micros == 0


def test_a_settled_market_is_no_risk_any_more(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.EXECUTED, 1_000)
    book(floor, order, 4_200, 1_000)
    settlements.record(floor, Settlement(TICKER, 2, "yes", 10_000, 4_000), "rest", 4_001)
    settled = read(floor)
    assert (settled.agent_micros, settled.position_ch, settled.account_position_ch) == (0, 0, 0)
    assert settled.available_cash_micros == CAPITAL_MICROS + 1_000 * 5_800
    assert (settled.agent_day_pnl_micros, settled.floor_day_pnl_micros) == (1_000 * 5_800, 1_000 * 5_800)


def test_the_days_result_is_marked_at_what_closing_would_bring_less_fees_and_not_deposits(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.EXECUTED, 1_000)
    book(floor, order, 4_200, 1_000, fee_micros=17_100)
    floor.execute(
        "INSERT INTO quotes VALUES (?, 1, 1, 4000, 100, 4300, 100, '[]', '[]', NULL, 0, 0, 1, 1, 1, 0, 1, '', '')",
        (TICKER,),
    )
    accounts.record_cash(floor, "deposit", 2, 5_000_000, at_ms=9_000, reference="d1")
    assert read(floor).agent_day_pnl_micros == -1_000 * 200 - 17_100
    assert read(floor).floor_day_pnl_micros == -1_000 * 200 - 17_100
    assert read(floor, "bear").agent_day_pnl_micros == 0


@pytest.mark.parametrize(
    ("side", "bid_cc", "ask_cc", "trusted", "doubt_micros"),
    [
        (Side.BID, 4_000, 4_300, 1, 0),
        (Side.BID, None, 4_300, 1, 1_000 * 4_200),
        (Side.BID, 4_000, 4_300, 0, 1_000 * 200),
        (Side.BID, 4_300, 4_400, 0, 0),
        (Side.ASK, 4_000, None, 1, 1_000 * 5_800),
        (Side.ASK, 4_000, 4_300, 0, 1_000 * 100),
        (Side.ASK, None, 4_300, 1, 0),
    ],
)
def test_what_nobody_prices_is_a_doubtful_loss(floor, side, bid_cc, ask_cc, trusted, doubt_micros):
    order = sent(floor, plan(floor, request(side=side), count_ch=1_000))
    over(floor, order, State.EXECUTED, 1_000)
    book(floor, order, 4_200, 1_000)
    floor.execute(
        "INSERT INTO quotes VALUES (?, 1, 1, ?, 100, ?, 100, '[]', '[]', NULL, 0, 0, 1, 1, 1, 0, ?, '', '')",
        (TICKER, bid_cc, ask_cc, trusted),
    )
    found = read(floor)
    assert (found.agent_day_doubt_micros, found.floor_day_doubt_micros) == (doubt_micros, doubt_micros)
    assert read(floor, "bear").agent_day_doubt_micros == 0


def test_a_known_outcome_leaves_no_doubt(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.EXECUTED, 1_000)
    book(floor, order, 4_200, 1_000)
    assert read(floor).agent_day_doubt_micros == 1_000 * 4_200
    markets.save(floor, [replace(market(), settlement_value_cc=0, result="no")], 1)
    assert read(floor).agent_day_doubt_micros == 0


def test_the_day_begins_anew_at_its_roll(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    over(floor, order, State.EXECUTED, 1_000)
    book(floor, order, 4_200, 1_000)
    lost = read(floor).agent_day_pnl_micros
    assert lost == -1_000 * 4_200, "no bid: worth nothing"
    accounts.record_day(
        floor, "2026-05-14", accounts.floor_equity_micros(floor), accounts.agent_equity_micros(floor), 50_000
    )
    today = read(floor)
    assert (today.agent_day_pnl_micros, today.floor_day_pnl_micros, today.orders_today) == (0, 0, 0)
    assert today.capital_micros == CAPITAL_MICROS + lost


def test_notional_of_the_day_is_what_was_sent_while_it_counts_and_what_filled_afterwards(floor):
    order = sent(floor, plan(floor, request(), count_ch=1_000))
    assert read(floor).agent_notional_today_micros == 1_000 * 10_000
    over(floor, order, State.CANCELED, 0)
    assert (read(floor).agent_notional_today_micros, read(floor).orders_today) == (0, 1)


def test_positions_nobody_of_ours_made_count_for_the_floor(floor):
    fills.book(floor, Fill("m1", "xm", TICKER, 2, Side.BID, 5_000, 200, 0, True, 3_000), "rest", 3_000)
    held = read(floor)
    assert (held.floor_micros, held.market_count_ch, held.agent_micros) == (200 * 5_000, 200, 0)


@pytest.mark.parametrize(("side", "entry_cc", "exit_cc"), [(Side.BID, 4_200, 3_000), (Side.ASK, 5_800, 7_000)])
def test_what_an_agent_lost_is_gone_from_its_allocation_and_an_open_position_is_not_lost(
    floor, side, entry_cc, exit_cc
):
    bought = sent(floor, plan(floor, request(side=side, limit_cc=entry_cc), count_ch=1_000))
    over(floor, bought, State.EXECUTED, 1_000)
    book(floor, bought, entry_cc, 1_000, fee_micros=100)
    assert read(floor).agent_lost_micros == 100, "only the fee is gone while the position is open"
    sold = sent(floor, plan(floor, request(side=side.opposite, limit_cc=exit_cc), count_ch=400))
    over(floor, sold, State.EXECUTED, 400)
    book(floor, sold, exit_cc, 400, fee_micros=50)
    assert read(floor).agent_lost_micros == 400 * 1_200 + 150
    assert read(floor, "bear").agent_lost_micros == 0


def test_what_is_reserved_on_another_shard_leaves_this_shards_cash_alone(floor):
    plan(floor, request(), count_ch=1_000)
    assert exposure.read(floor, "bull", TICKER, 2).available_cash_micros == CAPITAL_MICROS - 1_000 * 4_200
    accounts.open_shard(floor, 3, 5_000_000, 11)
    assert exposure.read(floor, "bull", TICKER, 3).available_cash_micros == 5_000_000


def test_nothing_is_held_at_no_cost(floor):
    assert exposure.at_cost_micros(floor, "bull", TICKER) == 0
    for side, count_ch in ((Side.BID, 500), (Side.ASK, 500)):
        order = sent(floor, plan(floor, request(side=side, limit_cc=4_200), count_ch=count_ch))
        over(floor, order, State.EXECUTED, count_ch)
        book(floor, order, 4_200, count_ch)
    assert exposure.at_cost_micros(floor, "bull", TICKER) == 0
