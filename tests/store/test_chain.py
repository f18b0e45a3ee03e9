"""The audit trail: whatever is edited, removed or inserted is named, and a head noted earlier cannot be talked away."""

import pytest

from outcry.domain.order import State
from outcry.store import chain, circumstances, findings, first_records, orders, system
from outcry.store.fills import book
from placing_floor import TICKER, furnish, plan, request

NOW = 10_000


@pytest.fixture
def floor(db):
    """A floor with an order, its fill and a control, all chained."""
    from outcry.domain.fill import Fill
    from outcry.domain.order import Side

    furnish(db)
    order = plan(db, request())
    orders.mark_sent(db, order.client_order_id, 1_001)
    orders.update(db, order.client_order_id, State.RESTING, source="answer", now_ms=1_002, order_id="x1")
    book(db, Fill("t1", "x1", TICKER, 2, Side.BID, 4_200, 400, 100, True, 1_003), "stream", 1_004)
    system.set_control(db, "floor", "", "stop_entries", True, cause="drift", reason="test", now_ms=1_005)
    chain.append(db, NOW)
    return db


def unguard(db, table):
    """What somebody with the file in his hands can do."""
    for row in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    ).fetchall():
        db.execute(f"DROP TRIGGER {row['name']}")


def test_everything_is_chained_in_the_order_of_its_commit(floor):
    kinds = [happening.kind for happening in first_records.since(floor, 0, 100)]
    assert kinds == [
        "evolution", "evolution", "cash", "capital", "decision", "circumstance", "order", "order_event", "order_event",
        "order_event", "fill", "attribution", "order_event", "control",
    ]  # fmt: skip
    verified = chain.verify(floor)
    assert (verified.links, verified.waiting, verified.fault) == (14, 0, "")
    assert chain.append(floor, NOW + 1) == (0, [])


def test_a_head_noted_earlier_is_found_again(floor):
    head = chain.head(floor)
    findings.keep(floor, "test", "x", "info", "what", {}, "mend", NOW)
    assert chain.verify(floor).waiting == 1
    chain.append(floor, NOW + 1)
    assert chain.verify(floor, head.link).fault == ""
    assert "written anew" in chain.verify(floor, "0" * 64).fault


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("fills", "fee_micros = fee_micros + 1", "fill 1 (link 11) was edited"),
        ("orders", "side = 'ask'", "(link 7) was edited"),
        ("decisions", "parameters = '{}'", "(link 5) was edited"),
        ("circumstances", "exposure = '{}'", "(link 6) was edited"),
        ("controls", "active = 0", "control 1 (link 14) was edited"),
        ("audit_chain", "digest = 'x' WHERE seq = 3", "link 3 (cash 1) was edited or inserted"),
        ("happenings", "row_key = '9' WHERE seq = 3", "link 3 (cash 9) was edited or inserted"),
    ],
)
def test_an_edited_row_is_named(floor, table, change, named):
    unguard(floor, table)
    floor.execute(f"UPDATE {table} SET {change}")
    assert named in chain.verify(floor).fault


def test_what_lives_on_in_a_row_is_no_edit(floor):
    floor.execute("UPDATE orders SET state = 'canceled', booked_ch = 0, order_id = 'x2', expires_at_ms = 5")
    assert chain.verify(floor).fault == ""


@pytest.mark.parametrize(
    ("table", "where", "named"),
    [
        ("order_events", "id = 2", "order_event 2 (link 9) was removed"),
        ("attributions", "id = 1", "attribution 1 (link 12) was removed"),
        ("happenings", "seq = 4", "the happening of link 4 was removed"),
        ("audit_chain", "seq = 4", "link 4 was removed (capital 2026-05-13)"),
    ],
)
def test_a_removed_row_is_named(floor, table, where, named):
    unguard(floor, table)
    floor.execute(f"DELETE FROM {table} WHERE {where}")
    assert chain.verify(floor).fault == named


