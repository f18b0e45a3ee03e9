"""Every fault as the floor's own client sees it, and none of it without being asked."""

import socket
import time

import pytest

from local_exchange import OTHER, TICKER, LocalExchange, market, now_ms
from outcry.desk.hosting import fault_plan
from outcry.domain.errors import InvariantBroken, Misconfigured, RateLimited, Refused, Unavailable
from outcry.domain.market import Status
from outcry.domain.order import Side, State, TimeInForce
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookChange, BookSet, IndexTick, Listed
from outcry.venue.messages import Delta, Failed, Lifecycle, Snapshot
from outcry.venue.paging import every
from outcry.venue.rest import NewOrder
from outcry.venue.rest_orders import OrderPage
from venue_client import ask_faults, ask_for, bid, collect, kinds, rest_of, stream_of, until, wait_for

CREATE = "POST /portfolio/events/orders"


@pytest.fixture
def exchange(request):
    running = LocalExchange("floor", faulty=True, manners=getattr(request, "param", None))
    running.list(market(), market(OTHER))
    running.feed(BookSet(TICKER, {4000: 5_000}, {4200: 3_000}, now_ms()))
    yield running
    running.stop()


@pytest.fixture
def rest(exchange):
    return rest_of(exchange)


@pytest.fixture
def stream(exchange):
    one = stream_of(exchange)
    collect(one, until("Connected"))
    yield one
    one.close()


@pytest.fixture
def book(stream):
    """A stream that has its snapshot."""
    stream.subscribe(["orderbook_delta"], [TICKER])
    collect(stream, until("Snapshot"))
    return stream


def change(exchange: LocalExchange, *changes_ch: int) -> None:
    """Foreign size at 40 cents, changed one step after the other."""
    for change_ch in changes_ch:
        exchange.feed(BookChange(TICKER, Side.BID, 4000, change_ch, now_ms()))


def deltas(events: list) -> list[tuple[int, int]]:
    return [(event.seq, event.change_ch) for event in events if isinstance(event, Delta)]


def after(stream, seconds: float = 0.15) -> list:
    """What comes within a while."""
    events, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        events += stream.events(0.02)
    return events


# ---- the stream -----------------------------------------------------------------------------------------------------


def test_dropped_messages_leave_a_gap_in_the_sequence(exchange, book):
    ask_for(exchange, "drop", "orderbook_delta", skip=1, count=1)
    change(exchange, 100, 200, 300)
    assert deltas(collect(book, until("Delta", 2))) == [(2, 100), (4, 300)]


def test_a_gap_loses_a_number_and_no_message(exchange, book):
    ask_for(exchange, "gap", "orderbook_delta", skip=1, count=1)
    change(exchange, 100, 200, 300)
    assert deltas(collect(book, until("Delta", 3))) == [(2, 100), (4, 200), (5, 300)]


@pytest.mark.parametrize("exchange", [Manners(seq_per_connection=True)], indirect=True)
def test_a_gap_in_a_count_of_the_connection_shifts_all_that_follows(exchange, stream):
    stream.subscribe(["orderbook_delta", "cfbenchmarks_value"], [TICKER], index_ids=["all"])
    collect(stream, lambda events: kinds(events).count("Subscribed") == 2 and "Snapshot" in kinds(events))
    ask_for(exchange, "gap", "orderbook_delta", count=1)
    change(exchange, 100)
    exchange.feed(IndexTick("BTC-USD", 97_123_000_000, now_ms()))
    assert [event.seq for event in collect(stream, until("IndexValue"))] == [3, 4]


def test_duplicated_messages_come_twice(exchange, book):
    ask_for(exchange, "duplicate", "orderbook_delta", count=1)
    change(exchange, 100, 200)
    assert deltas(collect(book, until("Delta", 3))) == [(2, 100), (2, 100), (3, 200)]


def test_reordered_messages_change_places(exchange, book):
    ask_for(exchange, "reorder", "orderbook_delta", count=1)
    change(exchange, 100, 200, 300)
    assert deltas(collect(book, until("Delta", 3))) == [(3, 200), (2, 100), (4, 300)]


