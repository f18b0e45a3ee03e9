"""What an order may be and become."""

import pytest

from audited import decision, event, fill, order
from outcry.domain.order import NEXT
from outcry.review.checks import chart


def said(found) -> list[str]:
    return [one.what for one in found]


def test_the_second_copy_of_the_chart_is_the_first():
    copy = {old: set(new.split()) for old, new in chart.AFTER.items() if old}
    assert copy == {str(old): {str(state) for state in new} for old, new in NEXT.items()}


def test_an_order_needs_a_decision_that_allowed_it():
    assert list(chart.of_order(order(), decision(), 1)) == []
    assert said(chart.of_order(order(), None, 1)) == ["order o1 has no decision"]
    assert "refused" in said(chart.of_order(order(), decision(answer="refused"), 1))[0]
    assert "2 orders" in said(chart.of_order(order(), decision(), 2))[0]


@pytest.mark.parametrize(
    "change", [{"side": "ask"}, {"price_cc": 4_001}, {"count_ch": 1_001}, {"agent": "bear"}, {"ticker": "T-2"},
               {"purpose": "exit"}],
)  # fmt: skip
def test_an_order_is_what_was_decided(change):
    assert len(list(chart.of_order(order(**change), decision(), 1))) == 1


def test_a_verdict_means_something():
    assert list(chart.of_decision(decision())) == []
    assert list(chart.of_decision(decision(answer="refused", count_ch=0, rule="spread", reason="wide"))) == []
    for wrong in (
        decision(answer=""),
        decision(count_ch=0),
        decision(answer="refused", rule="spread", reason="wide"),
        decision(answer="refused", count_ch=0),
    ):
        assert len(list(chart.of_decision(wrong))) == 1


def test_events_follow_the_chart_and_fills_never_fall():
    sent = event("sent", 2)
    assert list(chart.of_event(order(), None, event("planned"))) == []
    assert list(chart.of_event(order(), sent, event("executed", 3, filled_ch=1_000))) == []
    assert list(chart.of_event(order(), event("canceled", 3), event("canceled", 4, filled_ch=5))) == []
    assert said(chart.of_event(order(), None, event("sent"))) == ["order o1 went from nothing to sent"]
    assert len(said(chart.of_event(order(), event("canceled", 3), event("resting", 4)))) == 1
    assert len(said(chart.of_event(order(), sent._replace(filled_ch=5), event("canceled", 3, filled_ch=4)))) == 1
    assert len(said(chart.of_event(order(), sent, event("canceled", 3, filled_ch=1_001)))) == 1
    assert "never planned" in said(chart.of_event(None, None, sent))[0]


def test_the_row_says_what_the_newest_event_says():
    assert list(chart.of_row(order(), event("sent"), ("sent", 0))) == []
    assert len(list(chart.of_row(order(), event("sent"), ("resting", 0)))) == 1
    assert len(list(chart.of_row(order(), event("sent"), ("sent", 1)))) == 1


@pytest.mark.parametrize(
    ("change", "count"),
    [({}, 0), ({"side": "ask"}, 1), ({"price_cc": 3_999}, 0), ({"price_cc": 4_001}, 1), ({"agent": "bear"}, 1),
     ({"agent": "parked"}, 0), ({"ticker": "T-2"}, 1), ({"exchange_index": 0}, 1)],
)  # fmt: skip
def test_a_fill_is_one_that_its_order_could_have(change, count):
    assert len(list(chart.of_fill(order(), fill(**change), 1_000))) == count


def test_more_than_was_asked_and_taking_though_post_only():
    assert len(list(chart.of_fill(order(), fill(), 1_001))) == 1
    assert len(list(chart.of_fill(order(post_only=True), fill(), 1_000))) == 1
    assert list(chart.of_fill(None, fill(), 1)) == []
