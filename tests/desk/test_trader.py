"""One trader on a real database file: turns, restarts, halts, trouble. The exchange answers what the test says."""

import json

import pytest

from hand_played import Scene
from outcry.desk.trader import Trader
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.domain.view import Intent
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import (
    accounts,
    agents,
    checkpoints,
    decisions,
    fills,
    journal,
    looks,
    orders,
    quotes,
    settlements,
    shards,
    system,
)
from outcry.strategies.strategy import Strategy
from outcry.trading.coordinator import Phase
from placing_floor import TICKER, plan, request


@pytest.fixture
def scene(tmp_path):
    played = Scene(tmp_path)
    yield played
    if played.trader is not None:
        played.trader.close()
    played.db.close()


@pytest.fixture
def ready(scene):
    scene.open()
    scene.turn()
    assert scene.phase is Phase.READY
    return scene


def test_a_turn_begins_it_and_the_first_publish_may_be_acted_on(ready):
    ready.publish()
    ready.turn(1_000)
    (new,) = ready.link.sent
    assert (new.side, new.price_cc, new.time_in_force) == (Side.BID, 6_040, TimeInForce.IOC)
    row = ready.db.execute("SELECT * FROM decisions").fetchone()
    assert (row["agent"], row["answer"], row["publish"]) == ("bull", "reduced", 1)
    assert json.loads(row["parameters"])["lookback_ms"] == 300_000
    stored = ready.db.execute("SELECT source FROM strategy_versions WHERE sha256 = ?", (row["code_sha256"],)).fetchone()
    assert "class Momentum" in stored["source"]


def test_a_whole_trade_enter_be_booked_be_stopped_be_flat(ready):
    ready.publish()
    ready.turn(1_000)
    assert ready.held_ch == 0, "filled at the exchange is not booked"
    ready.book()
    ready.turn(10)
    assert ready.held_ch == ready.link.sent[0].count_ch
    ready.publish(bid_cc=3_000, ask_cc=3_040, moved=False)
    ready.turn(10)
    leave = ready.link.sent[1]
    assert (leave.side, leave.count_ch, leave.reduce_only) == (Side.ASK, ready.held_ch, True)
    ready.book(price_cc=3_000)
    ready.turn(10)
    assert ready.held_ch == 0 and len(ready.link.sent) == 2
    assert orders.open_orders(ready.db) == []


@pytest.mark.parametrize(
    ("scope", "name", "kind"),
    [("floor", "", "halt"), ("floor", "", "stop_entries"), ("agent", "bull", "stop_entries"),
     ("market", TICKER, "stop_entries"), ("program", "trader@bull", "stop_entries"), ("pause", "bull", "")],
)  # fmt: skip
def test_whatever_a_breaker_forbids_exits_run_and_entries_do_not(ready, scope, name, kind):
    ready.publish()
    ready.turn(1_000)
    ready.book()
    ready.turn(10)
    if scope == "pause":
        agents.set_paused(ready.db, name, True, reason="drawdown", now_ms=ready.now_ms, rule="drawdown")
    else:
        system.set_control(ready.db, scope, name, kind, True, cause="breaker", reason="tripped", now_ms=ready.now_ms)
    ready.publish(bid_cc=3_000, ask_cc=3_040, moved=False)
    ready.turn(10)
    assert [new.side for new in ready.link.sent] == [Side.BID, Side.ASK], "the stop-loss ran"
    ready.book(price_cc=3_000)
    ready.turn(10)
    for _ in range(4):
        ready.later(60_000)
    assert ready.held_ch == 0 and len(ready.link.sent) == 2, "and nothing was entered, though the index rose"


