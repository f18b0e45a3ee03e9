"""A market's life on the exchange: listed, opened, paused, closed, swept, determined, paid.

Opening and closing say nothing to subscribers; everything else does. What a source repeats (after a restart, say) is
taken once.
"""

from dataclasses import replace

from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper import clearing
from outcry.paper.events import AccountSettled, Determined, Lifecycle, Listed
from outcry.paper.records import MarketRecord, PositionRecord, Reason
from outcry.paper.state import State

HALF_DOLLAR_CC = ONE_DOLLAR_CC // 2
_RANK = {status: rank for rank, status in enumerate(Status)}
_OPEN = (Status.ACTIVE, Status.INACTIVE)
_DECIDED = (Status.DETERMINED, Status.DISPUTED, Status.AMENDED, Status.FINALIZED)


def listed(state: State, event: Listed) -> None:
    """A market appeared, or its description changed. What the exchange itself keeps (life, volumes) stays its own."""
    market = event.market
    record = state.markets.get(market.ticker)
    if record is None:
        state.add_market(market, state.outbox.at_ms)
        _say(state, "created", market.ticker)
        return
    old, record.restored = record.market, False
    if old.status in _DECIDED:
        return
    status = _next_status(old, market, state.outbox.at_ms)
    record.market = replace(market, status=old.status, result=old.result, settlement_value_cc=old.settlement_value_cc)
    record.updated_at_ms = state.outbox.at_ms
    state.unsaved.markets.add(market.ticker)
    if (old.open_at_ms, old.close_at_ms) != (market.open_at_ms, market.close_at_ms):
        state.set_timers(record)
    if old.close_at_ms != market.close_at_ms:
        _say(state, "close_date_updated", market.ticker, close_at_ms=market.close_at_ms)
    if old.price_ranges != market.price_ranges:
        _say(state, "price_level_structure_updated", market.ticker)
    described = ("title", "strike_type", "strike_micros", "underlying")
    changed = {name: getattr(market, name) for name in described if getattr(market, name) != getattr(old, name)}
    if changed:
        _say(state, "metadata_updated", market.ticker, **changed)
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
        _say(state, "deactivated", ticker)
        halt(state, [ticker])
    elif status is Status.ACTIVE and old in (Status.INACTIVE, Status.CLOSED):
        sweep(state, record, Reason.HALT)
        _say(state, "activated", ticker)
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


def determined(state: State, event: Determined) -> None:
    """The outcome is known: nothing rests any more, and payment is due."""
    record = state.listed(event.ticker)
    if record.market.status in _DECIDED:
        return
    close(state, record)
    sweep(state, record, Reason.CLOSE)
    record.market = replace(record.market, result=event.result, settlement_value_cc=event.value_cc)
    record.expiration_value_micros = event.expiration_value_micros
    record.determined_at_ms = state.outbox.at_ms
    state.set_status(record, Status.DETERMINED)
    _say(state, "determined", event.ticker, result=event.result, value_cc=event.value_cc)


def settled(state: State, record: MarketRecord) -> None:
    """Pay every account that traded here, and everybody else."""
    market = record.market
    if market.status is Status.FINALIZED:
        return
    if market.settlement_value_cc is None:
        raise InvariantBroken(f"{market.ticker} was to be paid before it was determined")
    for name in sorted(state.accounts):
        held = state.accounts[name].positions.get(market.ticker)
        if held is not None and not held.settled:
            _pay(state, market, held, market.settlement_value_cc)
    state.house.settle(market.exchange_index, market.ticker, market.settlement_value_cc)
    record.settled_at_ms = state.outbox.at_ms
    record.own_interest_ch = 0
    state.set_status(record, Status.FINALIZED)
    _say(state, "settled", market.ticker, settled_at_ms=record.settled_at_ms)


def void(state: State, record: MarketRecord) -> None:
    """Nobody will ever decide this market: pay both sides at its last price (half a dollar when it never traded)."""
    last_cc = HALF_DOLLAR_CC if record.last_price_cc is None else record.last_price_cc
    determined(state, Determined(record.market.ticker, "scalar", last_cc, state.outbox.at_ms))
    settled(state, record)


def _pay(state: State, market: Market, held: PositionRecord, value_cc: int) -> None:
    account = state.accounts[held.account]
    revenue, remainder = account.settle(held, value_cc, state.precision_micros)
    state.house.earn(market.exchange_index, remainder)
    held.updated_at_ms = state.outbox.at_ms
    record = AccountSettled(
        account=held.account,
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        exchange_index=market.exchange_index,
        result=market.result,
        value_cc=value_cc,
        yes_count_ch=held.yes_count_ch,
        yes_cost_micros=held.yes_cost_micros,
        no_count_ch=held.no_count_ch,
        no_cost_micros=held.no_cost_micros,
        revenue_micros=revenue,
        fee_micros=held.fees_micros,
        at_ms=state.outbox.at_ms,
    )
    state.settlements_of.setdefault(held.account, []).append(record)
    state.unsaved.settlements.append(record)
    state.unsaved.positions[held.account, market.ticker] = held
    state.unsaved.accounts.add(held.account)
    state.outbox.say(record)


def _say(state: State, kind: str, ticker: str, **facts: object) -> None:
    state.outbox.say(Lifecycle(kind, ticker, state.outbox.at_ms, facts))
