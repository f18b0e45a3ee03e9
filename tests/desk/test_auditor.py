"""The auditor on a floor that nothing is wrong with, and on the same floor with each fault planted."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from account import FLOOR_ID, SHARD, T0, TICKER, HeldExchange, market
from outcry.desk.auditing import verbs as auditor_verbs
from outcry.desk.auditor import Auditor
from outcry.desk.common import strategies
from outcry.desk.dealing.exchange import fee_of
from outcry.desk.dealing.question import Question
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.limits import Limits
from outcry.domain.market import PriceRange
from outcry.domain.order import Purpose, Side, State
from outcry.domain.view import Bar, Quote, View
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review.checks import one_way
from outcry.review.checks.rates import BASIC
from outcry.risk.rules import Facts
from outcry.store import accounts, agents, chain, database, fills, findings, markets, orders, placing, quotes, system
from outcry.strategies import catalogue
from outcry.trading.orders import reservation

FLIP = {"chance_millionths": 1_000_000}
CAPITAL = 1_000_000_000


class Quiet:
    """A supervisor that nobody talks to."""

    def interruptible(self):
        return nullcontext()

    def status(self, text: str) -> None:
        self.text = text

    def beat(self) -> None:
        self.beaten = True


class Way:
    """A connection to an exchange held in hand."""

    tier = BASIC

    def __init__(self, exchange: HeldExchange) -> None:
        self._exchange = exchange

    def exchange(self) -> HeldExchange:
        return self._exchange

    def broken(self) -> None:
        self.was_broken = True


class Scene:
    """One agent that flips coins in one market, its exchange, and an auditor whose time is the test's."""

    def __init__(self, folder) -> None:
        self.floor = Floor(Settings(), folder, quiet=True)
        self.db = database.connect(self.floor.database)
        database.migrate(self.db)
        agents.open_floor(self.db, FLOOR_ID, "embedded", T0)
        sha256 = strategies.keep_source(self.db, "coin_flip", T0)
        agents.add(self.db, agents.Agent("flip", "coin_flip", FLIP, "birth", 100_000_000, sha256, T0))
        accounts.open_shard(self.db, SHARD, CAPITAL, T0)
        accounts.record_day(self.db, "2026-11-20", CAPITAL, {}, T0)
        self.market = market(underlying="BTC-USD", price_ranges=(PriceRange(0, 10_000, 100),))
        markets.save(self.db, [self.market], T0)
        self.exchange, self.at_ms, self.sha256 = HeldExchange(CAPITAL), T0 + 1_000, sha256
        self.parameters = strategies.parameters("coin_flip", FLIP)
        self.fee_off = 0

    def view(self, draw: float, position_ch: int = 0) -> View:
        at_ms = self.at_ms
        quote = Quote(
            TICKER, 7, at_ms, ((8_000, 90_000),), ((8_100, 90_000),), volume_ch=1_000_000, heard_at_ms=at_ms,
            changed_at_ms=at_ms, ticker_moved_at_ms=at_ms, trusted=True,
        )  # fmt: skip
        bar = Bar("BTC-USD", at_ms - 1_500, *[97_000_000_000] * 4, source="exchange")
        return View(at_ms, self.market, quote, (bar,), (), position_ch, draw)

    def ask(self, question: Question, view: View):
        def reserve(exposure, count_ch):
            return reservation(question.purpose, question.intent, exposure, count_ch, fee_of(self.market))

        request = placing.Request(
            FLOOR_ID, "embedded", "flip", question.purpose, self.market, question.intent, view, self.parameters,
            self.sha256, question_json=question.as_json(),
        )  # fmt: skip
        return placing.place(self.db, request, question.ask, reserve, self.at_ms)

    def enter(self):
        """The strategy wants, the gate allows, the exchange fills, the clerk books."""
        self.at_ms += 5_000
        view = self.view(draw=0.1)
        intent = catalogue.build("coin_flip", self.parameters).decide(view)
        facts = Facts(self.market, view.quote, index_at_ms=view.index[-1].at_ms + 1_000)
        question = Question(Purpose.ENTRY, intent, self.market, Limits(), self.at_ms, facts)
        return self.trade(self.ask(question, view).order)

    def leave(self, position_ch: int):
        self.at_ms += 5_000
        view = self.view(0.0, position_ch)
        intent = replace(catalogue.build("coin_flip", self.parameters).decide(self.view(0.1)), side=Side.ASK)
        question = Question(
            Purpose.EXIT, replace(intent, limit_cc=8_000, why="stop-loss"), self.market, Limits(), self.at_ms, None,
            position_ch,
        )  # fmt: skip
        return self.trade(self.ask(question, view).order)

    def trade(self, order):
        name = order.client_order_id
        orders.mark_sent(self.db, name, self.at_ms)
        order_id = self.exchange.place(name, order.side, order.price_cc, order.count_ch, self.at_ms)
        fill = self.exchange.match(order_id, order.count_ch, 33_333, self.at_ms)
        orders.update(
            self.db, name, State.EXECUTED, source="answer", now_ms=self.at_ms, filled_ch=order.count_ch,
            order_id=order_id,
        )  # fmt: skip
        fills.book(self.db, replace(fill, fee_micros=fill.fee_micros + self.fee_off), "stream", self.at_ms)
        return order

    def show(self, bid_cc: int) -> None:
        """The market as it is now."""
        quote = replace(self.view(0).quote, bids=((bid_cc, 90_000),))
        quotes.publish(self.db, 8, self.at_ms, [quotes.row(quote)], [])

    def auditor(self) -> Auditor:
        return Auditor(self.floor, self.db, Quiet(), Way(self.exchange), clock=lambda: self.at_ms)

    def audit(self, auditor: Auditor | None = None) -> dict[str, str]:
        """Two whole readings of the account, and everything else; open findings by check, the newest."""
        auditor = auditor or self.auditor()
        self.at_ms += 40_000
        for _ in range(3):
            for _ in range(8):
                auditor._due.clear()
                auditor.turn()
            self.at_ms += 6_000
        assert self.state() != "ERROR"
        return {kept.check_name: kept.what for kept in findings.still_open(self.db)}

    def state(self) -> str:
        return next(beat.state for beat in system.heartbeats(self.db) if beat.program == "auditor")

    def stopped(self) -> list[str]:
        return [control.cause for control in system.controls_now(self.db)]

    def edit(self, table: str, change: str) -> None:
        """What somebody with the file in his hands can do; the triggers are back afterwards."""
        rows = self.db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,))
        triggers = rows.fetchall()
        for row in triggers:
            self.db.execute(f"DROP TRIGGER {row['name']}")
        self.db.execute(f"UPDATE {table} SET {change}")
        for row in triggers:
            self.db.execute(row["sql"])


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    made.db.close()