def test_a_failed_call_is_told_within_a_second_or_so(ready):
    def told():
        (beat,) = [beat for beat in system.heartbeats(ready.db) if beat.program == "trader@bull"]
        return beat.detail["calls"]

    assert told() == []
    ready.trader._calls.count(False, ready.now_ms)
    ready.turn(10)
    assert told() == [], "what went well waits for the next heartbeat"
    ready.trader._calls.count(True, ready.now_ms)
    ready.trader._due.pop("tell", None)
    ready.turn(10)
    assert told() == [[ready.now_ms // 10_000 * 10_000, 2, 1]]


def test_a_settlement_ends_a_position(ready):
    ready.publish()
    ready.turn(1_000)
    ready.book()
    ready.turn(10)
    settlements.record(ready.db, Settlement(TICKER, 2, "yes", 10_000, ready.now_ms), "rest", ready.now_ms)
    ready.turn(10)
    assert ready.held_ch == 0


def test_looks_are_counted_by_minute(ready):
    ready.publish(moved=False)
    for _ in range(3):
        ready.turn(1_000)
    ready.trader._record.flush_looks()
    ((ticker, condition, count),) = looks.since(ready.db, "bull", 0)
    assert (ticker, condition) == (TICKER, "index has not moved enough") and count >= 2


def test_the_halt_file_stops_entries_at_once_and_pulls_what_rests_without_any_commit(ready):
    ready.floor.halt_file.write_text("fire in the server room\nmore")
    ready.publish()
    ready.turn(1_000)
    assert ready.link.sent == [] and ready.trader.coordinator.reason == "fire in the server room"
    ready.floor.halt_file.unlink()
    ready.turn(1_000)
    assert len(ready.link.sent) == 1


def test_a_halt_file_that_appears_between_look_and_gate_is_seen(ready, monkeypatch):
    ready.publish()
    monkeypatch.setattr(ready.trader._feed, "halt_file_reason", lambda: "now")
    ready.turn(1_000)
    assert ready.link.sent == []
    assert ready.db.execute("SELECT answer FROM decisions").fetchone()[0] == "refused"


@pytest.mark.parametrize(
    ("scope", "name", "stops"),
    [("floor", "", True), ("agent", "bull", True), ("program", "trader@bull", True), ("market", TICKER, True),
     ("agent", "bear", False), ("market", "KXELSE", False)],
)  # fmt: skip
def test_controls_stop_whom_they_name(ready, scope, name, stops):
    system.set_control(ready.db, scope, name, "stop_entries", True, cause="test", reason="why", now_ms=5)
    ready.publish()
    ready.turn(1_000)
    assert (ready.link.sent == []) is stops
    system.set_control(ready.db, scope, name, "stop_entries", False, cause="test", reason="", now_ms=6)
    ready.turn(1_000)
    assert len(ready.link.sent) == 1


def test_nobody_enters_while_the_exchange_says_that_the_markets_shard_does_not_trade(ready):
    shards.keep(ready.db, {0: True, 2: False}, ready.now_ms)
    ready.publish()
    ready.turn(1_000)
    assert ready.link.sent == []
    assert ready.db.execute("SELECT rule, reason FROM decisions").fetchone()[:] == (
        "close_time",
        "the exchange is closed",
    )
    shards.keep(ready.db, {0: False, 2: True}, ready.now_ms)
    ready.later(200_000)
    assert len(ready.link.sent) == 1


def test_nobody_enters_while_nobody_books(ready):
    """A dead clerk books no fills, so no stop-loss knows of a position: what it would hold is not to be bought."""

    def beat(at_ms):
        system.beat(
            ready.db, "clerk", pid=1, started_at_ms=1, state="READY", state_since_ms=1, version="", detail={},
            now_ms=at_ms,
        )  # fmt: skip

    beat(ready.now_ms + 1_000 - 90_001)
    ready.later(1_000)
    assert ready.link.sent == []
    assert ready.db.execute("SELECT reason FROM decisions").fetchone()[0] == (
        "stopped: the clerk gave no sign of life for 90 s"
    )
    beat(ready.now_ms + 100_000)
    ready.later(100_000)
    assert len(ready.link.sent) == 1


def test_a_lost_day_is_over_until_the_next_whatever_is_restarted(ready):
    """The agent may lose $50 of its $100 in a day. It loses $52 by a fee, in a market that has paid."""

    def fee(number, micros):
        fill = Fill(f"t9{number}", f"x9{number}", "KXELSE", 2, Side.BID, 6_000, 100, micros, True, ready.now_ms,
                    "oc-abcdef-bull-01ABCDEFGH")  # fmt: skip
        fills.book(ready.db, fill, "rest", ready.now_ms)

    agents.set_allocation(ready.db, "bull", 100_000_000, ready.now_ms, rule="test", evidence={})
    fee(1, 52_000_000)
    settlements.record(ready.db, Settlement("KXELSE", 2, "no", 0, ready.now_ms), "rest", ready.now_ms)
    ready.later(1_000)
    ready.later(1_000)
    (control,) = system.controls_now(ready.db)
    assert (control.scope, control.name, control.cause) == ("agent", "bull", "daily_loss")
    assert ready.trader.coordinator.reason == (
        "daily_loss: the agent made -$52.60 today, limit -$50.00; until the trading day rolls"
    )
    fee(2, -20_000_000)  # a rebate: the rule would allow again
    ready.kill()
    ready.open()
    for _ in range(3):
        ready.later(200_000)
    assert ready.link.sent == []
    accounts.record_day(ready.db, "2026-05-14", 966_800_000, {"bull": -33_200_000}, ready.now_ms)
    ready.later(200_000)
    assert len(ready.link.sent) == 1


def test_an_agent_that_lost_its_allocation_enters_nothing(ready):
    costly = Fill("t9", "x9", "KXELSE", 2, Side.BID, 6_000, 100, 12_000_000, True, ready.now_ms,
                  "oc-abcdef-bull-01ABCDEFGH")  # fmt: skip
    fills.book(ready.db, costly, "rest", ready.now_ms)
    settlements.record(ready.db, Settlement("KXELSE", 2, "no", 0, ready.now_ms), "rest", ready.now_ms)
    ready.later(1_000)
    ready.later(1_000)
    assert ready.link.sent == []
    agents.set_allocation(ready.db, "bull", 50_000_000, ready.now_ms, rule="test", evidence={})
    ready.later(200_000)
    assert len(ready.link.sent) == 1


def test_a_pause_is_noticed_while_running(ready):
    agents.set_paused(ready.db, "bull", True, reason="lunch", now_ms=5)
    ready.publish()
    ready.turn(1_000)
    assert ready.link.sent == [] and ready.trader.coordinator.reason == "lunch"


def test_after_a_kill_a_position_and_its_plan_are_back(ready):
    ready.publish()
    ready.turn(1_000)
    ready.book()
    ready.turn(10)
    held_ch = ready.held_ch
    ready.kill()
    ready.open().turn()
    (position,) = ready.trader.coordinator.positions.held()
    assert (position.position_ch, position.cost_micros) == (held_ch, held_ch * 6_040)
    assert position.plan.take_profit_millionths == 400_000
    assert ready.phase is Phase.READY
    ready.publish(bid_cc=2_000, ask_cc=2_040, moved=False)
    ready.turn(10)
    assert ready.link.sent[-1].side is Side.ASK


def test_after_a_kill_an_entry_that_fills_only_then_has_its_plan(ready):
    ready.publish()
    ready.turn(1_000)
    ready.kill()
    ready.open().turn()
    assert ready.held_ch == 0
    ready.book()
    ready.turn(10)
    (position,) = ready.trader.coordinator.positions.held()
    assert position.plan.take_profit_millionths == 400_000, "its exits hold, not only a stop"


def test_after_a_kill_a_planned_order_is_abandoned_and_a_sent_one_waited_for(ready):
    ready.kill()
    planned = plan(ready.db, request(), count_ch=100)
    sent = plan(ready.db, request(), count_ch=100)
    orders.mark_sent(ready.db, sent.client_order_id, ready.now_ms)
    ready.open().turn()
    ready.publish()
    ready.turn(1_000)
    assert orders.get(ready.db, planned.client_order_id).state is State.ABANDONED
    assert ready.phase is Phase.CALIBRATING and ready.link.sent == []
    orders.update(ready.db, sent.client_order_id, State.UNKNOWN, source="clerk", now_ms=ready.now_ms)
    orders.update(ready.db, sent.client_order_id, State.PRESUMED_ABSENT, source="clerk", now_ms=ready.now_ms)
    ready.turn(1_000)
    assert ready.phase is Phase.READY
    assert ready.link.sent == [], "not in its own market while its reservation stays"
    orders.update(ready.db, sent.client_order_id, State.ABSENT, source="clerk", now_ms=ready.now_ms)
    ready.turn(1_000)
    assert len(ready.link.sent) == 1, "a new order, never the old one again"
    assert ready.link.sent[0].client_order_id not in (sent.client_order_id, planned.client_order_id)


def test_an_order_resting_from_an_earlier_life_is_adopted_and_cancelled_when_paused(ready):
    ready.kill()
    order = plan(ready.db, request(time_in_force=TimeInForce.GTC, expires_at_ms=1_600_000), count_ch=1_000)
    orders.mark_sent(ready.db, order.client_order_id, ready.now_ms)
    orders.update(ready.db, order.client_order_id, State.RESTING, source="answer", now_ms=ready.now_ms, order_id="old")
    ready.publish(moved=False)
    ready.open().turn()
    assert ready.phase is Phase.READY and ready.link.canceled == []
    agents.set_paused(ready.db, "bull", True, reason="lunch", now_ms=5)
    ready.turn(10)
    assert ready.link.canceled == ["old"]
    assert orders.get(ready.db, order.client_order_id).state is State.CANCELED


def test_an_exchange_that_is_down_is_a_state_and_passes(ready):
    ready.link.down = True
    ready.publish()
    ready.turn(1_000)
    assert ready.phase is Phase.ERROR and "not running" in ready.trader.coordinator.reason
    ready.link.down = False
    ready.later(20_000)
    assert ready.phase is Phase.READY and ready.link.sent == [], "cooling down"
    ready.later(20_000)
    assert len(ready.link.sent) == 1


def test_a_database_locked_by_a_stranger_is_trouble_and_passes(ready):
    ready.publish()
    ready.db.execute("BEGIN IMMEDIATE")
    ready.turn(1_000)
    assert ready.link.sent == [] and ready.phase is Phase.ERROR
    ready.db.execute("ROLLBACK")
    ready.later(20_000)
    ready.later(20_000)
    assert len(ready.link.sent) == 1


def test_a_start_while_the_database_is_locked_waits_for_it(scene):
    scene.db.execute("BEGIN IMMEDIATE")
    scene.open()
    scene.turn()
    assert scene.phase is Phase.IDLE
    scene.db.execute("ROLLBACK")
    scene.turn()
    assert scene.phase is Phase.READY


def test_a_read_that_fails_halfway_is_read_again_whole(ready, monkeypatch):
    ready.publish()
    real = quotes.since

    def fails_once(*arguments):
        monkeypatch.setattr(quotes, "since", real)
        raise Unavailable("torn away")

    monkeypatch.setattr(quotes, "since", fails_once)
    ready.turn(1_000)
    assert ready.phase is Phase.ERROR and ready.link.sent == []
    ready.turn(10)
    ready.turn(1_000)
    assert len(ready.link.sent) == 1


def test_a_strategy_that_raises_is_kept_as_an_event_and_takes_nothing_else_with_it(ready, monkeypatch):
    class Broken(Strategy):
        warm_up_ms = 0

        def decide(self, view):
            raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(ready.trader.coordinator, "_strategy", Broken())
    ready.publish()
    ready.turn(1_000)
    assert ready.phase is Phase.ERROR
    kept = [(row["level"], row["event"]) for row in system.recent_events(ready.db)]
    assert ("error", "raised") in kept and ("error", "moved") in kept
    ((beat),) = [beat for beat in system.heartbeats(ready.db) if beat.program == "trader@bull"]
    assert beat.state == "ERROR" and "ZeroDivisionError" in beat.detail["reason"]


def test_a_fill_that_was_somebody_elses_is_no_position(ready):
    fills.book(ready.db, Fill("m1", "xm", TICKER, 2, Side.BID, 5_000, 200, 0, True, 3_000), "rest", 3_000)
    ready.turn(1_000)
    assert ready.held_ch == 0


def test_no_capital_no_entries(tmp_path):
    scene = Scene(tmp_path, rolled=False).open()
    scene.publish()
    scene.turn(1_000)
    assert scene.phase is Phase.CALIBRATING and scene.link.sent == []
    scene.trader.close()
    scene.db.close()


def test_the_journal_tells_what_each_step_had_read(ready):
    ready.publish()
    ready.turn(1_000)
    ready.trader.close()
    ready.trader = None
    (file,) = journal.files(ready.floor.folder / "journal", "bull")
    header, steps = journal.read(file)
    assert (header["agent"], header["strategy"], header["seed"]) == ("bull", "momentum", "bull:1000000")
    last = list(steps)[-1]
    assert last.at_ms == 1_001_000 and last.marks[0] == 1


def test_the_checkpoint_is_read_back_by_the_next_life(ready):
    ready.publish(bid_cc=4_500)  # too wide: refused
    ready.turn(1_000)
    assert ready.db.execute("SELECT rule FROM decisions").fetchone()["rule"] == "spread"
    ready.trader.close()
    ready.open().turn()
    ready.publish(bid_cc=4_500)
    ready.turn(1_000)
    assert ready.db.execute("SELECT count(*) FROM decisions").fetchone()[0] == 1, "still cooling down"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[: len(text) // 2], "unreadable"),
        (lambda text: text.replace("trader@bull", "trader@bear"), "belongs to trader@bear"),
        (lambda text: text.replace('"version":1', '"version":9'), "version 9"),
        (lambda text: text.replace('"saved_at_ms":', '"saved_at_ms":9'), "saved in the future"),
        (lambda text: None, "missing"),
    ],
)
def test_a_checkpoint_torn_alien_of_another_version_or_the_future_is_a_cold_start_and_a_line(
    ready, caplog, spoil, reason
):
    ready.publish(bid_cc=4_500)  # too wide: refused, and then cooling down
    ready.turn(1_000)
    ready.trader.close()
    file = ready.floor.checkpoints / "trader@bull.json"
    text = spoil(file.read_text())
    file.unlink() if text is None else file.write_text(text)
    with caplog.at_level("INFO"):
        ready.open().turn()
    (told,) = [record.fields["reason"] for record in caplog.records if record.message == "started_cold"]
    assert reason in told
    ready.turn(1_000)
    ready.publish(bid_cc=4_500)
    ready.turn(1_000)
    assert ready.db.execute("SELECT count(*) FROM decisions").fetchone()[0] == 2, "it remembers no cooling down"


def test_the_first_heartbeat_comes_before_anything_is_sent(scene):
    scene.open()
    scene.trader.turn()
    (beat,) = system.heartbeats(scene.db)
    assert (beat.program, beat.started_at_ms) == ("trader@bull", 1_000_000)


def test_an_agent_or_database_that_is_not_there_is_said_in_one_line(scene, tmp_path):
    with pytest.raises(Misconfigured, match="no agent 'bul'"):
        Trader("bul", scene.floor, scene.link)
    with pytest.raises(Misconfigured, match="no database"):
        Trader("bull", Floor(Settings(), tmp_path / "elsewhere"), scene.link)


def test_the_limits_of_the_floor_are_kept(ready):
    """Capital $1 000 and an allocation of $10: whatever momentum stakes, an order costs at most what it may."""
    ready.publish()
    ready.turn(1_000)
    order = orders.get(ready.db, ready.link.sent[0].client_order_id)
    assert order.purpose is Purpose.ENTRY
    assert 0 < order.reserved_micros <= 10_000_000


def test_intents_are_kept_so_that_they_can_be_read_back(ready):
    ready.publish()
    ready.turn(1_000)
    decision_id = ready.db.execute("SELECT decision_id FROM decisions").fetchone()[0]
    kept = decisions.get(ready.db, decision_id)
    seen = decisions.decode_view(kept.view_json)
    assert isinstance(kept.intent, Intent) and kept.publish == seen.quote.publish == 1
    assert ready.trader.coordinator._strategy.decide(seen) == kept.intent, "recomputed from what was stored"


def test_a_clean_stop_says_so_and_a_crash_does_not(ready):
    def beat():
        (row,) = system.heartbeats(ready.db)
        return row.state

    ready.kill()
    assert beat() == "READY"
    ready.open()
    ready.turn()
    ready.trader.close(asked=True)
    ready.trader = None
    assert beat() == "STOPPED"


def test_a_disk_that_refuses_journal_and_checkpoint_ends_nothing(ready, monkeypatch):
    def refuses(*arguments):
        raise OSError(28, "No space left on device")

    class Full:
        write = refuses

        def close(self):
            pass

    monkeypatch.setattr(checkpoints, "save", refuses)
    ready.trader._journal._file.close()
    ready.trader._journal._file = Full()
    ready.trader._due.clear()
    ready.publish()
    ready.turn(1_000)
    assert len(ready.link.sent) == 1
    ready.trader._due.clear()
    ready.turn(1_000)
    assert ready.trader._journal.failing


def test_other_parameters_are_taken_up_by_a_trader_that_begins_anew(scene):
    scene.open()
    scene.turn()
    assert not scene.trader.outdated
    agents.set_parameters(scene.db, "bull", {"stake_millionths": 1}, scene.now_ms, evidence={"why": "test"})
    scene.turn(1_000)
    assert scene.trader.outdated
    scene.trader.close()
    scene.trader.close()
    scene.open()
    scene.turn()
    assert not scene.trader.outdated
    assert scene.trader._who.parameters["stake_millionths"] == 1


def test_a_life_ends_with_its_day_and_with_its_collectors(scene):
    def collector_begins():
        system.beat(scene.db, "collector", pid=1, started_at_ms=scene.now_ms, state="LIVE", state_since_ms=1,
                    version="", detail={}, now_ms=scene.now_ms)  # fmt: skip

    collector_begins()
    scene.open()
    scene.turn()
    scene.later(20)
    assert not scene.trader.outdated
    collector_begins()
    scene.turn(20)
    assert scene.trader.outdated == "the collector began anew"
    scene.trader.close()
    scene.open()
    scene.turn()
    scene.later(20)
    assert not scene.trader.outdated, "the collector that it found is no news"
    scene.now_ms = 86_400_000 - 1
    scene.turn()
    assert not scene.trader.outdated
    scene.turn(1)
    assert scene.trader.outdated == "a new day"
