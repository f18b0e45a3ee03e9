"""What the exchange's documentation leaves open, both ways: the floor's own client trades the same under each."""

import pytest

from local_exchange import DEPOSIT, OTHER, TICKER, Listener, LocalExchange, market, now_ms
from outcry.domain.errors import Misconfigured, Refused
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Settled
from outcry.venue.counters import Counters
from outcry.venue.messages import Delta, FillMessage, IndexValue, Snapshot, Trade
from outcry.venue.rest import NewOrder, Rest
from outcry.venue.sequence import Sequence, Step
from venue_client import bid, collect, kinds, rest_of, stream_of, until, wait_for

# Every switch, with the setting it has by default and another one.
SWITCHES: dict[str, tuple[object, object]] = {
    "balance_excludes_resting": (True, False),
    "fee_reserved": (False, True),
    "fok_kill_is_refused": (True, False),
    "ioc_unfilled_is_refused": (False, True),
    "ended_is_not_found": (True, False),
    "post_only_cross_is_kept": (False, True),
    "client_id_kept_ms": (None, 0),
    "group_triggers_at_limit": (True, False),
    "group_counts_takers": (True, False),
    "most_per_market_ch": (None, 2_000),
    "cancel_all_tail_ms": (60_000, 0),
    "transfer_ms": (1_000, 0),
    "rebalance_ms": (10_000, 10),
    "market_history_ms": (90 * 86_400_000, 0),
    "order_history_ms": (14 * 86_400_000, 0),
    "poor_code": ("available_balance_too_low", "insufficient_balance"),
    "closed_code": ("market_inactive", "market_already_closed"),
    "twice_code": ("order_already_exists", "duplicate_client_order_id"),
    "errors_nested": (True, False),
    "last_cursor": ("empty", "absent"),
    "book_best_first": (False, True),
    "seq_counts_control": (True, False),
    "seq_per_connection": (False, True),
    "private_first": (False, True),
    "yes_price_default": (False, True),
    "index_streams": (True, False),
    "skew_past_ms": (20_000, 2_000),
    "skew_future_ms": (30_000, 2_000),
}


