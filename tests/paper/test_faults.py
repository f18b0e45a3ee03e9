"""Which faults strike what, when and how often: decided without a clock or a connection."""

import pytest

from outcry.domain.errors import Misconfigured
from outcry.paper.faults.faults import STREAM, WORLD, Fault, Faults

NOW = 1_000_000


def faults(*wanted: Fault) -> Faults:
    made = Faults()
    for one in wanted:
        made.add(one, NOW)
    return made


def struck(made: Faults, count: int, name: str = "fill", at_ms: int = NOW) -> list[bool]:
    return [bool(made.on_message(name, at_ms)) for _ in range(count)]


def test_a_fault_strikes_what_its_pattern_names():
    made = faults(Fault("drop", "orderbook_*"))
    assert made.on_message("orderbook_delta", NOW)
    assert not made.on_message("fill", NOW)


def test_it_begins_and_ends_in_its_time():
    made = faults(Fault("drop", after_s=1, for_s=2))
    assert [bool(made.on_message("fill", NOW + ms)) for ms in (0, 999, 1_000, 2_999, 3_000)] == [0, 0, 1, 1, 0]
    made = faults(Fault("drop", at_ms=NOW + 5, after_s=100))
    assert [bool(made.on_message("fill", NOW + ms)) for ms in (4, 5)] == [False, True]


def test_it_strikes_as_often_as_asked_after_those_it_lets_pass():
    assert struck(faults(Fault("drop", count=2, skip=3)), 7) == [False, False, False, True, True, False, False]


def test_chance_is_drawn_from_its_seed():
    often = struck(faults(Fault("drop", probability=0.3, seed=7)), 1_000)
    assert often == struck(faults(Fault("drop", probability=0.3, seed=7)), 1_000)
    assert often != struck(faults(Fault("drop", probability=0.3, seed=8)), 1_000)
    assert 250 < sum(often) < 350


def test_a_target_with_a_slash_is_a_request():
    made = faults(Fault("delay", "GET /portfolio/*", ms=5), Fault("delay", "fill", ms=7), Fault("fail"))
    asked = made.on_request("GET /portfolio/orders", later_page=False, now_ms=NOW)
    assert [(fault.kind, fault.ms) for fault in asked] == [("delay", 5), ("fail", 0)]
    assert [fault.ms for fault in made.on_message("fill", NOW)] == [7]


def test_a_fault_of_pages_leaves_the_first_page_alone():
    made = faults(Fault("fail", "GET /portfolio/fills", pages=True))
    assert [bool(made.on_request("GET /portfolio/fills", later_page=page, now_ms=NOW)) for page in (False, True)] == [
        False,
        True,
    ]


def test_the_world_is_the_sum_of_what_is_active():
    made = faults(
        Fault("read_lag", ms=500),
        Fault("read_lag", ms=300, for_s=1),
        Fault("clock_skew", ms=-60_000),
        Fault("pause", shards=(2,), after_s=1),
        Fault("pause", shards=(2, 3), whole=True, after_s=2),
        Fault("vanish", "KXBTC*"),
    )
    first, then, last = made.world(NOW), made.world(NOW + 1_000), made.world(NOW + 2_000)
    assert (first.read_lag_ms, first.skew_ms, first.pauses, first.vanished) == (800, -60_000, {}, ("KXBTC*",))
    assert (then.read_lag_ms, then.pauses) == (500, {2: False})
    assert last.pauses == {2: True, 3: True}
    assert made.next_at_ms(NOW) == NOW + 1_000
    assert made.next_at_ms(NOW + 2_000) is None


def test_markets_open_when_an_early_close_begins_close_once():
    made = faults(Fault("early_close", "KXBTC*", after_s=1))
    tickers = ["KXBTC15M-A", "KXETH15M-A"]
    assert made.beginning("early_close", lambda: tickers, NOW) == []
    assert made.beginning("early_close", lambda: tickers, NOW + 1_000) == ["KXBTC15M-A"]
    assert made.beginning("early_close", lambda: tickers, NOW + 1_001) == []


@pytest.mark.parametrize(
    "wrong",
    [Fault("rename", "fill", field="a"), Fault("missing"), Fault("delay"), Fault("delay", ms=-1), Fault("read_lag"),
     Fault("mute", "POST")],
)  # fmt: skip
def test_a_fault_that_cannot_be_is_refused(wrong):
    with pytest.raises(Misconfigured):
        Faults().add(wrong, NOW)


def test_removed_faults_strike_no_more():
    made = faults(Fault("drop"), Fault("drop"))
    assert (made.remove(1), made.remove(1), len(made.on_message("fill", NOW))) == (True, False, 1)
    made.clear()
    assert not made.on_message("fill", NOW)
    assert not STREAM & WORLD
