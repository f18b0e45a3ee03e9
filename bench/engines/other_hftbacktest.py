"""hftbacktest on the same changes: `prepare` writes its own file. Needs the environment of bench-peers."""

from pathlib import Path

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.order import IOC
from hftbacktest.types import event_dtype
from measured import EVERY, LATENCY_MS, main
from numba import njit

DATA_ENDS = 1
FOREVER = 10**18


def prepare(folder: Path) -> None:
    rows = np.fromfile(folder / "numbers.bin", dtype=np.int64).reshape(-1, 3)
    later = np.arange(len(rows)) - np.searchsorted(rows[:, 0], rows[:, 0])
    events = np.zeros(len(rows), dtype=event_dtype)
    is_bid = rows[:, 1] > 0
    events["ev"] = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | np.where(is_bid, BUY_EVENT, SELL_EVENT)
    # A nanosecond from change to change: what comes at the same time is told together there.
    events["exch_ts"] = events["local_ts"] = rows[:, 0] * 1_000_000 + later
    events["px"] = np.abs(rows[:, 1]) / 10_000
    events["qty"] = rows[:, 2] / 100
    np.savez(folder / "hftbacktest.npz", data=events)


@njit
def loop(hbt, every, ends, forever):
    """Take a contract at the best ask each so many moves of the touch."""
    moves = orders = 0
    bid_qty = ask_qty = 0.0
    bid = ask = 0
    while hbt.wait_next_feed(False, forever) != ends:
        depth = hbt.depth(0)
        now_bid, now_ask = depth.best_bid_tick, depth.best_ask_tick
        now_bid_qty, now_ask_qty = depth.bid_qty_at_tick(now_bid), depth.ask_qty_at_tick(now_ask)
        if now_bid != bid or now_ask != ask or now_bid_qty != bid_qty or now_ask_qty != ask_qty:
            bid, ask, bid_qty, ask_qty = now_bid, now_ask, now_bid_qty, now_ask_qty
            moves += 1
            if moves % every == 0:
                orders += 1
                hbt.submit_buy_order(0, orders, depth.best_ask, 1.0, IOC, LIMIT, False)
                hbt.clear_inactive_orders(0)
    return moves


def run(folder: Path) -> tuple[int, int]:
    asset = (
        BacktestAsset()
        .data(str(folder / "hftbacktest.npz"))
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_MS * 1_000_000, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.07)
        .tick_size(0.01)
        .lot_size(0.01)
        .roi_lb(0.0)
        .roi_ub(1.0)
        .last_trades_capacity(0)
    )
    hbt = ROIVectorMarketDepthBacktest([asset])
    moves = loop(hbt, EVERY, DATA_ENDS, FOREVER)
    fills = int(hbt.state_values(0).num_trades)
    hbt.close()
    return moves, fills


if __name__ == "__main__":
    main(run, prepare)
