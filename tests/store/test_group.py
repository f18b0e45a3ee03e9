"""What is at risk in a group, read beside everything else."""

from dataclasses import replace

from outcry.domain.order import Purpose, State
from outcry.store import exposure, markets, orders
from placing_floor import TICKER, furnish, market, plan, request

HOURLY, ETHER, LATER = "KXBTCD-26MAY1300-T1", "KXETH15M-26MAY130015-15", "KXBTC15M-26MAY130030-30"
COST = 1_000 * 4_200


def open_floor(db):
    furnish(db)
    markets.save(
        db,
        [
            market(),
            replace(market(HOURLY), event_ticker="KXBTCD-26MAY1300", open_at_ms=-900_000),
            replace(market(ETHER), underlying="ETH-USD"),
            replace(market(LATER), open_at_ms=900_000, close_at_ms=1_800_000),
        ],
        1,
    )


def around(db, ticker=TICKER, agent="bull"):
    found = exposure.read(db, agent, ticker, 2)
    return found.group_micros, found.group_held


def test_markets_on_one_index_and_window_are_one_group_whoever_holds_them(db):
    open_floor(db)
    assert around(db) == (0, 0)
    plan(db, request(ticker=HOURLY))
    plan(db, request("bear"))
    plan(db, request(ticker=ETHER))
    assert around(db) == around(db, HOURLY) == around(db, agent="bear") == (2 * COST, 2)
    assert around(db, ETHER) == (COST, 1)
    assert around(db, LATER) == (0, 0)


def test_one_agent_in_one_market_is_one_bet_and_an_exit_is_none(db):
    open_floor(db)
    first = plan(db, request())
    plan(db, request())
    plan(db, request("bear", purpose=Purpose.EXIT))
    assert around(db) == (3 * COST, 1)
    orders.mark_sent(db, first.client_order_id, 2_000)
    orders.update(db, first.client_order_id, State.CANCELED, source="answer", now_ms=3_000)
    assert around(db) == (2 * COST, 1)


def test_a_market_that_nobody_described_goes_with_its_event(db):
    furnish(db)
    plan(db, request(ticker="KXNFLGAME-26OCT12BUFLAR-LAR"))
    assert around(db, "KXNFLGAME-26OCT12BUFLAR-BUF") == (COST, 1)
    assert around(db, "KXNFLTOTAL-26OCT12BUFLAR-45") == (COST, 1)
    assert around(db, "KXNFLGAME-26OCT19BUFLAR-BUF") == (0, 0)
