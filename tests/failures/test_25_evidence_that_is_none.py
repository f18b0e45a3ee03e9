"""Failure 25: strategies are judged on evidence that is none: somebody else's orders, payments of markets never traded,
books that a purge emptied, silence; and one that is retired leaves a position behind.

Whether chance promotes anybody in a year of two hundred coin flippers: tests/review/test_coin_flippers.py.
"""

import random
import sqlite3
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account import SHARD, T0, TICKER, furnish, our_id, plan
from account import market as described
from evolving import FIRST_DAY_MS, ZERO, FastFloor, Player
from hand_fed import Desk, cancels, intent, places, quote
from histories import histories
from judged import Judged
from outcry.desk import boss, migrate, upkeep
from outcry.desk.clerking.breakers import Breakers
from outcry.domain.fill import Fill, Settlement
from outcry.domain.limits import Limits
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor, open_floor
from outcry.ops.settings import Settings
from outcry.review import metrics
from outcry.store import accounts, agents, database, fills, looks, markets, outcomes, report, settlements, system

DAY_MS = 86_400_000
AGENTS = ("bull", "bear")
TICKERS = tuple(f"KXBTC15M-26NOV2012{minute:02d}-{minute:02d}" for minute in (0, 15, 30))


@pytest.fixture(scope="module")
def template():
    """A ledger with the agents of this file; every example begins with a copy of it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    database.migrate(db)
    furnish(db, *AGENTS)
    yield db
    db.close()


def copy_of(template: sqlite3.Connection) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    template.backup(db)
    db.row_factory = sqlite3.Row
    return db


@pytest.fixture
def ledger(db):
    furnish(db, *AGENTS)
    accounts.open_shard(db, SHARD, 1_000_000_000, T0 - 10_000)
    return db


def traded(db, agent: str, ticker: str = TICKER, *, side=Side.BID, price_cc=4_000, count_ch=1_000, fee=170_000):
    """A fill of an order of an agent's (or, for "manual", of somebody else's), as the clerk books it."""
    number = db.execute("SELECT count(*) FROM fills").fetchone()[0] + 1
    name, order_id = our_id(agent, number) if agent in AGENTS else "by-hand", f"x{number}"
    if agent in AGENTS:
        plan(db, name, agent, State.EXECUTED, ticker=ticker, order_id=order_id, filled_ch=count_ch, count_ch=count_ch)
    one = Fill(f"t{number}", order_id, ticker, SHARD, side, price_cc, count_ch, fee, True, T0 + number, name)
    assert fills.book(db, one, "stream", T0 + number)
    if agent == fills.MANUAL:
        kept = db.execute("SELECT max(id) FROM fills").fetchone()[0]
        fills.attribute(db, kept, fills.MANUAL, why="its order is by-hand", now_ms=T0)


def paid(db, ticker: str = TICKER, value_cc: int = 10_000, at_ms: int = T0 + 900_000) -> None:
    result = {0: "no", ONE_DOLLAR_CC: "yes"}.get(value_cc, "scalar")
    settlements.record(db, Settlement(ticker, SHARD, result, value_cc, at_ms), "rest", at_ms)


def evidence(db) -> dict[str, list[metrics.Trade]]:
    """Each owner's trades: what strategies are judged by."""
    found: dict[str, list[metrics.Trade]] = {}
    for work in report.work_since(db, 0):
        found.setdefault(work.agent, []).extend(metrics.trades(work.agent, work.fills, work.settlement))
    return found


# ---- whose it is ----------------------------------------------------------------------------------------------------