@pytest.fixture
def traded(scene):
    order = scene.enter()
    scene.leave(order.count_ch)
    scene.enter()
    return scene


def outcomes(scene) -> set[str]:
    return {row[0] for row in scene.db.execute("SELECT outcome FROM replays")}


def test_an_upgrade_waits_until_every_decision_is_made_again(traded, capsys):
    assert auditor_verbs.catch_up(traded.floor, 0) == 75
    assert "3 decisions are not made again" in capsys.readouterr().err
    traded.audit()
    assert auditor_verbs.catch_up(traded.floor, 0) == 0


def test_nothing_is_wrong(traded):
    assert traded.audit() == {}
    assert traded.state() == "WATCHING"
    assert outcomes(traded) == {"same"}
    assert traded.db.execute("SELECT count(*) FROM replays").fetchone()[0] == 3
    assert traded.stopped() == []
    assert chain.verify(traded.db).fault == ""
    assert chain.verify(traded.db).waiting == 0


def test_nothing_is_wrong_after_a_settlement_and_a_restart(traded):
    from outcry.domain.fill import Settlement
    from outcry.store import settlements

    first = traded.auditor()
    assert traded.audit(first) == {}
    traded.exchange.settle(TICKER, 10_000, traded.at_ms)
    settlements.record(traded.db, Settlement(TICKER, SHARD, "yes", 10_000, traded.at_ms), "rest", traded.at_ms)
    assert traded.audit(first) == {}
    assert traded.audit() == {}


def test_a_fee_off_by_one_micro_dollar(scene):
    scene.fee_off = 1
    scene.enter()
    assert "booked with fee_micros 33334, the exchange says 33333" in scene.audit()["exchange"]
    assert scene.state() == "ALARMED"
    assert scene.stopped() == ["audit"]


def test_the_same_fee_edited_in_the_ledger_too(traded):
    traded.edit("fills", "fee_micros = fee_micros - 1 WHERE id = 1")
    found = traded.audit()
    assert "fees_micros" in found["ledger"]
    assert "exchange" in found


@pytest.mark.parametrize(("table", "check"), [("fills", "exchange"), ("orders", "chart"), ("decisions", "chart")])
def test_a_swapped_side(traded, table, check):
    traded.edit(table, "side = 'ask' WHERE side = 'bid'")
    assert "side" in traded.audit()[check]


