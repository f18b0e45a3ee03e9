"""What is at risk, commit by commit; each limit at its edge."""

import pytest

from audited import T0, event, fill, order
from outcry.review.checks.limits import Bounds, Timeline, at_cost

OPEN = Bounds(100_000, 1_000_000, 250_000, 10_000, 5_000, 500_000, 3, 5_000_000, 1_000_000, 1_000_000, 200, 50)
CAPITAL = 1_000_000_000


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline()
    timeline.rolled(CAPITAL, T0)
    for agent in ("bull", "bear"):
        timeline.allocated(agent, CAPITAL)
    return timeline


def plan(timeline, name, bounds=OPEN, **facts):
    made = order(name, **facts)
    timeline.ordered(made)
    return [found.subject.partition(" ")[0] for found in timeline.check(made, bounds)]


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize(
    ("limit", "unit"),
    [("per_trade", 1_000), ("per_market", 1_000), ("per_agent", 1_000), ("per_floor", 1_000), ("per_group", 1_000),
     ("per_market_ch", 1),
     ("per_agent_market_ch", 1)],
)  # fmt: skip
def test_at_the_limit_and_one_beyond(timeline, limit, unit, over):
    cost_micros = 4_000 * 1_000 + 70_000 * 1_000_000 * 1_000 * 4_000 * 6_000 // 10**16
    at = 1_000 if limit.endswith("_ch") else -(-cost_micros // unit)  # a millionth of capital is 1 000 micros
    assert plan(timeline, "o1", OPEN._replace(**{limit: at - over})) == [limit] * over


@pytest.mark.parametrize(
    ("own", "count_ch", "found"),
    [(4_168, 1_000, []), (4_167, 1_000, ["per_trade"]), (1, 100, []), (1, 200, ["per_trade"])],
)
def test_a_trade_has_its_share_of_its_agents_own_and_always_one_contract(timeline, own, count_ch, found):
    assert plan(timeline, "o1", OPEN._replace(per_trade_own=own), count_ch=count_ch) == found


def test_a_breach_of_one_millisecond_is_found(timeline):
    assert plan(timeline, "o1", count_ch=3_000, price_cc=100) == []
    assert plan(timeline, "o2", count_ch=3_000, price_cc=100) == ["per_agent_market_ch"]
    timeline.moved(event("canceled", 9, "o1", at_ms=T0 + 1))
    assert plan(timeline, "o3", count_ch=2_000, price_cc=100) == []


def test_an_order_that_ended_counts_until_its_fills_are_booked(timeline):
    plan(timeline, "o1", count_ch=3_000, price_cc=100)
    timeline.moved(event("canceled", 2, filled_ch=2_500))
    assert plan(timeline, "o2", count_ch=2_501, price_cc=100) == ["per_agent_market_ch"]
    timeline.moved(event("rejected", 3, "o2"))
    timeline.owned(fill(1, price_cc=100, count_ch=2_500))
    assert timeline.held() == {("bull", "T-1"): (2_500, 250_000, T0 + 1)}
    assert plan(timeline, "o4", count_ch=2_500, price_cc=100) == []


def test_a_fill_that_is_booked_before_its_order_counts_to_it_once(timeline):
    timeline.owned(fill(1, agent="parked", client_order_id="", price_cc=100, count_ch=2_500))
    timeline.owned(fill(2, price_cc=100, count_ch=500))
    plan(timeline, "o1", count_ch=3_000, price_cc=100)
    timeline.moved(event("executed", 2, filled_ch=3_000))
    assert plan(timeline, "o2", count_ch=2_001, price_cc=100) == ["per_agent_market_ch"]
    timeline.moved(event("rejected", 3, "o2"))
    for _ in range(2):
        timeline.owned(fill(1, price_cc=100, count_ch=2_500))
    assert timeline.held()["bull", "T-1"][0] == 3_000
    assert plan(timeline, "o3", count_ch=2_000, price_cc=100) == []


def test_markets_notional_and_other_agents(timeline):
    for number in range(3):
        assert plan(timeline, f"o{number}", ticker=f"T-{number}", price_cc=100) == []
    assert plan(timeline, "o9", ticker="T-9", price_cc=100) == ["markets"]
    assert plan(timeline, "o8", agent="bear", ticker="T-9", price_cc=100) == []
    tight = OPEN._replace(notional_per_day=50_000)
    assert plan(timeline, "oa", tight, agent="bear", ticker="T-9", price_cc=100, count_ch=4_000) == []
    assert plan(timeline, "ob", tight, agent="bear", ticker="T-8", price_cc=100, count_ch=100) == ["notional_per_day"]


def test_a_settled_market_is_no_risk_and_a_new_day_begins_at_nothing(timeline):
    plan(timeline, "o1", price_cc=100, count_ch=5_000)
    timeline.moved(event("executed", 2, filled_ch=5_000))
    timeline.owned(fill(1, price_cc=100, count_ch=5_000))
    assert timeline.held()
    timeline.settled("T-1")
    assert timeline.held() == {}
    timeline.rolled(CAPITAL, T0 + 10)
    tight = OPEN._replace(notional_per_day=10_000)
    assert plan(timeline, "o2", tight, ticker="T-2", count_ch=1_000, price_cc=100, created_at_ms=T0 + 11) == []


def test_exits_are_never_judged_and_cost_only_their_fee_where_covered(timeline):
    nothing = Bounds(*[0] * 12)
    assert plan(timeline, "o1", nothing, purpose="exit", reduce_only=True) == []
    assert timeline.exiting("bull", "T-1")
    timeline.moved(event("executed", 2, filled_ch=1_000))
    assert timeline.exiting("bull", "T-1")  # not booked yet
    timeline.owned(fill(1))
    assert not timeline.exiting("bull", "T-1")


def test_a_group_is_one_event_or_one_index_in_one_window(timeline):
    window = {"underlying": "BTC-USD", "open_at_ms": T0, "close_at_ms": T0 + 900_000}
    tight = OPEN._replace(per_group=6_000)
    assert plan(timeline, "o1", tight, event_ticker="E", **window) == []
    assert plan(timeline, "o2", tight, ticker="T-2", event_ticker="F", **window) == ["per_group"]
    later = {"underlying": "BTC-USD", "open_at_ms": T0 + 900_000, "close_at_ms": T0 + 1_800_000}
    assert plan(timeline, "o3", tight, ticker="T-3", event_ticker="G", **later) == []
    assert plan(timeline, "o4", tight, agent="bear", ticker="T-4", event_ticker="G") == ["per_group"]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("KXNFLGAME-26OCT12BUFLAR", "KXNFLTOTAL-26OCT12BUFLAR", True),
        ("KXMLBGAME-26OCT072000TBNYY", "KXMLBTOTAL-26OCT072000TBNYY", True),
        ("KXNFLGAME-26OCT12BUFLAR", "KXNFLTOTAL-26OCT19BUFLAR", False),
        ("KXHIGHNY-26MAY13", "KXRAINNY-26MAY13", False),  # a day is no game
        ("KXBTC15M-26MAY130945", "KXETH15M-26MAY130945", False),  # nor a minute
    ],
)
def test_a_group_is_one_game_too(timeline, one, other, together):
    tight = OPEN._replace(per_group=6_000)
    assert plan(timeline, "o1", tight, ticker=f"{one}-X", event_ticker=one) == []
    found = plan(timeline, "o2", tight, agent="bear", ticker=f"{other}-Y")  # nobody described it
    assert found == (["per_group"] if together else [])