def test_a_tail_that_was_cut_off_is_noticed(floor):
    head = chain.head(floor)
    for table, where in (("controls", "id = 1"), ("happenings", "seq = 14"), ("audit_chain", "seq = 14")):
        unguard(floor, table)
        floor.execute(f"DELETE FROM {table} WHERE {where}")
    assert chain.verify(floor).fault == "record number 14 was removed"
    floor.execute("UPDATE sqlite_sequence SET seq = 13 WHERE name = 'happenings'")
    assert chain.verify(floor).fault == ""  # nothing here can tell: only a head noted earlier
    assert head.link in chain.verify(floor, head.link).fault


def test_a_row_written_past_the_triggers_is_named(floor):
    unguard(floor, "controls")
    floor.execute("INSERT INTO controls VALUES (7, 1, 'floor', '', 'halt', 0, 'drift', '')")
    assert chain.verify(floor).fault == "control 7 was inserted"


def test_a_row_that_claims_to_be_older_is_named(floor):
    system.set_control(floor, "floor", "", "halt", True, cause="x", reason="", now_ms=NOW - chain.LATE_MS)
    assert chain.verify(floor).fault == ""
    system.set_control(floor, "floor", "", "halt", False, cause="x", reason="", now_ms=NOW - chain.LATE_MS - 1)
    assert chain.verify(floor).fault == "control 3 was inserted: it is dated before link 14"
    _, late = chain.append(floor, NOW + 5)
    assert [str(happening) for happening in late] == ["control 3"]


def test_two_floors_never_share_a_chain(floor, tmp_path):
    first = chain.beginning(floor)
    unguard(floor, "floor")
    floor.execute("UPDATE floor SET floor_id = 'zzzzzz'")
    assert chain.beginning(floor) != first
    assert "link 1 " in chain.verify(floor).fault


def test_a_chain_in_steps_is_the_chain_in_one(floor):
    links = floor.execute("SELECT link FROM audit_chain").fetchall()
    unguard(floor, "audit_chain")
    floor.execute("DELETE FROM audit_chain")
    while chain.append(floor, NOW, limit=3)[0]:
        pass
    assert floor.execute("SELECT link FROM audit_chain").fetchall() == links


def test_findings_are_kept_once_until_they_come_back(db):
    def keep(now_ms):
        return findings.keep(db, "exchange", "fill t1", "critical", "what", {"fee_micros": 1}, "mend", now_ms)

    assert (keep(1), keep(2)) == (1, None)
    assert findings.end(db, 1, findings.GONE, "", 3)
    assert not findings.end(db, 1, findings.GONE, "", 4)
    assert (keep(5), keep(6)) == (2, None)
    assert [kept.evidence for kept in findings.still_open(db)] == [{"fee_micros": 1}]
    findings.end(db, 2, findings.PERSON, "judged", 7)
    assert keep(8) is None  # a person has said what he thinks of it
    assert (findings.still_open(db), findings.count(db)) == ([], (2, 0))


def test_circumstances_come_back_as_they_were(floor):
    (row,) = floor.execute("SELECT decision_id FROM decisions").fetchall()
    kept = circumstances.get(floor, row["decision_id"])
    assert (kept.question_json, kept.exposure.capital_micros) == ("{}", 1_000_000_000)
    assert circumstances.get(floor, "none") is None


@pytest.mark.parametrize(("table", "where"), [("findings", "id = 2"), ("happenings", "seq = 16")])
def test_a_record_removed_before_it_was_chained_is_named(floor, table, where):
    for number in range(3):
        findings.keep(floor, "test", f"x{number}", "info", "what", {}, "mend", NOW)
    unguard(floor, table)
    floor.execute(f"DELETE FROM {table} WHERE {where}")
    assert chain.verify(floor).fault == (
        "record number 16 was removed" if table == "findings" else "finding 2 was inserted"
    )


def test_a_happening_of_a_kind_we_do_not_know_is_a_record_that_is_gone(floor):
    floor.execute("INSERT INTO happenings (kind, row_key) VALUES ('song', '1')")
    assert first_records.row(floor, "song", "1") is None
    assert chain.verify(floor).fault == "record number 15 was removed"
