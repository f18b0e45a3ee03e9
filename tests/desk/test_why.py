"""The funnel on books made by hand: letter by letter, figure by figure, and in the words of whoever is new to it."""

import json
import os
import re
import sys

import jsonschema
import pytest

import golden
from account import OTHER, TICKER, describe, furnish, market, our_id, plan
from outcry.desk import why
from outcry.desk.telling import spans
from outcry.domain.errors import Misconfigured
from outcry.domain.order import Purpose, State
from outcry.domain.view import Bar, Quote
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review.reports import change
from outcry.review.reports.funnel import RULES
from outcry.review.reports.funnel_text import WIDTH, as_text
from outcry.review.reports.nearness import COMPARED, SETTINGS
from outcry.risk import rules
from outcry.store import accounts, agents, looks, quotes, system
from running import HOME

SCHEMA = json.loads(re.search(r"```json\n(.*?)```", (HOME / "docs" / "why.md").read_text(), re.DOTALL)[1])
NOW = 1_795_000_020_000
MINUTE = (NOW - 300_000) // 60_000 * 60_000


class Books:
    """What two traders left: looks by the minute, refusals with their figures, and orders."""

    def __init__(self, db) -> None:
        self.db, self.number = db, 0
        furnish(db, "bear", "bull")
        accounts.open_shard(db, 2, 1_000_000_000, NOW)
        describe(db, market(close_at_ms=NOW + 600_000, underlying="BTC-USD"), market(OTHER, close_at_ms=NOW - 60_000))
        db.execute("UPDATE markets SET subscribed = 1")
        for program in ("exchange", "clerk", "collector", "trader@bear", "trader@bull"):
            self.beat(program)
        self.publish(NOW - 1_000)

    def beat(self, program, state="READY", pid=None, **detail) -> None:
        system.beat(
            self.db, program, pid=pid or os.getpid(), started_at_ms=NOW - 60_000, state=state,
            state_since_ms=NOW - 30_000, version="0", detail=detail, now_ms=NOW - 1_000,
        )  # fmt: skip

    def publish(self, at_ms) -> None:
        book = Quote(TICKER, 1, at_ms, ((4_000, 500),), ((4_200, 500),), trusted=True, heard_at_ms=at_ms)
        second = Bar("BTC-USD", at_ms - 1_000, 1, 1, 1, 1, source="spot")
        quotes.publish(self.db, 1, at_ms, [quotes.row(book)], [second])

    def decide(self, agent, *, rule="", reason="", numbers=None, purpose="entry", ticker=TICKER, at_ms=NOW - 120_000):
        """A decision; returns its id. With a rule it is a refusal."""
        self.number += 1
        name = f"d{self.number}"
        self.db.execute(
            "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, 'bid', 4300, NULL, 'it rose', ?, ?, ?, 100, ?, '{}', '{}',"
            " '{}', '', 1)",
            (name, agent, ticker, purpose, at_ms, "refused" if rule else "allowed", rule, reason, json.dumps(numbers)),
        )
        return name

    def order(self, agent, state, filled_ch=0, reason="", purpose="entry") -> None:
        name = self.decide(agent, purpose=purpose, numbers={})
        order = plan(self.db, our_id(agent, self.number), agent, State.PLANNED, decision_id=name,
                     purpose=Purpose(purpose), created_at_ms=NOW - 120_000, count_ch=100)  # fmt: skip
        self.db.execute(
            "UPDATE orders SET state = ?, filled_ch = ?, reason = ? WHERE client_order_id = ?",
            (state, filled_ch, reason, order.client_order_id),
        )
        self.db.execute("DROP TRIGGER IF EXISTS decisions_no_delete")
        self.db.execute("DELETE FROM decisions WHERE decision_id = ?", (f"d-{order.client_order_id}",))


@pytest.fixture
def books(db):
    books = Books(db)
    books.db.execute("PRAGMA foreign_keys = OFF")
    for agent, ticker, condition, step, count in (
        ("bull", TICKER, "index has not moved enough", "signal", 700),
        ("bear", TICKER, "index has not moved enough", "signal", 200),
        ("bear", OTHER, "no index price for this market", "trusted", 60),
        ("bull", TICKER, "cooling down after an intent", "free", 30),
        ("bull", TICKER, "an order of ours is open here", "risk", 5),
    ):
        looks.add(db, agent, {(ticker, MINUTE, condition, step): count})
    looks.add(db, "bull", {(TICKER, NOW - 2 * spans.HOUR_MS, "too old to count", "signal"): 9_000})
    for spread_cc in (1_500, 1_200, 2_000):
        said = f"spread 0.{spread_cc} > max 0.1000"
        books.decide("bull", rule="spread", reason=said, numbers={"spread_cc": spread_cc, "limit_cc": 1_000})
    aged = {"age_ms": 8_000, "limit_ms": 5_000}
    books.decide("bear", rule="stale", reason="book changed 8000 ms ago, limit 5000 ms", numbers=aged)
    books.decide("bear", rule="edge", reason="edge after fees 3.00 % of the price < min 5.00 %",
                 numbers={"edge_millionths": 30_000, "limit_millionths": 50_000})  # fmt: skip
    books.order("bull", "executed", 100)
    books.order("bull", "canceled", 50, "ended by the exchange")
    books.order("bull", "canceled", 0)
    books.order("bear", "rejected", 0, "insufficient balance")
    books.order("bear", "rejected", 0, "not posted: by me")
    books.order("bear", "abandoned", 0, "never sent: locked")
    books.order("bull", "executed", 100, purpose="exit")
    return books


