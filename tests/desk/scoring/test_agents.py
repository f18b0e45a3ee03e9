"""What settles is added once, whatever is said twice, taken back, voided, moved to another agent or doubted."""

import math
import random
import statistics

import pytest

from account import T0, furnish, plan
from outcry.desk.scoring import agents as scoring
from outcry.desk.scoring import figures
from outcry.domain.order import Side, State
from outcry.store import agents, database, fills, findings, questions, scores
from settled import MINUTE_MS, Played

SPANS = scoring.Spans.of(1)
HOUR_MS, DAY_MS = SPANS.hour_ms, SPANS.day_ms


@pytest.fixture
def played(db):
    furnish(db, "bull", "bear")
    return Played(db)


def take_in(db, **more):
    return scoring.take_in(db, SPANS, **more)


def all_time(db, agent="bull", stage="", now_ms=T0 + HOUR_MS):
    figures.rewrite(db, SPANS, 0.1, now_ms)
    return scores.metrics(db, agent, stage, "all")


def state(db):
    """All that scoring keeps, the order of additions of floats rounded away."""
    sums = [tuple(row) for row in db.execute("SELECT * FROM score_sums ORDER BY width_ms, agent, stage, start_ms")]
    sums = [tuple(round(value, 6) if isinstance(value, float) else value for value in row) for row in sums]
    seen = [tuple(row) for row in db.execute("SELECT * FROM observations ORDER BY number, event_ticker")]
    work = [tuple(row) for row in db.execute("SELECT * FROM settled_work ORDER BY ticker, agent")]
    bets = {}
    for row in db.execute("SELECT * FROM evidence ORDER BY number"):
        kept = scoring.evidence_of({key: row[key] for key in row.keys() if key != "number"})  # noqa: SIM118
        bets[row["number"]] = (kept.events, kept.settled, kept.net_micros, round(kept.bets.log_e_above(0.0), 6))
    empty = [row for row in sums if any(row[4:])]
    return empty, seen, work, {number: one for number, one in bets.items() if one[0]}


def from_scratch(db):
    """The same, scored anew from the first record on."""
    with database.write(db):
        for table in ("settled_work", "score_sums", "observations", "evidence"):
            db.execute(f"DELETE FROM {table}")
        db.execute(
            "UPDATE score_marks SET settlement = 0, attribution = 0, finding = 0, finding_end = 0, order_row = 0"
        )
    take_in(db)
    return state(db)


def test_one_market_from_entry_to_payment(db, played):
    played.trade("bull", "E-1", 4_000, count_ch=200, fee_micros=30_000)
    assert take_in(db) == 0 and all_time(db)["settled_trades"] == 0, "open work is no evidence"
    played.settle("E-1", 10_000)
    assert take_in(db) == 1
    made = all_time(db)
    assert made["settled_trades"] == made["events"] == made["won_trades"] == 1
    assert made["net_dollars"] == pytest.approx(2 * 0.60 - 0.03)
    assert made["fees_dollars"] == pytest.approx(0.03)
    assert made["break_even"] == pytest.approx((0.80 + 0.03) / 2)
    assert made["net_per_dollar_at_risk"] == pytest.approx(1.17 / 0.83)
    assert made["hours_per_trade"] == pytest.approx(0.25)
    assert made["maker_share"] == 0 and made["fill_rate"] == 1
    assert scores.metrics(db, "bull", "birth", "all") == {**made}
    assert take_in(db) == 0, "nothing is new"


def test_markets_of_one_event_are_one_observation(db, played):
    for number in (1, 2, 3):
        played.trade("bull", f"E-{number}", 3_000, fee_micros=0)
        played.settle(f"E-{number}", 10_000 if number == 2 else 0)
        take_in(db)
    made = all_time(db)
    assert (made["settled_trades"], made["events"]) == (3, 1)
    seen = db.execute("SELECT * FROM observations").fetchall()
    assert [(row["settled"], row["dollars"]) for row in seen] == [(3, pytest.approx(0.10 / 3))]
    assert state(db) == from_scratch(db)


def test_windows_hold_what_settled_in_them(db, played):
    now_ms = T0 + 40 * DAY_MS
    for days, won in ((39.99, True), (20, True), (5, False), (0.5, True), (0.01, False)):
        played.bet("bull", f"E{days}", won, at_ms=now_ms - int(days * DAY_MS) - 15 * MINUTE_MS)
    take_in(db)
    figures.rewrite(db, SPANS, 0.1, now_ms)
    counted = {window: scores.metrics(db, "bull", "", window)["settled_trades"] for window in figures.WINDOWS}
    assert counted == {"hour": 1, "24h": 2, "7d": 3, "30d": 4, "all": 5}


