"""The SQL ledger against the domain's arithmetic and against an exchange that knows only YES and NO contracts."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcry.domain import ledger
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store import accounts, agents, database, fills, settlements

AGENTS = ("momentum", "mean_reversion", "momentum-2")
TICKERS = {"KXBTC15M-A": 2, "KXETH15M-B": 2, "KXHIGH-C": 0}
DOLLAR_CC = 10_000


@pytest.fixture(scope="module")
def template():
    """A migrated floor with three agents; every example begins with a copy of it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    database.migrate(db)
    db.row_factory = sqlite3.Row
    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    for name in AGENTS:
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 10_000_000, sha256, 1))
    yield db
    db.close()


def floor_copy(template: sqlite3.Connection) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    template.backup(db)
    db.row_factory = sqlite3.Row
    return db


@dataclass
class Exchange:
    """Another book-keeping of the same account: paid-for YES and NO contracts, pairs cashed at $1, no signed q."""

    cash: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    yes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    no: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    paid: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def trade(self, fill: Fill) -> None:
        if fill.side is Side.BID:
            self.yes[fill.ticker] += fill.count_ch
            self.cash[fill.exchange_index] -= fill.price_cc * fill.count_ch
        else:
            self.no[fill.ticker] += fill.count_ch
            self.cash[fill.exchange_index] -= (DOLLAR_CC - fill.price_cc) * fill.count_ch
        self.cash[fill.exchange_index] -= fill.fee_micros
        pairs = min(self.yes[fill.ticker], self.no[fill.ticker])
        self.yes[fill.ticker] -= pairs
        self.no[fill.ticker] -= pairs
        self.cash[fill.exchange_index] += pairs * DOLLAR_CC

    def settle(self, ticker: str, value_cc: int) -> None:
        """Pay, or correct what was paid; scalar payouts are floored to $0.0001."""
        payout = self.yes[ticker] * value_cc + self.no[ticker] * (DOLLAR_CC - value_cc)
        payout -= payout % 100
        self.cash[TICKERS[ticker]] += payout - self.paid[ticker]
        self.paid[ticker] = payout


fill_facts = st.fixed_dictionaries(
    {
        "kind": st.just("fill"),
        "who": st.sampled_from([*AGENTS, "stranger", "later"]),
        "ticker": st.sampled_from(sorted(TICKERS)),
        "side": st.sampled_from(list(Side)),
        "price_cc": st.integers(1, 9_999),
        "count_ch": st.integers(1, 5_000),
        "fee_micros": st.integers(-500, 50_000),
    }
)
settle_facts = st.fixed_dictionaries(
    {
        "kind": st.just("settle"),
        "ticker": st.sampled_from(sorted(TICKERS)),
        "value_cc": st.sampled_from([0, DOLLAR_CC, 3_333, 5_001]),
    }
)
cash_facts = st.fixed_dictionaries(
    {"kind": st.just("cash"), "shard": st.sampled_from([0, 2]), "amount": st.integers(-(10**9), 10**9)}
)
move_facts = st.fixed_dictionaries({"kind": st.just("move"), "nth": st.integers(0, 40), "to": st.sampled_from(AGENTS)})
histories = st.lists(st.one_of(fill_facts, fill_facts, fill_facts, settle_facts, cash_facts, move_facts), max_size=30)


