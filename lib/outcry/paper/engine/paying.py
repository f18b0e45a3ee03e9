"""Outcomes: determined, challenged, changed, called off, and paid: each account once, whatever came before.

Between the determination and the payment an outcome may be disputed or determined anew; the timer then starts again.
What a source repeats (after a restart, say) is taken once.
"""

import heapq
from dataclasses import replace

from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine import listing
from outcry.paper.engine.accounts import purses_of
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import MarketRecord, PositionRecord, Reason
from outcry.paper.engine.state import State
from outcry.paper.events import AccountSettled, Determined, Voided

HALF_DOLLAR_CC = ONE_DOLLAR_CC // 2


def determined(state: State, event: Determined) -> None:
    """The outcome is known: nothing rests any more, and payment is due. Another outcome than before amends it; the
    same one again says nothing new, except that a dispute is over."""
    record = state.listed(event.ticker)
    market = record.market
    if market.status is Status.FINALIZED:
        return
    decided = market.status in listing.DECIDED
    same = (market.result, market.settlement_value_cc) == (event.result, event.value_cc)
    if decided and same and market.status is not Status.DISPUTED:
        return
    listing.close(state, record)
    listing.sweep(state, record, Reason.CLOSE)
    record.market = replace(record.market, result=event.result, settlement_value_cc=event.value_cc)
    record.expiration_value_micros = event.expiration_value_micros
    record.determined_at_ms = state.outbox.at_ms
    record.pays_at_ms = None if event.timer_ms is None else state.outbox.at_ms + event.timer_ms
    set_timer(state, record)
    state.set_status(record, Status.DETERMINED if same or not decided else Status.AMENDED)
    listing.say(state, "determined", event.ticker, result=event.result, value_cc=event.value_cc)


def disputed(state: State, record: MarketRecord) -> None:
    """Stop the way to payment until the outcome is determined again. Nothing is told: no channel has a word for it."""
    if record.market.status in (Status.DETERMINED, Status.AMENDED):
        record.pays_at_ms = None
        state.set_status(record, Status.DISPUTED)


def voided(state: State, event: Voided) -> None:
    """Determine a market that is called off: both sides get the middle of what others quoted."""
    value_cc = middle_cc(state.listed(event.ticker))
    determined(state, Determined(event.ticker, "scalar", value_cc, event.at_ms, timer_ms=event.timer_ms))


def middle_cc(record: MarketRecord) -> int:
    """The middle of the foreign quotes, rounded down; the last price without two of them, half a dollar without that.

    Accounts' own orders do not count: they would set their own payout.
    """
    quotes = [_best_foreign(record, is_bid=True), _best_foreign(record, is_bid=False)]
    known = [quote for quote in quotes if quote is not None]
    if len(known) == 2:
        return sum(known) // 2
    return HALF_DOLLAR_CC if record.last_price_cc is None else record.last_price_cc


def _best_foreign(record: MarketRecord, *, is_bid: bool) -> int | None:
    shown = record.book.shown.bids if is_bid else record.book.shown.asks
    there = [price for price in shown if record.book.foreign_ch(is_bid, price)[0]]
    return (max if is_bid else min)(there, default=None)


def set_timer(state: State, record: MarketRecord) -> None:
    """Let the exchange pay by itself when it is to."""
    if record.pays_at_ms is not None:
        heapq.heappush(state.timers, (record.pays_at_ms, "pay", record.market.ticker))


def settled(state: State, record: MarketRecord) -> None:
    """The source says that the time has come: pay, unless the outcome may still be challenged."""
    early = record.pays_at_ms is not None and state.outbox.at_ms < record.pays_at_ms
    if record.market.status is not Status.DISPUTED and not early:
        pay(state, record)


def due(state: State, record: MarketRecord) -> None:
    """The exchange's own timer ran out, unless it was set anew since."""
    if record.pays_at_ms is not None and record.pays_at_ms <= state.outbox.at_ms:
        pay(state, record)


def pay(state: State, record: MarketRecord) -> None:
    """Pay every purse that traded here, and everybody else.

    raises  InvariantBroken when there is no outcome
    """
    market = record.market
    if market.status is Status.FINALIZED:
        return
    if market.settlement_value_cc is None:
        raise InvariantBroken(f"{market.ticker} was to be paid before it was determined")
    for purse in purses_of(state.accounts[name] for name in sorted(state.accounts)):
        held = purse.positions.get(market.ticker)
        if held is not None and not held.settled:
            _pay(state, market, purse, held, market.settlement_value_cc)
    state.house.settle(market.exchange_index, market.ticker, market.settlement_value_cc)
    record.settled_at_ms = state.outbox.at_ms
    record.pays_at_ms, record.own_interest_ch = None, 0
    state.set_status(record, Status.FINALIZED)
    state.paid(market.ticker)
    listing.say(state, "settled", market.ticker, settled_at_ms=record.settled_at_ms)


def forgotten(state: State, record: MarketRecord) -> None:
    """Nobody will ever decide this market: pay its outcome where it has one, else both sides the middle."""
    if record.market.settlement_value_cc is None:
        voided(state, Voided(record.market.ticker, state.outbox.at_ms))
    pay(state, record)


def _pay(state: State, market: Market, purse: Purse, held: PositionRecord, value_cc: int) -> None:
    revenue, remainder = purse.settle(held, value_cc, state.precision_micros)
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
        subaccount=held.subaccount,
    )
    state.settlements_of.setdefault(held.account, []).append(record)
    state.unsaved.settlements.append(record)
    state.unsaved.positions[held.account, held.subaccount, market.ticker] = held
    state.unsaved.accounts.add(held.account)
    state.outbox.say(record)