def floor(tmp_path, **settings):
    return Floor(Settings(**settings), tmp_path)


def ask(books, tmp_path, name="", since_ms=spans.HOUR_MS, now_ms=NOW):
    return why.build(books.db, floor(tmp_path), name, now_ms - since_ms, now_ms, "the last hour")


def left(found) -> dict[str, int]:
    return {str(stage.step): stage.left for stage in found.stages}


def test_the_text_letter_by_letter(books, tmp_path):
    text = as_text(ask(books, tmp_path))
    golden.compare("why.text", text)
    assert max(map(len, text.splitlines())) <= WIDTH


def test_each_step_counts_what_the_books_hold(books, tmp_path):
    found = ask(books, tmp_path)
    assert left(found) == {
        "seen": 995 + 11, "free": 976, "trusted": 915, "signal": 15, "edge": 14, "risk": 6, "sent": 4, "filled": 2,
    }  # fmt: skip
    assert (found.filled_ch, found.exits_sent, found.exits_filled) == (150, 1, 1)
    for before, stage in zip(found.stages, found.stages[1:], strict=False):
        assert before.left - sum(lost.count for lost in stage.lost) == stage.left


def test_of_a_rule_the_nearest_miss_is_told_with_its_figures(books, tmp_path):
    (spread,) = [lost for stage in ask(books, tmp_path).stages for lost in stage.lost if lost.rule == "spread"]
    assert (spread.what, spread.count, spread.nearest.numbers["spread_cc"]) == ("spread 12 ¢ > max 10 ¢", 3, 1_200)
    said = f"risk: spread 12 ¢ > max 10 ¢ ({TICKER}, the nearest of 3); the limit is max_spread_cc in [risk]"
    assert said in ask(books, tmp_path).changes


def test_one_agent_and_one_market_have_funnels_of_their_own(books, tmp_path):
    bull, bear = left(ask(books, tmp_path, "bull")), left(ask(books, tmp_path, "bear"))
    assert {step: bull[step] + bear[step] for step in bull} == left(ask(books, tmp_path))
    here, there = left(ask(books, tmp_path, TICKER)), left(ask(books, tmp_path, OTHER.lower()))
    assert {step: here[step] + there[step] for step in here} == left(ask(books, tmp_path))
    assert ask(books, tmp_path, OTHER).standing == f"{OTHER} closed 1 min ago."
    assert (
        ask(books, tmp_path, TICKER).standing
        == f"{TICKER} trades: open, followed, its book sound; it closes in 10 min."
    )


def test_what_is_not_known_is_said_with_the_nearest_name(books, tmp_path):
    with pytest.raises(Misconfigured, match="did you mean bull"):
        ask(books, tmp_path, "bul")
    with pytest.raises(Misconfigured, match=f"did you mean {TICKER}"):
        ask(books, tmp_path, TICKER[:-1])
    with pytest.raises(Misconfigured, match="agents here: bear, bull"):
        ask(books, tmp_path, "zzzzzz")


def test_the_json_is_what_the_page_says(books, tmp_path):
    check = jsonschema.Draft202012Validator(SCHEMA)
    (tmp_path / "HALT").write_text("by me")
    for name in ("", "bull", TICKER):
        answer = json.loads(json.dumps(why.as_json_of(ask(books, tmp_path, name))))
        check.validate(answer)
    with pytest.raises(jsonschema.ValidationError):
        check.validate(answer | {"unexpected": 1})


# ---- what holds a floor back, in words ------------------------------------------------------------------------------


def held(books, tmp_path, name="", now_ms=NOW) -> list[str]:
    return [f"{one.kind}: {one.said(now_ms)}" for one in ask(books, tmp_path, name, now_ms=now_ms).hindrances]


def test_nothing_holds_it_back(books, tmp_path):
    assert held(books, tmp_path) == []
    assert "Nothing holds the floor back" in as_text(ask(books, tmp_path))