def test_a_limit_breached_for_a_millisecond(traded):
    kept = traded.db.execute("SELECT * FROM orders WHERE purpose = 'entry' LIMIT 1").fetchone()
    for number, at_ms in ((1, traded.at_ms), (2, traded.at_ms)):
        decision, name = f"d{number}", f"oc-{FLOOR_ID}-flip-{number}"
        copy_row(traded.db, "decisions", "decision_id", kept["decision_id"], decision, count_ch=4_000, at_ms=at_ms)
        copy_row(
            traded.db, "orders", "client_order_id", kept["client_order_id"], name, decision_id=decision, order_id="",
            state="planned", count_ch=4_000, filled_ch=0, booked_ch=0, created_at_ms=at_ms,
        )  # fmt: skip
        orders._record(traded.db, orders.get(traded.db, name), at_ms, "trader", "planned")
    for number in (1, 2):
        name = f"oc-{FLOOR_ID}-flip-{number}"
        orders.update(traded.db, name, State.ABANDONED, source="trader", now_ms=traded.at_ms + 1)
    found = {kept.subject for kept in audit_all(traded) if kept.check_name == "limits"}
    assert f"per_agent_market_ch order oc-{FLOOR_ID}-flip-2" in found


@pytest.mark.parametrize(
    "change",
    [
        "parameters = replace(parameters, '\"stop_loss_millionths\":200000', '\"stop_loss_millionths\":200001')",
        "count_ch = count_ch + 100",
        "intent = replace(intent, '20000', '20001')",
        "reason = 'because'",
        "view = replace(view, '\"draw\":0.1', '\"draw\":0.6')",
        "why = 'it looked good'",
    ],
)
def test_an_altered_decision(traded, change):
    traded.edit("decisions", f"{change} WHERE purpose = 'entry'")
    found = {kept.check_name: kept.severity for kept in audit_all(traded)}
    assert found["replay"] == "critical"


def test_a_decision_that_cannot_be_read(traded):
    traded.edit("decisions", "view = 'nonsense' WHERE purpose = 'entry'")
    assert "cannot be read" in traded.audit()["unreadable"]


def test_a_source_that_is_not_installed_is_no_difference(traded):
    traded.edit("decisions", "code_sha256 = 'older' WHERE purpose = 'entry'")
    traded.edit("circumstances", 'question = replace(question, \'"rules":"\', \'"rules":"0\')')
    found = audit_all(traded)
    assert {(kept.check_name, kept.severity) for kept in found} == {("replay", "info")}
    assert len(found) == 2  # one for the strategy, one for the rules, whatever the number of decisions
    assert outcomes(traded) == {"not replayed"}


def test_altered_circumstances(traded):
    traded.edit(
        "circumstances", "exposure = replace(exposure, '\"capital_micros\":1000000000', '\"capital_micros\":5')"
    )
    assert "verdict" in traded.audit()["replay"]


def test_a_missing_fill(traded):
    order = traded.db.execute("SELECT client_order_id, order_id FROM orders WHERE purpose = 'entry'").fetchone()
    at_ms = traded.at_ms
    hidden = traded.exchange.place("", Side.BID, 4_000, 500, at_ms)
    traded.exchange.match(hidden, 500, 1, at_ms)
    auditor = traded.auditor()
    traded.audit(auditor)
    whats = " ".join(kept.what for kept in findings.still_open(traded.db))
    assert "are not booked" in whats
    assert f"fills give {net(traded)} hundredths net" in whats
    assert "first records give" in whats
    traded.exchange.filled[-1] = replace(traded.exchange.filled[-1])
    fills.book(traded.db, traded.exchange.filled[-1], "rest", traded.at_ms)
    assert traded.audit(auditor) == {}  # it was late, and is here
    assert traded.stopped() == []
    assert order is not None


def test_a_fill_that_the_exchange_does_not_know(traded):
    traded.exchange.filled.pop()
    assert "has none such" in traded.audit()["exchange_now"]


def test_what_is_older_than_the_ledger_is_in_its_opening_balance(traded):
    exchange = traded.exchange
    cash, held = dict(exchange.cash), dict(exchange.held)
    old = exchange.match(exchange.place("", Side.BID, 4_000, 500, T0 - 5), 500, 0, T0 - 5)
    exchange.filled.append(replace(old, trade_id="elsewhere", exchange_index=0, filled_at_ms=T0 + 5))  # never opened
    exchange.cash, exchange.held = cash, held
    assert traded.audit() == {}


def test_an_order_nobody_planned_and_one_without_a_verdict(traded):
    traded.exchange.place(f"oc-{FLOOR_ID}-flip-XXXX", at_ms=traded.at_ms)
    assert "never planned" in traded.audit()["exchange_now"]
    traded.edit("decisions", "answer = 'refused'")
    assert "was sent on a verdict of 'refused'" in traded.audit()["chart"]


def test_totals_edited_without_a_record(traded):
    traded.db.execute("UPDATE holdings SET cash_micros = cash_micros + 1")
    traded.db.execute("UPDATE agent_cash SET fees_micros = 0")
    found = {kept.subject for kept in audit_all(traded)}
    assert {f"flip {TICKER} cash_micros", f"flip shard {SHARD} fees_micros"} <= found


