import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken, RateLimited, Unavailable
from outcry.venue import budget
from outcry.venue.budget import BASIC, LocalBudget, Rates, SharedBudget


class MemoryStore:
    """What the budget file does, without the file; `broken` makes it silent."""

    def __init__(self):
        self.states, self.rates, self.broken = {}, {}, False

    def update(self, bucket, kind, change):
        if self.broken:
            raise Unavailable("locked")
        self.states[bucket] = change(self.states.get(bucket), self.rates.get(kind))

    def rate(self, kind):
        if self.broken:
            raise Unavailable("locked")
        return self.rates.get(kind)

    def set_rates(self, rates):
        if self.broken:
            raise Unavailable("locked")
        self.rates.update(rates)


@pytest.fixture
def local(clock):
    return LocalBudget(monotonic=clock.monotonic, sleep=clock.sleep)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def shared(store, clock):
    return SharedBudget(store, now_ms=clock.now_ms, monotonic=clock.monotonic, sleep=clock.sleep)


def spend_all(pool, kind="write", tokens=10, **how):
    """How many calls go through at once."""
    calls = 0
    while True:
        try:
            pool.take(kind, tokens, **how)
        except RateLimited:
            return calls
        calls += 1


def test_entries_stop_at_a_fifth_which_is_kept_for_cancels(local):
    assert spend_all(local) == 7  # 90 of the account's 100 are ours; 18 of them are kept
    assert spend_all(local, tokens=2, urgent=True) == 10


def test_reads_and_writes_and_shards_have_buckets_of_their_own(local):
    assert spend_all(local) == 7
    assert spend_all(local, exchange_index=2) == 7
    assert spend_all(local, kind="read") == 43


def test_a_bucket_refills_with_time_and_never_beyond_its_rim(local, clock):
    assert spend_all(local) == 7
    clock.now_s += 0.2  # 18 more tokens, upon 20 left
    assert spend_all(local) == 2
    clock.now_s += 3600
    assert spend_all(local) == 7


def test_a_call_waits_for_its_tokens_but_not_longer_than_it_may(local, clock):
    spend_all(local)
    with pytest.raises(RateLimited, match="nothing was sent"):
        local.take("write", 10, wait_s=0.05)
    assert clock.slept == []
    local.take("write", 10, wait_s=0.1)  # 8 tokens short at 90 a second
    assert clock.slept == [pytest.approx(0.089)]


def test_a_call_larger_than_the_bucket_is_a_mistake_not_a_wait(local):
    with pytest.raises(InvariantBroken):
        local.take("write", 80, wait_s=60)
    local.take("write", 80, urgent=True)


def test_the_most_a_call_may_take_is_what_draw_gives_and_one_more_is_not(local, shared):
    for pool in (local, shared):
        assert (pool.most("write"), pool.most("write", urgent=True), pool.most("read")) == (72, 90, 432)
        pool.take("write", 72)
        with pytest.raises(InvariantBroken):
            pool.take("write", 73)
    shared.learn(Rates(300, 900, 300, 900))
    assert shared.most("write", urgent=True) == 810


def test_what_fits_only_in_the_shared_bucket_waits_for_the_file(store, shared):
    store.broken = True
    assert shared.most("write", urgent=True) == 29
    with pytest.raises(RateLimited, match="silent"):
        shared.take("write", 60, urgent=True)
    store.broken = False
    shared.take("write", 60)


def test_a_429_empties_the_bucket(local, clock):
    local.emptied("write", 2)
    with pytest.raises(RateLimited):
        local.take("write", 2, urgent=True, exchange_index=2)
    local.take("write", 10)
    clock.now_s += 1
    local.take("write", 10, exchange_index=2)


def test_what_the_exchange_allows_is_learned(local, shared, store):
    advanced = Rates(300, 900, 300, 900)
    local.learn(advanced)
    shared.learn(advanced)
    assert spend_all(local) == spend_all(shared) == 64
    assert store.rates == {"read": (270, 810), "write": (270, 810)}


def test_programs_share_one_bucket_and_a_restart_refills_nothing(store, shared, clock):
    other = SharedBudget(store, now_ms=clock.now_ms, monotonic=clock.monotonic, sleep=clock.sleep)
    for pool in (shared, other, shared, other, shared, other, shared):
        pool.take("write", 10)
    reborn = SharedBudget(store, now_ms=clock.now_ms, monotonic=clock.monotonic, sleep=clock.sleep)
    assert spend_all(reborn) == spend_all(other) == 0
    reborn.take("write", 2, urgent=True)


def test_ten_programs_at_full_speed_stay_within_the_account(store, clock):
    pools = [
        SharedBudget(store, now_ms=clock.now_ms, monotonic=clock.monotonic, sleep=clock.sleep) for _program in range(10)
    ]
    spent, began_s = 0, clock.now_s
    while clock.now_s < began_s + 60:
        for pool in pools:
            spent += 10 * spend_all(pool)
        clock.now_s += 0.05
    assert spent <= BASIC.write_capacity + 60 * BASIC.write_per_s
    assert spent >= 0.85 * 60 * BASIC.write_per_s


def test_a_clock_set_back_neither_fills_nor_blocks(store, shared, clock):
    spend_all(shared)
    clock.now_s -= 3600
    assert spend_all(shared) == 0
    clock.now_s += 1
    assert spend_all(shared) == 7


def test_without_its_file_a_program_lives_on_a_small_bucket_and_says_so_once(store, shared, caplog):
    store.broken = True
    with caplog.at_level(logging.WARNING):
        shared.take("write", 2, urgent=True)
        assert spend_all(shared) == 2  # a third of the account's bucket, less what is kept
        shared.emptied("read")
        shared.learn(BASIC)
        store.broken = False
        shared.take("write", 10)
    assert [record.message.split()[0] for record in caplog.records] == ["lost", "resumed"]
    assert shared.answering


def test_a_spent_shared_bucket_is_no_reason_to_use_the_fallback(shared):
    spend_all(shared)
    with pytest.raises(RateLimited):
        shared.take("write", 10)
    assert shared.answering


@given(
    steps=st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 30), st.booleans()), max_size=60),
    rate=st.tuples(st.integers(1, 500), st.integers(40, 900)),
)
def test_no_history_spends_more_than_rim_and_refill(steps, rate):
    per_s, capacity = rate
    state, now_ms, spent = None, 1_000_000, 0
    for passed_ms, tokens, urgent in steps:
        now_ms += passed_ms
        state, wait_ms = budget.draw(state, rate, now_ms, tokens, urgent)
        if not wait_ms:
            spent += tokens
            assert urgent or state[0] >= capacity * 1000 * 20 // 100
        else:
            _after, again_ms = budget.draw(state, rate, now_ms + wait_ms, tokens, urgent)
            assert again_ms == 0
        assert 0 <= state[0] <= capacity * 1000
    assert spent * 1000 <= capacity * 1000 + (now_ms - 1_000_000) * per_s
