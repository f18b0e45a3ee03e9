"""Failure 17: a person sells by hand while the programs are down, and a profit becomes nobody's, or the wrong one's.

The fills carry no id of ours. They are asked about, found to be no agent's, and booked as manual: the account is right,
and every agent has exactly what its own orders made.
"""

import json
import signal
import subprocess
import sys

import pytest

from account import FLOOR_ID, furnish
from beside import BIN
from local_exchange import TICKER, now_ms
from outcry.paper.events import Closed, Determined, Settled
from outcry.review import metrics
from outcry.store import accounts, fills, orders, report, settlements
from played import Played
from survived import assert_told_once

BY_HAND = "typed-into-the-app"


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path, ("heads",))
    yield played
    played.close()


def own_cash_micros(desk, agent: str) -> int:
    """What an agent's own fills moved, fees and payment included, worked out from the exchange's list of orders."""
    names = {row["order_id"]: name for name, row in desk.theirs().items()}
    mine = [
        row for row in desk.client.get("/portfolio/fills?limit=1000")["fills"] if f"-{agent}-" in names[row["order_id"]]
    ]
    sums = 0
    for row in mine:
        sign = 1 if row["book_side"] == "bid" else -1
        count_ch, price_cc = round(float(row["count_fp"]) * 100), round(float(row["yes_price_dollars"]) * 10_000)
        sums += sign * count_ch * (10_000 - price_cc) - round(float(row["fee_cost"]) * 1_000_000)
    return sums


@pytest.mark.floor
def test_position_cash_and_profit_agree_and_no_agent_is_credited_or_blamed(desk):
    held_and_dead(desk)
    desk.stopped_by(desk.processes[0], signal.SIGKILL)
    held_ch = desk.db.execute("SELECT position_ch FROM positions WHERE agent = 'heads'").fetchone()[0]
    sold_ch = abs(held_ch) + 300  # through zero: the account ends on the other side
    how = {"side": "ask", "price": "0.3900"} if held_ch > 0 else {"side": "bid", "price": "0.4100"}
    desk.client.place(client_order_id=BY_HAND, count=f"{sold_ch / 100:.2f}", time_in_force="immediate_or_cancel", **how)
    desk.clerk()
    desk.wait(lambda: desk.db.execute("SELECT 1 FROM booked_fills WHERE agent = 'manual'").fetchone(), "its fill", 60)
    desk.wait(desk.agrees, "agreement", 60)
    kept = dict(desk.db.execute("SELECT agent, position_ch FROM holdings WHERE fills > 0").fetchall())
    sign = 1 if held_ch > 0 else -1
    assert kept == {"heads": held_ch, "manual": -sign * sold_ch}
    assert accounts.net_positions(desk.db) == {TICKER: -sign * 300}
    assert_told_once(desk.floor.folder, "attributed_fill", "to manual", f"its order is {BY_HAND}")
    desk.trader("heads")
    left = "orders WHERE purpose = 'exit' AND state = 'executed'"
    desk.wait(lambda: desk.count(left), "the agent to leave what it still holds", 60)
    desk.survived([BY_HAND])
    pay(desk)
    desk.wait(desk.agrees, "agreement", 60)
    earned = accounts.agent_equity_micros(desk.db)
    assert earned["heads"] == own_cash_micros(desk, "heads")
    assert earned["heads"] + earned["manual"] == accounts.floor_equity_micros(desk.db) - accounts.cash_total_micros(
        desk.db
    )
    assert credited(desk) == {"heads": earned["heads"], "manual": earned["manual"]}
    told = said(desk, "report", "--today", "--json")
    assert {row["name"]: (row["strategy"], row["net_micros"]) for row in told["agents"] if row["trades"]} == {
        "heads": ("coin_flip", earned["heads"]), "manual": ("by hand", earned["manual"]),
    }  # fmt: skip
    desk.survived([BY_HAND])


def held_and_dead(desk) -> None:
    """The trader is killed while it holds a position, and what it had asked by then is known."""
    for _ in range(20):
        trader = desk.trader("heads")
        desk.wait(lambda: desk.count("positions") == 1, "a position", 120)
        desk.stopped_by(trader, signal.SIGKILL)
        desk.wait(lambda: all(one.state == "resting" for one in orders.open_orders(desk.db)), "what was asked", 60)
        if desk.count("positions") == 1:
            return
    raise AssertionError("it always left before it could be killed")


def pay(desk) -> None:
    at_ms = now_ms()
    desk.exchange.feed(Closed(TICKER, at_ms), Determined(TICKER, "yes", 10_000, at_ms), Settled(TICKER, at_ms + 1))
    desk.db.execute("UPDATE markets SET close_at_ms = ? WHERE ticker = ?", (at_ms, TICKER))
    desk.wait(lambda: settlements.in_force(desk.db, TICKER), "the payment", 60)


def credited(desk) -> dict[str, int]:
    """What the trades that strategies are judged by say of each owner."""
    found: dict[str, int] = {}
    for work in report.work_since(desk.db, 0):
        for trade in metrics.trades(work.agent, work.fills, work.settlement):
            found[work.agent] = found.get(work.agent, 0) + trade.net_micros
    return found


def said(desk, program: str, *arguments: str) -> dict:
    options = ["--state", desk.floor.folder.parent, "--settings", desk.settings]
    done = subprocess.run([sys.executable, BIN / program, *arguments, *options], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_a_person_who_uses_our_ids_is_still_a_stranger_to_every_agent(db):
    """An id that looks like ours, of a floor or an agent that is not: nobody here is credited."""
    furnish(db, "heads")
    for name in (BY_HAND, "oc-zzzzzz-heads-01JD0000000000000000000001", f"oc-{FLOOR_ID}-nobody-01JD{1:022d}", ""):
        assert fills.owner(db, "x1", name) is None, name
