"""A market's life on the exchange until its outcome: listed, opened, paused, closed, reopened, swept.

Opening and closing say nothing to subscribers; everything else does. What a source repeats (after a restart, say) is
taken once.
"""

from dataclasses import replace

from outcry.domain.market import Market, Status
from outcry.paper.engine import clearing
from outcry.paper.engine.records import MarketRecord, Reason
from outcry.paper.engine.state import State
from outcry.paper.events import Lifecycle, Listed

_RANK = {status: rank for rank, status in enumerate(Status)}
_OPEN = (Status.ACTIVE, Status.INACTIVE)
DECIDED = (Status.DETERMINED, Status.DISPUTED, Status.AMENDED, Status.FINALIZED)


def listed(state: State, event: Listed) -> None:
    """A market appeared, or its description changed. What the exchange itself keeps (life, volumes) stays its own."""
    market = event.market
    record = state.markets.get(market.ticker)
    if record is None:
        state.add_market(market, state.outbox.at_ms)
        say(state, "created", market.ticker)
        return
    old, record.restored = record.market, False
    if old.status in DECIDED:
        return
    status = _next_status(old, market, state.outbox.at_ms)
    record.market = replace(market, status=old.status, result=old.result, settlement_value_cc=old.settlement_value_cc)
    record.updated_at_ms = state.outbox.at_ms
    state.unsaved.markets.add(market.ticker)
    if (old.open_at_ms, old.close_at_ms) != (market.open_at_ms, market.close_at_ms):
        state.set_timers(record)
    if old.close_at_ms != market.close_at_ms:
        say(state, "close_date_updated", market.ticker, close_at_ms=market.close_at_ms)
    if old.price_ranges != market.price_ranges:
        say(state, "price_level_structure_updated", market.ticker)
    described = ("title", "strike_type", "strike_micros", "underlying")
    changed = {name: getattr(market, name) for name in described if getattr(market, name) != getattr(old, name)}
    if changed:
        say(state, "metadata_updated", market.ticker, **changed)
    if status is not old.status:
        _move(state, record, status)


def _next_status(old: Market, new: Market, now_ms: int) -> Status:
    """The status after a new description: never backwards, except from a pause, or when a later close reopens it.

    An outcome has its own event: a description cannot decide a market.
    """
    reopened = old.status is Status.CLOSED and new.status in _OPEN and new.close_at_ms > now_ms
    unpaused = old.status is Status.INACTIVE and new.status is Status.ACTIVE
    forward = _RANK[old.status] < _RANK[new.status] <= _RANK[Status.CLOSED]
    return new.status if reopened or unpaused or forward else old.status


def _move(state: State, record: MarketRecord, status: Status) -> None:
    old, ticker = record.market.status, record.market.ticker
    state.set_status(record, status)
    if status is Status.INACTIVE:
        say(state, "deactivated", ticker)
        halt(state, [ticker])
    elif status is Status.ACTIVE and old in (Status.INACTIVE, Status.CLOSED):
        sweep(state, record, Reason.HALT)
        say(state, "activated", ticker)
    elif status is Status.CLOSED:
        sweep(state, record, Reason.CLOSE)


def open_(state: State, record: MarketRecord) -> None:
    """Trading begins, silently."""
    if record.market.status is Status.INITIALIZED:
        state.set_status(record, Status.ACTIVE)


def close(state: State, record: MarketRecord) -> None:
    """Trading ends, silently; resting orders stay, beyond anybody's reach, until the sweep."""
    if record.market.status in (Status.INITIALIZED, *_OPEN):
        state.set_status(record, Status.CLOSED)


def sweep(state: State, record: MarketRecord, reason: Reason) -> None:
    """Cancel everything that rests in a market."""
    for order in list(state.resting.get(record.market.ticker, {}).values()):
        clearing.cancel(state, order, reason)


def halt(state: State, tickers: list[str]) -> None:
    """A pause: cancel the resting orders that asked for it."""
    for ticker in tickers:
        for order in list(state.resting.get(ticker, {}).values()):
            if order.cancel_on_pause:
                clearing.cancel(state, order, Reason.HALT)


def say(state: State, kind: str, ticker: str, **facts: object) -> None:
    """Tell subscribers of a market's life."""
    state.outbox.say(Lifecycle(kind, ticker, state.outbox.at_ms, facts))