def test_each_stage_has_its_own_figures_by_when_the_trade_was_entered(db, played):
    played.trade("bull", "A-1", at_ms=T0)
    agents.set_stage(db, "bull", "trial", T0 + MINUTE_MS, rule="test", act="promoted", evidence={})
    played.trade("bull", "B-1", at_ms=T0 + 2 * MINUTE_MS)
    played.settle("A-1", 10_000)
    played.settle("B-1", 0)
    take_in(db)
    assert all_time(db, stage="birth")["won_trades"] == 1
    assert all_time(db, stage="trial")["won_trades"] == 0
    assert all_time(db)["settled_trades"] == 2
    stages = {one.number: one.stage for one in questions.everything(db)}
    assert [(stages[row["number"]], row["net_micros"]) for row in db.execute(
        "SELECT * FROM observations ORDER BY number"
    )] == [("birth", 490_000), ("trial", -510_000)]  # fmt: skip


def test_every_figure_of_a_history_beside_the_list_of_what_happened(db, played):
    """Ten days, two of them without a trade: sums, rates, drawdown, Sharpe ratio and bounds from the plain list."""
    rng, bets = random.Random(8), []
    agents.set_stage(db, "bull", "trial", T0, rule="test", act="promoted", evidence={})
    for day in (0, 1, 2, 4, 5, 6, 8, 9):
        for number in range(rng.randint(8, 14)):
            price_cc, fee_micros, won = rng.randrange(3_000, 6_000, 100), rng.randrange(30_000), rng.random() < 0.75
            at_ms = T0 + day * DAY_MS + number * MINUTE_MS
            played.bet("bull", f"E{day}-{number}", won, price_cc, at_ms, fee_micros=fee_micros)
            bets.append((day, (1.0 if won else 0.0) - price_cc / 10_000, fee_micros / 1e6, won))
    for number in range(25):
        plan(db, f"oc-bull-none-{number}", "bull", State.CANCELED, count_ch=100, filled_ch=0, created_at_ms=T0)
    take_in(db)
    made = all_time(db, now_ms=T0 + 9 * DAY_MS + HOUR_MS, stage="trial")

    nets = [gross - fee for _, gross, fee, _ in bets]
    daily = [sum(net for net, (at, *_) in zip(nets, bets, strict=True) if at == day) for day in range(10)]
    path = [sum(daily[:day]) for day in range(11)]
    ratio = statistics.fmean(daily) / statistics.stdev(daily)
    expected = {
        "settled_trades": len(bets),
        "events": len(bets),
        "won_trades": sum(net > 0 for net in nets),
        "excluded_trades": 0,
        "gross_dollars": sum(gross for _, gross, _, _ in bets),
        "fees_dollars": sum(fee for _, _, fee, _ in bets),
        "net_dollars": sum(nets),
        "net_per_contract_dollars": statistics.fmean(nets),
        "max_drawdown_dollars": max(max(path[: at + 1]) - path[at] for at in range(11)),
        "sharpe": ratio * math.sqrt(365),
        "sharpe_error": math.sqrt((1 + ratio**2 / 2) / 10 * 365),
        "fill_rate": len(bets) / (len(bets) + 25),
        "hours_per_trade": 0.25,
        "edge_level": 0.05,
    }
    assert {name: made[name] for name in expected} == pytest.approx(expected)
    cents = [cent / 100 for cent in range(-30, 31)]
    shown = [mean for mean in cents if statistics.fmean(capitals(nets, mean)) >= 20]
    assert made["edge_low_dollars"] == max(shown) > 0, "the first question: its capital has to be twentyfold"


def capitals(nets, mean):
    """What bets of each fraction against "at most this mean" became, multiplied out."""
    for fraction in (0.02, 0.04, 0.08, 0.16, 0.32, 0.64):
        yield math.prod(1 + fraction * (net - mean) / (mean + 1.1) for net in nets)


