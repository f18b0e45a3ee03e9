"""What falls due by itself: openings, closings, sweeps, expiries, payments, arrivals of money, rebalancing."""

from outcry.domain.market import Status
from outcry.paper.engine import clearing, listing, paying, treasury
from outcry.paper.engine.records import MarketRecord, OrderStatus, Reason
from outcry.paper.engine.state import State


def due(state: State, kind: str, key: str, until_ms: int) -> None:
    """One timer whose time has come. A timer that no longer applies does nothing.

    key       a market's ticker, or an order's, a transfer's or an account's id, by kind
    until_ms  how far the clock goes in this step: timers up to then follow
    """
    if kind == "expire":
        order, now_ms = state.orders[key], state.outbox.at_ms
        if order.status is OrderStatus.RESTING and order.expires_at_ms and order.expires_at_ms <= now_ms:
            clearing.cancel(state, order, Reason.EXPIRY)
    elif kind == "arrive":
        treasury.arrive(state, state.transfers[key])
    elif kind == "rebalance":
        treasury.rebalance(state, key, until_ms)
    else:
        _market_due(state, kind, state.markets[key])


def _market_due(state: State, kind: str, record: MarketRecord) -> None:
    now_ms, market = state.outbox.at_ms, record.market
    if kind == "open" and market.open_at_ms <= now_ms < market.close_at_ms:
        listing.open_(state, record)
    elif kind == "close" and market.close_at_ms <= now_ms:
        listing.close(state, record)
    elif kind == "sweep" and market.status is Status.CLOSED:
        listing.sweep(state, record, Reason.CLOSE)
    elif kind == "pay":
        paying.due(state, record)
    elif kind == "forget" and record.restored and market.status is not Status.FINALIZED:
        paying.forgotten(state, record)
