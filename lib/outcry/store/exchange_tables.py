"""The tables of the local exchange's file: their columns, and the statements that write and read them.

A column travels under the name of the field it holds. The order of tables is the order in which rows may be written.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    key    what identifies a row, whose other columns are then replaced; () for rows that are written once and for ever
    order  how rows are read again
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    order: str

    @property
    def insert(self) -> str:
        marks = ", ".join("?" * len(self.columns))
        text = f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608  constant text
        if not self.key:
            return text
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.key)
        return f"{text} ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"

    @property
    def select(self) -> str:
        return f"SELECT * FROM {self.name} ORDER BY {self.order}"  # noqa: S608  constant text


ACCOUNT_COLUMNS = ("name", "tier", "target")
PURSE_COLUMNS = ("account", "subaccount", "exchange_index", "netting", "swept_until_ms")
CASH_COLUMNS = ("account", "subaccount", "exchange_index", "cash_micros", "moved_in_micros")
HOUSE_COLUMNS = ("exchange_index", "foreign_micros", "fees_micros")
MARKET_COLUMNS = (
    "ticker", "event_ticker", "series_ticker", "exchange_index", "status", "open_at_ms", "close_at_ms", "price_ranges",
    "fee_type", "fee_multiplier_millionths", "title", "underlying", "strike_type", "strike_micros", "result",
    "settlement_value_cc", "expiration_value_micros", "created_at_ms", "updated_at_ms", "determined_at_ms",
    "settled_at_ms", "last_price_cc", "last_count_ch", "foreign_volume_ch", "foreign_interest_ch", "own_volume_ch",
    "own_interest_ch", "foreign_position_ch", "pays_at_ms",
)  # fmt: skip
GROUP_COLUMNS = (
    "group_id", "account", "subaccount", "exchange_index", "limit_ch", "created_at_ms", "triggered", "deleted",
    "matched",
)  # fmt: skip
ORDER_COLUMNS = (
    "order_id", "account", "client_order_id", "ticker", "exchange_index", "side", "price_cc", "initial_ch",
    "remaining_ch", "time_in_force", "self_trade", "number", "created_at_ms", "updated_at_ms", "status", "reason",
    "filled_ch", "taker_filled_ch", "taker_value_micros", "maker_value_micros", "taker_fees_micros",
    "maker_fees_micros", "accumulator_micros", "expires_at_ms", "post_only", "reduce_only", "cancel_on_pause",
    "subaccount", "order_group_id",
)  # fmt: skip
POSITION_COLUMNS = (
    "account", "ticker", "exchange_index", "subaccount", "position_ch", "basis_micros", "realized_micros",
    "traded_micros", "fees_micros", "yes_count_ch", "yes_cost_micros", "no_count_ch", "no_cost_micros",
    "updated_at_ms", "settled",
)  # fmt: skip
FILL_COLUMNS = (
    "account", "trade_id", "order_id", "client_order_id", "ticker", "exchange_index", "side", "price_cc", "count_ch",
    "fee_micros", "is_taker", "at_ms", "post_position_ch", "subaccount",
)  # fmt: skip
SETTLEMENT_COLUMNS = (
    "account", "ticker", "event_ticker", "exchange_index", "result", "value_cc", "yes_count_ch", "yes_cost_micros",
    "no_count_ch", "no_cost_micros", "revenue_micros", "fee_micros", "at_ms", "subaccount",
)  # fmt: skip
TRANSFER_COLUMNS = (
    "transfer_id", "account", "source_index", "destination_index", "source_subaccount", "destination_subaccount",
    "amount_micros", "created_at_ms", "due_at_ms", "status", "automatic",
)  # fmt: skip
SUBACCOUNT_TRANSFER_COLUMNS = (
    "transfer_id", "account", "client_transfer_id", "from_subaccount", "to_subaccount", "exchange_index",
    "amount_micros", "at_ms",
)  # fmt: skip
MOVE_COLUMNS = ("move_id", "account", "kind", "exchange_index", "amount_micros", "at_ms")

TABLES = (
    Table("accounts", ACCOUNT_COLUMNS, ("name",), "name"),
    Table("purses", PURSE_COLUMNS, ("account", "subaccount"), "account, subaccount"),
    Table("cash", CASH_COLUMNS, ("account", "subaccount", "exchange_index"), "account, subaccount, exchange_index"),
    Table("house", HOUSE_COLUMNS, ("exchange_index",), "exchange_index"),
    Table("markets", MARKET_COLUMNS, ("ticker",), "created_at_ms, ticker"),
    Table("order_groups", GROUP_COLUMNS, ("group_id",), "created_at_ms, rowid"),
    Table("orders", ORDER_COLUMNS, ("order_id",), "created_at_ms, number"),
    Table("positions", POSITION_COLUMNS, ("account", "subaccount", "ticker"), "account, subaccount, ticker"),
    Table("fills", FILL_COLUMNS, (), "id"),
    Table("settlements", SETTLEMENT_COLUMNS, (), "id"),
    Table("transfers", TRANSFER_COLUMNS, ("transfer_id",), "created_at_ms, rowid"),
    Table("subaccount_transfers", SUBACCOUNT_TRANSFER_COLUMNS, (), "rowid"),
    Table("moves", MOVE_COLUMNS, (), "rowid"),
)
