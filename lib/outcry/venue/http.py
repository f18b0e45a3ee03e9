"""One signed, budgeted, timed HTTP call to the exchange, and its failures named by their cure.

Reads are retried with jittered back-off and signed anew each time. Writes are sent once: when their answer is lost the
caller looks the order up. One keep-alive session; no proxies or credentials from the environment; no redirects.
"""

import random as _random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter

from outcry.domain.errors import Misconfigured, OutcryError, RateLimited, Refused, Unavailable
from outcry.venue import wire
from outcry.venue.budget import Budget, Kind
from outcry.venue.sign import Signer
from outcry.venue.tally import Tally

Parameters = Sequence[tuple[str, str | int]]

DEFAULT_COST = 10
# What the exchange charges where it differs from the default, until `learn_costs` has asked it.
COSTS = {
    ("GET", "/portfolio/orders/{order_id}"): 2,
    ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
    ("DELETE", "/portfolio/events/orders"): 2,
    ("DELETE", "/portfolio/events/orders/batched"): 2,  # an item
    ("POST", "/account/api_usage_level/upgrade"): 30,
}
_BACK_OFF_S = 0.25
_LONGEST_BACK_OFF_S = 4.0


class Reply(NamedTuple):
    status: int
    body: bytes


class Http:
    """Calls below one base URL. Every argument but the first three exists for tests."""

    def __init__(
        self,
        base_url: str,
        signer: Signer | None,
        budget: Budget,
        *,
        session: requests.Session | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], object] = time.sleep,
        random: _random.Random | None = None,
        timeout_s: tuple[float, float] = (3.05, 10.0),
        tries: int = 3,
        read_wait_s: float = 5.0,
        write_wait_s: float = 1.0,
        tally: Tally | None = None,
    ) -> None:
        """
        timeout_s     for connecting, and for each silence while reading
        tries         how often a read is attempted in all
        read_wait_s, write_wait_s  how long a call may wait for our own budget before it is given up unsent
        tally         where calls are counted, and those that failed: no answer, or one that the exchange could not give
        """
        self._base_url = base_url.rstrip("/")
        self._root = urlsplit(self._base_url).path
        self._signer, self._budget = signer, budget
        self._session = session or _session()
        self._now_ms, self._sleep, self._random = now_ms, sleep, random or _random.Random()
        self._timeout_s, self._tries, self._tally = timeout_s, tries, tally or Tally()
        self._wait_s: dict[Kind, float] = {"read": read_wait_s, "write": write_wait_s}
        self._costs, self._default_cost = {(m, _shape(p)): cost for (m, p), cost in COSTS.items()}, DEFAULT_COST

    def get(
        self,
        template: str,
        parameters: Parameters = (),
        *,
        accept: Collection[int] = (200,),
        urgent: bool = False,
        **names: str,
    ) -> Reply:
        """Read. `template` is the path with {names}, which also finds its cost; `accept`: statuses that are answers.

        raises  Unavailable (RateLimited among them) when no try brought an answer; Refused; Misconfigured
        """
        attempt = 1
        while True:
            self._pay("read", self.cost("GET", template), urgent)
            try:
                return self._send("GET", template, names, parameters, None, accept)
            except RateLimited:
                self._budget.emptied("read")
                if attempt == self._tries:
                    raise
            except Unavailable:
                if attempt == self._tries:
                    raise
            longest = min(_LONGEST_BACK_OFF_S, _BACK_OFF_S * 2 ** (attempt - 1))
            self._sleep(longest * (0.5 + self._random.random() / 2))
            attempt += 1

    def write(
        self,
        method: str,
        template: str,
        body: msgspec.Struct | None = None,
        parameters: Parameters = (),
        *,
        accept: Collection[int] = (200,),
        urgent: bool = False,
        exchange_index: int = 0,
        items: int = 1,
        signed_at_ms: int | None = None,
        **names: str,
    ) -> Reply:
        """Write, once.

        signed_at_ms  the timestamp to sign with, where somebody counts from it; else the present
        items   how many the body holds: a batch is billed for each, and all at once
        raises  RateLimited (nothing was done), Refused (nothing was done), Misconfigured (nothing was done),
                InvariantBroken (nothing was sent: so many items never fit), or
                Unavailable: it may have been done, and has to be looked up
        """
        self._pay("write", self.cost(method, template) * items, urgent, exchange_index)
        try:
            return self._send(method, template, names, parameters, body, accept, signed_at_ms)
        except RateLimited:
            self._budget.emptied("write", exchange_index)
            raise

    def learn_costs(self, costs: wire.EndpointCosts) -> None:
        """Charge our budget what the exchange charges its own."""
        self._default_cost = costs.default_cost
        self._costs = {(row.method.upper(), _shape(row.path)): row.cost for row in costs.endpoint_costs}

    def cost(self, method: str, template: str) -> int:
        """Tokens one call takes."""
        return self._costs.get((method, _shape(template)), self._default_cost)

    def most_items(self, method: str, template: str, *, urgent: bool = False) -> int:
        """How many items a batch may hold, so that our budget can pay for all of them at once."""
        return self._budget.most("write", urgent=urgent) // self.cost(method, template)

    def _pay(self, kind: Kind, tokens: int, urgent: bool, exchange_index: int = 0) -> None:
        self._budget.take(kind, tokens, urgent=urgent, wait_s=self._wait_s[kind], exchange_index=exchange_index)

    def _send(
        self,
        method: str,
        template: str,
        names: Mapping[str, str],
        parameters: Parameters,
        body: msgspec.Struct | None,
        accept: Collection[int],
        signed_at_ms: int | None = None,
    ) -> Reply:
        path = template.format_map({name: quote(value, safe="") for name, value in names.items()})
        url = f"{self._base_url}{path}?{urlencode(parameters)}" if parameters else f"{self._base_url}{path}"
        at_ms = self._now_ms() if signed_at_ms is None else signed_at_ms
        headers = self._signer.headers(method, self._root + path, at_ms) if self._signer else {}
        content, began_s = None, time.monotonic()
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        try:
            response = self._session.request(
                method, url, data=content, headers=headers, timeout=self._timeout_s, allow_redirects=False
            )
        except requests.RequestException as error:
            self._count(True, began_s)
            raise Unavailable(f"{method} {path}: {type(error).__name__}: {error}") from error
        if response.status_code in accept:
            self._count(False, began_s)
            return Reply(response.status_code, response.content)
        refusal = failure(method, path, response.status_code, response.content)
        self._count(not isinstance(refusal, Refused), began_s)
        raise refusal

    def _count(self, failed: bool, began_s: float) -> None:
        self._tally.count(failed, self._now_ms(), round((time.monotonic() - began_s) * 1000))


