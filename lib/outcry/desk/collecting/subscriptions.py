"""What the collector wants to hear on the stream, and what it has asked for: made equal, command by command."""

from collections.abc import Collection, Sequence

from outcry.venue.messages import Failed, Message, Ok, Subscribed
from outcry.venue.stream import Stream

BOOKS, TICKER, PRINTS = "orderbook_delta", "ticker", "trade"
LIFECYCLE, INDEX = "market_lifecycle_v2", "cfbenchmarks_value"
BY_MARKET = (BOOKS, TICKER, PRINTS)


class Subscriptions:
    """The subscriptions of one stream. Each channel is asked for by itself, so that an answer names its channel.

    index_ids  indices to follow; none for none
    """

    def __init__(self, stream: Stream, index_ids: Sequence[str]) -> None:
        self._stream, self._index_ids = stream, list(index_ids)
        self._asked: dict[str, set[str]] = {}  # channel -> markets asked for; present once the channel was asked for
        self._channel_of: dict[int, str] = {}  # command -> channel
        self.refused: dict[str, str] = {}  # channel -> why it is not to be had on this connection

    def begin(self) -> None:
        """A new connection: the exchange remembers nothing."""
        self._asked, self._channel_of, self.refused = {}, {}, {}
        for channel, ids in ((LIFECYCLE, []), (INDEX, self._index_ids)):
            if channel == LIFECYCLE or ids:
                self._channel_of[self._stream.subscribe([channel], index_ids=ids)] = channel

    def want(self, tickers: Collection[str]) -> None:
        """Be subscribed to exactly these markets. Waits for the channel's own number before changing its markets."""
        wanted = set(tickers)
        for channel in BY_MARKET:
            asked = self._asked.get(channel)
            if asked is None:
                if wanted:
                    command = self._stream.subscribe([channel], sorted(wanted), initial=channel == TICKER)
                    self._channel_of[command] = channel
                    self._asked[channel] = wanted
                continue
            sid = self._stream.sids.get(channel)
            if sid is None or asked == wanted:
                continue
            if more := sorted(wanted - asked):
                self._channel_of[self._stream.add_markets(sid, more)] = channel
            if less := sorted(asked - wanted):
                self._channel_of[self._stream.delete_markets(sid, less)] = channel
            self._asked[channel] = wanted

    def channel_of(self, sid: int) -> str:
        """The channel behind a subscription, "" when it is none of this connection's."""
        return next((channel for channel, number in self._stream.sids.items() if number == sid), "")

    def hear(self, message: Message) -> str:
        """Take an answer to a command; returns why a channel or some markets were refused, "" when nothing was."""
        if isinstance(message, Subscribed | Ok):
            self._channel_of.pop(message.id, None)
        if not isinstance(message, Failed):
            return ""
        channel = self._channel_of.pop(message.id, "") or self.channel_of(message.sid or 0)
        why = f"{channel or 'stream'}: error {message.code} {message.text} {message.ticker}".rstrip()
        if channel in BY_MARKET and channel in self._stream.sids:
            gone = {message.ticker} if message.ticker else self._asked.get(channel, set())
            self._asked[channel] = self._asked.get(channel, set()) - gone  # the next `want` asks again
        elif channel in BY_MARKET:
            self._asked.pop(channel, None)
        elif channel:
            self.refused[channel] = why
        return why
