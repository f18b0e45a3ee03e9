"""What a strategy looks at and what it may answer; what the risk gate answers to that. All frozen, all storable."""

from dataclasses import dataclass
from enum import StrEnum

from outcry.domain.market import Market
from outcry.domain.order import Purpose, Side, TimeInForce

Level = tuple[int, int]  # (price_cc, count_ch)


@dataclass(frozen=True, slots=True)
class Quote:
    """The last published state of one market's book. Prices on the YES scale; best level first.

    publish        number of the publish that carried it
    published_at_ms  exchange-independent local time of that publish
    heard_at_ms    when anything (a frame or the server's ping) was last heard on its stream
    changed_at_ms  when this book last changed
    trusted        False when gapped, crossed, stale or paused: nobody enters on it; `distrust` says why
    source         "stream", or "rest" for fallback polling (stakes are halved)
    """

    ticker: str
    publish: int
    published_at_ms: int
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    last_price_cc: int | None = None
    volume_ch: int = 0
    open_interest_ch: int = 0
    heard_at_ms: int = 0
    changed_at_ms: int = 0
    ticker_moved_at_ms: int = 0
    epoch: int = 0
    trusted: bool = False
    distrust: str = ""
    source: str = "stream"

    @property
    def bid_cc(self) -> int | None:
        return self.bids[0][0] if self.bids else None

    @property
    def ask_cc(self) -> int | None:
        return self.asks[0][0] if self.asks else None

    @property
    def spread_cc(self) -> int | None:
        return self.asks[0][0] - self.bids[0][0] if self.bids and self.asks else None


@dataclass(frozen=True, slots=True)
class Bar:
    """One second of an index (prices in micro-dollars) or of a market's public prints (prices in centicents).

    symbol     `BTC-USD` for an index, the ticker for a market
    at_ms      start of the second; the bar is complete, and may be used, from at_ms + 1000 on
    volume_ch  contracts printed (markets), 0 for an index; buy_ch / sell_ch by the taker's side where it is known
    """

    symbol: str
    at_ms: int
    open: int
    high: int
    low: int
    close: int
    volume_ch: int = 0
    buy_ch: int = 0
    sell_ch: int = 0
    trades: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """One second of a market's best prices, as its published quotes showed them. Seconds without a change have none.

    at_ms      start of the second; the sides are those at its end (of the running second: as of now)
    bid_ch, ask_ch  size at the best price; 0 with a price of None for an empty side
    ofi_ch     order-flow imbalance of the second: what pushed the price up less what pushed it down (signals/touch)
    """

    at_ms: int
    bid_cc: int | None
    bid_ch: int
    ask_cc: int | None
    ask_ch: int
    ofi_ch: int = 0


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another market of the same event, as it stood when the view was made; the agent's own signed position there."""

    market: Market
    quote: Quote
    position_ch: int = 0


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order of the agent's own that rests in this market: it is part of the book that everybody sees."""

    side: Side
    price_cc: int
    count_ch: int