def test_a_halt_is_told_once_though_it_stands_in_two_places(books, tmp_path):
    floor(tmp_path).halt_file.write_text("2026-11-20 by me: odd fills\n")
    system.set_control(books.db, "floor", "", "halt", True, cause="person", reason="odd fills", now_ms=NOW - 60_000)
    (told,) = held(books, tmp_path)
    assert told.startswith("halted: the floor, for 1 min: 2026-11-20 by me: odd fills. Nobody enters")
    assert told.endswith("then bin/resume --i-have-checked.")
    system.set_control(books.db, "floor", "", "halt", True, cause="drawdown", reason="fell 16 %", now_ms=NOW)
    assert len(held(books, tmp_path)) == 2


def test_stopped_paused_calibrating_failing_and_stopped_programs(books, tmp_path):
    system.set_control(books.db, "floor", "", "stop_entries", True, cause="drift", reason="off by 1", now_ms=NOW)
    system.set_control(books.db, "market", OTHER, "stop_entries", True, cause="abnormal_market", reason="jumped",
                       now_ms=NOW)  # fmt: skip
    agents.set_paused(books.db, "bear", True, reason="a look at its fills", now_ms=NOW)
    books.beat("trader@bull", "CALIBRATING", reason="no capital is recorded yet: the clerk has to")
    books.beat("trader@bear", "ERROR", reason="strategy raised ValueError: no such bar")
    books.beat("collector", "STOPPED")
    told = held(books, tmp_path)
    assert [text.partition(",")[0].partition(":")[0] for text in told] == [
        "not running", "stopped", "stopped", "paused", "error", "calibrating",
    ]  # fmt: skip
    assert "collector was stopped. What it does is not done." in told[0] and "bin/collector starts it" in told[0]
    assert "off by 1 (drift)" in told[1] and "once ledger and exchange agree" in told[1]
    assert [text for text in held(books, tmp_path, "bull") if "bear" in text or OTHER in text] == []
    assert any("jumped" in text for text in held(books, tmp_path, OTHER))
    assert not any("jumped" in text for text in held(books, tmp_path, TICKER))
    assert "bin/agent resume bear" in next(text for text in told if text.startswith("paused"))


def test_a_long_reason_is_cut_and_never_what_ends_it(books, tmp_path):
    system.set_control(books.db, "floor", "", "stop_entries", True, cause="audit", reason="long " * 200, now_ms=NOW)
    (told,) = held(books, tmp_path)
    assert len(told) < 600 and told.endswith("bin/auditor --findings lists them.")


def test_starved_of_prices_of_books_of_markets_and_of_the_index(books, tmp_path):
    (index,) = [text for text in held(books, tmp_path, now_ms=NOW + 35_000) if "BTC-USD" in text]
    assert index.startswith("starved: the floor: the last price of BTC-USD is 37 s old")
    books.db.execute("DELETE FROM bars")
    assert any("no price of BTC-USD has ever come" in text for text in held(books, tmp_path))
    assert any("no price comes any more" in text for text in held(books, tmp_path, now_ms=NOW + 35_000))
    books.db.execute("UPDATE quotes SET trusted = 0, distrust = 'gapped'")
    assert any("none of 2 books is fit to trade on" in text for text in held(books, tmp_path))
    assert ask(books, tmp_path, TICKER).standing == f"The book of {TICKER} is not trusted: gapped."
    books.db.execute("UPDATE markets SET subscribed = 0")
    assert any("no market is followed" in text for text in held(books, tmp_path))
    books.db.execute("DELETE FROM publishes")
    assert any("no price has come yet; the collector is READY" in text for text in held(books, tmp_path))


def test_a_floor_that_never_ran_one_that_was_stopped_and_one_that_died(books, tmp_path):
    for program in ("exchange", "clerk", "collector", "trader@bear", "trader@bull"):
        books.beat(program, "STOPPED")
    (told,) = held(books, tmp_path)
    assert told.startswith("not running: the floor, for 1 s: every program was stopped. ") and "bin/doctor" in told
    books.beat("clerk", "READY", pid=2**22 + 1)
    assert "clerk died" in held(books, tmp_path)[0]
    books.db.execute("DELETE FROM heartbeats")
    assert "no program has ever run here" in held(books, tmp_path)[0]


# ---- words that could go stale --------------------------------------------------------------------------------------


def test_every_rule_and_condition_that_is_spoken_of_exists():
    spoken = {*RULES, *COMPARED, *SETTINGS}
    known = {
        sys.modules[rule.__module__].RULE for rule in (*rules.ENTRY_RULES, *rules.WORTH_RULES, *rules.SIZE_RULES)
    } | {"size"}
    assert spoken <= known
    source = "".join(
        file.read_text() for room in ("trading", "strategies") for file in (HOME / "lib" / "outcry" / room).glob("*.py")
    )
    for condition in change.CURES:
        assert condition in source or condition.removeprefix("state ") in source, condition
    example = (HOME / "etc" / "floor.toml").read_text()
    for names in SETTINGS.values():
        for name in names.partition(", and ")[0].split(", "):
            assert f"# {name} = " in example, name
