"""The exchange's stream: one signed connection that is made again whenever it breaks.

`events()` is all a program needs in its loop: decoded messages, and `Connected` / `Disconnected` between them. Nothing
survives a reconnect on the exchange's side (new subscriptions, new sequence numbers, new snapshots), so a program
subscribes each time it reads `Connected`.

    for event in stream.events(timeout_s=0.02):
        match event:
            case Connected():
                stream.subscribe(["fill", "user_orders", "market_positions"])
            case FillMessage():
                ...

The exchange pings every 10 s; 25 s without a byte is a dead connection. Errors 10 and 25 end a subscription: reconnect.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec
import websocket

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue.connection import LOOPBACK, Signs, connect
from outcry.venue.decoder import Decoder
from outcry.venue.frames import Closed, Frames
from outcry.venue.messages import Delta, Failed, Message, Subscribed

SILENCE_S = 25.0
BACK_OFF_S = (0.5, 30.0)  # first delay, longest delay; doubled between, each drawn from its upper half
NEAR_BACK_OFF_S = 2.0  # the longest to this machine's own exchange, which nobody's storm can hurt
GOOD_RUN_S = 30.0  # a connection that lived so long forgets earlier failures


class Connected(Message, frozen=True, gc=False):
    """A new connection; `epoch` counts them from 1. Subscribe now: the exchange remembers nothing."""

    epoch: int


class Disconnected(Message, frozen=True, gc=False):
    """The connection, or an attempt at one, failed. The next attempt comes by itself, after `retry_s` at the least."""

    reason: str
    retry_s: float


class Garbled(Message, frozen=True, gc=False):
    """A frame that is not what we know: entries must stop, and the raw body is to be kept."""

    what: str
    raw: bytes


Event = Message


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Stream:
    """One connection to one URL, kept alive.

    url         ws:// or wss://, or a function that says where now (it may raise Unavailable); its path gets signed
    signer      None leaves the upgrade unsigned (a public source)
    decode      turns a frame into a message; raises SchemaDrift
    now_ms      wall clock, for the signature and for `heard_at_ms`
    monotonic, sleep, random   for intervals, waiting and jitter
    """

    def __init__(
        self,
        url: str | Callable[[], str],
        signer: Signs | None,
        *,
        decode: Callable[[bytes], Message] | None = None,
        now_ms: Callable[[], int] = _now_ms,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        random: Random | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._url, self._signer = url, signer
        self._decode = decode or Decoder(yes_prices=True).decode
        self._now_ms, self._monotonic, self._sleep = now_ms, monotonic, sleep
        self._random = random or Random()
        self._silence_s = silence_s
        self.epoch = 0
        self.heard_at_ms = 0  # when a byte last came
        self.sids: dict[str, int] = {}  # channel -> subscription, on this connection
        self._socket: websocket.WebSocket | None = None
        self._frames: Frames | None = None
        self._failures = 0
        self._near = False  # the other end is on this machine
        self._command_id = 0
        self._broken = ""  # why a send failed, until events() reports it
        self._since = self._heard = self._attempt_at = monotonic()

    @property
    def connected(self) -> bool:
        return self._frames is not None and not self._broken

    def events(self, timeout_s: float) -> list[Event]:
        """What one read brought, in order; connects first where there is no connection.

        timeout_s  how long to wait for anything; a connection attempt may take a few seconds more
        raises     Misconfigured when the exchange refuses our key: waiting does not cure that
        """
        if self._frames is None:
            return self._attempt(timeout_s)
        if self._broken:
            return [self._lost(self._broken)]
        try:
            raws = self._frames.read(timeout_s)
        except Closed as error:
            return [self._lost(str(error))]
        now = self._monotonic()
        if raws is None:
            silent_s = now - self._heard
            return [self._lost(f"nothing heard for {silent_s:.0f} s")] if silent_s > self._silence_s else []
        self._heard = now
        self.heard_at_ms = self._now_ms()
        return self._decoded(raws)

    def _decoded(self, raws: list[bytes]) -> list[Event]:
        decode = self._decode
        events: list[Event] = []
        for raw in raws:
            try:
                message = decode(raw)
            except SchemaDrift as drift:
                events.append(Garbled(str(drift), raw))
                continue
            events.append(message)
            if type(message) is Delta:
                continue
            if isinstance(message, Subscribed):
                self.sids[message.channel] = message.sid
            elif isinstance(message, Failed) and message.terminal:
                events.append(self._lost(f"stream error {message.code}: {message.text}"))
                break
        return events

    # ---- commands -------------------------------------------------------------------------------------------------

    def subscribe(
        self,
        channels: Sequence[str],
        tickers: Sequence[str] = (),
        *,
        index_ids: Sequence[str] = (),
        initial: bool = False,
    ) -> int:
        """Ask for channels, for some markets or (where the channel allows it) all.

        index_ids  which indices, for the index channels
        initial    have the ticker channel begin with the present state of each market
        returns    the command's id, which its `Subscribed` or `Ok` echoes
        raises     Unavailable when there is no connection; a failed send is told by the next `events()`
        """
        params: dict[str, Any] = {"channels": list(channels)}
        if tickers:
            params["market_tickers"] = list(tickers)
        if index_ids:
            params["index_ids"] = list(index_ids)
        if initial:
            params["send_initial_snapshot"] = True
        if "orderbook_delta" in channels:
            params["use_yes_price"] = True  # explicit: the exchange plans to change the default
        return self._command("subscribe", params)

    def add_markets(self, sid: int, tickers: Sequence[str]) -> int:
        """Add markets to a subscription; answered by `Ok` with all its tickers."""
        return self._update(sid, "add_markets", tickers)

    def delete_markets(self, sid: int, tickers: Sequence[str]) -> int:
        """Take markets out of a subscription."""
        return self._update(sid, "delete_markets", tickers)

    def get_snapshot(self, sid: int, tickers: Sequence[str]) -> int:
        """Ask for fresh whole books; each answer is a `Snapshot` with this command's id."""
        return self._update(sid, "get_snapshot", tickers)

    def unsubscribe(self, sids: Sequence[int]) -> int:
        """End subscriptions; each is answered by `Unsubscribed`."""
        return self._command("unsubscribe", {"sids": list(sids)})

    def list_subscriptions(self) -> int:
        """Ask what is subscribed; the `Ok` answer carries `sids`."""
        return self._command("list_subscriptions", None)

    def drop(self, reason: str) -> None:
        """Give up this connection, for a cause only the caller can see; the next `events()` says so and reconnects."""
        if self._frames is not None:
            self._broken = self._broken or reason

    def close(self) -> None:
        """End for good, politely."""
        if self._socket is not None:
            with contextlib.suppress(OSError, websocket.WebSocketException):  # it may be broken already
                self._socket.send_close()
        self._discard()

    def _update(self, sid: int, action: str, tickers: Sequence[str]) -> int:
        return self._command("update_subscription", {"sids": [sid], "action": action, "market_tickers": list(tickers)})

    def _command(self, command: str, params: dict[str, Any] | None) -> int:
        self._command_id += 1
        body: dict[str, Any] = {"id": self._command_id, "cmd": command}
        if params is not None:
            body["params"] = params
        self.send(body)
        return self._command_id

    def send(self, body: dict[str, Any]) -> None:
        """Send a command in the peer's own words. Raises Unavailable when there is no connection.

        A connection that breaks under it is no error here: the next `events()` says so.
        """
        if self._socket is None:
            raise Unavailable(f"stream is not connected: {body.get('cmd', 'command')} not sent")
        if self._broken:
            return
        try:
            self._socket.send(msgspec.json.encode(body).decode())
        except (OSError, websocket.WebSocketException) as error:
            self._broken = f"command could not be sent: {error}"

    # ---- connecting -----------------------------------------------------------------------------------------------

    def _attempt(self, timeout_s: float) -> list[Event]:
        wait_s = self._attempt_at - self._monotonic()
        if wait_s > 0:
            self._sleep(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return []
        try:
            self._connect()
        except Unavailable as error:
            return [self._lost(str(error))]
        return [Connected(self.epoch)]

    def _connect(self) -> None:
        self._near = True  # looking an address up costs nobody anything
        url = self._url if isinstance(self._url, str) else self._url()
        self._near = urlsplit(url).hostname in LOOPBACK
        self._socket, self._frames = connect(url, self._signer, self._now_ms)
        self.epoch += 1
        self.sids = {}
        self._since = self._heard = self._monotonic()
        self.heard_at_ms = self._now_ms()

    def _lost(self, reason: str) -> Disconnected:
        now = self._monotonic()
        if self._frames is not None and now - self._since > GOOD_RUN_S:
            self._failures = 0
        self._discard()
        first_s, longest_s = BACK_OFF_S
        delay_s = min(NEAR_BACK_OFF_S if self._near else longest_s, first_s * 2**self._failures) * self._random.uniform(
            0.5, 1.0
        )
        self._failures = min(self._failures + 1, 16)
        self._attempt_at = now + delay_s
        return Disconnected(reason, delay_s)

    def _discard(self) -> None:
        if self._socket is not None:
            self._socket.shutdown()
        self._socket = self._frames = None
        self._broken = ""
        self.sids = {}