def running(**manners) -> LocalExchange:
    exchange = LocalExchange("floor", "rival", manners=Manners(**manners))
    exchange.list(market(), market(OTHER))
    exchange.feed(BookSet(TICKER, {3900: 10_000, 4000: 5_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    return exchange


@pytest.fixture
def exchange(request):
    one = running(**request.param)
    yield one
    one.stop()


def under(**manners):
    return pytest.mark.parametrize("exchange", [manners], indirect=True)


def taker(client_order_id: str, count_ch: int, force: TimeInForce = TimeInForce.IOC, price_cc: int = 4200) -> NewOrder:
    return NewOrder(client_order_id, TICKER, Side.BID, price_cc, count_ch, force, 2)


def killed(rest: Rest, order: NewOrder) -> bool:
    """Whether an order that cannot be filled whole was: refused, or nothing filled and nothing left."""
    try:
        placed = rest.create_order(order)
    except Refused as refused:
        return refused.status == 400
    return (placed.filled_ch, placed.remaining_ch) == (0, 0)


def gone(rest: Rest, order_id: str) -> bool:
    """Whether nothing of an order is left to be canceled: not found, or nothing taken."""
    try:
        return rest.cancel_order(order_id, TICKER, 2) == 0
    except Refused as refused:
        return refused.status == 404


def test_every_switch_there_is_is_tried_both_ways():
    assert list(SWITCHES) == list(Manners.__dataclass_fields__)
    assert {name: values[0] for name, values in SWITCHES.items()} == {
        name: getattr(Manners(), name) for name in SWITCHES
    }


@pytest.mark.parametrize(
    "exchange",
    [{name: value} for name, values in SWITCHES.items() for value in values],
    indirect=True,
    ids=[f"{name}={value}" for name, values in SWITCHES.items() for value in values],
)
def test_the_client_trades_the_same_under_every_manner(exchange):
    rest, stream = rest_of(exchange), stream_of(exchange)
    collect(stream, until("Connected"))
    stream.subscribe(["orderbook_delta", "trade"], [TICKER])
    stream.subscribe(["fill", "user_orders", "market_positions"])
    told = collect(stream, lambda events: kinds(events).count("Subscribed") == 5 and "Snapshot" in kinds(events))

    assert sorted(one.ticker for one in rest.markets(status="open")) == [TICKER, OTHER]
    book = rest.orderbook(TICKER)
    assert (book.bids, book.asks) == ({3900: 10_000, 4000: 5_000}, {4200: 3_000, 4300: 10_000})
    rests = rest.create_order(bid(TICKER, "rests", 4100, 500))
    assert rest.decrease_order(rests.order_id, TICKER, 2, 300) == 300
    took = rest.create_order(taker("took", 1_000))
    assert (took.filled_ch, took.remaining_ch) == (1_000, 0)
    assert killed(rest, taker("killed", 100_000, TimeInForce.FOK))
    assert killed(rest, taker("missed", 1_000, price_cc=4_100))
    with pytest.raises(Refused) as crossed:
        rest.create_order(bid(TICKER, "crosses", 4200, 100, post_only=True))
    assert (crossed.value.status, crossed.value.details) == (400, "post only cross")
    with pytest.raises(Refused):
        rest.create_order(bid(TICKER, "too much", 4100, 100_000_000))
    assert rest.cancel_order(rests.order_id, TICKER, 2) == 300
    assert gone(rest, rests.order_id)

    told += collect(stream, lambda events: kinds([*told, *events]).count("MarketPosition") == 1)
    told += [event for _ in range(5) for event in stream.events(0.02)]
    counters, shown = Counters(), {}
    for event in told:
        if isinstance(event, Snapshot):
            assert counters.snapshot(event.sid, event.seq, TICKER) is Step.APPLY
            shown = {Side.BID: dict(event.bids), Side.ASK: dict(event.asks)}
        elif isinstance(event, Delta):
            assert counters.change(event.sid, event.seq, TICKER) is Step.APPLY
            side = Side.BID if event.is_bid else Side.ASK
            shown[side][event.price_cc] = shown[side].get(event.price_cc, 0) + event.change_ch
        elif isinstance(event, Trade):
            step = counters.change(event.sid, event.seq)
            assert step is Step.APPLY or (step, counters.missed) == (Step.RESYNC, 0)
    book = rest.orderbook(TICKER)
    assert {price: size for price, size in shown[Side.BID].items() if size} == book.bids == {3900: 10_000, 4000: 5_000}
    assert {price: size for price, size in shown[Side.ASK].items() if size} == book.asks == {4200: 2_000, 4300: 10_000}
    heard = {event.trade_id for event in told if isinstance(event, FillMessage)}
    fills = rest.search_fills()
    assert {fill.trade_id for fill in fills} == heard
    assert sum(fill.count_ch for fill in fills) == 1_000
    ended = {order.client_order_id: order for order in rest.search_orders()}
    assert (ended["rests"].filled_ch, ended["took"].filled_ch, ended["rests"].remaining_ch) == (0, 1_000, 0)

    at = now_ms()
    exchange.feed(Determined(TICKER, "yes", 10_000, at, 97_130_110_000), Settled(TICKER, at))
    (paid,) = rest.settlements()
    spent = 4_200_000 + sum(fill.fee_micros for fill in fills)
    assert rest.balance(2).cash_micros == DEPOSIT - spent + 10_000_000
    assert paid.ticker == TICKER


# ---- how the exchange speaks: each of these is seen to do what it says ----------------------------------------------


@under(errors_nested=False)
def test_a_flat_error_object_is_read_like_a_nested_one(exchange):
    with pytest.raises(Refused) as refused:
        rest_of(exchange).create_order(bid(TICKER, "one", 4150))
    assert (refused.value.status, refused.value.code) == (400, "invalid_price")


@pytest.mark.parametrize("exchange", [{"last_cursor": word} for word in ("empty", "null", "absent")], indirect=True)
def test_a_listing_ends_with_any_of_three_words(exchange):
    rest = rest_of(exchange)
    rest.create_order(bid(TICKER, "one"))
    assert [order.client_order_id for order in rest.orders()] == ["one"]
    status, body = ask(exchange, "/markets/trades")
    assert (status, body.get("cursor", "none")) == (200, {"empty": "", "null": None}.get(word_of(exchange), "none"))


def word_of(exchange: LocalExchange) -> str:
    return exchange.engine.state.manners.last_cursor


def ask(exchange: LocalExchange, path: str):
    import requests

    answer = requests.get(f"http://{exchange.host}:{exchange.port}/trade-api/v2{path}", timeout=5)
    return answer.status_code, answer.json()


@under(book_best_first=True)
def test_levels_may_come_best_first(exchange):
    told = ask(exchange, f"/markets/{TICKER}/orderbook")[1]["orderbook_fp"]
    assert told["yes_dollars"] == [["0.4000", "50.00"], ["0.3900", "100.00"]]
    assert rest_of(exchange).orderbooks([TICKER])[TICKER].bids == {4000: 5_000, 3900: 10_000}


@pytest.mark.parametrize("exchange", [{"seq_counts_control": True}, {"seq_counts_control": False}], indirect=True)
def test_answers_to_commands_count_in_the_sequence_or_do_not(exchange):
    stream = stream_of(exchange)
    collect(stream, until("Connected"))
    stream.subscribe(["orderbook_delta"], [TICKER])
    collect(stream, until("Snapshot"))
    stream.add_markets(stream.sids["orderbook_delta"], [OTHER])
    told = collect(stream, until("Snapshot"))
    exchange.feed(BookChange(TICKER, Side.BID, 4000, 100, now_ms()))
    told += collect(stream, until("Delta"))
    sequence = Sequence()
    sequence.snapshot(1, TICKER)
    for event in told:
        if isinstance(event, Snapshot):
            assert sequence.snapshot(event.seq, OTHER) is Step.APPLY
        elif isinstance(event, Delta):
            assert sequence.change(event.seq, TICKER) is Step.APPLY
        else:
            sequence.control(event.seq)
    counts = exchange.engine.state.manners.seq_counts_control
    assert [event.seq for event in told] == ([2, 3, 4] if counts else [1, 2, 3])


@pytest.mark.parametrize("exchange", [{"seq_per_connection": False}, {"seq_per_connection": True}], indirect=True)
def test_a_sequence_counts_a_subscription_or_a_connection(exchange):
    stream = stream_of(exchange)
    collect(stream, until("Connected"))
    stream.subscribe(["orderbook_delta", "trade"], [TICKER])
    told = collect(stream, lambda events: kinds(events).count("Subscribed") == 2 and "Snapshot" in kinds(events))
    for number in range(2):
        rest_of(exchange).create_order(taker(f"took {number}", 1_000))
        told += collect(stream, lambda events: {"Delta", "Trade"} <= set(kinds(events)))
    numbered = [event for event in told if isinstance(event, Snapshot | Delta | Trade)]
    whole = exchange.engine.state.manners.seq_per_connection
    assert sorted(event.seq for event in numbered) == ([1, 2, 3, 4, 5] if whole else [1, 1, 2, 2, 3])
    counters = Counters()
    counters.snapshot(numbered[0].sid, numbered[0].seq, TICKER)
    steps = [counters.change(event.sid, event.seq, TICKER) for event in numbered[1:]]
    found = [Step.RESYNC] if whole else [Step.APPLY]  # by the first print, or change after it, and nothing was missed
    assert sorted(steps, key=lambda step: step is Step.APPLY) == [*found, *[Step.APPLY] * 3]
    assert counters.missed == 0
    assert (counters.shared is not None) == whole


@pytest.mark.parametrize("exchange", [{"private_first": True}, {"private_first": False}], indirect=True)
def test_fills_come_before_or_after_the_books_changes(exchange):
    stream = stream_of(exchange)
    collect(stream, until("Connected"))
    stream.subscribe(["orderbook_delta"], [TICKER])
    stream.subscribe(["fill"])
    collect(stream, lambda events: kinds(events).count("Subscribed") == 2 and "Snapshot" in kinds(events))
    rest_of(exchange).create_order(taker("took", 1_000))
    told = collect(stream, lambda events: len(events) == 2)
    first = exchange.engine.state.manners.private_first
    assert kinds(told) == (["FillMessage", "Delta"] if first else ["Delta", "FillMessage"])


@pytest.mark.parametrize("exchange", [{"yes_price_default": False}, {"yes_price_default": True}], indirect=True)
def test_who_does_not_say_hears_either_scale_and_who_says_hears_what_he_said(exchange, specification):
    said = {None: {}, True: {"use_yes_price": True}, False: {"use_yes_price": False}}
    told = {}
    for wish, params in said.items():
        listener = Listener(exchange, "floor", specification)
        listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER], **params)
        told[wish] = listener.until("orderbook_snapshot")["msg"]["no_dollars_fp"][0][0]
        listener.close()
    usual = exchange.engine.state.manners.yes_price_default
    assert told == {None: "0.4200" if usual else "0.5700", True: "0.4200", False: "0.5700"}


@under(ioc_unfilled_is_refused=True)
def test_an_order_refused_for_want_of_a_fill_leaves_nothing_behind(exchange):
    rest = rest_of(exchange)
    with pytest.raises(Refused) as refused:
        rest.create_order(taker("missed", 1_000, price_cc=4_100))
    assert (refused.value.status, refused.value.code) == (400, "ioc_insufficient_volume")
    assert (rest.search_orders(), rest.balance(2).cash_micros) == ([], DEPOSIT)
    assert rest.create_order(taker("missed", 1_000)).filled_ch == 1_000


@under(most_per_market_ch=1_500)
def test_a_position_beyond_the_limit_of_its_market_is_refused(exchange):
    rest = rest_of(exchange)
    assert rest.create_order(taker("took", 1_000)).filled_ch == 1_000
    with pytest.raises(Refused) as refused:
        rest.create_order(bid(TICKER, "too many", 4_100, 600))
    assert (refused.value.status, refused.value.code) == (400, "exceeded_per_market_risk_limit")
    assert rest.create_order(bid(TICKER, "rests", 4_100, 500)).remaining_ch == 500


@pytest.mark.parametrize("exchange", [{"index_streams": True}, {"index_streams": False}], indirect=True)
def test_subscribing_to_the_index_does_not_prove_that_it_streams(exchange):
    stream = stream_of(exchange)
    collect(stream, until("Connected"))
    stream.subscribe(["cfbenchmarks_value"], index_ids=["all"])
    collect(stream, until("Subscribed"))
    exchange.feed(IndexTick("BTC-USD", 97_123_000_000, now_ms()))
    told = [event for _ in range(5) for event in stream.events(0.02)]
    streams = exchange.engine.state.manners.index_streams
    assert [type(event) for event in told] == [IndexValue] * streams


@under(skew_past_ms=0, skew_future_ms=-1)
def test_a_narrow_window_for_clocks_lets_nobody_in(exchange):
    with pytest.raises(Refused) as refused:
        rest_of(exchange).create_order(bid(TICKER, "one"))
    assert refused.value.code == "header_timestamp_expired"
    assert not exchange.engine.orders("floor")


@under(cancel_all_tail_ms=0)
def test_after_a_cancel_all_orders_may_rest_at_once_or_only_later(exchange):
    rest = rest_of(exchange)
    rest.cancel_all()
    rest.create_order(bid(TICKER, "one"))
    assert [order.remaining_ch for order in rest.orders(status="resting")] == [1_000]
    other = running()
    rest = rest_of(other)
    rest.cancel_all()
    rest.create_order(bid(TICKER, "one"))
    wait_for(lambda: [order.remaining_ch for order in rest.orders()] == [0])
    other.stop()


def test_settings_name_manners_that_exist(tmp_path):
    from outcry.desk.exchange import _manners
    from outcry.ops.floor import Floor
    from outcry.ops.settings import LocalExchange as Local
    from outcry.ops.settings import Settings

    def read(**manners) -> Manners:
        return _manners(Floor(Settings(local=Local(manners=manners)), tmp_path, quiet=True))

    assert read() == Manners()
    assert read(ended_is_not_found=False, transfer_ms=5) == Manners(ended_is_not_found=False, transfer_ms=5)
    for wrong in ({"kindness": True}, {"transfer_ms": "soon"}, {"last_cursor": "nil"}):
        with pytest.raises(Misconfigured):
            read(**wrong)
