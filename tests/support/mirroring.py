"""Two exchanges: one fed by hand as upstream, and one that mirrors it, with an account that trades there."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable

from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import NewOrderRequest, OrderRecord
from outcry.paper.mirror.source import Mirror, Scope, Upstream, read_series
from outcry.paper.server.auth import Keys
from outcry.paper.server.exchange import Exchange, Terms
from outcry.paper.server.server import Server
from outcry.venue.sign import Signer

UNDERLYING = {"KXBTC15M": "BTC-USD", "KXETH15M": "ETH-USD"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def upstream(host: str, port: int, signer: Signer | None = None) -> Upstream:
    where = f"{host}:{port}"
    return Upstream(f"http://{where}/trade-api/v2", f"ws://{where}/trade-api/ws/v2", f"http://{where}/spot", signer)


class PaperExchange:
    """The mirroring exchange, running; `ann` has $1 000 on shard 2. `ask` runs something on its thread.

    failures  what its thread died of
    """

    def __init__(self, mirrored: Upstream, engine: Engine | None = None, known=(), **scope) -> None:
        wanted = Scope(UNDERLYING, **({"per_s": 50.0} | scope))
        self.engine = engine or Engine(lambda: str(uuid.uuid4()))
        self.engine.add_account("ann", {2: 1_000_000_000})
        self.mirror = Mirror(mirrored, wanted, read_series(mirrored, wanted), known)
        exchange = Exchange(self.engine, self.mirror, lambda: None, Keys(()), now_ms, Terms(ticker_every_ms=0))
        self.exchange = exchange
        self.server = Server(exchange, now_ms)
        self.failures: list[BaseException] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.mirror.start()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                with self._lock:
                    self.server.turn(0.005)
                time.sleep(0)
        except BaseException as error:
            self.failures.append(error)
        finally:
            self.server.close()

    def order(self, ticker: str, side: Side, price_cc: int, count_ch: int, *, ioc: bool = False) -> OrderRecord:
        kind = TimeInForce.IOC if ioc else TimeInForce.GTC
        request = NewOrderRequest(ticker, side, price_cc, count_ch, kind, client_order_id=f"m{next(self._numbers)}")
        with self._lock:
            self.exchange.advance()
            order, events = self.engine.create("ann", request, now_ms())
            self.exchange.step(events)
        return order

    def until(self, what: Callable[[], object], within_s: float = 8.0) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + within_s
        while True:
            with self._lock:
                if what():
                    return
            assert not self.failures, self.failures
            assert time.monotonic() < deadline, f"still not: {what} ({self.mirror.trouble})"
            time.sleep(0.01)

    def stop(self) -> None:
        self.mirror.close()
        self._stopping.set()
        self._thread.join(5)
        assert not self._thread.is_alive()
        assert not self.failures, self.failures
