"""One client of the exchange's WebSocket: its commands, answered in the order they came."""

from collections.abc import Iterable

import msgspec

from outcry.paper.server import stream_shapes
from outcry.paper.server import subscription as channels
from outcry.paper.server.commands import ERRORS, Params, Wrong
from outcry.paper.server.index_board import IndexBoard
from outcry.paper.server.push import Hub
from outcry.paper.server.subscription import Count, Subscription
from outcry.paper.server.websocket import WebSocket


class StreamSession:
    """The subscriptions of one connection. `account` is whose key signed its handshake."""

    def __init__(self, account: str, socket: WebSocket, hub: Hub, board: IndexBoard) -> None:
        self.account = account
        self._socket, self._hub, self._board = socket, hub, board
        self._by_sid: dict[int, Subscription] = {}
        self._next_sid = 1
        self._count = Count() if hub.manners.seq_per_connection else None  # shared by all of them

    # ---- from the connection ----------------------------------------------------------------------------------------

    def receive(self, message: bytes) -> None:
        """Do one command."""
        command_id = 0
        try:
            command = msgspec.json.decode(message)
            if not isinstance(command, dict):
                raise Wrong(1)
            given = command.get("id", 0)
            if not isinstance(given, int) or isinstance(given, bool) or given < 0:
                raise Wrong(11, why="id must be a positive integer")
            command_id = given
            self._do(command_id, command)
        except msgspec.DecodeError:
            self._error(command_id, Wrong(1))
        except Wrong as wrong:
            self._error(command_id, wrong)

    def overflow(self) -> None:
        """The client does not read: its subscriptions end, and it is told so."""
        for subscription in list(self._by_sid.values()):
            self._forget(subscription)
            self._error(0, Wrong(25, subscription))

    def ended(self) -> None:
        for subscription in list(self._by_sid.values()):
            self._forget(subscription)

    # ---- commands ---------------------------------------------------------------------------------------------------

    def _do(self, command_id: int, command: dict[str, object]) -> None:
        name = command.get("cmd")
        if name == "list_subscriptions":
            held = [{"channel": one.channel, "sid": sid} for sid, one in self._by_sid.items()]
            self._say({"id": command_id, "type": "ok", "msg": held}, command_id)
            return
        if name not in ("subscribe", "unsubscribe", "update_subscription"):
            raise Wrong(5)
        if not isinstance(command.get("params"), dict):
            raise Wrong(2)
        try:
            params = msgspec.convert(command["params"], Params)
        except msgspec.ValidationError as error:
            raise Wrong(11, why=str(error)) from None
        {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "update_subscription": self._update}[name](
            command_id, params
        )

    def _subscribe(self, command_id: int, params: Params) -> None:
        """Subscribe to channels; a channel held already takes the new markets into its subscription."""
        if not params.channels:
            raise Wrong(3)
        tickers = params.tickers(self._hub)
        for channel in params.channels:
            if channel not in channels.CHANNELS:
                raise Wrong(8)
            if channel == channels.BOOK and (tickers is None or params.market_id or params.market_ids):
                raise Wrong(14)
        held = {subscription.channel: subscription for subscription in self._by_sid.values()}
        for channel in dict.fromkeys(params.channels):
            wanted = tickers if channel in channels.BY_TICKER else None
            if channel in held:
                self._merge(command_id, held[channel], wanted, params)
                continue
            subscription = Subscription(
                self._next_sid,
                channel,
                self.account,
                self._socket,
                None if wanted is None else set(wanted),
                counts=self._hub.manners.seq_counts_control,
                count=self._count,
            )
            self._next_sid += 1
            self._by_sid[subscription.sid] = subscription
            wants_yes, usual = params.use_yes_price, self._hub.manners.yes_price_default
            subscription.yes_price = usual if wants_yes is None else wants_yes
            subscription.quiet_ok = params.skip_ticker_ack
            if channel == channels.INDEX:
                subscription.indices.update(params.index_ids)
            self._say({"type": "subscribed", "msg": {"channel": channel, "sid": subscription.sid}}, command_id)
            self._hub.add(subscription, wanted or ())
            self._show(subscription, dict.fromkeys(wanted or ()), params.send_initial_snapshot)

    def _merge(self, command_id: int, held: Subscription, wanted: list[str] | None, params: Params) -> None:
        if held.channel == channels.INDEX:
            held.indices.update(params.index_ids)
            self._ok(command_id, held)
        elif wanted is not None or held.tickers is None:
            self._add_markets(command_id, held, wanted or [], params)
        else:
            self._hub.remove(held)
            held.tickers = None
            self._hub.add(held, ())
            self._ok(command_id, held)

    def _unsubscribe(self, command_id: int, params: Params) -> None:
        sids = [*params.sids] if params.sid is None else [*params.sids, params.sid]
        if not sids:
            raise Wrong(4)
        for sid in sids:
            subscription = self._by_sid.get(sid)
            if subscription is None:
                self._error(command_id, Wrong(7))
                continue
            self._forget(subscription)
            self._say({"type": "unsubscribed", "sid": sid, "seq": subscription.control_seq()}, command_id)

    def _update(self, command_id: int, params: Params) -> None:
        subscription = self._by_sid.get(params.one_sid())
        if subscription is None:
            raise Wrong(7)
        if not params.action:
            raise Wrong(15, subscription)
        if params.action in ("add_markets", "delete_markets", "get_snapshot"):
            self._update_markets(command_id, subscription, params)
        elif params.action in ("subscribe_indices", "unsubscribe_indices", "indexlist"):
            self._update_indices(command_id, subscription, params)
        else:
            raise Wrong(13, subscription)

    def _update_markets(self, command_id: int, subscription: Subscription, params: Params) -> None:
        is_book = subscription.channel == channels.BOOK
        if subscription.channel not in channels.BY_TICKER or (params.action == "get_snapshot" and not is_book):
            raise Wrong(13, subscription)
        tickers = params.tickers(self._hub)
        if tickers is None:
            raise Wrong(14, subscription)
        if params.action == "get_snapshot":
            for ticker in tickers:
                self._hub.snapshot(subscription, ticker, command_id)
        elif params.action == "add_markets":
            self._add_markets(command_id, subscription, tickers, params)
        elif subscription.tickers is None:
            raise Wrong(11, subscription, "the subscription is about all markets")
        else:
            self._hub.remove(subscription, tickers)
            subscription.tickers.difference_update(tickers)
            self._ok(command_id, subscription)

    def _add_markets(self, command_id: int, held: Subscription, tickers: list[str], params: Params) -> None:
        """Take markets into a subscription. Those it has already cause nothing; one about everything stays so."""
        fresh: dict[str, None] = {}
        if held.tickers is not None:
            fresh = dict.fromkeys(ticker for ticker in tickers if ticker not in held.tickers)
            held.tickers.update(fresh)
            self._hub.add(held, fresh)
        self._ok(command_id, held)
        self._show(held, fresh, params.send_initial_snapshot)

    def _update_indices(self, command_id: int, subscription: Subscription, params: Params) -> None:
        if subscription.channel != channels.INDEX:
            raise Wrong(13, subscription)
        if params.action == "indexlist":
            listed = stream_shapes.tail({"index_ids": self._board.ids}, self._hub.now_ms())
            subscription.tell(b"cfbenchmarks_value_indexlist", listed, command_id)
            return
        if not params.index_ids:
            raise Wrong(24, subscription)
        if params.action == "subscribe_indices":
            subscription.indices.update(params.index_ids)
        elif channels.ALL_INDICES in params.index_ids:
            subscription.indices.clear()
        else:
            subscription.indices.difference_update(params.index_ids)
        self._ok(command_id, subscription)

    # ---- answers ----------------------------------------------------------------------------------------------------

    def _show(self, subscription: Subscription, tickers: Iterable[str], with_ticker: bool) -> None:
        """What a subscriber gets first: whole books, and the ticker where it asked for that."""
        for ticker in tickers:
            if subscription.channel == channels.BOOK:
                self._hub.snapshot(subscription, ticker)
            elif subscription.channel == channels.TICKER and with_ticker:
                self._hub.ticker(subscription, ticker)

    def _ok(self, command_id: int, subscription: Subscription) -> None:
        body: dict[str, object] = {"type": "ok", "sid": subscription.sid, **_seq(subscription)}
        if subscription.channel == channels.INDEX:
            body["msg"] = {"index_ids": sorted(subscription.indices)}
        elif subscription.tickers is not None and not subscription.quiet_ok:
            body["msg"] = {"market_tickers": sorted(subscription.tickers)}
        self._say(body, command_id)

    def _error(self, command_id: int, wrong: Wrong) -> None:
        body: dict[str, object] = {"type": "error"}
        if wrong.subscription is not None:
            body |= {"sid": wrong.subscription.sid, **_seq(wrong.subscription)}
        told = f"{ERRORS[wrong.code]}: {wrong.why}" if wrong.why else ERRORS[wrong.code]
        self._say({**body, "msg": {"code": wrong.code, "msg": told}}, command_id)

    def _say(self, body: dict[str, object], command_id: int) -> None:
        """Queue a control message. An id of 0 counts as none."""
        begin = {"id": command_id} if command_id else {}
        self._socket.send(msgspec.json.encode({**begin, **body, "sending_ts_ms": self._hub.now_ms()}))

    def _forget(self, subscription: Subscription) -> None:
        self._hub.remove(subscription)
        del self._by_sid[subscription.sid]


def _seq(subscription: Subscription) -> dict[str, int]:
    return {"seq": subscription.control_seq()} if subscription.channel in channels.SEQUENCED else {}