def failure(method: str, path: str, status: int, body: bytes) -> OutcryError:
    """The exception an answer deserves, named by its cure. A code beyond 4xx says nothing about what was done."""
    told = wire.parse_error(status, body)
    what = f"{method} {path} -> {status} {' '.join(part for part in told if part)}"
    if status == 429:
        return RateLimited(what, "nothing was done; wait")
    if status == 401 and told.code == "header_timestamp_expired":
        if method == "GET":
            return Unavailable(what, "set this machine's clock by NTP")
        return Refused(
            what, status=status, code=told.code, details=told.details, mend="set this machine's clock by NTP"
        )
    if status == 401:
        return Misconfigured(what, "check the key, its id, and that it belongs to this environment")
    if 300 <= status < 400:
        return Misconfigured(what, "the exchange moved: check its URL")
    if status == 408 or not 400 <= status < 500:
        return Unavailable(what)
    return Refused(what, status=status, code=told.code, details=told.details)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(max_retries=0))
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.headers.update({"Accept": "application/json", "User-Agent": "outcry"})
    return session


def _shape(path: str) -> str:
    """A route without the names of its parameters and without the common prefix: `/portfolio/orders/*`."""
    segments = path.removeprefix("/trade-api/v2").strip("/").split("/")
    return "/".join("*" if segment[:1] in ("{", ":") else segment for segment in segments)
