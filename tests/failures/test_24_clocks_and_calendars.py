"""Failure 24: a day of 23 or 25 hours, a leap day, a year's end, a clock that steps, a machine that slept.

Calendars are held against the zone database; the floor's own arithmetic is only asked. Clocks are handed in, except in
the last test, where the exchange's clock and ours really differ.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_kit import TICKER, counter, market
from hand_fed import CLOSE_MS, Desk, cancels, intent, places, quote, renewals
from hand_fed import TICKER as TRADED
from hand_fed import market as traded_market
from histories import histories
from outcry.desk.common.day import trading_day
from outcry.domain.market import Status
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.ops.clock import now_ms
from outcry.ops.settings import Settings
from outcry.paper.engine.engine import Engine
from outcry.paper.events import BookSet, Listed, Print
from outcry.paper.generate.windows import close_of, eastern, names
from outcry.paper.rest.candles import DAY_MINUTES, Candles
from outcry.trading.coordinator import Phase
from outcry.trading.tempo import Tempo
from survived import assert_told_once

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Auckland"]
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STEP_MS = 300_000
WEEKENDS = {
    "clocks forward": datetime(2026, 3, 7, 12, tzinfo=UTC),
    "clocks back": datetime(2026, 10, 31, 12, tzinfo=UTC),
    "leap day": datetime(2028, 2, 28, 12, tzinfo=UTC),
    "no leap day": datetime(2027, 2, 27, 12, tzinfo=UTC),
    "year's end": datetime(2026, 12, 30, 12, tzinfo=UTC),
}
INSTANTS = st.integers(ms_2025 := 1_735_689_600_000, ms_2025 + 10 * 365 * DAY_MS)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


# ---- calendars ------------------------------------------------------------------------------------------------------


@histories(300, 10_000)
@given(INSTANTS, st.sampled_from(ZONES))
def test_every_instant_is_in_one_trading_day_that_ends_where_the_next_begins(at_ms, zone):
    settings = Settings(time_zone=zone)
    day = trading_day(settings, at_ms)
    assert day.name == datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date().isoformat()
    assert day.from_ms <= at_ms
    assert trading_day(settings, day.from_ms).name == day.name
    before = trading_day(settings, day.from_ms - 1)
    assert date.fromisoformat(day.name) - date.fromisoformat(before.name) == timedelta(days=1)
    assert day.from_ms - before.from_ms in {
        23 * HOUR_MS,
        24 * HOUR_MS,
        25 * HOUR_MS,
        47 * HOUR_MS // 2,
        49 * HOUR_MS // 2,
    }


@pytest.mark.parametrize("start", WEEKENDS.values(), ids=WEEKENDS)
def test_new_york_s_clock_and_the_tickers_that_carry_it(start):
    """Every quarter of an hour of three days: the wall clock is the zone's, each ticker is of one close alone."""
    seen: dict[str, int] = {}
    for at_ms in range(ms(start), ms(start + timedelta(days=3)), HOUR_MS // 4):
        local = datetime.fromtimestamp(at_ms / 1000, NEW_YORK)
        assert eastern(at_ms).replace(tzinfo=None) == local.replace(tzinfo=None, fold=0)
        _, ticker = names("KXBTC15M", at_ms)
        assert f"{local:%y}" in ticker and f"{local:%d%H%M}" in ticker
        assert ticker not in seen, f"{ticker} is of {seen.get(ticker)} and of {at_ms}"
        seen[ticker] = at_ms
        if local.fold == 0:
            assert close_of(ticker) == at_ms


@pytest.mark.parametrize("start", WEEKENDS.values(), ids=WEEKENDS)
def test_daily_candles_end_at_midnight_in_new_york_whatever_the_length_of_the_day(start):
    begin_ms, end_ms = ms(start), ms(start + timedelta(days=4))
    engine, candles = Engine(counter()), Candles()
    listed = market(open_at_ms=begin_ms - 1, close_at_ms=end_ms + DAY_MS, status=Status.ACTIVE)

    def feed(event) -> None:
        for told in engine.feed(event):
            candles.note(told, engine.market(TICKER))

    feed(Listed(listed, begin_ms))
    feed(BookSet(TICKER, {4_000: 100}, {4_200: 100}, begin_ms))
    printed: dict[date, int] = {}
    for at_ms in range(begin_ms, end_ms, HOUR_MS // 2):
        feed(Print(TICKER, 4_100, 7, Side.BID, at_ms))
        day = datetime.fromtimestamp(at_ms / 1000, NEW_YORK).date()
        printed[day] = printed.get(day, 0) + 7
    days = candles.read(TICKER, 0, end_ms // 1000 + 2 * 86_400, DAY_MINUTES, end_ms)
    ends = [datetime.fromtimestamp(candle.end_ms / 1000, NEW_YORK) for candle in days]
    assert all((end.hour, end.minute) == (0, 0) for end in ends)
    assert [(end - timedelta(minutes=1)).date() for end in ends] == sorted(printed)
    assert [candle.count_ch for candle in days] == [printed[day] for day in sorted(printed)]
    lengths = {(later - earlier) // HOUR_MS for earlier, later in pairwise(candle.end_ms for candle in days)}
    assert lengths == {"clocks forward": {23, 24}, "clocks back": {24, 25}}.get(
        next(name for name, one in WEEKENDS.items() if one == start), {24}
    )


# ---- a clock that steps, a machine that sleeps ----------------------------------------------------------------------

JUMPS = st.sampled_from([-STEP_MS, STEP_MS, -2_000, 2_000, 8 * HOUR_MS])


def shown(desk: Desk, bid_cc: int = 4_000):
    """A fresh quote at the desk's present time, whatever that is."""
    return quote(bid_cc, bid_cc + 200, publish=desk.publish + 1, heard_at_ms=desk.now_ms)


def far_desk() -> Desk:
    """In a market that lives through all that is done to its clock."""
    desk = Desk(Tempo())
    desk.now_ms = 50 * HOUR_MS
    desk.start(quotes=False)
    desk.quote(shown(desk), markets=(traded_market(close_at_ms=500 * HOUR_MS),))
    return desk


def live(desk: Desk, seconds: int, bid_cc: int = 4_000) -> list:
    commands = []
    for _ in range(seconds):
        commands += desk.clock(1_000)
        commands += desk.quote(shown(desk, bid_cc))
    return commands


@histories(60, 2_000)
@given(st.lists(JUMPS, min_size=1, max_size=6))
def test_after_any_step_the_trader_looks_and_enters_again_within_the_minute(jumps):
    desk = far_desk()
    for jump_ms in jumps:
        desk.strategy.answer = intent()
        asked = places(desk.clock(jump_ms) + live(desk, 35))
        assert len(asked) == 1, "once, and not again while its answer is awaited"
        assert abs(asked[0].view.now_ms - desk.now_ms) <= 40_000
        desk.update(desk.update(desk.allow(asked[0]), State.SENT), State.CANCELED)
        desk.strategy.seen.clear()
        desk.strategy.answer = "nothing to do"
        live(desk, 35)
        assert desk.strategy.seen and desk.trader.phase is Phase.READY


@histories(60, 2_000)
@given(st.lists(JUMPS, min_size=1, max_size=6))
def test_after_any_step_a_stop_loss_leaves_at_once_and_once(jumps):
    desk = far_desk()
    for jump_ms in jumps:
        held = desk.hold()
        desk.clock(jump_ms)
        live(desk, 3)
        asked = [place for place in places(live(desk, 3, 2_000)) if place.purpose is Purpose.EXIT]
        assert len(asked) == 1 and asked[0].count_ch == held.count_ch
        desk.fill(desk.update(desk.allow(asked[0], held.count_ch), State.SENT), 2_000, held.count_ch)
        assert [place for place in places(live(desk, 5, 2_000)) if place.purpose is Purpose.EXIT] == []
        live(desk, 40)


@pytest.mark.parametrize("jump_ms", [-STEP_MS, STEP_MS, 8 * HOUR_MS])
def test_after_a_step_a_resting_order_is_renewed_or_gone_but_never_forgotten(jump_ms):
    """It carries an expiry of the clock before the step; it goes where that is over, or the book is of that time."""
    desk = far_desk()
    order, _ = desk.enter(intent(time_in_force=TimeInForce.GTC, post_only=True, limit_cc=3_900))
    order = desk.update(desk.update(order, State.SENT), State.RESTING, order_id="x1")
    desk.clock(jump_ms)
    for _ in range(700):
        commands = live(desk, 1)
        if gone := cancels(commands):
            assert "untrusted" in gone[0].why or desk.now_ms > order.expires_at_ms
            return
        for renewed in renewals(commands):
            assert 0 < renewed.expires_at_ms - desk.now_ms <= Tempo().resting_ms
            order = desk.update(order, State.RESTING, expires_at_ms=renewed.expires_at_ms)
            if jump_ms == -STEP_MS:
                assert desk.now_ms <= order.expires_at_ms
                return
    assert order.expires_at_ms > desk.now_ms > order.created_at_ms, "renewed all the while"


def test_a_machine_that_slept_through_the_close_enters_nothing_there_and_goes_on_in_the_next_market():
    desk = Desk(Tempo())
    desk.start()
    order, _ = desk.enter(intent(time_in_force=TimeInForce.GTC, post_only=True, limit_cc=3_900))
    desk.update(desk.update(order, State.SENT), State.RESTING, order_id="x1")
    desk.strategy.answer = intent()
    woken = desk.clock(8 * HOUR_MS) + live(desk, 5)
    assert places(woken) == []
    assert [cancel.order.order_id for cancel in cancels(woken)][:1] == ["x1"]
    assert desk.now_ms > CLOSE_MS
    desk.update(desk.update(order, State.SENT), State.CANCELED, order_id="x1")
    after, opens_ms = TRADED.replace("0015-15", "0815-15"), desk.now_ms
    next_market = traded_market(after, open_at_ms=opens_ms, close_at_ms=opens_ms + 900_000)
    desk.strategy.answer = intent(ticker=after)
    fresh = quote(ticker=after, heard_at_ms=opens_ms + 60_000)
    (asked,) = places(desk.quote(fresh, markets=(next_market,)) + desk.clock())
    assert asked.market.ticker == after


def test_a_quote_from_before_the_sleep_is_no_price_to_trade_at():
    """The first turn after waking: the books are hours old, and nobody enters on them until they are heard again."""
    desk = far_desk()
    desk.strategy.answer = intent()
    desk.clock(8 * HOUR_MS)
    asked = places(desk.clock())
    for place in asked:
        assert place.view.now_ms - place.view.quote.heard_at_ms >= 8 * HOUR_MS, "what the gate refuses as stale"


# ---- the exchange's clock and ours ----------------------------------------------------------------------------------


@pytest.mark.floor
@pytest.mark.parametrize("ms_off", [STEP_MS, -STEP_MS])
def test_while_the_clocks_differ_by_five_minutes_nothing_is_placed_and_nothing_is_in_doubt(floor, ms_off):
    floor.trade()
    began_ms, number = now_ms(), floor.break_("clock_skew", ms=ms_off)
    floor.wait_for(lambda: "api_errors" in causes(floor), 60, "entries stopped")
    why = "SELECT 1 FROM heartbeats WHERE program = 'clerk' AND detail LIKE '%set this machine''s clock by NTP%'"
    floor.wait_for(lambda: floor.query(why), 30, "the reason is shown, with its mend")
    sent = floor.query("SELECT state, reason FROM orders WHERE signed_at_ms > ?", began_ms + 500)
    assert {row["state"] for row in sent} <= {"rejected"} and all("timestamp" in row["reason"] for row in sent)
    floor.mend(number)
    floor.survived()
    assert_told_once(floor.state, "stopped_entries api_errors")


def causes(floor) -> list[str]:
    return [row["cause"] for row in floor.query("SELECT cause FROM controls_now")]