@pytest.mark.parametrize("batch", [1, 50])
def test_phantoms_move_nothing(db, played, batch):
    """Twice, reversed, voided, another agent's, doubted and cleared: what is left is what is true."""
    rng = random.Random(4)
    for number in range(30):
        side, agent = rng.choice([Side.BID, Side.ASK]), rng.choice(["bull", "bear"])
        for market in range(rng.randint(1, 2)):
            played.trade(agent, f"E{number}-{market}", rng.randrange(2_000, 8_000, 100), side=side, at_ms=T0 + number)
            played.settle(f"E{number}-{market}", rng.choice([0, 10_000]))
    take_in(db, batch=batch)
    truth = state(db)
    assert len(truth[1]) == 30
    value_cc = db.execute("SELECT value_cc FROM market_values WHERE ticker = 'E3-0'").fetchone()[0]
    assert not played.settle("E3-0", value_cc, T0 + 99 * MINUTE_MS), "the ledger books nothing twice"
    played.settle("E3-0", 10_000 - value_cc, T0 + 16 * MINUTE_MS)
    take_in(db, batch=batch)
    assert state(db) != truth
    played.settle("E3-0", value_cc, T0 + 15 * MINUTE_MS)
    take_in(db, batch=batch)
    assert [row[:5] for row in state(db)[1]] == [row[:5] for row in truth[1]]
    fill = db.execute("SELECT id, agent FROM booked_fills WHERE ticker = 'E7-0'").fetchone()
    other = {"bull": "bear", "bear": "bull"}[fill["agent"]]
    fills.attribute(db, fill["id"], other, why="test", now_ms=T0)
    take_in(db, batch=batch)
    assert {row["agent"] for row in db.execute("SELECT agent FROM settled_work WHERE ticker = 'E7-0'")} == {other}
    fills.attribute(db, fill["id"], fill["agent"], why="test", now_ms=T0)
    number = findings.keep(db, "account", "settlement E9-0", "critical", "E9-0 settled otherwise", {}, "look", T0)
    take_in(db, batch=batch)
    kept = db.execute("SELECT excluded FROM settled_work WHERE ticker = 'E9-0'").fetchone()[0]
    assert kept == "an open finding speaks of it"
    findings.end(db, number, findings.GONE, "", T0)
    take_in(db, batch=batch)
    now = state(db)
    assert (now[1], now[3]) == (truth[1], truth[3])
    assert [row[3:] for row in now[2] if row[0] != "E3-0"] == [row[3:] for row in truth[2] if row[0] != "E3-0"]
    assert now == from_scratch(db)


def test_what_is_no_evidence_is_counted_as_excluded(db, played):
    played.trade("bull", "V-1")
    played.settle("V-1", 4_700)
    order = played.trade("bull", "D-1")
    findings.keep(db, "chart", f"order {order} verdict", "critical", "sent on a refusal", {}, "look", T0)
    played.settle("D-1", 10_000)
    played.trade("manual", "M-1")
    fills.attribute(db, 3, fills.MANUAL, why="not ours", now_ms=T0)
    played.settle("M-1", 10_000)
    played.bet("bull", "E", True)
    take_in(db)
    made = all_time(db)
    assert (made["settled_trades"], made["excluded_trades"], made["events"]) == (1, 2, 1)
    assert [row["excluded"] for row in db.execute("SELECT excluded FROM settled_work WHERE agent = 'manual'")] == [
        "not an agent's"
    ]
    assert len(db.execute("SELECT * FROM observations").fetchall()) == 1


def test_a_clone_is_measured_on_the_events_that_both_traded(db, played):
    sha256 = db.execute("SELECT sha256 FROM strategy_versions").fetchone()[0]
    agents.add(db, agents.Agent("bull-2", "momentum", {}, "birth", 1, sha256, T0, parent="bull", generation=1))
    number = questions.begin(db, "bull-2", questions.CHALLENGE, "birth", T0)
    for event, (parent, child) in {"A": (True, True), "B": (False, True), "C": (False, None)}.items():
        if parent is not None:
            played.trade("bull", f"{event}-1", 5_000)
        if child is not None:
            played.trade("bull-2", f"{event}-1", 5_000)
            if child != parent:
                played.trade("bull-2", f"{event}-2", 4_000, count_ch=100)
                played.settle(f"{event}-2", 10_000)
        played.settle(f"{event}-1", 10_000 if parent else 0)
    take_in(db)
    seen = {
        row["event_ticker"]: row["dollars"]
        for row in db.execute("SELECT * FROM observations WHERE number = ?", (number,))
    }
    parent_b, child_b = -0.51, (-0.51 + 0.59) / 2
    assert seen == {"A": pytest.approx(0.0), "B": pytest.approx((child_b - parent_b) / 2)}
    assert state(db) == from_scratch(db)


def test_a_run_that_is_killed_is_taken_up_where_it_stopped(db, played, monkeypatch):
    for number in range(6):
        played.bet("bull", f"E{number}", True, at_ms=T0 + number)
    written = []
    keep = scores.keep

    def dying(db, batch):
        if written:
            raise KeyboardInterrupt
        written.append(batch)
        keep(db, batch)

    monkeypatch.setattr(scores, "keep", dying)
    with pytest.raises(KeyboardInterrupt):
        take_in(db, batch=2)
    monkeypatch.setattr(scores, "keep", keep)
    assert 0 < len(state(db)[1]) < 6
    take_in(db, batch=2)
    assert len(state(db)[1]) == 6 and state(db) == from_scratch(db)
