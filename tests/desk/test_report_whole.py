"""Whole reports of a floor whose three days are known by heart, letter by letter; spans, lots, totals, schema."""

import csv
import io
import json
import re
from contextlib import redirect_stdout

import jsonschema
import pytest

import golden
from outcry.desk import report
from outcry.desk.care import keeping
from outcry.desk.telling import printing, spans, whole
from outcry.domain.errors import Misconfigured
from outcry.domain.order import Side
from outcry.ops.installed import HOME
from outcry.ops.settings import Settings
from outcry.review.reports import whole as made
from outcry.store import database, fills, periods
from remembered import FOREVER, NOW, SETTINGS, Past, at, floor, remember

SCHEMA = json.loads(re.search(r"```json\n(.*?)```", (HOME / "docs" / "report.md").read_text(), re.DOTALL)[1])


@pytest.fixture
def past(db):
    remember(db)
    return db


def build(db, tmp_path, span=None, **more):
    return whole.build(db, floor(tmp_path), span or spans.today(SETTINGS, NOW), NOW, **more)


# ---- whole pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "audit", "costs", "evolution", "plot"])
def test_today_letter_by_letter(past, tmp_path, form):
    golden.compare(f"report-today.{form}", printing.as_text(build(past, tmp_path, everything=form == "json"), form))


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("yesterday", spans.day(SETTINGS, "yesterday", NOW)),
        ("hour", spans.hour(SETTINGS, NOW)),
        ("week", spans.week(SETTINGS, NOW)),
        ("since", spans.since(SETTINGS, "2026-10-01", NOW)),
    ],
)
def test_other_times_letter_by_letter(past, tmp_path, name, span):
    golden.compare(f"report-{name}.text", printing.as_text(build(past, tmp_path, span), "text"))


def test_one_agent_and_one_market_letter_by_letter(past, tmp_path):
    golden.compare("report-agent.text", printing.as_text(build(past, tmp_path, agent="momentum"), "text"))
    golden.compare("report-market.text", printing.as_text(build(past, tmp_path, market=FOREVER), "text"))


def test_a_floor_on_which_nothing_happened_yet(db, tmp_path):
    golden.compare("report-empty.text", printing.as_text(build(db, tmp_path), "text"))


# ---- the figures behind them ----------------------------------------------------------------------------------------


def test_a_past_day_counts_its_own_25_hours_and_the_equity_at_its_end(past, tmp_path):
    span = spans.day(SETTINGS, "2026-11-01", NOW)
    assert span.to_ms - span.from_ms == 25 * spans.HOUR_MS
    day = build(past, tmp_path, span).report
    assert (day.total.trades, day.total.won) == (2, 1)
    momentum = 300 * 4_500 + 100 * 1_000 - 28_000
    coin_flip = -200 * 3_000 - 20_000
    assert {line.facts.name: line.summary.net_micros for line in day.agents} == {
        "momentum": momentum, "coin_flip": coin_flip, "mean_reversion": 0,
    }  # fmt: skip
    assert day.floor.day_change_micros == momentum + coin_flip  # the deposit of that day is no profit
    assert day.positions == ()


def test_best_and_worst_outcome_of_what_is_open(past, tmp_path):
    lines = {line.agent: line for line in build(past, tmp_path).report.positions}
    long, short = lines["momentum"], lines["coin_flip"]
    assert (long.cost_micros, long.best_micros, long.worst_micros) == (2_120_000, 2_880_000, -2_120_000)
    assert (short.side, short.cost_micros, short.best_micros, short.worst_micros) == (
        "no", 9_305_000, 695_000, -9_305_000,
    )  # fmt: skip


def test_a_long_time_counts_what_was_scored_and_says_what_was_not(past, tmp_path):
    made_long = build(past, tmp_path, spans.since(SETTINGS, "2026-10-01", NOW))
    assert (made_long.scored, made_long.unscored, made_long.report.total.trades) == (True, 3, 0)


def test_a_long_time_agrees_with_the_trades_one_by_one(past, tmp_path, monkeypatch):
    from outcry.desk.scoring import agents as scoring

    scoring.take_in(past, scoring.Spans.of(1.0))
    span = spans.since(SETTINGS, "2026-10-01", NOW)
    added = build(past, tmp_path, span).report.total
    monkeypatch.setattr(report, "LONG_MS", 10**12)
    followed = build(past, tmp_path, span).report.total
    assert added.net_micros == followed.net_micros
    assert (added.won, added.gross_micros, added.fees_micros) == (
        followed.won, followed.gross_micros, followed.fees_micros,
    )  # fmt: skip


