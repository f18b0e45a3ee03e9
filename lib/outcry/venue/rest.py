"""The exchange's REST interface: what the floor asks and tells it, in the floor's own nouns.

Errors, everywhere: `Unavailable` (no answer to be trusted; a write may have been done: look it up), `RateLimited`
(nothing was done), `Refused` (a definite no), `Misconfigured` (key or URL), `SchemaDrift` (a shape we do not know).
Lists are whole or they raise. Times in parameters (`min_ts`, `max_ts`) are Unix seconds, as on the wire.
"""

import random as _random
import time
from collections.abc import Callable, Mapping

import requests

from outcry.venue import wire
from outcry.venue.budget import Budget, Rates
from outcry.venue.http import Http
from outcry.venue.rest_batches import BatchCalls
from outcry.venue.rest_candles import CandleCalls
from outcry.venue.rest_groups import GroupCalls
from outcry.venue.rest_history import HistoryCalls
from outcry.venue.rest_incentives import IncentiveCalls
from outcry.venue.rest_market import MarketCalls
from outcry.venue.rest_schedule import ScheduleCalls
from outcry.venue.rest_shards import ShardCalls
from outcry.venue.rest_subaccounts import SubaccountCalls
from outcry.venue.rest_tier import TierCalls
from outcry.venue.sign import Signer
from outcry.venue.tally import Tally
from outcry.venue.wire import NewOrder, OrderReport, Placed

__all__ = ["NewOrder", "OrderReport", "Placed", "Rest"]


class Rest(
    HistoryCalls,  # upon the calls for markets, orders and the account
    BatchCalls,
    GroupCalls,
    CandleCalls,
    ScheduleCalls,
    IncentiveCalls,
    ShardCalls,
    SubaccountCalls,
    TierCalls,
):
    """One program's connection to the exchange. Signs everything when it has a key; public calls work without.

    Found by subject in the files `rest_market`, `_orders`, `_account`, `_history`, `_batches`, `_groups`, `_candles`,
    `_schedule` (and fee changes), `_incentives`, `_shards`, `_subaccounts` and `_tier`.
    """

    def __init__(
        self,
        base_url: str,
        signer: Signer | None,
        budget: Budget,
        *,
        underlying: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        random: _random.Random | None = None,
        timeout_s: tuple[float, float] = (3.05, 10.0),
        tally: Tally | None = None,
    ) -> None:
        """
        base_url    up to and with /trade-api/v2
        underlying  {series ticker: index symbol} for the markets we return; the wire does not name it
        timeout_s   for connecting, and for each silence while reading
        tally       where calls are counted, and those that failed
        """
        http = Http(
            base_url,
            signer,
            budget,
            session=session,
            now_ms=now_ms,
            sleep=sleep,
            random=random,
            timeout_s=timeout_s,
            tally=tally,
        )
        MarketCalls.__init__(self, http, underlying or {}, monotonic)
        self._budget = budget

    def learn(self) -> None:
        """Ask, once at the start, what calls cost and how much this account may spend; then keep to it."""
        self._http.learn_costs(self.endpoint_costs())
        allowed = self.limits()
        self._budget.learn(
            Rates(
                allowed.read.refill_rate,
                allowed.read.bucket_capacity,
                allowed.write.refill_rate,
                allowed.write.bucket_capacity,
            )
        )

    def limits(self) -> wire.Limits:
        """The account's tier and token buckets."""
        return wire.decode(wire.Limits, self._http.get("/account/limits").body, "limits")

    def endpoint_costs(self) -> wire.EndpointCosts:
        """Tokens per call."""
        return wire.decode(wire.EndpointCosts, self._http.get("/account/endpoint_costs").body, "endpoint costs")
