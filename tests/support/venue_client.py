"""The floor's own client of the exchange, pointed at a local one in this process; and faults asked of that one."""

import http.client
import json
import time
from collections.abc import Callable
from random import Random

from local_exchange import LocalExchange, now_ms
from outcry.domain.order import Side, TimeInForce
from outcry.venue.budget import LocalBudget, Rates
from outcry.venue.rest import NewOrder, Rest
from outcry.venue.stream import Event, Stream

PLENTY = Rates(100_000, 100_000, 100_000, 100_000)


def rest_of(exchange: LocalExchange, account: str | None = "floor", *, answer_s: float = 0.5) -> Rest:
    """REST, patient for so long, that loses no time between its tries; closed when the exchange stops."""
    rest = Rest(
        f"http://{exchange.host}:{exchange.port}/trade-api/v2",
        None if account is None else exchange.signers[account],
        LocalBudget(PLENTY),
        sleep=lambda _seconds: None,
        timeout_s=(1.0, answer_s),
    )
    exchange.leaving.callback(rest._http._session.close)
    return rest


def stream_of(exchange: LocalExchange, account: str = "floor", *, silence_s: float = 25.0) -> Stream:
    url = f"ws://{exchange.host}:{exchange.port}/trade-api/ws/v2"
    stream = Stream(url, exchange.signers[account], silence_s=silence_s, random=Random(1))
    exchange.leaving.callback(stream.close)
    return stream


def collect(stream: Stream, enough: Callable[[list[Event]], bool], limit_s: float = 5.0) -> list[Event]:
    """What the stream brings until it is enough."""
    events: list[Event] = []
    end = time.monotonic() + limit_s
    while not enough(events):
        assert time.monotonic() < end, f"only {events}"
        events += stream.events(0.05)
    return events


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def until(name: str, count: int = 1) -> Callable[[list[Event]], bool]:
    """Enough once so many events of a type have come."""
    return lambda events: kinds(events).count(name) >= count


def bid(ticker: str, client_order_id: str, price_cc: int = 4000, count_ch: int = 1_000, **more: object) -> NewOrder:
    """A bid that may rest, on shard 2."""
    return NewOrder(client_order_id, ticker, Side.BID, price_cc, count_ch, TimeInForce.GTC, 2, **more)  # type: ignore[arg-type]


def ask_faults(exchange: LocalExchange, method: str, path: str = "/faults", body: object = None) -> tuple[int, object]:
    """The admin endpoint, asked; status and what it said."""
    connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=5)
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, json.loads(said) if said else None


def ask_for(exchange: LocalExchange, kind: str, target: str = "*", **more: object) -> int:
    """Let something go wrong from now on; its number."""
    status, said = ask_faults(exchange, "POST", body={"kind": kind, "target": target} | more)
    assert status == 201, said
    return said["numbers"][0]  # type: ignore[index, call-overload, no-any-return]


def wait_for(condition: Callable[[], object], limit_s: float = 5.0) -> None:
    end = now_ms() + limit_s * 1000
    while not condition():
        assert now_ms() < end
        time.sleep(0.005)
