"""A basket carried out: reserved whole, posted leg by leg, stopped at the first that fills nothing."""

from dataclasses import replace

import pytest

from outcry.desk.auditing.replay import Replay
from outcry.desk.common import strategies
from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.desk.dealing import question
from outcry.desk.dealing.hands import Hands, Identity
from outcry.domain.errors import Unavailable
from outcry.domain.limits import Limits
from outcry.domain.order import Purpose, Side, State
from outcry.domain.view import Answer, Intent, Sibling
from outcry.risk.rules import Facts
from outcry.store import circumstances, decisions, orders
from outcry.strategies.arbitrage import Arbitrage
from outcry.trading.events import Place, Together
from outcry.venue.wire import Placed
from placing_floor import furnish, market, view

NOW_MS = 100_000
LEGS = ("KXWHO-26-A", "KXWHO-26-B", "KXWHO-26-C")


class Exchange:
    """Fills each order whole or not at all, in turn; an exception is raised instead."""

    def __init__(self, *fills):
        self.fills, self.posted = list(fills), []

    def exchange(self):
        return self

    def broken(self):
        pass

    def create_order(self, new, *, urgent=False, signed_at_ms=None):
        self.posted.append((new.ticker, new.count_ch))
        filled = self.fills.pop(0)
        if isinstance(filled, Exception):
            raise filled
        return Placed(f"x-{new.ticker}", "", new.count_ch * filled, 0, NOW_MS, None, None)


@pytest.fixture
def carry_out(db, tmp_path):
    """Carry a basket out against an exchange that fills or not each leg; the gate is the real one."""
    furnish(db)
    db.execute("UPDATE agents SET allocation_micros = 100000000")
    limits = Limits(max_positions=5)
    refusals = Refusals(db, tmp_path / "kalshi.db", "trader@bull", "program", "trader@bull", limits)
    owed = Owed(db, tmp_path / "spool.jsonl", "trader@bull", refusals, lambda: NOW_MS)
    owed.open()

    def carry(*fills, refuse="", most_ch=1_000, places=None, parameters=None, code_sha256="0" * 64):
        exchange = Exchange(*fills)

        def facts(place):
            stopped = "a person said so" if place.market.ticker == refuse else ""
            return Facts(place.market, place.view.quote, predecessor_volume_ch=10**7, stopped=stopped)

        who = Identity("bull", "abcdef", "embedded", parameters or {}, code_sha256)
        hands = Hands(db, who, exchange, limits, facts, lambda: NOW_MS, owed)
        asked = [leg(at, name, most_ch) for at, name in enumerate(LEGS)]
        return exchange, hands.carry_out(Together(tuple(places or asked)))

    yield carry
    owed.close()


def test_the_auditor_makes_each_leg_of_an_arbitrage_again(carry_out, db):
    sha256 = strategies.keep_source(db, "arbitrage", 1)
    db.execute("UPDATE agents SET strategy = 'arbitrage', code_sha256 = ? WHERE name = 'bull'", (sha256,))
    seen = {name: leg(at, name, None).view for at, name in enumerate(LEGS)}
    there = {name: Sibling(view.market, view.quote) for name, view in seen.items()}
    seen = {
        name: replace(view, siblings=tuple(there[other] for other in LEGS if other != name))
        for name, view in seen.items()
    }
    basket = Arbitrage().decide(seen[LEGS[0]])
    places = [
        Place(at + 1, Purpose.ENTRY, intent, seen[intent.ticker].market, seen[intent.ticker], basket.count_ch)
        for at, intent in enumerate(basket.legs)
    ]
    who = {"code_sha256": sha256, "parameters": strategies.parameters("arbitrage", {})}
    carry_out(True, True, True, places=places, **who)
    rows = db.execute("SELECT * FROM decisions").fetchall()
    outcomes = [Replay(db).again(row, decisions.decode_view(row["view"])) for row in rows]
    assert [(found.outcome, found.why) for found in outcomes] == [("same", "")] * 3


def leg(at, name, most_ch):
    """NO at 66 of a dollar that two of three pay: worth its share of the sure $2, two dollars for $1.98 less fees."""
    listed = replace(market(name), event_ticker="KXWHO-26", underlying="", exclusive=True)
    seen = view(name, now_ms=NOW_MS)
    heard = {"heard_at_ms": NOW_MS, "changed_at_ms": NOW_MS, "ticker_moved_at_ms": NOW_MS}
    seen = replace(
        seen, market=listed, quote=replace(seen.quote, bids=((4_400, 9_000),), asks=((4_600, 9_000),), **heard)
    )
    intent = Intent(name, Side.ASK, 4_400, "because", probability=0.66, stop_loss_millionths=1_000_000, basket=LEGS)
    return Place(at + 1, Purpose.ENTRY, intent, listed, seen, most_ch)


def states(db):
    return {row["ticker"]: row["state"] for row in db.execute("SELECT ticker, state FROM orders")}


def test_legs_have_one_size_that_every_rule_allows_and_go_out_in_order(carry_out, db):
    exchange, events = carry_out(True, True, True)
    size_ch = exchange.posted[0][1]
    assert exchange.posted == [(name, size_ch) for name in LEGS] and 100 <= size_ch < 1_000
    answers = [decisions.get(db, order.decision_id).verdict for order in orders.open_orders(db, "bull")]
    assert {verdict.rule for verdict in answers} == {"asked", "group"}, "the group shrinks the last; all are as small"
    assert {event.ticket for event in events[:3]} == {1, 2, 3} and all(event.order for event in events[:3])
    assert states(db) == dict.fromkeys(LEGS, "executed")


def test_after_a_leg_that_fills_nothing_no_other_is_sent(carry_out, db):
    exchange, events = carry_out(True, False)
    assert [ticker for ticker, _ in exchange.posted] == list(LEGS[:2])
    assert states(db) == {LEGS[0]: "executed", LEGS[1]: "canceled", LEGS[2]: "abandoned"}
    assert events[-1].order.state is State.ABANDONED and "filled nothing" in events[-1].order.reason


def test_a_lost_answer_stops_the_basket_too(carry_out, db):
    exchange, _events = carry_out(Unavailable("read timed out"))
    assert len(exchange.posted) == 1
    assert states(db) == {LEGS[0]: "unknown", LEGS[1]: "abandoned", LEGS[2]: "abandoned"}


def test_refused_for_one_nothing_is_sent_and_every_ticket_is_answered(carry_out, db):
    exchange, events = carry_out(refuse=LEGS[2])
    assert exchange.posted == [] and states(db) == {}
    assert [(event.ticket, event.verdict.answer, event.order) for event in events] == [
        (ticket, Answer.REFUSED, None) for ticket in (1, 2, 3)
    ]


def test_a_verdict_of_a_leg_can_be_asked_for_again(carry_out, db):
    """The size it was bounded by is kept with the question."""
    carry_out(True, True, True)
    for order in orders.events_since(db, 0):
        kept = orders.get(db, order.client_order_id)
        made, known = decisions.get(db, kept.decision_id), circumstances.get(db, kept.decision_id)
        seen, written = decisions.decode_view(made.view_json), question.read(known.question_json)
        again = question.again(written, made.purpose, made.intent, seen.market, seen.quote, made.at_ms)
        assert again.ask(known.exposure) == made.verdict and written.most_ch == kept.count_ch