def test_delayed_messages_come_late_and_hold_up_those_behind_them(exchange, book):
    ask_for(exchange, "delay", "orderbook_delta", ms=300, count=1)
    change(exchange, 100, 200)
    assert after(book, 0.15) == []
    assert deltas(collect(book, until("Delta", 2))) == [(2, 100), (3, 200)]


def test_silence_is_noticed_by_who_listens_for_it(exchange):
    one = stream_of(exchange, silence_s=0.2)
    collect(one, until("Connected"))
    one.subscribe(["orderbook_delta"], [TICKER])
    collect(one, until("Snapshot"))
    ask_for(exchange, "silence")
    change(exchange, 100)
    (lost,) = collect(one, until("Disconnected"))
    assert "nothing heard" in lost.reason
    one.close()


def test_a_connection_ends_and_the_client_makes_another(exchange, book):
    ask_for(exchange, "disconnect", "orderbook_delta", count=1)
    change(exchange, 100)
    told = collect(book, until("Connected"))
    assert kinds(told) == ["Disconnected", "Connected"]
    book.subscribe(["orderbook_delta"], [TICKER])
    snapshot = collect(book, until("Snapshot"))[-1]
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.seq, snapshot.bids) == (1, {4000: 5_100})


@pytest.mark.parametrize("code", [10, 25])
def test_a_subscription_ends_with_an_error_and_the_client_begins_anew(exchange, book, code):
    ask_for(exchange, "error", "orderbook_delta", code=code, count=1)
    change(exchange, 100, 200)
    told = collect(book, until("Disconnected"))
    assert kinds(told) == ["Failed", "Disconnected"]
    assert isinstance(told[0], Failed)
    assert (told[0].code, told[0].terminal) == (code, True)


@pytest.mark.parametrize(("kind", "more"), [("missing", {}), ("rename", {"to": "size"})])
def test_a_message_without_a_field_is_no_message(exchange, book, kind, more):
    ask_for(exchange, kind, "orderbook_delta", field="delta_fp", count=1, **more)
    change(exchange, 100, 200)
    garbled, good = collect(book, until("Delta"))
    assert (type(garbled).__name__, b"delta_fp" in garbled.raw, good.change_ch) == ("Garbled", False, 200)


# ---- requests -------------------------------------------------------------------------------------------------------


def test_429_did_nothing_and_has_no_header_to_wait_by(exchange, rest):
    ask_for(exchange, "fail", CREATE, status=429, count=1)
    with pytest.raises(RateLimited):
        rest.create_order(bid(TICKER, "one"))
    assert rest.orders() == []
    assert rest.create_order(bid(TICKER, "one")).remaining_ch == 1_000


@pytest.mark.parametrize("status", [500, 503, 504])
@pytest.mark.parametrize("applied", [False, True])
def test_a_server_error_leaves_the_outcome_open_and_a_look_tells(exchange, rest, status, applied):
    ask_for(exchange, "fail", CREATE, status=status, applied=applied, count=1)
    with pytest.raises(Unavailable):
        rest.create_order(bid(TICKER, "one"))
    assert [order.client_order_id for order in rest.orders()] == ["one"] * applied


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("kind", ["mute", "hang_up"])
def test_an_answer_that_never_comes_leaves_it_open_too(exchange, rest, kind, applied):
    ask_for(exchange, kind, CREATE, applied=applied, count=1)
    with pytest.raises(Unavailable):
        rest.create_order(bid(TICKER, "one"))
    assert [order.client_order_id for order in rest.orders()] == ["one"] * applied


def test_reads_are_tried_again(exchange, rest):
    ask_for(exchange, "fail", "GET /portfolio/balance", status=500, count=2)
    assert rest.balance(2).cash_micros > 0
    ask_for(exchange, "fail", "GET /portfolio/balance", status=500, count=3)
    with pytest.raises(Unavailable):
        rest.balance(2)


def test_a_slow_answer_comes_in_time_or_not(exchange):
    ask_for(exchange, "delay", "GET /portfolio/balance", ms=250)
    began = time.monotonic()
    rest_of(exchange, answer_s=2).balance(2)
    assert time.monotonic() - began >= 0.24
    with pytest.raises(Unavailable):
        rest_of(exchange, answer_s=0.05).balance(2)


