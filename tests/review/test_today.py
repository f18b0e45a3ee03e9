from dataclasses import replace

from outcry.domain.order import Side
from outcry.review.metrics import Trade
from outcry.review.reports import today, today_text

DAY = today.Day("2026-11-20", "UTC", 1_000, 9_000)
FLOOR = today.FloorFacts(
    "abcdef", "embedded", 1_002_500_000, 1_000_000_000, 2_500_000, 0, today.Reconciled(True, 8_000, "")
)


def agent(name, change=0):
    return today.AgentFacts(name, "momentum", "birth", False, 10_000_000, 10_000_000 + change, change)


WON = Trade("a", "T1", Side.BID, 900, 100, 400_000, 600_000, 10_000, 0, 2_000, True)
LOST = Trade("a", "T2", Side.ASK, 900, 100, 500_000, -500_000, 10_000, 0, 3_000, True)
YESTERDAY = replace(WON, closed_at_ms=999)
OPEN = Trade("b", "T3", Side.ASK, 900, 200, 1_200_000, 800_000, 5_000, -200)


def build(**changes):
    facts = {
        "day": DAY,
        "floor": FLOOR,
        "agents": [agent("a", 80_000), agent("b", -5_000)],
        "trades": [WON, LOST, YESTERDAY, OPEN, replace(WON, agent="somebody else")],
        "positions": [today.Position("b", "T3", -200, 4_500, -900_000)],
    }
    return today.build(**(facts | changes))


def test_only_the_agents_and_the_trades_of_the_day_count():
    report = build()
    first, second = report.agents
    assert (first.summary.trades, first.summary.won, first.summary.net_micros) == (2, 1, 80_000)
    assert (second.summary.trades, second.open_positions, second.open_worth_micros) == (0, 1, 200 * 5_500)
    assert report.total.net_micros == 80_000


def test_an_open_position_is_told_in_the_words_and_prices_of_its_side():
    (line,) = build().positions
    assert (line.side, line.count_ch, line.paid_cc, line.mark_cc) == ("no", 200, 6_000, 5_500)
    assert line.unrealized_micros == 800_000 - 900_000


def test_json_has_every_figure_and_nothing_rounded():
    answer = today.as_json(build())
    assert answer["reconciled"] is True
    assert answer["equity_micros"] == 1_002_500_000
    assert [line["name"] for line in answer["agents"]] == ["a", "b"]
    assert answer["agents"][0]["break_even"] == (900_000 + 20_000) / 2_000_000
    assert answer["agents"][1]["win_rate"] is None
    assert answer["total"]["fees_micros"] == 20_000
    assert answer["positions"][0]["ticker"] == "T3"


def test_the_text_shows_win_rate_beside_break_even_and_whether_all_reconciles():
    text = today_text.as_text(build())
    row = next(line for line in text.splitlines() if line.startswith("a "))
    assert row.split()[:9] == ["a", "birth", "2", "50.0", "%", "46.0", "%", "+0.08", "2.16"]
    assert "gross +0.10, fees 0.02, net +0.08 of 2 closed trades (2 by settlement)" in text
    assert "break-even 46.0 %" in text
    assert text.endswith("reconciled    true")


def test_a_floor_that_does_not_reconcile_says_why():
    known = today.Reconciled(False, 8_000, "shard 2: balance differs from the ledger by -0.01")
    text = today_text.as_text(build(floor=replace(FLOOR, reconciled=known)))
    assert text.endswith("reconciled    false: shard 2: balance differs from the ledger by -0.01")


def test_a_day_without_a_trade_is_a_report_too():
    text = today_text.as_text(build(trades=[], positions=[]))
    assert "win rate" not in text
    assert "open position" not in text


def test_dollars_are_exact():
    assert [today_text.dollars(micros) for micros in (0, 1, 10_000, -1_234_560)] == [
        "0.00",
        "0.000001",
        "0.01",
        "-1.23456",
    ]
