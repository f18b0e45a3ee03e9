"""Every strategy at once, as traders of one floor: each looks, none raises, and every decision comes out again."""

import pytest

from outcry.strategies import catalogue
from running import SETTINGS, RunningFloor

pytestmark = pytest.mark.floor

LIVELY = {  # so that a minute brings decisions of most of them
    "coin_flip": {"chance_millionths": 200_000, "hold_ms": 200_000},
    "digital": {"edge_cc": 0, "lookback_ms": 300_000, "average_ms": 90_000},
    "favorite": {"lowest_cc": 5_000, "highest_cc": 9_900, "within_ms": 3_600_000},
    "mean_reversion": {"move_millionths": 100},
    "momentum": {"move_millionths": 100},
    "order_flow": {"push_millionths": 1, "signed_millionths": 1, "window_ms": 90_000},
    "spread_capture": {
        "edge_cc": 0, "adverse_millionths": 0, "toxic_millionths": 100_000_000, "move_millionths": 100_000,
        "window_ms": 90_000, "before_close_ms": 5_000,
    },
    "technical": {"length": 3, "candle_ms": 45_000},
    "volume_spike": {"multiple_millionths": 1_000_001, "window_ms": 90_000},
}  # fmt: skip


@pytest.fixture
def floor(tmp_path):
    room = "orders_per_day = 2000\ntrades_per_day = 2000\nper_floor_millionths = 900000\nmax_positions = 10\n"
    running = RunningFloor(tmp_path, SETTINGS + room)
    yield running
    running.stop()


def test_all_strategies_trade_beside_each_other(floor):
    agents = [f"try-{name.replace('_', '-')}" for name in catalogue.names()]
    for agent, strategy in zip(agents, catalogue.names(), strict=True):
        changes = [f"--set={name}={value}" for name, value in LIVELY.get(strategy, {}).items()]
        floor.run("agent", "add", agent, "--strategy", strategy, "--allocation", "90", *changes)
    floor.start("exchange", "clerk", "collector", "auditor", *(f"trader@{agent}" for agent in agents))

    def looked():
        rows = floor.query("SELECT agent FROM looks UNION SELECT agent FROM decisions")
        return {row["agent"] for row in rows} >= set(agents)

    floor.wait_for(looked, 120, "every agent looks")
    floor.wait_for(lambda: floor.progress().fills >= 3, 120, "fills")
    floor.wait_for(lambda: _replayed(floor, "same") >= 10, 120, "decisions made again by the auditor")
    assert _replayed(floor, "differs") == 0
    assert floor.query("SELECT program, detail FROM system_events WHERE event = 'raised'") == []
    score = floor.run("score", "--markets")
    assert "KXBTC15M" in score.stdout
    floor.settle_down()
    floor.stop()
    codes = {name: floor.children.all[f"trader@{name}"].exit_code for name in agents}
    assert set(codes.values()) == {0}, floor.last_words()


def _replayed(floor, outcome):
    return floor.query("SELECT count(*) AS n FROM replays WHERE outcome = ?", outcome)[0]["n"]