def test_orders_and_trades_in_a_day(timeline):
    assert plan(timeline, "o1", purpose="exit") == []
    assert plan(timeline, "o2", OPEN._replace(orders_per_day=2, trades_per_day=1)) == []
    assert plan(timeline, "o3", OPEN._replace(orders_per_day=2)) == ["orders_per_day"]
    timeline.moved(event("canceled", 5, "o3"))
    assert plan(timeline, "o4", OPEN._replace(trades_per_day=2)) == []
    assert plan(timeline, "o5", OPEN._replace(trades_per_day=2)) == ["trades_per_day"]


def test_average_cost_of_what_is_left():
    assert at_cost([fill(1, "bid", 4_000, 1_000), fill(2, "bid", 6_000, 1_000)]) == (2_000, 10_000_000)
    position_ch, micros = at_cost([fill(1, "bid", 4_000, 1_000), fill(2, "ask", 9_000, 400)])
    assert position_ch == 600
    assert 600 * 4_000 - 1 <= micros <= 600 * 4_000
    assert at_cost([fill(1, "ask", 4_000, 100)]) == (-100, 600_000)
    assert at_cost([fill(1, "bid", 4_000, 100), fill(2, "ask", 5_000, 300)])[0] == -200


def test_a_fill_that_changes_hands_is_the_new_owners(timeline):
    timeline.owned(fill(1, agent="parked", client_order_id=""))
    timeline.owned(fill(1))
    assert list(timeline.held()) == [("bull", "T-1")]
