"""What the private stream says, booked as it comes. It is sooner than REST and may miss things; REST finds those."""

import sqlite3

from outcry import failpoints
from outcry.desk.common.exchange_calls import Exchange
from outcry.domain.errors import SchemaDrift
from outcry.domain.order import State
from outcry.ops import log
from outcry.store import accounts, fills, markets, orders, system
from outcry.venue.messages import Failed, FillMessage, MarketPosition, Message, Subscribed, UserOrder
from outcry.venue.stream import Garbled

ENDED = "ended by the exchange"

_log = log.get(__name__)


class PrivateFeed:
    """Books messages. Every method may raise Unavailable: the message is then given again."""

    def __init__(self, db: sqlite3.Connection, exchange: Exchange) -> None:
        self._db, self._exchange = db, exchange
        self._shards: dict[str, int] = {}

    def take(self, event: Message, now_ms: int) -> bool:
        """Book one message; True when REST should soon be asked, because something does not fit or may be missing.

        raises  SchemaDrift for a frame that is not what we know; InvariantBroken for a fill that cannot be
        """
        if isinstance(event, FillMessage):
            return self._fill(event, now_ms)
        if isinstance(event, UserOrder):
            return self._order(event, now_ms)
        if isinstance(event, MarketPosition):
            return event.position_ch != accounts.net_positions(self._db).get(event.ticker, 0)
        if isinstance(event, Garbled):
            raise SchemaDrift(event.what, event.raw)
        if isinstance(event, Failed):
            raise SchemaDrift(f"the exchange refused a subscription: {event.code} {event.text}")
        if isinstance(event, Subscribed):
            _log.info("subscribed", channel=event.channel)
        return False

    def _fill(self, message: FillMessage, now_ms: int) -> bool:
        fill = message.fill(self._shard_of)
        opened_at_ms = accounts.opened_at_ms(self._db, fill.exchange_index)
        if opened_at_ms is None or fill.filled_at_ms < opened_at_ms:
            return True  # it may be inside an opening balance that is being read
        failpoints.reached("fill.heard")
        if fills.book(self._db, fill, "stream", now_ms):
            _log.info(
                "booked", trade=fill.trade_id, order=fill.client_order_id or fill.order_id, ticker=fill.ticker,
                side=fill.side, price_cc=fill.price_cc, count_ch=fill.count_ch, fee_micros=fill.fee_micros,
            )  # fmt: skip
            failpoints.reached("fill.booked")
        known = fills.owner(self._db, fill.order_id, fill.client_order_id) is not None
        ours_ch = accounts.net_positions(self._db).get(fill.ticker, 0)
        return not known or ours_ch != fill.post_position_ch

    def _order(self, message: UserOrder, now_ms: int) -> bool:
        order = orders.get(self._db, message.client_order_id) or orders.by_order_id(self._db, message.order_id)
        if order is None:
            return fills.agent_named_in(self._db, message.client_order_id) is not None
        if message.status not in (State.RESTING, State.EXECUTED, State.CANCELED):
            _log.warning("heard_unknown_status", order=order.client_order_id, status=message.status)
            return True
        ended = message.status == State.CANCELED
        failpoints.reached("order.heard")
        update = orders.update(
            self._db,
            order.client_order_id,
            State(message.status),
            source="stream",
            now_ms=now_ms,
            filled_ch=message.filled_ch,
            order_id=message.order_id,
            reason=(message.reason or ENDED) if ended else "",
        )
        failpoints.reached("order.updated")
        if update.contradiction:
            detail = f"{order.client_order_id}: {update.contradiction}"
            system.event(self._db, "error", "clerk", "contradicted", detail, now_ms=now_ms)
        return bool(update.contradiction) or order.state is State.PRESUMED_ABSENT

    def _shard_of(self, ticker: str) -> int:
        """The shard of a market, for messages that leave it out."""
        if ticker not in self._shards:
            known = markets.load(self._db, ticker)
            self._shards[ticker] = (known or self._exchange.market(ticker)).exchange_index
        return self._shards[ticker]