def test_totals_follow_a_fill_to_its_new_owner(past):
    before = {one.agent: one.fills for one in periods.traded(past, 0, NOW)}
    row = past.execute("SELECT id FROM fills ORDER BY id LIMIT 1").fetchone()
    fills.attribute(past, row["id"], fills.MANUAL, why="by hand", now_ms=NOW)
    after = {one.agent: one.fills for one in periods.traded(past, 0, NOW)}
    assert after == before | {"momentum": before["momentum"] - 1, "manual": 1}
    kept = past.execute("SELECT agent, sum(fills), sum(count_ch), sum(fees_micros) FROM fill_totals GROUP BY agent")
    made = past.execute("SELECT agent, count(*), sum(count_ch), sum(fee_micros) FROM booked_fills GROUP BY agent")
    assert [tuple(row) for row in kept if row[1]] == [tuple(row) for row in made]


# ---- spans ----------------------------------------------------------------------------------------------------------


def test_mistakes_are_one_line():
    for text, said in (("soon", "no date"), ("2026-11-03", "has not begun")):
        with pytest.raises(Misconfigured, match=said):
            spans.day(SETTINGS, text, NOW)
    for text, said in (("soon", "no date and no time"), ("2026-11-03", "has not come")):
        with pytest.raises(Misconfigured, match=said):
            spans.since(SETTINGS, text, NOW)


def test_a_time_without_a_zone_is_the_floors():
    assert spans.since(SETTINGS, "2026-11-01T09:30", NOW).from_ms == at(1, "09:30")
    assert spans.since(SETTINGS, "2026-11-01T09:30+00:00", NOW).from_ms == at(1, "04:30")
    assert spans.since(Settings(), "2026-11-02", NOW).days == ("2026-11-02",)


def test_the_day_the_clocks_go_forward_has_23_hours():
    span = spans.day(SETTINGS, "2026-03-08", NOW)
    assert span.to_ms - span.from_ms == 23 * spans.HOUR_MS


# ---- forms ----------------------------------------------------------------------------------------------------------


def test_a_halt_by_the_file_alone_is_told(past, tmp_path):
    (tmp_path / "HALT").write_text("2026-11-02 by me: odd fills")
    assert build(past, tmp_path).forbidden == ("floor halt: 2026-11-02 by me: odd fills",)


def test_the_json_is_what_the_page_says(past, tmp_path):
    for span in (spans.today(SETTINGS, NOW), spans.day(SETTINGS, "yesterday", NOW), spans.hour(SETTINGS, NOW)):
        answer = json.loads(json.dumps(made.as_json(build(past, tmp_path, span))))
        jsonschema.Draft202012Validator(SCHEMA).validate(answer)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(answer | {"unexpected": 1})


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "now_ms", lambda: NOW)
    monkeypatch.setattr(keeping, "now_ms", lambda: NOW)
    there = floor(tmp_path)
    db = database.connect(there.database)
    database.migrate(db)
    remember(db)
    db.close()
    return there


def shown(there, **ask) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        report.run(there, **ask)
    return out.getvalue()


def test_lots_for_the_tax_return(on_disk):
    text = shown(on_disk, since="2026-10-31", form="csv")
    golden.compare("report-lots.csv", text.rstrip("\n"))
    lots = list(csv.DictReader(io.StringIO(text)))
    gain = sum(round(float(lot["gain_dollars"]) * 1e6) for lot in lots)
    assert gain == json.loads(shown(on_disk, week=True, form="json"))["total"]["net_micros"]


def test_lots_are_read_market_by_market(past):
    """A year of them does not have to fit into memory."""
    asked: list[str] = []
    past.set_trace_callback(asked.append)
    reading = periods.work(past, 0, NOW, None, None)
    next(reading)
    assert sum("booked_fills" in sql for sql in asked) == 1
    markets = {one.ticker for one in reading}
    assert len(markets) > 1 and sum("booked_fills" in sql for sql in asked) >= len(markets)


def test_a_market_or_an_agent_that_is_not_there(on_disk):
    with pytest.raises(Misconfigured, match="no market 'KXNO'"):
        shown(on_disk, market="KXNO")
    with pytest.raises(Misconfigured, match="agents here: coin_flip"):
        shown(on_disk, agent="nobody")


def test_cron_keeps_yesterday_after_midnight_and_the_hour(on_disk):
    keeping.keep(on_disk, "daily", if_due=False)
    keeping.keep(on_disk, "hourly", if_due=False)
    kept = {file.name for file in (on_disk.folder / "reports").iterdir()}
    assert kept == {"2026-11-01.json", "2026-11-01.txt", "2026-11-02T08-0500.json", "2026-11-02T08-0500.txt"}
    day = json.loads((on_disk.folder / "reports" / "2026-11-01.json").read_text())
    assert (day["kind"], day["day"], day["total"]["trades"]) == ("day", "2026-11-01", 2)


def test_a_trade_of_the_next_day_is_not_in_the_day_before(past, tmp_path):
    later = Past(past)
    later.fills = 100
    later.fill("momentum", "KXBTC15M-D-15", Side.ASK, 9_000, 500, at(2, "08:03"))
    yesterday = build(past, tmp_path, spans.day(SETTINGS, "yesterday", NOW)).report
    assert yesterday.total.trades == 2
    assert build(past, tmp_path).report.total.trades == 1
