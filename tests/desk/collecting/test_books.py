"""Books from messages: right while in sequence, untrusted the moment something is missing, and mended."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from outcry.desk.collecting.books import HEARD_STEP_MS, LATE_MS, Books
from outcry.domain.book import Book
from outcry.domain.market import Market, PriceRange, Status
from outcry.venue.decoder import Decoder
from outcry.venue.messages import Delta, Failed, IndexValue, Message, Ok, Snapshot, Subscribed, Ticker, Trade

SID = 3


def market(ticker: str, status: Status = Status.ACTIVE, shard: int = 2) -> Market:
    return Market(ticker, "E", "S", shard, status, 0, 10**13, (PriceRange(0, 10_000, 100),))


def snapshot(seq: int, ticker: str = "A", bids: dict | None = None, asks: dict | None = None) -> Snapshot:
    return Snapshot(SID, seq, ticker, {4300: 100} if bids is None else bids, {4500: 100} if asks is None else asks)


def delta(seq: int, ticker: str = "A", price: int = 4300, change: int = 50, is_bid: bool = True) -> Delta:
    return Delta(SID, seq, ticker, is_bid, price, change, None)


@pytest.fixture
def books() -> Books:
    """Two markets, connected, both with a snapshot."""
    made = Books()
    made.follow([market("A"), market("B")])
    made.connected(1, 1_000)
    made.take([snapshot(1, "A"), snapshot(2, "B")], 1_000)
    made.published(made.rows())
    return made


def shown(books: Books) -> dict[str, tuple[bool, str]]:
    return {row.quote.ticker: (row.quote.trusted, row.quote.distrust) for row in books.rows()}


def test_a_book_is_untrusted_until_its_snapshot():
    books = Books()
    books.follow([market("A")])
    assert shown(books) == {"A": (False, "no snapshot yet")}
    books.connected(1, 5)
    books.take([delta(1)], 6)  # a change of nothing
    assert shown(books) == {"A": (False, "no snapshot yet")}
    books.take([snapshot(2)], 7)
    assert shown(books) == {"A": (True, "")}
    assert books.trusted == 1


def test_only_what_changed_is_published(books: Books):
    assert books.rows() == []
    books.take([delta(3), delta(4, price=4400, change=7)], 1_200)
    (row,) = books.rows()
    assert row.quote.bids == ((4400, 7), (4300, 150))
    assert json.loads(row.bids_json) == [[4400, 7], [4300, 150]]
    assert (row.quote.changed_at_ms, row.quote.heard_at_ms, row.quote.epoch) == (1_200, 1_200, 1)
    books.published([row])
    assert books.rows() == []
    assert books.deltas == 2


def test_a_quiet_book_is_published_again_while_its_stream_is_heard(books: Books):
    books.heard(1_000 + HEARD_STEP_MS - 1)
    assert books.rows() == []
    books.heard(1_000 + HEARD_STEP_MS)
    rows = books.rows()
    assert [row.quote.heard_at_ms for row in rows] == [3_000, 3_000]
    assert {row.quote.changed_at_ms for row in rows} == {1_000}


def test_a_ticker_moves_the_numbers_but_not_the_book(books: Books):
    books.take([Ticker(4, "A", 4400, 4300, 4500, 1, 1, 999, 12, 5)], 1_500)
    (row,) = books.rows()
    quote = row.quote
    assert (quote.last_price_cc, quote.volume_ch, quote.open_interest_ch) == (4400, 999, 12)
    assert (quote.ticker_moved_at_ms, quote.changed_at_ms) == (1_500, 1_000)


def test_a_gap_distrusts_all_books_and_asks_once(books: Books):
    books.take([delta(5)], 1_100)
    assert shown(books) == {"A": (False, "gap of 2 at seq 5"), "B": (False, "gap of 2 at seq 5")}
    assert books.resync == [(SID, ["A", "B"])]
    assert books.lost == [(SID, 2)]
    assert books.missing == ["A", "B"]
    books.resync.clear()
    books.take([delta(6, change=1), snapshot(7, "A", {4000: 5})], 1_200)
    assert books.resync == []
    assert books.books["A"].book.bids == {4000: 5}
    assert shown(books)["A"] == (True, "")
    assert shown(books)["B"][0] is False
    books.take([snapshot(8, "B"), delta(9, "B", change=1)], 1_300)
    assert books.books["B"].book.bids == {4300: 101}
    assert books.restart == ""


def test_a_second_gap_before_the_books_are_back_restarts(books: Books):
    books.take([delta(5), delta(9)], 1_100)
    assert "second gap" in books.restart


def test_an_echo_changes_nothing(books: Books):
    books.take([delta(3), delta(3), delta(2), snapshot(1, "A", {})], 1_100)
    assert books.books["A"].book.bids == {4300: 150}


def test_a_level_below_zero_distrusts_one_book_and_asks_for_it(books: Books):
    books.take([delta(3, change=-101), delta(4, "B")], 1_100)
    assert "would hold -1" in shown(books)["A"][1]
    assert shown(books)["B"] == (True, "")
    assert books.resync == [(SID, ["A"])]
    books.take([delta(5), snapshot(6)], 1_200)
    assert shown(books)["A"] == (True, "")


def test_a_crossed_book_is_shown_and_not_trusted(books: Books):
    books.take([delta(3, price=4500, change=10)], 1_100)
    assert shown(books)["A"] == (False, "crossed")
    books.take([delta(4, price=4500, change=-10)], 1_200)
    assert shown(books)["A"] == (True, "")


def test_crossed_twice_at_a_snapshot_means_the_wrong_scale(books: Books):
    books.take([snapshot(3, "A", {5500: 1}, {100: 1})], 1_100)
    assert books.resync == [(SID, ["A"])]
    assert books.restart == ""
    books.take([snapshot(4, "A", {5500: 1}, {100: 1})], 1_100)
    assert "wrong scale" in books.restart


def test_a_disconnection_distrusts_everything_and_a_new_epoch_starts_over(books: Books):
    books.disconnected()
    assert shown(books) == {"A": (False, "stream is disconnected"), "B": (False, "stream is disconnected")}
    assert books.untrusted().keys() == {"A", "B"}
    books.connected(2, 9_000)
    assert shown(books)["A"] == (False, "no snapshot yet")
    books.take([snapshot(1, "A")], 9_100)
    assert shown(books)["A"] == (True, "")
    assert {row.quote.epoch for row in books.rows()} == {2}


def test_polled_books_stand_in_and_are_marked(books: Books):
    books.disconnected()
    polled = Book()
    polled.replace({4200: 5}, {4600: 5})
    books.polled({"A": polled, "gone": polled}, 5_000)
    quotes = {row.quote.ticker: row.quote for row in books.rows()}
    assert (quotes["A"].trusted, quotes["A"].source, quotes["A"].heard_at_ms) == (True, "rest", 5_000)
    assert quotes["A"].bids == ((4200, 5),)
    assert quotes["B"].trusted is False
    books.connected(2, 6_000)
    assert shown(books)["A"] == (False, "no snapshot yet")
    books.polled({"A": polled}, 6_100)  # an answer that comes too late
    assert shown(books)["A"] == (False, "no snapshot yet")


def test_markets_that_are_not_open_and_shards_that_are_paused(books: Books):
    books.follow([market("A"), market("B", Status.CLOSED), market("C", shard=0)])
    books.pause(frozenset({2}))
    assert shown(books) == {
        "A": (False, "trading is paused"),
        "B": (False, "market is closed"),
        "C": (False, "no snapshot yet"),
    }
    assert books.missing == ["C"]
    books.pause(frozenset())
    assert shown(books)["A"] == (True, "")


def test_a_book_that_is_no_longer_followed_is_forgotten(books: Books):
    books.follow([market("A")])
    assert shown(books) == {"B": (False, "no longer followed")}  # its last word
    books.published(books.rows())
    books.take([delta(3, "B"), delta(4, "A")], 1_100)
    assert [row.quote.ticker for row in books.rows()] == ["A"]
    books.take([delta(6, "A")], 1_200)
    assert books.resync == [(SID, ["A"])]


def test_a_market_that_comes_back_before_its_last_word_has_none(books: Books):
    books.follow([market("A")])
    books.follow([market("A"), market("B")])
    assert shown(books) == {"B": (False, "no snapshot yet")}


def test_control_frames_share_the_counter_and_other_messages_pass(books: Books):
    trade = Trade(9, 1, "t", "A", 4400, 100, None, False, 5)
    others: list[Message] = [
        Ok(4, SID, 3, ("A", "B")),
        trade,
        Subscribed(5, "trade", 9),
        Failed(6, SID, 4, 11, "Invalid parameter", ""),
    ]
    assert books.take([*others, delta(5)], 1_100) == others
    assert books.lost == []
    assert books.books["A"].book.bids == {4300: 150}


def test_a_lost_print_is_told_and_an_echo_of_one_dropped(books: Books):
    prints = [Trade(9, seq, f"t{seq}", "A", 4400, 100, None, False, 5) for seq in (1, 2, 2, 5)]
    assert [message.trade_id for message in books.take(prints, 1_100)] == ["t1", "t2", "t5"]
    assert books.lost == [(9, 2)]
    assert books.resync == []
    assert books.take([IndexValue(2, 1, "BRTI", 1, 1, 1)], 1_200) != []


def test_whole_books_are_given_at_their_present_sequence(books: Books):
    books.take([delta(3), Delta(SID, 4, "B", False, 4500, -100, None)], 1_100)
    whole = books.whole()
    assert whole == [Snapshot(SID, 4, "A", {4300: 150}, {4500: 100}), Snapshot(SID, 4, "B", {4300: 100}, {})]
    books.take([delta(9)], 1_200)
    assert books.whole() == []


def test_a_new_description_is_published_with_the_book(books: Books):
    books.follow([replace(market("A"), status=Status.INACTIVE), market("B")])
    assert shown(books) == {"A": (False, "market is inactive")}


PRINTS = 9


def printed(seq: int) -> Trade:
    return Trade(PRINTS, seq, f"t{seq}", "A", 4400, 100, None, False, 5)


def test_a_count_of_the_whole_connection_is_followed(books: Books):
    told = books.take([delta(3), printed(4)], 1_100)
    assert shown(books)["A"] == (False, "counted with others from seq 4 on")
    assert (books.lost, books.resync) == ([], [(SID, ["A", "B"])])
    books.resync.clear()
    told += books.take([snapshot(5, "A", {4300: 200}), snapshot(6, "B"), printed(7)], 1_100)
    told += books.take([Ok(7, SID, 8, ("A", "B")), delta(9), printed(10)], 1_200)
    assert [type(message) for message in told] == [Trade, Trade, Ok, Trade]
    assert (books.lost, books.resync, books.restart) == ([], [], "")
    assert books.books["A"].book.bids == {4300: 250}
    assert [one.seq for one in books.whole()] == [10, 10]


def test_a_gap_in_a_count_of_the_connection_distrusts_every_book(books: Books):
    books.take([printed(3), snapshot(4, "A"), snapshot(5, "B"), delta(6)], 1_100)
    books.resync.clear()
    assert [type(message) for message in books.take([printed(9)], 1_100)] == [Trade]
    assert shown(books) == {"A": (False, "gap of 2 at seq 9"), "B": (False, "gap of 2 at seq 9")}
    assert (books.resync, books.lost) == ([(SID, ["A", "B"])], [(PRINTS, 2)])
    books.take([snapshot(10, "A"), printed(11), snapshot(12, "B")], 1_200)
    assert shown(books) == {"A": (True, ""), "B": (True, "")}
    books.take([delta(14)], 1_300)
    books.take([printed(16)], 1_300)
    assert "second gap" in books.restart


def test_a_beginning_that_was_lost_is_no_count_of_the_connection(books: Books):
    """Prints begin at 3, right after the books' 2: so it looks shared, until the books go on at 3."""
    books.take([printed(3)], 1_100)
    books.resync.clear()
    books.take([delta(3)], 1_100)
    assert [trusted for trusted, _ in shown(books).values()] == [False, False]
    assert books.resync == [(SID, ["A", "B"])]
    books.take([snapshot(4, "A"), printed(4), snapshot(5, "B"), delta(6)], 1_200)
    assert shown(books) == {"A": (True, ""), "B": (True, "")}
    assert books.restart == ""


