"""What one step of the exchange tells, gathered and put in order: book and trades, fills, orders, the rest, tickers."""

from outcry.domain.order import Side
from outcry.paper.events import (
    AccountFill,
    BookReset,
    EngineEvent,
    LevelChanged,
    OrderChanged,
    TickerMoved,
    Traded,
)

NOBODY = ("", "", 0)


class Outbox:
    """Events since the last `drain`.

    cause  whose order is at work: (account, client_order_id, subaccount), or NOBODY for everybody else
    moved  markets whose displayed book changed in this step, in order
    """

    def __init__(self) -> None:
        self.at_ms = 0
        self.cause = NOBODY
        self.moved: dict[str, None] = {}
        self._book: list[EngineEvent] = []
        self._fills: list[EngineEvent] = []
        self._orders: dict[str, OrderChanged] = {}
        self._rest: list[EngineEvent] = []
        self._tickers: dict[str, TickerMoved] = {}

    def level(self, ticker: str, is_bid: bool, price_cc: int, change_ch: int) -> None:
        side = Side.BID if is_bid else Side.ASK
        self.moved[ticker] = None
        self._book.append(LevelChanged(ticker, side, price_cc, change_ch, self.at_ms, *self.cause))

    def reset(self, ticker: str) -> None:
        """The whole book of a market is new: level changes of this step are already in it."""
        self._book = [
            event
            for event in self._book
            if not (isinstance(event, LevelChanged | BookReset) and event.ticker == ticker)
        ]
        self._book.append(BookReset(ticker, self.at_ms))
        self.moved[ticker] = None

    def traded(self, trade: Traded) -> None:
        self._book.append(trade)

    def fill(self, fill: AccountFill) -> None:
        self._fills.append(fill)

    def order(self, account: str, order_id: str, reason: str) -> None:
        """An order changed; told once a step, after its fills, with the last reason."""
        self._orders.pop(order_id, None)
        self._orders[order_id] = OrderChanged(account, order_id, self.at_ms, reason)

    def say(self, event: EngineEvent) -> None:
        self._rest.append(event)

    def ticker(self, ticker: str) -> None:
        self._tickers[ticker] = TickerMoved(ticker, self.at_ms)

    def drain(self) -> list[EngineEvent]:
        events = [*self._book, *self._fills, *self._orders.values(), *self._rest, *self._tickers.values()]
        self._book, self._fills, self._rest = [], [], []
        self._orders, self._tickers, self.moved = {}, {}, {}
        return events
