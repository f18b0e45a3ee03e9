"""One channel of one connection, and how its messages are numbered."""

from outcry.paper.server.websocket import WebSocket, header

BOOK, TICKER, TRADE = "orderbook_delta", "ticker", "trade"
FILL, ORDERS, POSITIONS = "fill", "user_orders", "market_positions"
LIFECYCLE, INDEX, GROUPS = "market_lifecycle_v2", "cfbenchmarks_value", "order_group_updates"
SEQUENCED = frozenset({BOOK, TRADE, LIFECYCLE, INDEX, GROUPS, "multivariate_market_lifecycle",
                       "communications", "pyth_value", "cfbenchmarks_value_5hz"})  # fmt: skip
CHANNELS = SEQUENCED | {TICKER, FILL, ORDERS, POSITIONS}
BY_TICKER = frozenset({BOOK, TICKER, TRADE, FILL, ORDERS, POSITIONS})
ALL_INDICES = "all"


class Count:
    """How many numbered messages there were: of a subscription, or of all of a connection."""

    __slots__ = ("seq",)

    def __init__(self) -> None:
        self.seq = 0


class Subscription:
    """One channel of one connection.

    tickers    what it is about; None for everything (only where the channel allows that)
    indices    the same for the index channel; may hold "all"
    yes_price  book channel: the NO side is told on the YES scale
    quiet_ok   `ok` answers leave out the list of tickers
    counts     whether answers to commands count in the sequence
    count      its count, its own or shared
    """

    __slots__ = (
        "account", "channel", "count", "counts", "indices", "quiet_ok", "sid", "socket", "tickers", "yes_price",
    )  # fmt: skip

    def __init__(
        self,
        sid: int,
        channel: str,
        account: str,
        socket: WebSocket,
        tickers: set[str] | None,
        *,
        counts: bool = True,
        count: Count | None = None,
    ) -> None:
        self.sid, self.channel, self.account, self.socket, self.tickers = sid, channel, account, socket, tickers
        self.counts, self.count = counts, count or Count()
        self.indices: set[str] = set()
        self.yes_price = self.quiet_ok = False

    def control_seq(self) -> int:
        """The number of an answer to a command."""
        self.count.seq += self.counts
        return self.count.seq

    def tell(self, kind: bytes, tail: bytes, command_id: int = 0) -> None:
        """Queue one message. `kind` is its type; `command_id` echoes a command's id when it answers one."""
        begin = b'{"type":"%b","sid":%d,' % (kind, self.sid)
        if self.channel in SEQUENCED:
            self.count.seq += 1
            begin += b'"seq":%d,' % self.count.seq
        if command_id:
            begin += b'"id":%d,' % command_id
        self.socket.outgoing += (header(len(begin) + len(tail)), begin, tail)
