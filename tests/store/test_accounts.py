import pytest

from outcry.domain.fill import Fill
from outcry.domain.order import Side
from outcry.store import accounts, agents, fills


def fill(trade_id, side, price_cc, count_ch, client_order_id=""):
    return Fill(trade_id, "x" + trade_id, "KXBTC15M-A", 2, side, price_cc, count_ch, 100, True, 10, client_order_id)


@pytest.fixture
def two_sided(db):
    """Two agents on opposite sides of one market: 3 contracts long and 5 short, the account short 2."""
    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "s", "source", 1)
    for name in ("bull", "bear", "idle"):
        agents.add(db, agents.Agent(name, "s", {}, "birth", 0, sha256, 1))
    accounts.open_shard(db, 2, 1_000_000_000, 5)
    fills.book(db, fill("1", Side.BID, 4_000, 300, "oc-abcdef-bull-1"), "rest", 20)
    fills.book(db, fill("2", Side.ASK, 4_500, 500, "oc-abcdef-bear-1"), "rest", 20)
    db.execute(
        "INSERT INTO quotes VALUES"
        " ('KXBTC15M-A', 1, 1, 4200, 100, 4400, 100, '[]', '[]', NULL, 0, 0, 1, 1, 1, 0, 1, '', '')"
    )
    return db


def test_a_shard_is_opened_once(db):
    assert not accounts.opened(db, 2)
    assert accounts.open_shard(db, 2, 1_000, 5)
    assert not accounts.open_shard(db, 2, 9_000, 6)
    assert (accounts.opened(db, 2), accounts.opened(db, 0), accounts.deposits_micros(db, 2)) == (True, False, 1_000)


def test_the_expected_balance_sets_a_dollar_aside_for_each_net_short_contract(two_sided):
    traded = -300 * 4_000 + 500 * 4_500 - 200
    assert accounts.expected_micros(two_sided, 2) == 1_000_000_000 + traded - 200 * 10_000
    assert accounts.net_positions(two_sided) == {"KXBTC15M-A": -200}
    assert accounts.net_positions(two_sided, 0) == {}
    assert accounts.shards(two_sided) == [2]


def test_agents_are_marked_apart_and_the_floor_net_the_difference_is_internal_spread(two_sided):
    apart = accounts.agent_equity_micros(two_sided)
    assert apart == {
        "bear": 500 * 4_500 - 100 - 500 * 4_400,
        "bull": -300 * 4_000 - 100 + 300 * 4_200,
        "idle": 0,
    }
    floor = accounts.floor_equity_micros(two_sided)
    assert floor - accounts.deposited_micros(two_sided) - sum(apart.values()) == 300 * (4_400 - 4_200)


def test_a_market_whose_outcome_is_known_is_marked_at_its_value_and_an_empty_book_at_worst(two_sided):
    two_sided.execute("UPDATE quotes SET bid_cc = NULL, ask_cc = NULL")
    assert accounts.agent_equity_micros(two_sided)["bull"] == -300 * 4_000 - 100
    assert accounts.agent_equity_micros(two_sided)["bear"] == 500 * 4_500 - 100 - 500 * 10_000
    two_sided.execute(
        "INSERT INTO markets (ticker, event_ticker, series_ticker, exchange_index, status, open_at_ms, close_at_ms,"
        " price_ranges, fee_type, fee_multiplier_millionths, updated_at_ms, settlement_value_cc)"
        " VALUES ('KXBTC15M-A', '', '', 2, 'determined', 0, 60, '[]', '', 0, 0, 10000)"
    )
    assert accounts.agent_equity_micros(two_sided)["bull"] == -300 * 4_000 - 100 + 300 * 10_000
    assert accounts.floor_equity_micros(two_sided) == 1_000_000_000 - 300 * 4_000 + 500 * 4_500 - 200 - 200 * 10_000


def test_a_trading_day_is_fixed_once(two_sided):
    assert accounts.capital_micros(two_sided) is None
    assert accounts.record_day(two_sided, "2026-11-20", 500, {"bull": 7}, 1)
    assert not accounts.record_day(two_sided, "2026-11-20", 900, {"bull": 9}, 2)
    assert accounts.record_day(two_sided, "2026-11-21", 600, {"bull": 8}, 3)
    assert accounts.capital_micros(two_sided) == 600
    assert two_sided.execute("SELECT sum(equity_micros) FROM agent_days").fetchone()[0] == 15


def test_the_newest_look_at_each_shard_is_its_state(db):
    old = accounts.Reconciliation(1, 2, 100, 0, 90, True, False, "balance")
    new = accounts.Reconciliation(2, 2, 100, 5, 105, True, True)
    accounts.record_reconciliation(db, old)
    accounts.record_reconciliation(db, new)
    assert (old.difference_micros, new.difference_micros) == (10, 0)
    assert accounts.reconciliations_now(db) == [new]
