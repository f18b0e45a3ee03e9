"""Buckets to the token: full, empty, refilled; and who pays for which write."""

import pytest

from outcry.paper.server.limits import TIERS, Bucket, Meter


def test_a_bucket_holds_its_capacity_and_refills_by_the_millisecond():
    bucket = Bucket(100, 100, now_ms=0)
    assert bucket.has(100, 0)
    bucket.take(100)
    assert not bucket.has(1, 9)
    assert bucket.has(1, 10)
    assert not bucket.has(2, 19)
    assert bucket.has(2, 20)
    assert bucket.has(100, 1_000_000)
    assert not bucket.has(101, 2_000_000)


def test_a_clock_that_steps_back_refills_nothing_and_takes_nothing():
    bucket = Bucket(100, 100, now_ms=1_000)
    bucket.take(100)
    assert not bucket.has(1, 0)
    assert bucket.has(1, 10)


@pytest.mark.parametrize(
    ("tier", "reads", "writes"), [("basic", 60, 10), ("advanced", 90, 90), ("prestige", 1200, 2880)]
)
def test_a_burst_is_what_the_bucket_holds(tier, reads, writes):
    meter = Meter(tier, 0)
    assert sum(meter.may_read(10, 0) for _ in range(5_000)) == reads
    assert sum(meter.may_write(10, 2, 0) for _ in range(5_000)) == writes
    assert TIERS[tier].read_rate == meter.read.rate


def test_a_named_shard_pays_alone_and_an_auto_routed_write_is_paid_by_all():
    meter = Meter("basic", 0)
    assert all(meter.may_write(10, 2, 0) for _ in range(10))
    assert not meter.may_write(2, 2, 0)
    assert meter.may_write(10, 3, 0)
    assert not meter.may_write(10, None, 0)
    assert meter.may_write(100, 0, 0)
    assert not meter.may_write(2, None, 0)
    assert meter.may_write(10, 1, 0)


def test_a_refused_write_costs_nobody():
    meter = Meter("basic", 0)
    assert meter.may_write(95, 2, 0)
    assert not meter.may_write(10, None, 0)
    assert meter.may_write(100, 3, 0)


def test_a_batch_must_fit_at_once():
    meter = Meter("basic", 0)
    assert not meter.may_write(110, 0, 0)
    assert not meter.may_write(110, 0, 60_000)
    assert meter.may_write(100, 0, 60_000)
