"""Our records beside the exchange's."""

import pytest

from audited import T0, fill, order
from outcry.review.checks import account
from outcry.review.checks.account import Shard, TheirOrder
from outcry.review.checks.records import Settlement

THEIR = TheirOrder("x1", "oc-abc-bull-1", "T-1", "bid", 4_000, 1_000, 500, 500, True)


def keyed(*fills):
    return {(one.trade_id, one.order_id): one for one in fills}


@pytest.mark.parametrize(
    "change", [{"fee_micros": 101}, {"side": "ask"}, {"price_cc": 4_001}, {"count_ch": 999}, {"is_taker": False}]
)
def test_one_unit_in_any_figure_of_a_fill(change):
    assert list(account.fills(keyed(fill()), [fill(agent="", recorded_at_ms=0)])) == []
    (found,) = account.fills(keyed(fill()), [fill(**change)])
    assert found.severity == "critical"
    assert next(iter(change)) in found.what


def test_what_only_one_has():
    assert list(account.absent(keyed(fill()), keyed(fill()), 0)) == []
    (missing,) = account.absent({}, keyed(fill()), 0)
    assert "not booked" in missing.what
    (invented,) = account.absent(keyed(fill()), {}, T0)
    assert "has none such" in invented.what
    assert list(account.absent(keyed(fill()), {}, T0 + 5)) == []  # from before the listing


def test_orders_under_our_name():
    ours = {THEIR.client_order_id: order(THEIR.client_order_id)}
    assert list(account.orders(ours, [THEIR])) == []
    assert list(account.unplanned(ours, [THEIR], "oc-abc-")) == []
    assert list(account.unplanned({}, [THEIR._replace(client_order_id="mine")], "oc-abc-")) == []
    assert "never planned" in next(account.unplanned({}, [THEIR], "oc-abc-")).what
    for change in ({"side": "ask"}, {"price_cc": 1}, {"ticker": "T-2"}, {"filled_ch": 1_001}):
        assert len(list(account.orders(ours, [THEIR._replace(**change)]))) == 1


def test_settlements_and_positions():
    paid = Settlement("T-1", 2, "yes", 10_000, T0, T0)
    assert list(account.settlements({"T-1": paid}, [paid])) == []
    assert len(list(account.settlements({"T-1": paid}, [paid._replace(result="no", value_cc=0)]))) == 1
    scalar = paid._replace(result="scalar", value_cc=3_350)
    assert list(account.settlements({"T-1": scalar}, [scalar._replace(value_cc=3_300)])) == []
    assert list(account.positions({"T-1": 5}, {"T-1": 5})) == []
    assert len(list(account.positions({"T-1": 5}, {"T-2": 5}))) == 2


def test_a_balance_is_exact_and_within_bounds_while_orders_rest():
    shard = Shard(2, 990_000_000, 1_000_000_000, -9_000_000, 100, ())
    assert list(account.balance(shard)) == []
    for off in (-1, 1):
        assert len(list(account.balance(shard._replace(balance_micros=990_000_000 + off)))) == 1
    resting = shard._replace(resting=(THEIR,))
    assert list(account.balance(resting._replace(balance_micros=990_000_000 - 500 * 4_700))) == []
    assert len(list(account.balance(resting._replace(balance_micros=990_000_000 - 500 * 4_700 - 1)))) == 1
