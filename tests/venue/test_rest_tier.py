"""The account's keys, its tier, and its progress towards the next."""

import pytest

from outcry.domain.errors import Refused, SchemaDrift, Unavailable
from outcry.venue.rest_tier import ApiKey, ApiKeys, VolumeGoal, VolumeProgress

BASE = "https://exchange.test/trade-api/v2"


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
