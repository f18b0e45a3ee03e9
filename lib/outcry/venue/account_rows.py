"""Private bodies of the REST interface and what they mean here: fills, settlements, balance, positions, limits."""

from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.venue import fields
from outcry.venue.fields import Amount, Whole


class FillRow(Struct, frozen=True):
    """A REST fill carries no client_order_id: join by order_id."""

    trade_id: str
    order_id: str
    ticker: str
    exchange_index: Whole
    book_side: Side
    count_fp: Amount
    yes_price_dollars: Amount
    is_taker: bool
    fee_cost: Amount
    created_time: str | None = None
    ts: Whole | None = None


class SettlementRow(Struct, frozen=True):
    ticker: str
    event_ticker: str
    exchange_index: Whole
    market_result: str
    yes_count_fp: Amount
    yes_total_cost_dollars: Amount
    no_count_fp: Amount
    no_total_cost_dollars: Amount
    revenue: Whole
    fee_cost: Amount
    settled_time: str
    value: Whole | None = None


@dataclass(frozen=True, slots=True)
class SettlementReport:
    """What the account was paid for a market. Counts are gross for each side; revenue is what the net position paid.

    value_cc     what one YES contract paid; None for a scalar outcome whose record names no value. For a scalar outcome
                 the record knows whole cents only: the market's own settlement value is exact.
    fees_micros  the sum of the trade fees on that position, not a further charge
    """

    ticker: str
    event_ticker: str
    exchange_index: int
    result: str
    value_cc: int | None
    yes_count_ch: int
    yes_cost_micros: int
    no_count_ch: int
    no_cost_micros: int
    revenue_micros: int
    fees_micros: int
    settled_at_ms: int

    @property
    def net_ch(self) -> int:
        """The signed position that was paid."""
        return self.yes_count_ch - self.no_count_ch

    @property
    def pnl_micros(self) -> int:
        """Profit of the whole position, fees taken: both sides held at once had already been cashed at $1 a pair."""
        pairs = min(self.yes_count_ch, self.no_count_ch) * ONE_DOLLAR_CC
        return self.revenue_micros + pairs - self.yes_cost_micros - self.no_cost_micros - self.fees_micros

    def settlement(self, value_cc: int | None = None) -> Settlement:
        """The ledger's settlement. `value_cc`: the market's exact value, where the caller has read it.

        raises  SchemaDrift when neither names a value
        """
        value = self.value_cc if value_cc is None else value_cc
        if value is None:
            raise SchemaDrift(f"{self.ticker} settled {self.result} and the record names no value")
        return Settlement(self.ticker, self.exchange_index, self.result, value, self.settled_at_ms)


class ShardBalanceRow(Struct, frozen=True):
    exchange_index: Whole
    balance: Amount


class BalanceRow(Struct, frozen=True):
    balance_dollars: Amount
    portfolio_value: Whole
    updated_ts: Whole
    balance_breakdown: list[ShardBalanceRow] | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash, in micro-dollars. Asked without a shard it is the sum over shards, which no single shard can spend."""

    cash_micros: int
    portfolio_value_micros: int
    updated_at_ms: int
    by_shard_micros: dict[int, int]


class PositionRow(Struct, frozen=True):
    ticker: str
    exchange_index: Whole
    position_fp: Amount
    market_exposure_dollars: Amount
    total_traded_dollars: Amount
    realized_pnl_dollars: Amount
    fees_paid_dollars: Amount
    last_updated_ts: str  # an ISO time, whatever its name says


class PositionReport(NamedTuple):
    """The account's net position in one market: above zero YES, below zero NO. Money in micro-dollars."""

    ticker: str
    exchange_index: int
    position_ch: int
    exposure_micros: int
    traded_micros: int
    realized_micros: int
    fees_micros: int
    updated_at_ms: int


class BucketRow(Struct, frozen=True):
    """Tokens a second, and how many the bucket holds when full."""

    refill_rate: Whole
    bucket_capacity: Whole


