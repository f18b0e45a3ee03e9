"""Stream frames decoded: JSON bytes in, `messages` out.

Strict on what we use, lenient on what we do not: unknown fields are ignored and an unknown type becomes `Other`, but a
missing or mistyped field that we use is `SchemaDrift`, never a zero. Numbers that should be strings are read exactly
all the same (seen on the live stream), on a slower path.

After a typed parse the conversion costs more than the parse, so prices go through a table of all 10 001 strings, and
counts through one `int` without their point. No float, and no Decimal on what comes often.
"""

import json
from typing import get_args

import msgspec

from outcry.domain.errors import SchemaDrift
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.venue import fields
from outcry.venue import frame_shapes as wire
from outcry.venue import messages as out
from outcry.venue.frame_makers import MAKERS, YES_PRICES, count
from outcry.venue.frame_makers import price as price_of

_NO_PRICES = {text: ONE_DOLLAR_CC - price for text, price in YES_PRICES.items()}
_TYPES = frozenset(shape.__struct_config__.tag for shape in get_args(wire.Frame))
_parse = msgspec.json.Decoder(wire.Frame).decode


class Decoder:
    """Turns frames into messages.

    yes_prices  whether NO-side levels come on the YES scale, as they do when the subscription set `use_yes_price`
    """

    def __init__(self, *, yes_prices: bool = True) -> None:
        self._yes_prices = yes_prices
        self._ask_prices = YES_PRICES if yes_prices else _NO_PRICES
        self._make = MAKERS | {wire.DeltaFrame: self._delta, wire.SnapshotFrame: self._snapshot}

    def decode(self, raw: bytes) -> out.Message:
        """One frame's message.

        raises  SchemaDrift, with the frame kept, when it is no JSON or a field that we use is missing or mistyped
        """
        try:
            frame = _parse(raw)
        except fields.UNREADABLE as error:
            read = _parse_leniently(raw, error)
            if isinstance(read, out.Other):
                return read
            frame = read
        try:
            return self._make[type(frame)](frame)
        except (SchemaDrift, *fields.UNREADABLE) as error:
            raise SchemaDrift(f"{type(frame).__struct_config__.tag}: {error}", raw) from error

    def _delta(self, frame: wire.DeltaFrame) -> out.Delta:
        body = frame.msg
        is_bid = body.side == "yes"
        price = (YES_PRICES if is_bid else self._ask_prices).get(body.price_dollars)
        if price is None:
            price = self._rare_price(body.price_dollars, is_bid)
        return out.Delta(
            frame.sid,
            frame.seq,
            body.market_ticker,
            is_bid,
            price,
            count(body.delta_fp),
            body.ts_ms,
            body.client_order_id,
        )

    def _snapshot(self, frame: wire.SnapshotFrame) -> out.Snapshot:
        body = frame.msg
        bids, asks = self._levels(body.yes_dollars_fp, True), self._levels(body.no_dollars_fp, False)
        return out.Snapshot(frame.sid, frame.seq, body.market_ticker, bids, asks, frame.id)

    def _levels(self, levels: list[tuple[str, str]], is_bid: bool) -> dict[int, int]:
        known = YES_PRICES if is_bid else self._ask_prices
        sizes: dict[int, int] = {}
        for text, size in levels:
            price = known.get(text)
            if price is None:
                price = self._rare_price(text, is_bid)
            size_ch = count(size)
            if size_ch < 0 or price in sizes:
                raise ValueError(f"level {text} has size {size}{' twice' if price in sizes else ''}")
            if size_ch:
                sizes[price] = size_ch
        return sizes

    def _rare_price(self, text: str, is_bid: bool) -> int:
        price = price_of(text)
        return price if is_bid or self._yes_prices else ONE_DOLLAR_CC - price


# ---- the slow path ------------------------------------------------------------------------------------------------


def _parse_leniently(raw: bytes, cause: Exception) -> wire.Frame | out.Other:
    """A frame that the typed parse refused: of a type we do not know, with numbers for strings, or truly wrong."""
    try:
        tree = json.loads(raw, parse_float=str)
        json.dumps(tree, ensure_ascii=False).encode()  # refuses half of a surrogate pair, as the fast path does
    except (ValueError, RecursionError) as error:
        raise SchemaDrift(f"frame is no JSON: {error}", raw) from error
    kind = tree.get("type") if isinstance(tree, dict) else None
    if not isinstance(kind, str):
        raise SchemaDrift("frame has no type", raw)
    if kind not in _TYPES:
        return out.Other(_whole(tree.get("sid")), _whole(tree.get("seq")), kind)
    try:
        frame: wire.Frame = msgspec.convert(_texts(tree), wire.Frame)
        return frame
    except (msgspec.ValidationError, RecursionError) as error:
        raise SchemaDrift(f"{kind}: {error}", raw) from cause


def _whole(value: object) -> int | None:
    return value if type(value) is int and abs(value) <= fields.MOST else None


def _texts(value: object, key: str = "") -> object:
    """The same tree with whole numbers as text where the exchange writes text (`json` made text of all others)."""
    if isinstance(value, dict):
        return {name: _texts(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, key) for item in value]
    if type(value) is int and (key.endswith(("_dollars", "_fp")) or key in ("fee_cost", "settlement_value")):
        return str(value)
    return value
