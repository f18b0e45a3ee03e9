"""Calls of the client beyond the plain ones, and rows it reads, with their names in the exchange's own description."""

from outcry.domain.order import Side, TimeInForce
from outcry.venue import (
    account_rows,
    batch_rows,
    candle_rows,
    cash_rows,
    order_rows,
    rest_groups,
    rest_history,
    rest_incentives,
    rest_schedule,
    rest_shards,
    rest_subaccounts,
    rest_tier,
    schedule_rows,
)
from outcry.venue.batch_rows import Cancel
from outcry.venue.rest import NewOrder
from outcry.venue.rest_shards import Reservation, TargetAllocation

TICKER = "KXBTC15M-26NOV201215-15"
ORDER_ID = "5d0c8a52-0d0b-4a0e-9a57-5e7b1a5f0001"
GROUP_ID = "3f6c1d5e-9a0b-4d7f-8b1a-6c2e0f4a0001"
TRANSFER_ID = "7a1d3c5e-2b4f-4c6d-9e8f-0a1b2c3d0001"
CLIENT_IDS = (
    "oc-abcdef-coin_flip-01KAGE7XJ6W3Q0S8Z5T4N2M1R0",
    "oc-abcdef-momentum-01KAGE7XJ6W3Q0S8Z5T4N2M1R1",
    "oc-abcdef-momentum-01KAGE7XJ6W3Q0S8Z5T4N2M1R2",
)
ORDERS = tuple(
    NewOrder(client_id, TICKER, Side.BID, 4300, 1200, TimeInForce.GTC, 2, post_only=True, order_group_id=GROUP_ID)
    for client_id in CLIENT_IDS
)
CANCELS = (Cancel(ORDER_ID, TICKER, 2), Cancel("5d0c8a52-0d0b-4a0e-9a57-5e7b1a5f0002", TICKER, 2))
IN_PATHS = {
    "series_ticker": "KXBTC15M",
    "ticker": TICKER,
    "order_id": ORDER_ID,
    "order_group_id": GROUP_ID,
    "transfer_id": TRANSFER_ID,
}

_ORDERS, _BATCH = "/portfolio/orders", "/portfolio/events/orders/batched"
_GROUPS, _GROUP = "/portfolio/order_groups", "/portfolio/order_groups/{order_group_id}"
_MOVE, _TARGET = "/portfolio/intra_exchange_instance_transfer", "/portfolio/target_balance_allocation"
_SUB, _LEVEL = "/portfolio/subaccounts", "/account/api_usage_level"