@dataclass(frozen=True, slots=True)
class View:
    """Everything one decision may use, as of `now_ms`.

    index      1-second bars of the market's underlying, oldest first; () when there is none
    prints     1-second bars of this market's public prints, oldest first
    touches    the seconds of this market's touch, oldest first; only for strategies that read them
    siblings   the other markets of the event, by ticker; only for strategies that read whole events
    resting    the agent's own orders in the book
    position_ch  the agent's own signed position here
    draw       a number in [0, 1) from the agent's seeded generator; only baselines use it
    time_factor  by how much windows and look-backs are shortened on this floor (1 on a real one)
    """

    now_ms: int
    market: Market
    quote: Quote
    index: tuple[Bar, ...] = ()
    prints: tuple[Bar, ...] = ()
    position_ch: int = 0
    draw: float = 0.0
    time_factor: float = 1.0
    touches: tuple[Touch, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    resting: tuple[OwnOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """What a strategy wants: a side and a limit, and why. It never sizes.

    limit_cc     YES price; a bid buys YES at or below it, an ask sells YES (buys NO) at or above it
    probability  the strategy's probability of its own side, or None when it states none
    stake_millionths  share of capital to stake when it states none (20_000 is 2 %)
    stop_loss_millionths, take_profit_millionths  of cost (200_000 is 20 %); None for no take-profit
    hold_ms      time exit: leave after so long; None holds to settlement
    basket       tickers of all legs, this one's among them, when it is worth having only with the others; else ()
    """

    ticker: str
    side: Side
    limit_cc: int
    why: str
    probability: float | None = None
    time_in_force: TimeInForce = TimeInForce.IOC
    post_only: bool = False
    stake_millionths: int = 20_000
    stop_loss_millionths: int = 200_000
    take_profit_millionths: int | None = None
    hold_ms: int | None = None
    basket: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quoting:
    """Two prices to rest at, post-only, at once; None for a side that is not wanted now. What rests elsewhere goes."""

    bid: Intent | None = None
    ask: Intent | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """Intents in several markets of one event that are worth having only together, in one and the same size.

    legs      IOC intents, the one likeliest to fail first; each names all tickers as its `basket`
    count_ch  the most of each leg
    """

    legs: tuple[Intent, ...]
    count_ch: int


Wish = Intent | Quoting | Basket


class Lacking(str):
    """A strategy's no for want of something to judge by: an index, a whole book, enough history."""

    __slots__ = ()


def intents(wish: Wish) -> tuple[Intent, ...]:
    """The single intents of whatever a strategy wants, in the order in which they are asked for."""
    if isinstance(wish, Intent):
        return (wish,)
    if isinstance(wish, Basket):
        return wish.legs
    return tuple(side for side in (wish.bid, wish.ask) if side is not None)


class Answer(StrEnum):
    ALLOWED = "allowed"
    REDUCED = "reduced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's, or the whole gate's, answer to one intent. Kept for ever beside the decision.

    rule       which rule spoke (the one that refused or cut most)
    count_ch   how much may be sent, in hundredths of a contract (0 when refused)
    reason     one clause for people: "spread 0.1200 > max 0.1000"
    numbers    the figures compared, with units in their names
    """

    answer: Answer
    count_ch: int
    rule: str = ""
    reason: str = ""
    numbers: tuple[tuple[str, int | float | str], ...] = ()

    @property
    def latch(self) -> str:
        """Whose entries this refusal stops until the trading day rolls: 'floor', 'agent', or "" for nobody's."""
        return str(dict(self.numbers).get("latch", ""))


@dataclass(frozen=True, slots=True)
class Decision:
    """One intent (or exit) with the verdict it got. `view_json` is the whole view it was made on."""

    decision_id: str
    agent: str
    ticker: str
    purpose: Purpose
    at_ms: int
    intent: Intent
    verdict: Verdict
    view_json: str
    publish: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is already at risk, read in the transaction that will reserve the next order. Micro-dollars, hundredths.

    capital_micros      floor equity at the roll of the trading day
    floor_micros        positions at cost + open orders at worst case, whole floor; agent_/market_ likewise
    position_ch         this agent's signed position in the market; account_position_ch the account's net one
    open_order_ch       contracts of this agent's entries in the market that still count
    exits_in_flight_ch  contracts of this agent's exits in the market that still count
    agent_markets       markets in which the agent holds or orders something, this one included
    market_count_ch     contracts of all agents here, held (each at its absolute size) or in entries that still count;
                        agent_market_count_ch the same of this agent
    available_cash_micros  what the exchange would still let us spend on this market's shard
    agent_notional_today_micros  $1 for each contract of this agent's entries since the roll of the trading day: as sent
                        while they count, as filled afterwards
    agent_lost_micros   what of its allocation is gone: how far its cash, with open positions at cost, is below zero
    day_pnl_micros      change of the agent's / the floor's equity since the roll of the trading day
    group_micros        as market_micros, of every market that is correlated with this one, this one included
    group_held          how many pairs of agent and market hold something there, or have entries that still count
    orders_today        orders of this agent since the roll, exits among them; trades_today: its entries since then that
                        traded, or still may
    streak_pauses       how often a losing streak paused this agent; trades_since_streak: its trades since the last
                        time, as far as they need to be counted
    day_doubt_micros    how much of a loss among it is only the mark of positions that nobody prices just now: the book
                        is untrusted, or nobody is there to close them with
    """

    capital_micros: int
    allocation_micros: int
    floor_micros: int = 0
    agent_micros: int = 0
    market_micros: int = 0
    market_count_ch: int = 0
    agent_market_count_ch: int = 0
    position_ch: int = 0
    account_position_ch: int = 0
    open_order_ch: int = 0
    exits_in_flight_ch: int = 0
    agent_markets: int = 0
    agent_lost_micros: int = 0
    agent_day_pnl_micros: int = 0
    floor_day_pnl_micros: int = 0
    agent_day_doubt_micros: int = 0
    floor_day_doubt_micros: int = 0
    available_cash_micros: int = 0
    orders_today: int = 0
    trades_today: int = 0
    agent_notional_today_micros: int = 0
    group_micros: int = 0
    group_held: int = 0
    streak_pauses: int = 0
    trades_since_streak: int = 0
