"""The account's keys, tier and progress; incentives; what came from or went to a bank."""

import pytest

from outcry.domain.errors import RateLimited, Refused, SchemaDrift, Unavailable
from outcry.venue.cash_rows import BankMove, RestingValue
from outcry.venue.rest_incentives import Incentive
from outcry.venue.rest_tier import ApiKey, ApiKeys, VolumeGoal, VolumeProgress

BASE = "https://exchange.test/trade-api/v2"
PROGRAMS = f"{BASE}/incentive_programs"


def test_keys_and_the_end_of_the_regions_attestation(rest, exchange, payload, change):
    exchange.get(f"{BASE}/api_keys", body=payload("api_keys"))
    assert rest.api_keys() == ApiKeys(
        (
            ApiKey("key-of-the-test", "floor", ("read", "write"), None),
            ApiKey("k2", "one purse", ("read", "write::trade"), 1),
        ),
        1_797_786_192_000,
    )
    tree = change("api_keys")
    del tree["api_key_region_expiration_ts"]
    exchange.replace("GET", f"{BASE}/api_keys", json=tree)
    assert rest.api_keys().region_expires_at_ms is None
    exchange.replace("GET", f"{BASE}/api_keys", json=tree | {"api_key_region_expiration_ts": 1_797_786_192_000})
    with pytest.raises(SchemaDrift, match="Unix seconds"):
        rest.api_keys()


def test_progress_towards_a_tier(rest, exchange, payload):
    exchange.get(f"{BASE}/account/api_usage_level/volume_progress", body=payload("volume_progress"))
    goal = VolumeGoal("expert", 150_000_000, 120_000_000)
    assert rest.volume_progress() == [VolumeProgress(1_795_190_400_000, 1_842_275, (goal,))]


def test_an_upgrade_costs_thirty_and_is_asked_for_once(rest, exchange):
    url = f"{BASE}/account/api_usage_level/upgrade"
    exchange.post(url, status=201)
    exchange.post(url, json={"error": {"code": "not_eligible"}}, status=403)
    exchange.post(url, status=503)
    rest.upgrade_tier()
    assert rest._budget._states["write"][0] == 60_000
    for kind in (Refused, Unavailable):
        with pytest.raises(kind):
            rest.upgrade_tier()
    assert len(exchange.calls) == 3


def test_grants_of_a_tier_and_until_when(rest, exchange, payload):
    exchange.get(f"{BASE}/account/limits", body=payload("limits_granted"))
    grants = rest.limits().grants
    assert [(grant.level, grant.source, grant.expires_ts) for grant in grants] == [
        ("expert", "volume", 1_797_786_192),
        ("advanced", "manual", None),
    ]


def test_incentives_in_exact_money_page_by_page(rest, exchange, change):
    tree = change("incentives")
    exchange.get(PROGRAMS, json={"incentive_programs": tree["incentive_programs"][:1], "next_cursor": "more"})
    exchange.get(PROGRAMS, json={"incentive_programs": tree["incentive_programs"][1:]})
    first, second = rest.incentives("active", "liquidity")
    days = (1_795_132_800_000, 1_795_737_600_000)
    assert first == Incentive(
        "i1", "KXBTC15M-26NOV201215-15", "liquidity", *days, 250_000_000, 50_000_000, 30_000, 9_500, False
    )
    assert second == Incentive(
        "i2", "KXETH15M-26NOV201215-15", "margin_taker_volume", *days, 1_000, None, None, None, True
    )
    assert exchange.calls[1].request.url.endswith("?status=active&type=liquidity&limit=1000&cursor=more")


def test_a_next_cursor_that_repeats_is_no_list(rest, exchange, change):
    exchange.get(PROGRAMS, json=change("incentives") | {"next_cursor": "again"})
    with pytest.raises(Unavailable, match="repeats"):
        rest.incentives()
    assert len(exchange.calls) == 2


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
    assert not isinstance(caught.value, RateLimited)
    assert caught.value.status == 403
