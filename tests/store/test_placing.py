import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from outcry.domain.errors import Unavailable
from outcry.domain.order import Side, State
from outcry.domain.view import Answer, Bar, OwnOrder, Sibling, Touch, Verdict
from outcry.store import accounts, database, decisions, orders, placing, system
from placing_floor import allow, furnish, plan, refuse, request, reserve_whole, view

RACER = """
import sys
from pathlib import Path
from placing_floor import request, reserve_whole
from outcry.domain.view import Answer, Verdict
from outcry.store import database, placing

path, agent, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
db = database.connect(path, timeout_ms=10_000)
order = request(agent)
LIMIT_MICROS, COST_MICROS = 300_000_000, 100 * 4_200

def gate(exposure):
    room = exposure.floor_micros + COST_MICROS <= LIMIT_MICROS
    return Verdict(Answer.ALLOWED, 100) if room else Verdict(Answer.REFUSED, 0, "floor", "no room")

sys.stdin.readline()
placed = [placing.place(db, order, gate, reserve_whole(order), 1_000).order for _ in range(rounds)]
print(sum(order is not None for order in placed))
"""


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def place(db, order, gate, now_ms=1_000):
    return placing.place(db, order, gate, reserve_whole(order), now_ms)


def test_an_allowed_intent_is_kept_whole_beside_its_order(floor):
    order = request(hold_ms=60_000)
    placement = place(floor, order, allow(500))
    kept = decisions.get(floor, placement.decision.decision_id)
    assert kept == placement.decision
    assert kept.intent == order.intent
    assert decisions.decode_view(kept.view_json) == order.view
    assert placement.order.decision_id == kept.decision_id
    row = floor.execute("SELECT * FROM decisions").fetchone()
    assert (row["parameters"], row["publish"], row["why"]) == ('{"lookback_ms":1}', 7, "because")


def lost(scope):
    """The gate of a day that is over for somebody."""
    return lambda exposure: Verdict(Answer.REFUSED, 0, "daily_loss", "the day is lost", (("latch", scope),))


@pytest.mark.parametrize(("scope", "name"), [("floor", ""), ("agent", "bull")])
def test_a_refusal_that_latches_stops_entries_until_the_day_rolls_and_only_then(floor, scope, name):
    for _ in range(2):
        assert place(floor, request("bull"), lost(scope)).order is None
    (control,) = system.controls_now(floor)
    assert (control.scope, control.name, control.kind, control.cause) == (scope, name, "stop_entries", "daily_loss")
    assert control.reason == "the day is lost; until the trading day rolls"
    told = [(row["level"], row["program"], row["event"]) for row in system.recent_events(floor)]
    assert told == [("critical", "trader@bull", "stopped_entries")]
    assert not accounts.record_day(floor, "2026-05-13", 1, {}, 2_000), "the same day, seen again by a restarted clerk"
    assert system.controls_now(floor) == [control]
    assert accounts.record_day(floor, "2026-05-14", 1, {}, 2_000)
    assert system.controls_now(floor) == []
    assert place(floor, request("bull"), lost(scope)).order is None
    assert len(system.controls_now(floor)) == 1, "the next day can be lost as well"


def test_the_roll_of_the_day_lifts_nothing_else(floor):
    system.set_control(floor, "floor", "", "stop_entries", True, cause="drift", reason="a cent", now_ms=1)
    assert accounts.record_day(floor, "2026-05-14", 1, {}, 2_000)
    assert [control.cause for control in system.controls_now(floor)] == ["drift"]


def test_a_latch_and_its_refusal_are_kept_together_or_not_at_all(floor, monkeypatch):
    def fails(*arguments, **more):
        raise Unavailable("disk full")

    monkeypatch.setattr(system, "event", fails)
    with pytest.raises(Unavailable):
        place(floor, request("bull"), lost("floor"))
    assert system.controls_now(floor) == []
    assert floor.execute("SELECT count(*) FROM decisions").fetchone()[0] == 0


def test_a_refused_intent_leaves_its_verdict_and_no_order(floor):
    placement = place(floor, request(), refuse)
    assert placement.order is None
    kept = decisions.get(floor, placement.decision.decision_id)
    assert (kept.verdict.answer, kept.verdict.rule, kept.verdict.numbers) == (
        Answer.REFUSED, "spread", (("spread_cc", 1_200),),
    )  # fmt: skip
    assert orders.open_orders(floor) == []


def test_the_gate_sees_what_the_order_before_it_reserved(floor):
    seen = []

    def gate(exposure):
        seen.append(exposure.floor_micros)
        return allow(100)(exposure)

    place(floor, request(), gate)
    place(floor, request("bear"), gate)
    assert seen == [0, 100 * 4_200]


def test_a_gate_that_raises_leaves_nothing_behind(floor):
    def gate(exposure):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place(floor, request(), gate)
    assert floor.execute("SELECT count(*) FROM decisions").fetchone()[0] == 0
    assert not floor.in_transaction


def test_ids_are_never_used_twice_even_in_one_millisecond(floor):
    ids = {plan(floor, request(), count_ch=1).client_order_id for _ in range(50)}
    assert len(ids) == 50


def test_a_view_with_bars_of_several_sources_comes_back_equal():
    bars = tuple(
        Bar("BTC-USD", 1_000 * number, 1, 4, 0, number, source="exchange" if number % 3 else "coinbase")
        for number in range(20)
    )
    prints = (Bar("M", 5_000, 4_000, 4_100, 3_900, 4_000, 250, 200, 50, 3, "exchange"),)
    whole = view(index=bars, prints=prints, position_ch=-300, draw=0.1 + 0.2, time_factor=45.0)
    assert decisions.decode_view(decisions.encode_view(whole)) == whole


