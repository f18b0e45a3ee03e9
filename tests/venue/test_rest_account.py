"""What came from or went to a bank, and what resting orders are worth; the rest of the account is in test_rest."""

import pytest

from outcry.domain.errors import Refused, SchemaDrift
from outcry.venue.cash_rows import BankMove, RestingValue

BASE = "https://exchange.test/trade-api/v2"


def test_the_bank_and_what_rests(rest, exchange, payload):
    for name in ("deposits", "withdrawals"):
        exchange.get(f"{BASE}/portfolio/{name}", body=payload(name))
    exchange.get(f"{BASE}/portfolio/summary/total_resting_order_value", body=payload("resting_value"))
    applied, pending = rest.deposits()
    created_ms = 1_795_000_000_000
    assert applied == BankMove("d1", "applied", "ach", 1_000_000_000, 250_000, created_ms, 1_795_100_000_000)
    assert (pending.status, pending.finalized_at_ms) == ("pending", None)
    assert rest.withdrawals()[0].status == "returned"
    assert rest.resting_order_value() == RestingValue(5_160_000, {2: 5_160_000})
    assert exchange.calls[0].request.url.endswith("?limit=500")


def test_a_deposit_of_an_unknown_status_is_drift(rest, exchange, change):
    tree = change("deposits")
    tree["deposits"][1]["status"] = "half applied"
    exchange.get(f"{BASE}/portfolio/deposits", json=tree)
    with pytest.raises(SchemaDrift, match="half applied"):
        rest.deposits()


def test_what_is_meant_for_clearing_members_may_be_refused(rest, exchange):
    url = f"{BASE}/portfolio/summary/total_resting_order_value"
    exchange.get(url, json={"error": {"code": "forbidden"}}, status=403)
    with pytest.raises(Refused) as caught:
        rest.resting_order_value()
    assert caught.value.status == 403