def test_stale_data_at_an_entry(scene):
    scene.enter()
    scene.edit("decisions", "at_ms = at_ms + 20000")
    assert "entered on" in scene.audit()["fresh"]


def test_an_entry_while_entries_were_stopped(scene):
    system.set_control(
        scene.db, "floor", "", "stop_entries", True, cause="drift", reason="x", now_ms=scene.at_ms - 3_000
    )
    scene.enter()
    assert "ms after stop_entries by drift" in scene.audit()["forbidden"]


@pytest.mark.parametrize(("value_cc", "exits", "found"), [(0, False, True), (10_000, False, False), (0, True, False)])
def test_a_book_that_enters_and_never_exits(scene, monkeypatch, value_cc, exits, found):
    from outcry.domain.fill import Settlement
    from outcry.store import settlements

    monkeypatch.setattr(one_way, "IN_A_ROW", 1)
    order = scene.enter()
    if exits:
        scene.leave(order.count_ch - 100)
    scene.exchange.settle(TICKER, value_cc, scene.at_ms)
    result = "yes" if value_cc else "no"
    settlements.record(scene.db, Settlement(TICKER, SHARD, result, value_cc, scene.at_ms), "rest", scene.at_ms)
    assert ("one_way" in scene.audit()) is found
    assert scene.stopped() == []  # a warning


def test_a_stop_that_nobody_acts_on(scene):
    scene.enter()
    auditor = scene.auditor()
    for second in range(3):
        scene.at_ms += 6_000
        scene.show(bid_cc=1_000)
        auditor._due.clear()
        auditor.turn()
        assert ("exits" in {kept.check_name for kept in findings.still_open(scene.db)}) == (second == 2)
    assert scene.stopped() == []  # a warning: it stops nobody else


def test_an_edited_row_is_named_and_a_head_outlives_it(traded, capsys):
    traded.audit()
    head = chain.head(traded.db).link
    assert auditor_verbs.verify(traded.floor, head) == 0
    traded.edit("fills", "price_cc = 4001 WHERE id = 2")
    assert auditor_verbs.verify(traded.floor, head) == 1
    assert "fill 2 (link" in capsys.readouterr().err


def test_an_exchange_that_cannot_be_reached_is_not_a_finding(traded):
    traded.exchange.down = True
    assert traded.audit() == {}
    traded.exchange.down = False
    assert traded.audit() == {}
    assert chain.verify(traded.db).waiting == 0


def test_a_database_that_refuses_is_a_state_and_nothing_is_lost(scene, monkeypatch):
    scene.fee_off = 1
    scene.enter()
    auditor = scene.auditor()

    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(findings, "keep", refuse)
        scene.db.execute("UPDATE holdings SET cash_micros = 0")
        for _ in range(3):
            auditor._due.clear()
            auditor.turn()
        assert auditor._standing.state == "ERROR"
    assert set(scene.audit(auditor)) == {"exchange", "exchange_now", "ledger"}


def test_a_person_judges_and_entries_go_on(scene, capsys):
    scene.fee_off = 1
    scene.enter()
    auditor = scene.auditor()
    scene.audit(auditor)
    numbers = [kept.finding_id for kept in findings.still_open(scene.db)]
    assert auditor_verbs.show(scene.floor, as_json=False) == 1
    assert "mend:" in capsys.readouterr().out
    with pytest.raises(Misconfigured, match="note"):
        auditor_verbs.resolve(scene.floor, numbers[0], "")
    scene.exchange.cash[SHARD] -= 1
    for number in numbers:
        assert auditor_verbs.resolve(scene.floor, number, "the exchange corrects it") == 0
        assert auditor_verbs.resolve(scene.floor, number, "again") == 1
    assert scene.stopped() == []
    assert scene.audit(auditor) == {}
    assert auditor_verbs.show(scene.floor, as_json=True) == 0


def test_a_control_that_a_person_lifted_stays_lifted_until_something_new(traded):
    traded.edit("decisions", "why = 'x' WHERE purpose = 'entry'")
    auditor = traded.auditor()
    traded.audit(auditor)
    assert traded.stopped() == ["audit"]
    system.set_control(
        traded.db, "floor", "", "stop_entries", False, cause="audit", reason="person", now_ms=traded.at_ms
    )
    traded.audit(auditor)
    assert traded.stopped() == []
    traded.db.execute("UPDATE holdings SET cash_micros = 0")
    traded.audit(auditor)
    assert traded.stopped() == ["audit"]


def audit_all(scene):
    scene.audit()
    return findings.still_open(scene.db)


def net(scene) -> int:
    return scene.db.execute("SELECT sum(position_ch) FROM holdings").fetchone()[0]


def copy_row(db, table: str, key: str, old: str, new: str, **changes) -> None:
    row = dict(db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (old,)).fetchone())
    row |= {key: new, **changes}
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