class GrantRow(Struct, frozen=True):
    """Why the account has a tier, and until when (Unix seconds; None: for good)."""

    exchange_instance: str
    level: str
    source: str
    expires_ts: Whole | None = None


class Limits(Struct, frozen=True):
    """The account's request budget."""

    usage_tier: str
    read: BucketRow
    write: BucketRow
    grants: list[GrantRow]


class CostRow(Struct, frozen=True):
    method: str
    path: str
    cost: Whole


class EndpointCosts(Struct, frozen=True):
    """Tokens per call; endpoints that are not listed cost `default_cost`."""

    default_cost: Whole
    endpoint_costs: list[CostRow]


def fill(row: FillRow) -> Fill:
    """One fill. Raises SchemaDrift when a field cannot be read, or when it names no time at all."""
    at_ms = fields.optional_time_ms(row.created_time)
    if at_ms is None:
        if row.ts is None:
            raise SchemaDrift(f"fill {row.trade_id} has neither created_time nor ts")
        at_ms = row.ts * 1000
    count = fields.count_ch(row.count_fp)
    if count <= 0:
        raise SchemaDrift(f"fill {row.trade_id} of {row.count_fp!r} contracts")
    return Fill(
        trade_id=row.trade_id,
        order_id=row.order_id,
        ticker=row.ticker,
        exchange_index=row.exchange_index,
        side=row.book_side,
        price_cc=fields.price_cc(row.yes_price_dollars),
        count_ch=count,
        fee_micros=fields.dollars_micros(row.fee_cost),
        is_taker=row.is_taker,
        filled_at_ms=at_ms,
    )


def settlement(row: SettlementRow) -> SettlementReport:
    """One settlement record. Raises SchemaDrift when a field cannot be read or the outcome is of an unknown kind."""
    if row.market_result not in ("yes", "no", "scalar"):
        raise SchemaDrift(f"{row.ticker} settled {row.market_result!r}")
    certain = {"yes": ONE_DOLLAR_CC, "no": 0}
    stated = None if row.value is None else row.value * 100
    if stated is not None and not 0 <= stated <= ONE_DOLLAR_CC:
        raise SchemaDrift(f"{row.ticker} settled at {row.value} cents")
    return SettlementReport(
        ticker=row.ticker,
        event_ticker=row.event_ticker,
        exchange_index=row.exchange_index,
        result=row.market_result,
        value_cc=certain.get(row.market_result, stated),
        yes_count_ch=fields.count_ch(row.yes_count_fp),
        yes_cost_micros=fields.dollars_micros(row.yes_total_cost_dollars),
        no_count_ch=fields.count_ch(row.no_count_fp),
        no_cost_micros=fields.dollars_micros(row.no_total_cost_dollars),
        revenue_micros=fields.cents_micros(row.revenue),
        fees_micros=fields.dollars_micros(row.fee_cost),
        settled_at_ms=fields.time_ms(row.settled_time),
    )


def balance(row: BalanceRow) -> Balance:
    """The balance. Raises SchemaDrift when a field cannot be read."""
    return Balance(
        fields.dollars_micros(row.balance_dollars),
        fields.cents_micros(row.portfolio_value),
        row.updated_ts * 1000,
        {shard.exchange_index: fields.dollars_micros(shard.balance) for shard in row.balance_breakdown or ()},
    )


def position(row: PositionRow) -> PositionReport:
    """One net position. Raises SchemaDrift when a field cannot be read."""
    return PositionReport(
        row.ticker,
        row.exchange_index,
        fields.count_ch(row.position_fp),
        fields.dollars_micros(row.market_exposure_dollars),
        fields.dollars_micros(row.total_traded_dollars),
        fields.dollars_micros(row.realized_pnl_dollars),
        fields.dollars_micros(row.fees_paid_dollars),
        fields.time_ms(row.last_updated_ts),
    )
