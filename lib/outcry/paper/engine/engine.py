"""The exchange itself, without I/O: events of a market source and requests of accounts in, events for subscribers out.

Pure: the time is an argument, ids come from a function handed in, nothing is read or sent. Whoever runs it writes its
books down with `paper.keeping` before a request is answered, so that what was acknowledged survives a kill.
Every call that can change something first runs the timers due by its time (opening, expiry, close, payment, money that
arrives) and returns all events in order: book levels and public trades, fills, order changes, then the rest and the
tickers. Take snapshots of a `BookReset` before the next call. A Reject leaves the events of its timers for the next
call: whoever serves requests calls `tick` first. The exchange's clock never runs backwards: an earlier time counts as
the latest one seen. A market that closed while the exchange was down, and that its source speaks of no more, is paid at
its last price.
"""

from collections.abc import Callable

from outcry.paper.engine import clearing, feeding, listing, treasury
from outcry.paper.engine.accounts import Account
from outcry.paper.engine.group_requests import GroupRequests
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.market_reads import MarketReads
from outcry.paper.engine.money_requests import MoneyRequests
from outcry.paper.engine.order_requests import OrderRequests
from outcry.paper.engine.reads import Reads
from outcry.paper.engine.records import MarketRecord
from outcry.paper.engine.state import State
from outcry.paper.events import EngineEvent, SourceEvent
from outcry.venue import fees


class Engine(OrderRequests, GroupRequests, MoneyRequests, Reads, MarketReads):
    """One exchange with any number of accounts. Not thread-safe: one thread, or one lock, at a time.

    new_id              makes order and trade ids (a server hands in UUIDs, a test a counter)
    manners             what the documentation leaves open
    precision_micros    step of the fee rounding (fees.DIRECT_MICROS or fees.NON_DIRECT_MICROS)
    cancel_share_millionths  share of unexplained foreign cancels taken to stand ahead of our orders:
                        0 pessimistic (none), 1_000_000 in proportion to what stands ahead
    close_cancel_ms     how long after the close resting orders are swept (CloseCancel)
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        manners: Manners | None = None,
        *,
        precision_micros: int = fees.DIRECT_MICROS,
        cancel_share_millionths: int = 0,
        close_cancel_ms: int = 500,
    ) -> None:
        self.state = State(
            new_id,
            manners or Manners(),
            precision_micros=precision_micros,
            cancel_share_millionths=cancel_share_millionths,
            close_cancel_ms=close_cancel_ms,
        )

    def add_account(
        self, account: str, cash_by_shard: dict[int, int], tier: str = "basic", now_ms: int | None = None
    ) -> bool:
        """Open an account with deposits in micro-dollars per shard; False, and nothing done, when it already exists."""
        if account in self.state.accounts:
            return False
        self._begin(now_ms or 0)
        self.state.accounts[account] = Account(account, tier)
        self.state.unsaved.accounts.add(account)
        for shard, micros in cash_by_shard.items():
            treasury.put_in(self.state, account, shard, micros)
        return True

    def set_tier(self, account: str, tier: str) -> None:
        """Give an account another usage tier."""
        self.state.account(account).tier = tier
        self.state.unsaved.accounts.add(account)

    def feed(self, event: SourceEvent) -> list[EngineEvent]:
        """Take one event of the market source.

        raises  InvariantBroken when a book level would fall below zero, or a market was not listed first: the source is
                wrong, or something was missed
        """
        self._begin(event.at_ms)
        feeding.take(self.state, event)
        return self._finish()

    def tick(self, now_ms: int) -> list[EngineEvent]:
        """Run the timers due by now: silent opening and closing, expiries, payments, money that arrives."""
        self._begin(now_ms)
        return self._finish()

    def next_at_ms(self) -> int | None:
        """When the next timer is due; None when none is set."""
        return self.state.timers[0][0] if self.state.timers else None

    def pause(self, exchange_index: int, now_ms: int, *, whole_exchange: bool = False) -> list[EngineEvent]:
        """Stop trading on a shard: no placing, no amending, no matching. With `whole_exchange`, no cancelling either.

        Orders with `cancel_on_pause` go (HaltCancel); the others stay.
        """
        self._begin(now_ms)
        self.state.pauses[exchange_index] = whole_exchange
        affected = self._on_shard(exchange_index)
        for record in affected:
            self.state.match_while_trading(record)
        listing.halt(self.state, [record.market.ticker for record in affected])
        return self._finish()

    def resume(self, exchange_index: int, now_ms: int) -> list[EngineEvent]:
        """Trade again on a shard. Foreign size that crossed resting orders meanwhile meets them now."""
        self._begin(now_ms)
        self.state.pauses.pop(exchange_index, None)
        for record in self._on_shard(exchange_index):
            self.state.match_while_trading(record)
            record.own_volume_ch += clearing.fill_resting(self.state, record, record.book.uncross())
        return self._finish()

    def paused(self, exchange_index: int) -> tuple[bool, bool]:
        """(trading paused, whole exchange paused) of a shard."""
        return exchange_index in self.state.pauses, self.state.pauses.get(exchange_index, False)

    def _on_shard(self, exchange_index: int) -> list[MarketRecord]:
        return [record for record in self.state.markets.values() if record.market.exchange_index == exchange_index]
