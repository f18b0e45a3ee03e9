"""The rows of a tape, one type a kind. Their fields are the columns that are stored.

Common to all:
  arrival   order of arrival within its session, over all kinds: whatever was heard later has the higher number
  at_ms     when it was heard, Unix ms UTC by the recorder's clock
  lag_ms    how much later that was than the exchange's own stamp (`at_ms - lag_ms` is the exchange's time); NO_LAG
            where the exchange gave none
  epoch     connection within the session; 0 for what came by none (polled books, spot prices)
  sid, seq  subscription within the connection and its counter; 0 for none
  symbol    the small number of a market's ticker or an index's name in this file
"""

from typing import NamedTuple

UNKNOWN = -1  # of prices, sizes and volumes
NO_LAG = -32_768
FORMAT = 2  # of the sessions written now; 1 lacked lag_ms, inferred, and epoch and sid by row


class DeltaRow(NamedTuple):
    """A signed change of one level. Price: a bid's, or an ask's negated (YES scale)."""

    arrival: int
    at_ms: int
    lag_ms: int
    epoch: int
    sid: int
    seq: int
    symbol: int
    signed_price_cc: int
    change_ch: int


class TickerRow(NamedTuple):
    """A market's public numbers; UNKNOWN for an empty side, before the first trade, and for what was not recorded."""

    arrival: int
    at_ms: int
    lag_ms: int
    epoch: int
    sid: int
    symbol: int
    last_cc: int
    bid_cc: int
    ask_cc: int
    bid_ch: int
    ask_ch: int
    volume_ch: int
    open_interest_ch: int


class PrintRow(NamedTuple):
    """A public trade. taker: 1 bought YES, -1 sold it, 0 unknown. inferred: 1 when nobody reported it as such."""

    arrival: int
    at_ms: int
    lag_ms: int
    epoch: int
    sid: int
    seq: int
    symbol: int
    price_cc: int
    count_ch: int
    taker: int
    inferred: int


class IndexRow(NamedTuple):
    """A value of an index. settle_micros over settle_values seconds: its settlement mean so far, else UNKNOWN and 0."""

    arrival: int
    at_ms: int
    epoch: int
    sid: int
    seq: int
    symbol: int
    value_micros: int
    value_at_ms: int
    settle_micros: int
    settle_values: int


class PublishRow(NamedTuple):
    """The collector published what it knew: everything that arrived before was in it."""

    arrival: int
    at_ms: int
    number: int


# Kinds of notes that readers look for; others are messages of the stream by the name of their type, and what was said
# of the connection: connected, disconnected, gap, dropped, garbled.
MARKET = "market"  # a market's facts, known from here on: a domain `Market` as JSON
SETTLEMENT = "settlement"  # imported: {"result", "value_cc", "expiration_micros", "source"}
OWN = "own"  # the delta of the same arrival was caused by an order of ours: {"client_order_id"}
LOSSES = ("gap", "dropped", "disconnected")  # something is missing here

# What the collector did of its own: with it, its publishes can be made again.
BEGAN = "began"  # it began, with nothing known: {"indices": {name on the stream: symbol}}
FOLLOWED = "followed"  # {"gone": tickers, "held": domain Markets that are new or described anew}
PAUSED = "paused"  # exactly these shards do not trade: {"shards"}
ALIVE = "alive"  # the stream was heard, though no message came: {"at_ms"}
PAST = "past"  # bars of the past to be published: each a list of the fields of a domain `Bar`
TAKEN_BACK = "taken_back"  # a publish by which nothing is trusted any more: {"number", "why"}
STANDING = "standing"  # the whole books that follow are the collector's own, as they stand: {"books": how many}
POLLED = "polled"  # the whole books that follow were polled: {"books": how many}
KNOWN = "known"  # all that it knew when a day began: {"indices", "showing"}; what came before is not needed
LEFT = "left"  # it closed the stream

Row = DeltaRow | TickerRow | PrintRow | IndexRow | PublishRow

KINDS: dict[str, type[Row]] = {
    "delta": DeltaRow,
    "ticker": TickerRow,
    "print": PrintRow,
    "index": IndexRow,
    "publish": PublishRow,
}
SNAPSHOT = ("signed_price_cc", "count_ch")
_GROWING = {"arrival", "at_ms", "seq", "number", "value_at_ms"}
GROWING = {kind: [name in _GROWING for name in row._fields] for kind, row in KINDS.items()}

# What sessions of format 1 stored: the rest came from the chunk, or was not kept.
FIRST_FORMAT = {
    "delta": ("arrival", "at_ms", "seq", "symbol", "signed_price_cc", "change_ch"),
    "ticker": ("arrival", "at_ms", "symbol", "last_cc", "bid_cc", "ask_cc", "bid_ch", "ask_ch", "volume_ch",
               "open_interest_ch"),
    "print": ("arrival", "at_ms", "seq", "symbol", "price_cc", "count_ch", "taker", "exchange_ms"),
    "index": ("arrival", "at_ms", "seq", "symbol", "value_micros", "value_at_ms", "settle_micros", "settle_values"),
    "publish": ("arrival", "at_ms", "number"),
}  # fmt: skip