def test_what_was_asked_behind_a_slow_answer_is_answered_after_it(exchange):
    """Two requests on one connection, sent at once."""
    ask_for(exchange, "delay", "GET /exchange/schedule", ms=200, count=1)
    with socket.create_connection((exchange.host, exchange.port), 5) as link:
        for path in ("schedule", "status"):
            link.sendall(f"GET /trade-api/v2/exchange/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        said = b""
        while b"exchange_index_statuses" not in said:
            said += link.recv(65_536)
    assert said.index(b"standard_hours") < said.index(b"exchange_index_statuses")


@pytest.mark.parametrize(("kind", "more"), [("missing", {}), ("rename", {"to": "id"})])
def test_a_2xx_without_an_order_id_is_no_placed_order(exchange, rest, kind, more):
    ask_for(exchange, kind, CREATE, field="order_id", count=1, **more)
    with pytest.raises(Unavailable):
        rest.create_order(bid(TICKER, "one"))
    assert len(rest.orders()) == 1


def test_a_renamed_amount_is_never_zero(exchange, rest):
    ask_for(exchange, "rename", "GET /portfolio/balance", field="balance_dollars", to="cash_dollars")
    with pytest.raises(InvariantBroken):
        rest.balance(2)


def test_a_page_that_fails_spoils_the_whole_list(exchange, rest):
    for number in range(3):
        rest.create_order(bid(TICKER, f"o{number}", 3_000 + 100 * number))
    ask_for(exchange, "fail", "GET /portfolio/orders", pages=True, status=500)
    assert len(rest.orders()) == 3  # one page
    with pytest.raises(Unavailable):
        every(rest._http, "/portfolio/orders", OrderPage, lambda page: page.orders, limit=2)


# ---- the exchange as a whole ----------------------------------------------------------------------------------------


def test_reads_lie_behind_while_the_lag_lasts(exchange, rest):
    ask_for(exchange, "read_lag", ms=400, for_s=0.3)
    placed = rest.create_order(bid(TICKER, "one"))
    assert rest.orders() == []
    with pytest.raises(Refused) as refused:
        rest.order(placed.order_id)
    assert refused.value.status == 404
    behind_ms = now_ms() - rest.user_data_as_of_ms()
    assert 390 <= behind_ms < 900
    time.sleep(0.31)
    assert [order.order_id for order in rest.orders()] == [placed.order_id]


@pytest.mark.parametrize("ms", [60_000, -60_000])
def test_a_gate_whose_clock_is_off_lets_nobody_in(exchange, rest, ms):
    number = ask_for(exchange, "clock_skew", ms=ms)
    with pytest.raises(Unavailable, match="clock"):
        rest.balance(2)
    with pytest.raises(Refused) as refused:
        rest.create_order(bid(TICKER, "one"))
    assert refused.value.code == "header_timestamp_expired"
    assert ask_faults(exchange, "DELETE", f"/faults/{number}")[0] == 204
    assert rest.orders() == []


@pytest.mark.parametrize(("whole", "code"), [(False, "trading_paused"), (True, "exchange_paused")])
def test_a_pause_stops_trading_or_everything_and_ends(exchange, rest, whole, code):
    placed = rest.create_order(bid(TICKER, "rests"))
    number = ask_for(exchange, "pause", shards=[2], whole=whole)
    with pytest.raises(Refused) as refused:
        rest.create_order(bid(TICKER, "one"))
    assert refused.value.code == code
    shards = {shard.exchange_index: shard for shard in rest.exchange_status().exchange_index_statuses}
    assert (shards[2].trading_active, shards[2].exchange_active, shards[0].trading_active) == (False, not whole, True)
    if whole:
        with pytest.raises(Refused):
            rest.cancel_order(placed.order_id, TICKER, 2)
        ask_faults(exchange, "DELETE", f"/faults/{number}")
    assert rest.cancel_order(placed.order_id, TICKER, 2) == 1_000
    ask_faults(exchange, "DELETE")
    assert rest.create_order(bid(TICKER, "two")).remaining_ch == 1_000


def test_a_market_closes_early_for_good(exchange, rest, stream):
    stream.subscribe(["market_lifecycle_v2"])
    collect(stream, until("Subscribed"))
    rest.create_order(bid(TICKER, "one"))
    ask_for(exchange, "early_close", "KXBTC*")
    told = collect(stream, until("Lifecycle"))[-1]
    assert isinstance(told, Lifecycle)
    assert (told.kind, told.ticker) == ("close_date_updated", TICKER)
    assert (rest.market(TICKER).status, rest.market(OTHER).status) == (Status.CLOSED, Status.ACTIVE)
    with pytest.raises(Refused):
        rest.create_order(bid(TICKER, "two"))
    assert [order.status for order in rest.orders()] == [State.CANCELED]
    exchange.feed(Listed(market(), now_ms()))  # its source knows nothing of it
    assert rest.market(TICKER).status is Status.CLOSED


def test_a_market_is_called_off_and_pays_both_sides_the_middle(exchange, rest):
    rest.create_order(NewOrder("one", TICKER, Side.BID, 4200, 1_000, TimeInForce.IOC, 2))
    ask_for(exchange, "void", TICKER)
    wait_for(rest.settlements)
    (paid,) = rest.settlements()
    assert (paid.result, paid.value_cc) == ("scalar", 4100)
    assert rest.market(OTHER).status is Status.ACTIVE


def test_a_market_vanishes_from_listings_and_comes_back(exchange, rest):
    number = ask_for(exchange, "vanish", TICKER)
    assert [one.ticker for one in rest.markets(status="open")] == [OTHER]
    assert list(rest.orderbooks([TICKER, OTHER])) == [OTHER]
    with pytest.raises(Refused) as refused:
        rest.market(TICKER)
    assert refused.value.status == 404
    assert rest.create_order(bid(TICKER, "one")).remaining_ch == 1_000  # gone from view, not from the exchange
    ask_faults(exchange, "DELETE", f"/faults/{number}")
    assert {one.ticker for one in rest.markets(status="open")} == {TICKER, OTHER}


# ---- asking for it --------------------------------------------------------------------------------------------------


def test_faults_are_listed_with_how_often_they_struck(exchange, rest):
    ask_for(exchange, "fail", CREATE, status=429, count=2)
    with pytest.raises(RateLimited):
        rest.create_order(bid(TICKER, "one"))
    status, said = ask_faults(exchange, "GET")
    (one,) = said["faults"]
    assert (status, one["kind"], one["struck"], one["active"], one["count"]) == (200, "fail", 1, True, 2)


@pytest.mark.parametrize("wrong", [{"kind": "flood"}, {"kind": "missing"}, {"kind": "drop", "probability": 2}, 7, "x"])
def test_a_wrong_fault_is_refused_and_none_of_its_list_begins(exchange, wrong):
    assert ask_faults(exchange, "POST", body=[{"kind": "silence"}, wrong])[0] == 400
    assert ask_faults(exchange, "GET")[1] == {"faults": []}
    assert ask_faults(exchange, "DELETE", "/faults/9")[0] == 404
    assert ask_faults(exchange, "POST", "/faults/1", {})[0] == 404


def test_without_faults_there_is_no_endpoint():
    running = LocalExchange("floor")
    assert [ask_faults(running, method)[0] for method in ("GET", "POST", "DELETE")] == [404, 404, 404]
    running.stop()


def test_a_schedule_comes_from_a_file_of_either_kind(tmp_path):
    toml, lines = tmp_path / "storm.toml", tmp_path / "storm.jsonl"
    toml.write_text('[[fault]]\nkind = "drop"\ntarget = "fill"\nafter_s = 30\n[[fault]]\nkind = "silence"\nfor_s = 5\n')
    lines.write_text('{"kind":"drop","target":"fill","after_s":30}\n\n{"kind":"silence","for_s":5}\n')
    assert fault_plan.load(toml) == fault_plan.load(lines)
    assert [fault.kind for fault in fault_plan.load(toml)] == ["drop", "silence"]
    for text in (
        "fault = 3",
        '[[fault]]\nkind = "flood"',
        '[[fault]]\nkind = "missing"',
        '[[faults]]\nkind = "drop"',
        "[",
    ):
        toml.write_text(text)
        with pytest.raises(Misconfigured):
            fault_plan.load(toml)
    with pytest.raises(Misconfigured):
        fault_plan.load(tmp_path / "nothing")
