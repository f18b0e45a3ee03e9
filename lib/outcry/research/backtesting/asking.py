"""The gate of a backtest: the live rules over the account in memory; what they allow is reserved at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outcry.domain.limits import Limits
from outcry.domain.market import FeeTerms, Market
from outcry.domain.order import Order, Purpose, State
from outcry.domain.view import Answer, Exposure, Verdict
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.books import Book
from outcry.risk import rules
from outcry.trading import exits
from outcry.trading.events import Place
from outcry.trading.orders import Fee, reservation
from outcry.venue import fees

AGENT = "backtest"


@dataclass(frozen=True, slots=True)
class World:
    """What the trader needs of the simulation around it.

    now_ms      simulated time
    book        a market's book; None while the tape does not know it
    market      a market as described last
    volume_ch   what the market before this one in its series traded
    """

    now_ms: Callable[[], int]
    book: Callable[[str], Book | None]
    market: Callable[[str], Market]
    volume_ch: Callable[[Market], int]


class Gate:
    def __init__(self, limits: Limits, account: Account, world: World) -> None:
        self._limits, self._account, self._world = limits, account, world
        self._numbers = 0

    def weigh(self, place: Place, most_ch: int | None, at_ms: int) -> tuple[Verdict, Order | None]:
        """Ask the rules; an order that they allow is reserved at once."""
        exposure = self._account.exposure(place.market.ticker)
        verdict = self._verdict(place, exposure, most_ch, at_ms)
        if verdict.answer is Answer.REFUSED:
            return verdict, None
        intent, market = place.intent, place.market
        reduce_only, reserved = reservation(place.purpose, intent, exposure, verdict.count_ch, _fee_of(market))
        self._numbers += 1
        order = Order(
            client_order_id=f"oc-{AGENT}-{self._numbers:07}",
            agent=AGENT,
            ticker=market.ticker,
            exchange_index=market.exchange_index,
            side=intent.side,
            price_cc=intent.limit_cc,
            count_ch=verdict.count_ch,
            time_in_force=intent.time_in_force,
            purpose=place.purpose,
            state=State.PLANNED,
            decision_id=f"{place.ticket}",
            created_at_ms=at_ms,
            reserved_micros=reserved,
            expires_at_ms=place.expires_at_ms,
            post_only=intent.post_only,
            reduce_only=reduce_only,
            updated_at_ms=at_ms,
        )
        self._account.planned(order)
        return verdict, order

    def take_back(self, orders: Iterable[Order]) -> None:
        """Orders that were allowed and will not be sent."""
        for order in orders:
            self._account.unplanned(order.client_order_id)

    def _verdict(self, place: Place, exposure: Exposure, most_ch: int | None, at_ms: int) -> Verdict:
        market = place.market
        if place.purpose is Purpose.EXIT:
            close_ch = abs(place.view.position_ch) if place.count_ch is None else place.count_ch
            return exits.gate(place.intent, close_ch, exposure)
        if not fees.known(market.fee):
            return Verdict(Answer.REFUSED, 0, "fee", f"no formula for fee type {market.fee.fee_type!r}")
        facts = rules.Facts(
            market=market,
            quote=place.view.quote,
            predecessor_volume_ch=self._world.volume_ch(market),
            index_at_ms=place.index_at_ms,
        )
        return rules.gate(place.intent, facts, exposure, self._limits, at_ms, _fee_of(market), most_ch)


def _fee_of(market: Market) -> Fee:
    terms = market.fee if fees.known(market.fee) else FeeTerms()
    return lambda is_taker, price_cc, count_ch: fees.estimate_micros(terms, is_taker, price_cc, count_ch)
