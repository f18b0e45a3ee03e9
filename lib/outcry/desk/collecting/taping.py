"""What the collector heard as rows of a tape: one small rule a kind of message."""

import json
from collections.abc import Sequence

import msgspec

from outcry.domain.order import Side
from outcry.store.tape import Row, Stream, Tape
from outcry.venue.messages import Delta, IndexValue, Message, Snapshot, Ticker, Trade
from outcry.venue.spot.coinbase import SOURCE, Tick

_TAKER = {Side.BID: 1, Side.ASK: -1, None: 0}


class Taping:
    """Numbers what arrives and sorts it into the streams of one day's file."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._arrival = 0

    def messages(self, at_ns: int, epoch: int, messages: Sequence[Message]) -> None:
        """What one read brought."""
        at_ms, arrival, symbol = at_ns // 1_000_000, self._arrival, self.tape.symbol
        streams: dict[Stream, list[Row]] = {}
        deltas: list[Row] = []
        sid = -1
        for message in messages:
            arrival += 1
            if type(message) is Delta:
                if message.sid != sid:
                    sid = message.sid
                    deltas = streams.setdefault(Stream("delta", epoch, sid), [])
                price = message.price_cc if message.is_bid else -message.price_cc
                deltas.append((arrival, at_ms, message.seq, symbol(message.ticker), price, message.change_ch))
            elif isinstance(message, Snapshot):
                stream = Stream("snapshot", epoch, message.sid)
                self.tape.snapshot(stream, message.ticker, arrival, at_ms, message.seq, message.bids, message.asks)
            else:
                self._rare(streams, message, arrival, at_ns, epoch)
        self._arrival = arrival
        for stream, rows in streams.items():
            self.tape.add(stream, rows)

    def publish(self, at_ns: int, number: int) -> None:
        self._arrival += 1
        self.tape.add(Stream("publish", 0, 0), [(self._arrival, at_ns // 1_000_000, number)])

    def note(self, at_ns: int, epoch: int, kind: str, facts: dict[str, object] | bytes, name: str = "") -> None:
        self._arrival += 1
        self.tape.note(kind, self._arrival, at_ns, facts, epoch=epoch, name=name)

    def _rare(self, streams: dict[Stream, list[Row]], message: Message, arrival: int, at_ns: int, epoch: int) -> None:
        at_ms, symbol = at_ns // 1_000_000, self.tape.symbol
        if isinstance(message, Ticker):
            prices = (-1 if price is None else price for price in _prices(message))
            row = (arrival, at_ms, symbol(message.ticker), *prices, message.bid_ch, message.ask_ch, message.volume_ch,
                   message.open_interest_ch)  # fmt: skip
            streams.setdefault(Stream("ticker", epoch, message.sid), []).append(row)
        elif isinstance(message, Trade) and not message.is_block:
            row = (arrival, at_ms, message.seq or 0, symbol(message.ticker), message.price_cc, message.count_ch,
                   _TAKER[message.taker_side], message.at_ms)  # fmt: skip
            self.tape.add(Stream("print", epoch, message.sid), [row], [message.trade_id])
        elif isinstance(message, IndexValue):
            settle = -1 if message.settle_micros is None else message.settle_micros
            row = (arrival, at_ms, message.seq, symbol(message.index_id), message.value_micros, message.at_ms, settle,
                   message.settle_values)  # fmt: skip
            streams.setdefault(Stream("index", epoch, message.sid), []).append(row)
        elif isinstance(message, Tick):
            row = (arrival, at_ms, 0, symbol(f"{message.symbol}@{SOURCE}"), message.price_micros, message.at_ms, -1, 0)
            streams.setdefault(Stream("index", epoch, 0), []).append(row)
        else:
            facts = json.loads(msgspec.json.encode(message))
            kind = type(message).__name__.lower()
            self.tape.note(kind, arrival, at_ns, facts, epoch=epoch, sid=facts.get("sid"), seq=facts.get("seq"),
                           name=facts.get("ticker", ""))  # fmt: skip


def _prices(message: Ticker) -> tuple[int | None, int | None, int | None]:
    return message.last_price_cc, message.bid_cc, message.ask_cc
