"""What clients of the WebSocket may ask, its parameters checked, and the numbered errors they may get."""

import msgspec

from outcry.paper.server.push import Hub
from outcry.paper.server.subscription import Subscription

ERRORS = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    24: "Index IDs required",
    25: "Subscription buffer overflow",
}


class Wrong(Exception):
    """A command cannot be done. `subscription` is the one it was about, where it was about one."""

    def __init__(self, code: int, subscription: Subscription | None = None, why: str = "") -> None:
        super().__init__(code)
        self.code, self.subscription, self.why = code, subscription, why


class Params(msgspec.Struct):
    """All parameters of all commands that this exchange acts on."""

    channels: list[str] = []
    market_ticker: str | None = None
    market_tickers: list[str] | None = None
    market_id: str | None = None
    market_ids: list[str] | None = None
    sid: int | None = None
    sids: list[int] = []
    action: str = ""
    index_ids: list[str] = []
    use_yes_price: bool | None = None
    send_initial_snapshot: bool = False
    skip_ticker_ack: bool = False

    def tickers(self, hub: Hub) -> list[str] | None:
        """The markets named, by ticker or by id; None when none are. An unknown id names nothing."""
        if self.market_ticker is not None and self.market_tickers is not None:
            raise Wrong(11, why="market_ticker and market_tickers exclude each other")
        if self.market_ticker is not None:
            return [self.market_ticker]
        if self.market_tickers is not None:
            return self.market_tickers or None
        ids = ([self.market_id] if self.market_id else []) + (self.market_ids or [])
        if not ids:
            return None
        known = hub.market_ids()
        return [known[market_id] for market_id in ids if market_id in known]

    def one_sid(self) -> int:
        sids = [*self.sids] if self.sid is None else [*self.sids, self.sid]
        if len(sids) != 1:
            raise Wrong(12)
        return sids[0]