def test_the_plan_of_a_position_is_the_newest_entry_that_filled_on_its_side(floor):
    first, second = plan(floor, request(hold_ms=1), now_ms=1_000), plan(floor, request(hold_ms=2), now_ms=2_000)
    unfilled = plan(floor, request(hold_ms=3), now_ms=3_000)
    for order in (first, second, unfilled):
        orders.mark_sent(floor, order.client_order_id, 4_000)
    for order, filled_ch in ((first, 1_000), (second, 10), (unfilled, 0)):
        orders.update(floor, order.client_order_id, State.CANCELED, source="answer", now_ms=5_000, filled_ch=filled_ch)
    assert decisions.entry_plan(floor, "bull", first.ticker, Side.BID).hold_ms == 2
    assert decisions.entry_plan(floor, "bull", first.ticker, Side.ASK) is None


def test_a_locked_database_refuses_within_its_timeout_and_keeps_nothing(tmp_path):
    file = tmp_path / "kalshi.db"
    holder = database.connect(file)
    database.migrate(holder)
    furnish(holder)
    db = database.connect(file, timeout_ms=50)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        place(db, request(), allow(100))
    holder.execute("ROLLBACK")
    assert place(db, request(), allow(100)).order is not None
    holder.close()
    db.close()


def test_two_processes_racing_for_the_last_dollar_never_exceed_the_limit(tmp_path):
    """$300 allowed, $299.88 is the most that whole lots of $0.42 reach: both together place exactly 714."""
    file = tmp_path / "kalshi.db"
    db = database.connect(file)
    database.migrate(db)
    furnish(db)
    db.execute("PRAGMA synchronous = OFF")
    fill_up = request(limit_cc=4_200)
    plan(db, fill_up, count_ch=100 * 694)  # most of it is taken already: 20 lots are left
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(file), agent, "40"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)},
        )
        for agent in ("bull", "bear")
    ]  # fmt: skip
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda racer: racer.communicate("go\n", timeout=60)[0], racers))
    won = [int(text) for text in told]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sum(won) == 20
    assert db.execute("SELECT sum(reserved_micros) FROM open_orders").fetchone()[0] == 714 * 100 * 4_200
    assert db.execute("SELECT count(*) FROM decisions WHERE answer = 'refused'").fetchone()[0] == 60
    db.close()


def test_a_decision_that_there_is_not_is_none(floor):
    assert decisions.get(floor, "01JD") is None


# ---- together -------------------------------------------------------------------------------------------------------

A, B, C = "KXWHO-26-A", "KXWHO-26-B", "KXWHO-26-C"


def legs_of(*gates):
    """Questions of legs in A, B, C; each gate answers (exposure, most_ch)."""

    def legs(most_ch):
        requests = [request(ticker=name) for name in (A, B, C)]
        return [
            placing.Asked(order, lambda exposure, gate=gate: gate(exposure, most_ch), reserve_whole(order))
            for order, gate in zip(requests, gates, strict=True)
        ]

    return legs


def up_to(limit_ch):
    return lambda exposure, most_ch: Verdict(Answer.ALLOWED, min(limit_ch, most_ch))


def test_a_basket_is_planned_whole_in_the_size_of_its_smallest_leg(floor):
    placements = placing.place_together(floor, legs_of(up_to(900), up_to(400), up_to(700)), 1_000, 1_000)
    assert [(order.ticker, order.count_ch) for order in (placement.order for placement in placements)] == [
        (A, 400), (B, 400), (C, 400),
    ]  # fmt: skip
    assert floor.execute("SELECT count(*) FROM decisions").fetchone()[0] == 3, "asked twice, kept once"
    assert len(orders.open_orders(floor, "bull")) == 3


def test_each_leg_sees_those_before_it_reserved(floor):
    seen = []

    def look(exposure, most_ch):
        seen.append(exposure.floor_micros)
        return Verdict(Answer.ALLOWED, most_ch)

    placing.place_together(floor, legs_of(look, look, look), 100, 1_000)
    assert seen == [0, 420_000, 840_000]


def test_a_basket_that_one_leg_is_refused_leaves_nothing_but_the_refusal(floor):
    refused = lambda exposure, most_ch: refuse(exposure)  # noqa: E731
    (placement,) = placing.place_together(floor, legs_of(up_to(900), up_to(400), refused), 1_000, 1_000)
    assert placement.order is None and placement.decision.ticker == C
    assert [row["ticker"] for row in floor.execute("SELECT ticker FROM decisions")] == [C]
    assert orders.open_orders(floor, "bull") == []
    assert floor.execute("SELECT count(*) FROM happenings WHERE kind = 'decision'").fetchone()[0] == 1


# ---- views ----------------------------------------------------------------------------------------------------------


def test_a_view_with_everything_comes_back_equal():
    whole = replace(
        view(),
        touches=(Touch(0, 4_000, 300, None, 0), Touch(1_000, 4_000, 350, 4_200, 100, -50)),
        siblings=(Sibling(view(A).market, view(A).quote, -300),),
        resting=(OwnOrder(Side.BID, 4_000, 100),),
    )
    assert decisions.decode_view(decisions.encode_view(whole)) == whole


def test_a_view_from_before_there_were_touches_is_read_as_one_without():
    kept = json.loads(decisions.encode_view(view()))
    for name in ("touches", "siblings", "resting"):
        del kept[name]
    for name in ("exclusive", "exhaustive_of"):
        del kept["market"][name]
    assert decisions.decode_view(json.dumps(kept)) == view()