# (method, route, payload of the answer, its status, the call that asks for it)
CALLS = [
    ("GET", "/exchange/schedule", "schedule", 200, lambda r: r.schedule()),
    ("GET", "/exchange/user_data_timestamp", "user_data_timestamp", 200, lambda r: r.user_data_as_of_ms()),
    ("GET", "/series/fee_changes", "series_fee_changes", 200, lambda r: r.series_fee_changes("KXBTC15M", past=True)),
    ("GET", "/events/fee_changes", "event_fee_changes", 200, lambda r: r.event_fee_changes("E")),
    (
        "GET",
        "/series/{series_ticker}/markets/{ticker}/candlesticks",
        "candles",
        200,
        lambda r: r.candles("KXBTC15M", TICKER, 1795194060, 1795194180, 1),
    ),
    (
        "GET",
        "/markets/candlesticks",
        "candles_many",
        200,
        lambda r: r.many_candles([TICKER, "KXETH15M-26NOV201215-15"], 1795194060, 1795194180, 60),
    ),
    (
        "GET",
        "/series/{series_ticker}/events/{ticker}/candlesticks",
        "candles_event",
        200,
        lambda r: r.event_candles("KXBTC15M", TICKER, 1795194060, 1795194180, 1440),
    ),
    (
        "GET",
        "/historical/markets/{ticker}/candlesticks",
        "candles_archived",
        200,
        lambda r: r.archived_candles(TICKER, 1795194060, 1795194180, 1),
    ),
    ("GET", "/historical/cutoff", "cutoff", 200, lambda r: r.cutoff()),
    ("GET", "/historical/markets", "markets", 200, lambda r: r.archived_markets(series_ticker="S")),
    ("GET", "/historical/markets", "markets", 200, lambda r: r.archived_markets(event_ticker="E")),
    ("GET", "/historical/markets", "markets", 200, lambda r: r.archived_markets(tickers=["A", "B"])),
    ("GET", "/historical/markets/{ticker}", "market_settled", 200, lambda r: r.archived_market(TICKER)),
    ("GET", "/historical/trades", "trades", 200, lambda r: r.archived_trades(TICKER, 1, 2)),
    ("GET", "/historical/fills", "fills", 200, lambda r: r.archived_fills(TICKER, 1, 2)),
    ("GET", "/historical/orders", "orders", 200, lambda r: r.archived_orders(TICKER, 1, 2)),
    ("GET", "/historical/positions", "positions", 200, lambda r: r.archived_positions(TICKER, "E")),
    ("POST", _BATCH, "batch_created", 201, lambda r: r.create_orders(ORDERS)),
    ("DELETE", _BATCH, "batch_canceled", 200, lambda r: r.cancel_orders(CANCELS)),
    (
        "POST",
        "/portfolio/events/orders/{order_id}/decrease",
        "order_decreased",
        200,
        lambda r: r.decrease_order(ORDER_ID, TICKER, 2, 300),
    ),
    ("GET", _ORDERS + "/queue_positions", "queue_positions", 200, lambda r: r.queue_positions([TICKER, "B"])),
    ("GET", _ORDERS + "/{order_id}/queue_position", "queue_position", 200, lambda r: r.queue_position(ORDER_ID)),
    ("GET", _GROUPS, "order_groups", 200, lambda r: r.order_groups()),
    ("GET", _GROUP, "order_group", 200, lambda r: r.order_group(GROUP_ID)),
    ("POST", _GROUPS + "/create", "order_group_created", 201, lambda r: r.create_order_group(15_000, 2)),
    ("PUT", _GROUP + "/limit", "empty", 200, lambda r: r.limit_order_group(GROUP_ID, 5_050, 2)),
    ("PUT", _GROUP + "/reset", "empty", 200, lambda r: r.reset_order_group(GROUP_ID, 2)),
    ("PUT", _GROUP + "/trigger", "empty", 200, lambda r: r.trigger_order_group(GROUP_ID, 2)),
    ("DELETE", _GROUP, "empty", 200, lambda r: r.delete_order_group(GROUP_ID, 2)),
    ("POST", _MOVE, "shard_transfer_created", 200, lambda r: r.move_between_shards(2_500_001, 0, 2)),
    ("GET", _MOVE + "s", "shard_transfers", 200, lambda r: r.shard_transfers()),
    ("GET", _MOVE + "s/{transfer_id}", "shard_transfer", 200, lambda r: r.shard_transfer(TRANSFER_ID)),
    ("GET", _TARGET, "target_allocation", 200, lambda r: r.target_allocation()),
    (
        "POST",
        _TARGET,
        "empty",
        200,
        lambda r: r.set_target_allocation(TargetAllocation({2: 90, 0: 10}, Reservation.MAX)),
    ),
    ("POST", _SUB, "subaccount_created", 201, lambda r: r.create_subaccount(2)),
    (
        "POST",
        _SUB + "/transfer",
        "empty",
        200,
        lambda r: r.move_between_subaccounts(TRANSFER_ID, 0, 1, 2_500, 2),
    ),
    ("GET", _SUB + "/balances", "subaccount_balances", 200, lambda r: r.subaccount_balances()),
    ("GET", _SUB + "/transfers", "subaccount_transfers", 200, lambda r: r.subaccount_transfers()),
    ("GET", _SUB + "/netting", "netting", 200, lambda r: r.netting()),
    ("PUT", _SUB + "/netting", None, 200, lambda r: r.set_netting(1, True)),
    ("GET", "/api_keys", "api_keys", 200, lambda r: r.api_keys()),
    ("POST", _LEVEL + "/upgrade", None, 201, lambda r: r.upgrade_tier()),
    ("GET", _LEVEL + "/volume_progress", "volume_progress", 200, lambda r: r.volume_progress()),
    ("GET", "/account/limits", "limits_granted", 200, lambda r: r.limits()),
    ("GET", "/incentive_programs", "incentives", 200, lambda r: r.incentives("active", "liquidity")),
    ("GET", "/portfolio/deposits", "deposits", 200, lambda r: r.deposits()),
    ("GET", "/portfolio/withdrawals", "withdrawals", 200, lambda r: r.withdrawals()),
    (
        "GET",
        "/portfolio/summary/total_resting_order_value",
        "resting_value",
        200,
        lambda r: r.resting_order_value(),
    ),
]