HISTORY = st.lists(
    st.tuples(
        st.sampled_from([*AGENTS, fills.MANUAL]), st.sampled_from(TICKERS), st.sampled_from(Side),
        st.integers(1, 99), st.integers(1, 900), st.integers(0, 50_000),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


@histories(60, 2_000)
@given(history=HISTORY, values_cc=st.tuples(*[st.sampled_from([0, 4_155, ONE_DOLLAR_CC])] * 3), draw=st.randoms())
def test_every_trade_is_of_the_orders_of_one_owner_net_of_fees_and_settled(template, history, values_cc, draw):
    """Beside a count by owner; whoever was credited by mistake first. Nothing of a person's reaches an agent."""
    db = copy_of(template)
    true = dict.fromkeys((*AGENTS, fills.MANUAL), 0)
    values = dict(zip(TICKERS, values_cc, strict=True))
    for owner, ticker, side, cents, count_ch, fee in history:
        traded(db, owner, ticker, side=side, price_cc=100 * cents, count_ch=count_ch, fee=fee)
        true[owner] += side.sign * count_ch * (values[ticker] - 100 * cents) - fee
        number = db.execute("SELECT max(id) FROM fills").fetchone()[0]
        for wrong in draw.sample([*AGENTS, fills.MANUAL], draw.randint(0, 2)):
            fills.attribute(db, number, wrong, why="a mistake", now_ms=T0)
        fills.attribute(db, number, owner, why="its order says so", now_ms=T0)
    for ticker in TICKERS:
        paid(db, ticker, values[ticker])
    found = evidence(db)
    assert {owner: sum(trade.net_micros for trade in found.get(owner, [])) for owner in true} == true
    assert all(trade.closed_at_ms is not None for trades in found.values() for trade in trades)
    assert fills.misbooked(db) == []
    db.close()


def test_what_is_parked_or_by_hand_is_nobody_s_win_and_nobody_s_loss(ledger):
    traded(ledger, fills.MANUAL)
    traded(ledger, "bull", "KXELSE-1")
    stranger = Fill("t9", "x9", TICKER, SHARD, Side.BID, 9_000, 1_000, 0, True, T0)
    fills.book(ledger, stranger, "rest", T0)
    paid(ledger, TICKER, 0)
    paid(ledger, "KXELSE-1", 0)
    assert set(evidence(ledger)) == {"bull", fills.MANUAL, fills.PARKED}
    assert [trade.ticker for trade in evidence(ledger)["bull"]] == ["KXELSE-1"]
    assert outcomes.losing_streak(ledger, "bull", 0).losses == 1
    assert outcomes.losing_streak(ledger, "bear", 0).losses == 0


# ---- whether it is any ----------------------------------------------------------------------------------------------


def test_a_payment_of_a_market_that_nobody_traded_is_no_trade(ledger):
    """The phantom settlement: a market listed, closed and paid while an agent looked on."""
    paid(ledger, TICKER, 0)
    assert evidence(ledger) == {} and outcomes.losing_streak(ledger, "bull", 0).losses == 0


def test_what_has_not_been_paid_proves_nothing_and_what_is_paid_anew_counts_as_it_was_paid_last(ledger):
    traded(ledger, "bull")
    (trade,) = evidence(ledger)["bull"]
    assert (trade.closed_at_ms, trade.won) == (None, False) and outcomes.losing_streak(ledger, "bull", 0).losses == 0
    paid(ledger, TICKER, 0)
    assert outcomes.losing_streak(ledger, "bull", 0).losses == 1
    paid(ledger, TICKER, ONE_DOLLAR_CC, T0 + 990_000)
    (trade,) = evidence(ledger)["bull"]
    assert trade.won and trade.net_micros == 6_000_000 - 170_000
    assert outcomes.losing_streak(ledger, "bull", 0).losses == 0


def test_a_void_at_the_middle_costs_the_fee_and_is_no_bet_lost(ledger):
    """Called off at the price that was paid: nobody was right or wrong, and the fee is gone all the same."""
    traded(ledger, "bull", fee=0)
    paid(ledger, TICKER, 4_000)
    (trade,) = evidence(ledger)["bull"]
    assert (trade.gross_micros, trade.net_micros, trade.won) == (0, 0, False)
    assert outcomes.losing_streak(ledger, "bull", 0).losses == 0, "what broke even is no loss"


def test_silence_is_no_failure(ledger):
    """An agent that never traded has no rate, no streak and no drawdown: nothing to judge it by, and no pause."""
    accounts.record_day(ledger, "2026-11-20", 1_000_000_000, dict.fromkeys(AGENTS, 0), T0)
    breakers = Breakers(ledger, Limits(agent_drawdown_millionths=1, losing_streak=1), 1.0)
    for day in range(40):
        breakers.look(T0 + day * DAY_MS)
    assert system.controls_now(ledger) == []
    assert not any(agents.get(ledger, name).paused for name in AGENTS)
    nothing = metrics.summary([])
    assert (nothing.trades, nothing.win_rate, nothing.break_even, nothing.mean_net_micros) == (0, None, None, None)


def test_a_purge_leaves_every_piece_of_evidence(tmp_path):
    """Two hundred days later what is old is gone, and each trade, each reason and each verdict is still there."""
    floor = open_floor(Settings(), tmp_path, quiet=True)
    migrate.prepare(floor, T0)
    db = database.connect(floor.database)
    furnish_more(db)
    markets.save(db, [described(ticker) for ticker in TICKERS], T0)
    draw = random.Random(25)
    for ticker in TICKERS:
        for agent in AGENTS:
            traded(db, agent, ticker, side=draw.choice(list(Side)))
        paid(db, ticker, draw.choice([0, ONE_DOLLAR_CC]))
    looks.add(db, "bull", Counter({(TICKER, T0 // 60_000 * 60_000, "no pattern", "signal"): 5}))
    kept = ("fills", "orders", "order_events", "decisions", "settlements", "attributions", "evolution_events", "agents")
    before = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in kept}
    judged, streaks = evidence(db), [outcomes.losing_streak(db, name, 0) for name in AGENTS]
    went = upkeep.prune(floor, T0 + 200 * DAY_MS)
    assert any("looks" in line for line in went)
    assert {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in kept} == before
    assert (evidence(db), [outcomes.losing_streak(db, name, 0) for name in AGENTS]) == (judged, streaks)
    db.close()


# ---- what it decides ------------------------------------------------------------------------------------------------

RULES = {
    "agents": {"first": ()},
    "evolution": {"production_days": 2.0, "flag_days": 3.0, "agents": 6, "children": 1},
}
PLAYERS = {"gold": 0.3, "lead": -0.35, "zinc": 0.0}


class Haunted(Judged):
    """The same bets, and beside each something that is no evidence, scored before it is mended."""

    def bet(self, bet, event, at_ms):
        ticker, value_cc = f"{event}-1", ONE_DOLLAR_CC if bet.won else 0
        self.played.trade(bet.agent, ticker, bet.price_cc, fee_micros=bet.fee_micros, at_ms=at_ms)
        paid_at_ms = at_ms + 15 * 60_000
        other = "lead" if bet.agent == "gold" else "gold"
        match self.bets % 6:
            case 0:
                self.played.settle(ticker, ONE_DOLLAR_CC - value_cc, paid_at_ms)  # the other way round at first
                self.score()
            case 1:
                number = self.db.execute("SELECT max(id) FROM fills").fetchone()[0]
                fills.attribute(self.db, number, other, why="a mistake", now_ms=at_ms)
                self.played.settle(ticker, value_cc, paid_at_ms)
                self.score()
                fills.attribute(self.db, number, bet.agent, why="its order says so", now_ms=at_ms)
            case 2:
                self.played.trade(other, f"V{event}-1", 2_000, at_ms=at_ms)
                self.played.settle(f"V{event}-1", 4_155, paid_at_ms)  # called off
            case 3:
                self.played.trade(fills.MANUAL, f"M{event}-1", 2_000, at_ms=at_ms)
                self.played.settle(f"M{event}-1", ONE_DOLLAR_CC, paid_at_ms)
            case 4:
                self.played.settle(f"N{event}-1", 0, paid_at_ms)  # nobody traded it
        self.played.settle(ticker, value_cc, paid_at_ms)
        assert not self.played.settle(ticker, value_cc, paid_at_ms + 60_000), "posted again, later"


def test_no_phantom_moves_a_decision(tmp_path):
    """Two floors with the same bets decide alike, figure by figure; on one of them hardly a record is right at once."""
    made = settings_file.parse(RULES)
    players = [Player(name, edge, baseline=not edge) for name, edge in PLAYERS.items()]
    fast = FastFloor(made, players, 1_000_000_000, trades=12, seed=25, fees=True)
    clean, haunted = (
        kind(Floor(made, tmp_path / name, quiet=True), players, 1_000_000_000)
        for name, kind in (("clean", Judged), ("haunted", Haunted))
    )
    for day in range(5):
        fast.one_day()
        for floor in (clean, haunted):
            floor.one_day(day, fast.bets)
        upkeep.prune(haunted.floor, FIRST_DAY_MS + (200 + day) * DAY_MS)
        assert haunted.there() == clean.there()
    assert [one[:4] for one in haunted.told()] == [one[:4] for one in clean.told()]
    for ours, theirs in zip(haunted.told(), clean.told(), strict=True):
        assert plain(ours[4]) == pytest.approx(plain(theirs[4]), abs=2e-3)
    assert {"production", "retired"} <= {stage for stage, _, _ in clean.there().values()}
    assert haunted.db.execute("SELECT count(*) FROM settled_work WHERE excluded <> ''").fetchone()[0] > 20
    for floor in (clean, haunted):
        floor.db.close()


def plain(evidence):
    """The numbers in a decision's evidence, by name, however deep."""
    found = {}
    for key, value in evidence.items():
        if isinstance(value, dict):
            found |= {f"{key}.{name}": one for name, one in plain(value).items()}
        elif isinstance(value, int | float):
            found[key] = value
    return found


def test_of_two_hundred_random_strategies_chance_promotes_none():
    """Twelve days with a look at everybody each day, and many a splendid one among them."""
    players = [Player(f"flip-{number:03}", baseline=True) for number in range(200)]
    made = settings_file.parse({"evolution": {"agents": 1_000}})
    floor = FastFloor(made, players, 1_000_000_000, trades=10, seed=25, fees=False, means=ZERO)
    floor.live(12)
    acts = Counter(one.decision.act for one in floor.happened)
    assert acts["trial"] == 200 and (acts["production"], acts["clone"]) == (0, 0)
    assert any(10 * day.won >= 9 * day.settled for one in players for day in one.days.values())


# ---- leaving --------------------------------------------------------------------------------------------------------


def test_a_retired_agent_leaves_what_it_holds_enters_nothing_and_pulls_what_rests():
    desk = Desk()
    desk.start()
    desk.hold()
    desk.clock(31_000)
    resting, _ = desk.enter(intent(time_in_force=TimeInForce.GTC, post_only=True, limit_cc=3_900))
    desk.update(desk.update(resting, State.SENT), State.RESTING, order_id="x9")
    desk.strategy.answer = intent()
    retired = desk.control(retired=True) + desk.clock(60_000)
    assert [cancel.why for cancel in cancels(retired)][:1] == ["agent retired"]
    assert places(retired) == []
    desk.update(desk.update(resting, State.SENT), State.CANCELED, order_id="x9")
    asked = places(desk.quote(quote(1_000, 1_200, publish=desk.publish + 1)))
    assert [place.purpose for place in asked] == [Purpose.EXIT]


def test_the_trader_of_a_retired_agent_stays_until_nothing_is_left(tmp_path):
    """Its unit goes with its last position and its last open order, not before."""
    floor = open_floor(Settings(), tmp_path, quiet=True)
    migrate.prepare(floor, T0)
    db = database.connect(floor.database)
    furnish_more(db)
    traded(db, "bull")
    db.execute("UPDATE agents SET stage = 'retired' WHERE name IN ('bull', 'bear')")
    assert {"bull", "bear"} & set(boss.wanted(floor)) == {"bull"}
    paid(db)
    assert "bull" not in boss.wanted(floor)
    db.close()


def furnish_more(db) -> None:
    """The agents of this file, on a floor that has its own already, and its id."""
    sha256 = agents.keep_version(db, "momentum", "source", T0)
    for name in AGENTS:
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 10_000_000, sha256, T0))
