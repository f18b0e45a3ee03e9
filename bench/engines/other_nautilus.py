"""nautilus_trader on the same changes. Needs the environment of bench-peers."""

from decimal import Decimal
from pathlib import Path

import numpy as np
from measured import EVERY, LATENCY_MS, main
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import (
    AccountType,
    AssetClass,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("KALSHI")
NAME = InstrumentId(Symbol("KXBTC15M"), VENUE)
LAST = 1 << 7  # of an event
ONE = Quantity.from_str("1.00")


class Taking(Strategy):
    """Take a contract at the best ask each so many moves of the touch."""

    def __init__(self) -> None:
        super().__init__()
        self.moves = self.fills = 0
        self._touch: tuple[object, ...] = ()

    def on_start(self) -> None:
        self.subscribe_order_book_deltas(NAME, book_type=BookType.L2_MBP)
        self._book = self.cache.order_book(NAME)

    def on_order_book_deltas(self, _deltas: object) -> None:
        book = self.cache.order_book(NAME)
        now = (book.best_bid_price(), book.best_bid_size(), book.best_ask_price(), book.best_ask_size())
        if now != self._touch:
            self._touch = now
            self.moves += 1
            if self.moves % EVERY == 0 and now[2] is not None:
                self.submit_order(self.order_factory.limit(NAME, OrderSide.BUY, ONE, now[2], TimeInForce.IOC))

    def on_order_filled(self, _event: object) -> None:
        self.fills += 1


def deltas(folder: Path) -> list[OrderBookDelta]:
    found = []
    rows = np.fromfile(folder / "numbers.bin", dtype=np.int64).reshape(-1, 3).tolist()
    for seq, (at_ms, signed_cc, size_ch) in enumerate(rows, 1):
        side = OrderSide.BUY if signed_cc > 0 else OrderSide.SELL
        level = BookOrder(side, Price(abs(signed_cc) / 10_000, 2), Quantity(size_ch / 100, 2), 0)
        action = BookAction.UPDATE if size_ch else BookAction.DELETE
        found.append(OrderBookDelta(NAME, action, level, LAST, seq, at_ms * 1_000_000, at_ms * 1_000_000))
    return found


def run(folder: Path) -> tuple[int, int]:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.CASH, [Money(1_000_000, USD)], book_type=BookType.L2_MBP,
        latency_model=LatencyModel(LATENCY_MS * 1_000_000),
    )  # fmt: skip
    engine.add_instrument(
        BinaryOption(
            NAME, Symbol("KXBTC15M"), AssetClass.ALTERNATIVE, USD, 2, 2, Price(0.01, 2), Quantity(0.01, 2), 0,
            10**19, 0, 0, taker_fee=Decimal("0.07"),
        )
    )  # fmt: skip
    engine.add_data(deltas(folder))
    strategy = Taking()
    engine.add_strategy(strategy)
    engine.run()
    engine.dispose()
    return strategy.moves, strategy.fills


if __name__ == "__main__":
    main(run)
