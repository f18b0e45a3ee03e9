"""What a recording of the stream holds: items with the exchange's time on them, and the lines they are read from."""

from functools import lru_cache

import msgspec
from msgspec import Struct

from outcry.domain.units import ONE_DOLLAR_CC, parse_decimal
from outcry.venue import fields

price_cc = lru_cache(16_384)(fields.price_cc)  # a recording repeats itself: the exact readers, remembered
count_ch = lru_cache(65_536)(fields.count_ch)


class Place(Struct, kw_only=True):
    """Where something was recorded: its line, the recorder's own clock, and the subscription's number of it.

    line  0 for what no line says
    """

    line: int = 0
    recv_us: int = 0
    sid: int = 0
    seq: int = 0


class Item(Place):
    """Anything recorded. `at_us`: microseconds since 1970 on the exchange's clock. `session`: one per connection."""

    at_us: int
    ticker: str
    session: str


class Watched(Item):
    """The recorder turned to a market. Strike in micro-dollars, None where it was not known."""

    close_at_ms: int
    strike_micros: int | None


class Whole(Item):
    """A snapshot: {price_cc: count_ch} a side, YES scale. `first` of its connection."""

    bids: dict[int, int]
    asks: dict[int, int]
    first: bool


class Change(Item):
    """A signed change of one level."""

    is_bid: bool
    price_cc: int
    change_ch: int


class Tick(Item):
    """A ticker frame. An empty side is None with size 0, as is the last price before the first trade."""

    last_price_cc: int | None
    last_ch: int
    bid_cc: int | None
    bid_ch: int
    ask_cc: int | None
    ask_ch: int
    volume_ch: int
    open_interest_ch: int


class Lost(Item):
    """Sequence numbers are missing: the book is unknown until the next snapshot."""


# ---- lines of a file ------------------------------------------------------------------------------------------------


class Body(Struct, gc=False):
    market_ticker: str = ""
    price_dollars: str = ""
    delta_fp: str = ""
    side: str = ""
    ts: str | int = ""
    ts_ms: int = 0
    yes_dollars_fp: list[tuple[str, str]] = []
    no_dollars_fp: list[tuple[str, str]] = []
    time: str = ""
    last_trade_size_fp: str = "0.00"
    yes_bid_dollars: str = "0.0000"
    yes_ask_dollars: str = "1.0000"
    yes_bid_size_fp: str = "0.00"
    yes_ask_size_fp: str = "0.00"
    volume_fp: str = ""
    open_interest_fp: str = "0.00"


class Frame(Struct, gc=False):
    type: str
    msg: Body
    sid: int = 0
    seq: int = 0


class Note(Struct):
    market_ticker: str = ""
    close_time: str = ""
    strike: float | None = None


class Line(Struct, gc=False):
    recv_ns: int
    frame: Frame | None = None
    event: str = ""
    data: Note | None = None


parse = msgspec.json.Decoder(Line).decode


def tick_of(frame: Frame, session: str, line: int, recv_us: int) -> Tick:
    body = frame.msg
    bid, ask, last = price_cc(body.yes_bid_dollars), price_cc(body.yes_ask_dollars), price_cc(body.price_dollars)
    return Tick(
        stamp_us(body.time, body.ts_ms),
        body.market_ticker,
        session,
        last or None,
        count_ch(body.last_trade_size_fp),
        bid if 0 < bid else None,
        count_ch(body.yes_bid_size_fp),
        ask if ask < ONE_DOLLAR_CC else None,
        count_ch(body.yes_ask_size_fp),
        count_ch(body.volume_fp),
        count_ch(body.open_interest_fp),
        line=line,
        recv_us=recv_us,
        sid=frame.sid,
    )


def levels_of(rows: list[tuple[str, str]], is_bid: bool) -> dict[int, int]:
    prices = ((price_cc(price), count_ch(size)) for price, size in rows)
    return {price if is_bid else ONE_DOLLAR_CC - price: size for price, size in prices if size > 0}


def stamp_us(text: str, ts_ms: int) -> int:
    """Microseconds since 1970 from an ISO time and the same time in ms (the ISO text only adds the last digits).

    >>> stamp_us("2026-05-13T13:33:14.162364Z", 1_778_679_194_162)
    1778679194162364
    >>> stamp_us("2026-05-13T13:33:50.165Z", 1_778_679_230_165)
    1778679230165000
    """
    if not ts_ms:
        raise ValueError("no ts_ms")
    fraction = text[20:-1]
    return ts_ms * 1_000 + (parse_decimal("0." + fraction[3:6], 3) if len(fraction) > 3 else 0)
