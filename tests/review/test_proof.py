"""Two statements of one account: every way in which they can differ is told, and being equal is silence."""

from dataclasses import replace

import pytest

from outcry.domain.statement import FillLine, OrderLine, PaidLine, Statement
from outcry.review import proof

ORDER = OrderLine("x1", "T-1", "bid", 4_000, 300, 200, "canceled")
FILL = FillLine("T-1", 2, "bid", 4_000, 200, 3_360, 1)
PAID = PaidLine("yes", 10_000, 200)
BOTH = Statement({"o1": ORDER}, {("t1", "x1"): FILL}, {"T-1": PAID}, {"T-2": -100}, {2: 5_000_000})


def test_equal_statements_do_not_differ():
    assert proof.differences(BOTH, replace(BOTH)) == []


@pytest.mark.parametrize(
    ("here", "says"),
    [
        (replace(BOTH, orders={}), "order o1 is at the exchange, and not here"),
        (replace(BOTH, orders={"o1": ORDER, "o2": ORDER}), "order o2 is here, and not at the exchange"),
        (replace(BOTH, orders={"o1": ORDER._replace(filled_ch=100)}), "order o1: here"),
        (replace(BOTH, orders={"o1": ORDER._replace(state="unknown")}), "order o1: here"),
        (replace(BOTH, fills={}), "fill t1 of order x1 is at the exchange, and not here"),
        (
            replace(BOTH, fills={**BOTH.fills, ("t2", "x1"): FILL}),
            "fill t2 of order x1 is here, and not at the exchange",
        ),
        (replace(BOTH, fills={("t1", "x1"): FILL._replace(fee_micros=3_361)}), "fees: here $0.003361"),
        (replace(BOTH, paid={}), "settlement of T-1: here None"),
        (replace(BOTH, paid={"T-1": PAID._replace(value_cc=0)}), "settlement of T-1"),
        (replace(BOTH, positions_ch={}), "position in T-2: here 0.00, at the exchange -1.00"),
        (replace(BOTH, positions_ch={"T-2": -100, "T-3": 1}), "position in T-3: here 0.01, at the exchange 0.00"),
        (replace(BOTH, cash_micros={2: 5_000_001}), "cash of shard 2: here 5.000001, at the exchange 5.000000"),
        (replace(BOTH, unsound=("a decision has two orders",)), "here: a decision has two orders"),
    ],
)
def test_every_difference_is_told(here, says):
    assert any(says in line for line in proof.differences(here, BOTH)), proof.differences(here, BOTH)


def test_what_is_unsound_there_is_told_too():
    there = replace(BOTH, unsound=("order o1 was placed 2 times",))
    assert proof.differences(BOTH, there) == ["at the exchange: order o1 was placed 2 times"]


def test_a_market_that_was_left_before_it_paid_needs_no_settlement_but_one_value():
    left = PAID._replace(net_ch=0)
    here, there = replace(BOTH, paid={}), replace(BOTH, paid={"T-1": left})
    assert proof.differences(here, there) == proof.differences(there, here) == []
    other = replace(BOTH, paid={"T-1": left._replace(value_cc=0, result="no")})
    assert proof.differences(other, there)
