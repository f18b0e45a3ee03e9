"""What the collector heard as rows of a tape: one small rule a kind of message."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from outcry.domain.market import Market
from outcry.domain.order import Side
from outcry.store.tape import Tape
from outcry.store.tape_rows import MARKET, NO_LAG, OWN, UNKNOWN
from outcry.venue.messages import Delta, IndexValue, Message, Snapshot, Ticker, Trade
from outcry.venue.spot.coinbase import SOURCE, Tick

_TAKER = {Side.BID: 1, Side.ASK: -1, None: 0}


class Taping:
    """Numbers what arrives and sorts it by kind into one day's file.

    Before each read one number is left out: what came in one read was also taken in as one.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._arrival = 0
        self._markets: dict[str, Market] = {}

    def messages(self, at_ns: int, epoch: int, messages: Sequence[Message]) -> None:
        """What one read brought."""
        at_ms, arrival, symbol = at_ns // 1_000_000, self._arrival + 1, self.tape.symbol
        deltas: list[tuple[int, ...]] = []
        for message in messages:
            arrival += 1
            if type(message) is Delta:
                price = message.price_cc if message.is_bid else -message.price_cc
                lag_ms = NO_LAG if message.at_ms is None else at_ms - message.at_ms
                deltas.append((arrival, at_ms, lag_ms, epoch, message.sid, message.seq, symbol(message.ticker), price,
                               message.change_ch))  # fmt: skip
                if message.client_order_id:
                    self.tape.note(OWN, arrival, at_ns, {"client_order_id": message.client_order_id}, epoch=epoch,
                                   sid=message.sid, seq=message.seq, name=message.ticker)  # fmt: skip
            elif isinstance(message, Snapshot):
                row = (arrival, at_ms, epoch, message.sid, message.seq)
                self.tape.snapshot(row, message.ticker, message.bids, message.asks)
            else:
                self._rare(message, arrival, at_ns, epoch)
        self._arrival = arrival
        if deltas:
            self.tape.add("delta", deltas)

    def books(self, at_ns: int, epoch: int, whole: Sequence[Snapshot], kind: str) -> None:
        """Whole books that the stream did not say."""
        self.note(at_ns, epoch, kind, {"books": len(whole)})
        self.messages(at_ns, epoch, whole)

    def publish(self, at_ns: int, number: int) -> None:
        self._arrival += 1
        self.tape.add("publish", [(self._arrival, at_ns // 1_000_000, number)])

    def note(self, at_ns: int, epoch: int, kind: str, facts: dict[str, object] | bytes, name: str = "") -> None:
        self._arrival += 1
        self.tape.note(kind, self._arrival, at_ns, facts, epoch=epoch, name=name)

    def markets(self, at_ns: int, markets: Iterable[Market]) -> None:
        """What is known of some markets from now on; without their volumes, which tickers tell."""
        for market in markets:
            said = replace(market, volume_ch=0, open_interest_ch=0)
            if self._markets.get(market.ticker) != said:
                self._markets[market.ticker] = said
                self._arrival += 1
                self.tape.note(MARKET, self._arrival, at_ns, msgspec.json.encode(said), name=market.ticker)

    def _rare(self, message: Message, arrival: int, at_ns: int, epoch: int) -> None:
        at_ms, symbol = at_ns // 1_000_000, self.tape.symbol
        if isinstance(message, Ticker):
            prices = (UNKNOWN if price is None else price for price in _prices(message))
            row = (arrival, at_ms, at_ms - message.at_ms, epoch, message.sid, symbol(message.ticker), *prices,
                   message.bid_ch, message.ask_ch, message.volume_ch, message.open_interest_ch)  # fmt: skip
            self.tape.add("ticker", [row])
        elif isinstance(message, Trade) and not message.is_block:
            row = (arrival, at_ms, at_ms - message.at_ms, epoch, message.sid, message.seq or 0, symbol(message.ticker),
                   message.price_cc, message.count_ch, _TAKER[message.taker_side], 0)  # fmt: skip
            self.tape.add("print", [row], [message.trade_id])
        elif isinstance(message, IndexValue):
            settle = UNKNOWN if message.settle_micros is None else message.settle_micros
            row = (arrival, at_ms, epoch, message.sid, message.seq, symbol(message.index_id), message.value_micros,
                   message.at_ms, settle, message.settle_values)  # fmt: skip
            self.tape.add("index", [row])
        elif isinstance(message, Tick):
            name = symbol(f"{message.symbol}@{SOURCE}")
            self.tape.add(
                "index", [(arrival, at_ms, epoch, 0, 0, name, message.price_micros, message.at_ms, UNKNOWN, 0)]
            )
        else:
            facts = json.loads(msgspec.json.encode(message))
            kind = type(message).__name__.lower()
            self.tape.note(kind, arrival, at_ns, facts, epoch=epoch, sid=facts.get("sid"), seq=facts.get("seq"),
                           name=facts.get("ticker", ""))  # fmt: skip


def _prices(message: Ticker) -> tuple[int | None, int | None, int | None]:
    return message.last_price_cc, message.bid_cc, message.ask_cc