class Teller:
    """Plays a history into the database, the domain's ledger and the exchange beside it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db, self.exchange = db, Exchange()
        self.told: list[tuple[str, Fill]] = []  # who owns it now, as we believe
        self.values: dict[str, int] = {}
        self.clock = 1_000
        for shard in (0, 2):
            assert accounts.open_shard(db, shard, 10**9, 1)
            self.exchange.cash[shard] += 10**9

    def play(self, event: dict) -> None:
        self.clock += 10
        getattr(self, event["kind"])(event)

    def fill(self, event: dict) -> None:
        number = len(self.told)
        who = event["who"]
        client_id = {"stranger": "hand-made", "later": ""}.get(who, f"oc-abcdef-{who}-01J{number}")
        made = Fill(
            trade_id=f"t{number}",
            order_id=f"o{number}",
            ticker=event["ticker"],
            exchange_index=TICKERS[event["ticker"]],
            side=event["side"],
            price_cc=event["price_cc"],
            count_ch=event["count_ch"],
            fee_micros=event["fee_micros"],
            is_taker=True,
            filled_at_ms=self.clock,
            client_order_id=client_id,
        )
        assert fills.book(self.db, made, "stream", self.clock)
        assert not fills.book(
            self.db, replace(made, client_order_id="", filled_at_ms=self.clock + 1), "rest", self.clock
        )
        self.told.append((who if who in AGENTS else fills.PARKED, made))
        if made.ticker in self.values:  # the exchange traded before it paid; we only heard of it late
            was = self.exchange.paid[made.ticker]
            self.exchange.cash[made.exchange_index] -= was
            self.exchange.paid[made.ticker] = 0
        self.exchange.trade(made)
        if made.ticker in self.values:
            self.exchange.settle(made.ticker, self.values[made.ticker])

    def settle(self, event: dict) -> None:
        ticker, value_cc = event["ticker"], event["value_cc"]
        result = {0: "no", DOLLAR_CC: "yes"}.get(value_cc, "scalar")
        record = Settlement(ticker, TICKERS[ticker], result, value_cc, self.clock)
        assert settlements.record(self.db, record, "rest", self.clock) == (self.values.get(ticker) != value_cc)
        assert not settlements.record(self.db, replace(record, settled_at_ms=self.clock + 7), "market", self.clock)
        self.values[ticker] = value_cc
        self.exchange.settle(ticker, value_cc)

    def cash(self, event: dict) -> None:
        kind = "deposit" if event["amount"] >= 0 else "withdrawal"
        facts = (kind, event["shard"], event["amount"])
        assert accounts.record_cash(self.db, *facts, at_ms=self.clock, reference=f"c{self.clock}")
        assert not accounts.record_cash(self.db, *facts, at_ms=self.clock, reference=f"c{self.clock}")
        self.exchange.cash[event["shard"]] += event["amount"]

    def move(self, event: dict) -> None:
        if not self.told:
            return
        number = event["nth"] % len(self.told)
        fill_id = self.db.execute("SELECT id FROM fills WHERE trade_id = ?", (f"t{number}",)).fetchone()[0]
        before, made = self.told[number]
        moved = fills.attribute(self.db, fill_id, event["to"], why="looked up", now_ms=self.clock)
        assert moved == (before != event["to"])
        self.told[number] = (event["to"], made)

    def holdings(self) -> dict[tuple[str, str], ledger.Holding]:
        """The domain's answer."""
        held: dict[tuple[str, str], ledger.Holding] = defaultdict(ledger.Holding)
        for owner, made in self.told:
            held[owner, made.ticker] = ledger.apply_fill(held[owner, made.ticker], made)
        for (owner, ticker), holding in held.items():
            if ticker in self.values:
                value = Settlement(ticker, TICKERS[ticker], "", self.values[ticker], 0)
                held[owner, ticker] = ledger.settle(holding, value)
        return held


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_the_identity_and_the_domain_hold_after_every_event(template, history):
    db = floor_copy(template)
    try:
        teller = Teller(db)
        for event in history:
            teller.play(event)
            for shard in (0, 2):
                assert accounts.expected_micros(db, shard) == teller.exchange.cash[shard], event
            assert_ledgers_agree(db, teller)
    finally:
        db.close()


def assert_ledgers_agree(db: sqlite3.Connection, teller: Teller) -> None:
    kept = {
        (row["agent"], row["ticker"]): ledger.Holding(row["position_ch"], row["cash_micros"], row["fees_micros"])
        for row in db.execute("SELECT * FROM agent_markets WHERE fills > 0")
    }
    assert kept == dict(teller.holdings())
    assert fills.misbooked(db) == []
    assert len(fills.parked(db)) == sum(owner == fills.PARKED for owner, _ in teller.told)


def test_misbooked_names_the_market_whose_totals_were_tampered_with(template):
    db = floor_copy(template)
    teller = Teller(db)
    facts = {"kind": "fill", "who": "momentum", "ticker": "KXHIGH-C", "side": Side.BID}
    teller.play({**facts, "price_cc": 4_000, "count_ch": 100, "fee_micros": 100})
    db.execute("UPDATE holdings SET cash_micros = cash_micros + 1")
    assert fills.misbooked(db) == ["momentum KXHIGH-C", "momentum shard 0"]
    db.execute("UPDATE holdings SET cash_micros = cash_micros - 1")
    db.execute("UPDATE agent_cash SET fees_micros = fees_micros + 1")
    assert fills.misbooked(db) == ["momentum shard 0"]
    db.close()
