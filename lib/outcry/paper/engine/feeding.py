"""What a market source says, taken into the exchange's books."""

from outcry.paper.engine import clearing, listing, paying
from outcry.paper.engine.state import State
from outcry.paper.events import (
    BookChange,
    BookSet,
    Closed,
    Determined,
    Disputed,
    IndexTick,
    Listed,
    Opened,
    Print,
    Settled,
    SourceEvent,
    Stats,
    Voided,
)


def take(state: State, event: SourceEvent) -> None:
    """One event; see `Engine.feed`."""
    match event:
        case BookChange():
            record = state.listed(event.ticker)
            matches = record.book.change(event.side.sign > 0, event.price_cc, event.change_ch)
            record.own_volume_ch += clearing.fill_resting(state, record, matches)
        case Print():
            _print(state, event)
        case Stats():
            _stats(state, event)
        case BookSet():
            record = state.listed(event.ticker)
            matches = record.book.replace(event.bids, event.asks)
            record.own_volume_ch += clearing.fill_resting(state, record, matches)
            state.outbox.reset(event.ticker)
        case IndexTick():
            state.outbox.say(event)
        case Listed():
            listing.listed(state, event)
        case Opened():
            listing.open_(state, state.listed(event.ticker))
        case Closed():
            listing.close(state, state.listed(event.ticker))
        case Determined():
            paying.determined(state, event)
        case Disputed():
            paying.disputed(state, state.listed(event.ticker))
        case Voided():
            paying.voided(state, event)
        case Settled():
            paying.settled(state, state.listed(event.ticker))


def _print(state: State, event: Print) -> None:
    """A public trade among others. What accounts' orders got of it is theirs; the rest goes on the public tape."""
    record = state.listed(event.ticker)
    taker_is_bid = None if event.taker_side is None else event.taker_side.sign > 0
    matches = record.book.printed(event.price_cc, event.count_ch, taker_is_bid)
    filled_ch = clearing.fill_resting(state, record, matches, inferred=event.inferred)
    left_ch = event.count_ch - filled_ch
    record.own_volume_ch += max(0, -left_ch)
    if not record.source_counts:
        record.foreign_volume_ch += event.count_ch
    if left_ch > 0:
        clearing.publish(state, record, event.price_cc, left_ch, event.taker_side, inferred=event.inferred)


def _stats(state: State, event: Stats) -> None:
    record = state.listed(event.ticker)
    record.source_counts = True
    told = record.last_price_cc, record.foreign_volume_ch, record.foreign_interest_ch
    last_cc = record.last_price_cc if event.last_price_cc is None else event.last_price_cc
    now = last_cc, event.volume_ch, event.open_interest_ch
    if told != now:
        record.last_price_cc, record.foreign_volume_ch, record.foreign_interest_ch = now
        state.outbox.ticker(event.ticker)