@pytest.mark.recorded
def test_a_recorded_session_stays_in_sequence_and_ends_as_its_own_ticker_says(recordings: Path):
    """Every recorded delta applies, nothing is lost, and the touch equals each ticker's within the jitter of one."""
    file = sorted((recordings / "kalshi_btc15m_ws").glob("*.jsonl.gz"))[1]
    decoder, books, agreed, compared = Decoder(yes_prices=False), Books(), 0, 0
    with gzip.open(file, "rt") as lines:
        for line in lines:
            noted = json.loads(line)
            if noted.get("event") == "ws_connected":
                books = Books()
                books.follow([market(noted["data"]["market_ticker"])])
                books.connected(1, 0)
            if "frame" not in noted:
                continue
            message = decoder.decode(json.dumps(noted["frame"]).encode())
            books.take([message], noted["recv_ns"] // 1_000_000)
            assert (books.lost, books.resync, books.restart) == ([], [], "")
            if isinstance(message, Ticker) and not books.missing:
                held = books.books[message.ticker]
                compared += 1
                agreed += (held.book.bid_cc, held.book.ask_cc) == (message.bid_cc, message.ask_cc)
    assert books.deltas > 1_000
    assert compared > 20
    assert agreed / compared > 0.8


def test_messages_in_order_and_old_make_every_book_of_the_stream_untrusted(books: Books):
    def said(seq: int, happened_at_ms: int) -> Delta:
        return Delta(SID, seq, "A", True, 4300, 50, happened_at_ms)

    books.take([said(3, 2_000)], 2_000 + LATE_MS)
    assert shown(books)["A"] == (True, "")
    books.take([said(4, 3_000)], 3_001 + LATE_MS)
    assert shown(books) == dict.fromkeys(("A", "B"), (False, f"messages are {LATE_MS + 1} ms old"))
    assert books.trusted == 0
    books.take([said(5, 7_000)], 7_100)
    assert shown(books) == {"A": (True, ""), "B": (True, "")}
    books.take([said(6, 1)], 9_000)
    books.connected(2, 9_500)
    assert shown(books)["A"] == (False, "no snapshot yet")