ROWS = [
    (account_rows.GrantRow, "ApiUsageLevelGrant"),
    (batch_rows.BatchCreatedRow, "BatchCreateOrdersV2Response"),
    (batch_rows.CreatedItemRow, "BatchCreateOrdersV2Response.orders"),
    (batch_rows.BatchCanceledRow, "BatchCancelOrdersV2Response"),
    (batch_rows.CanceledItemRow, "BatchCancelOrdersV2Response.orders"),
    (batch_rows.ItemErrorRow, "ErrorResponse"),
    (candle_rows.CandleRow, "MarketCandlestick"),
    (candle_rows.QuoteRow, "BidAskDistribution"),
    (candle_rows.TradedRow, "PriceDistribution"),
    (candle_rows.ArchivedCandleRow, "MarketCandlestickHistorical"),
    (candle_rows.ArchivedQuoteRow, "BidAskDistributionHistorical"),
    (candle_rows.ArchivedTradedRow, "PriceDistributionHistorical"),
    (cash_rows.BankRow, "Deposit"),
    (cash_rows.BankRow, "Withdrawal"),
    (cash_rows.RestingValueRow, "GetPortfolioRestingOrderTotalValueResponse"),
    (order_rows.DecreasedRow, "DecreaseOrderV2Response"),
    (order_rows.QueueRow, "OrderQueuePosition"),
    (order_rows.OneQueueRow, "GetOrderQueuePositionResponse"),
    (rest_groups.GroupRow, "OrderGroup"),
    (rest_groups.OneGroup, "GetOrderGroupResponse"),
    (rest_groups.CreatedGroup, "CreateOrderGroupResponse"),
    (rest_history.CutoffRow, "GetHistoricalCutoffResponse"),
    (rest_incentives.IncentiveRow, "IncentiveProgram"),
    (rest_schedule.SeriesFeeRow, "SeriesFeeChange"),
    (rest_schedule.EventFeeRow, "EventFeeChange"),
    (rest_schedule.UserDataRow, "GetUserDataTimestampResponse"),
    (rest_shards.TransferRow, "IntraExchangeInstanceTransfer"),
    (rest_shards.CreatedTransfer, "IntraExchangeInstanceTransferResponse"),
    (rest_shards.ShareRow, "TargetBalanceAllocation"),
    (rest_shards.TargetRow, "GetTargetBalanceAllocationResponse"),
    (rest_subaccounts.CreatedSubaccount, "CreateSubaccountResponse"),
    (rest_subaccounts.PurseRow, "SubaccountBalance"),
    (rest_subaccounts.MoveRow, "SubaccountTransfer"),
    (rest_subaccounts.NettingRow, "SubaccountNettingConfig"),
    (rest_tier.KeyRow, "ApiKey"),
    (rest_tier.KeyList, "GetApiKeysResponse"),
    (rest_tier.ProgressRow, "AccountApiUsageLevelVolumeProgress"),
    (rest_tier.GoalRow, "AccountApiUsageLevelVolumeGoal"),
    (schedule_rows.ScheduleRow, "Schedule"),
    (schedule_rows.WeekRow, "WeeklySchedule"),
    (schedule_rows.SessionRow, "DailySchedule"),
    (schedule_rows.MaintenanceRow, "MaintenanceWindow"),
]

INSISTED = {  # always sent ("omitempty: false"); without it a group cannot be addressed
    (rest_groups.GroupRow, "exchange_index"),
    (rest_groups.OneGroup, "exchange_index"),
}
