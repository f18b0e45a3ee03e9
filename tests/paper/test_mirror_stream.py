"""What a mirror makes of the stream: subscriptions that follow the markets, gaps that are mended, what is told."""

import pytest

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.domain.order import Side
from outcry.paper.events import IndexTick
from outcry.paper.mirror.seen import BooksSeen, ChangeSeen, HeardSeen, LostSeen, NumbersSeen, PrintSeen
from outcry.paper.mirror.stream import Ear
from outcry.venue.messages import (
    Delta,
    EventFee,
    Failed,
    IndexValue,
    Lifecycle,
    Ok,
    Snapshot,
    Subscribed,
    Ticker,
    Trade,
)
from outcry.venue.stream import Connected, Disconnected, Garbled

A, B = "KXBTC15M-26NOV201215-15", "KXETH15M-26NOV201215-15"
NOW_MS = 1_795_194_000_000
BOOKS_SID, PRINTS_SID = 3, 4
SIDS = {"orderbook_delta": BOOKS_SID, "trade": PRINTS_SID, "ticker": 5}


class Line:
    """A stand-in for `venue.stream.Stream`: gives what it is handed, writes down what it is asked."""

    def __init__(self):
        self.sids, self.said, self.coming, self.refusal = {}, [], [], None
        self.connected, self.heard_at_ms, self.dropped = False, 0, ""

    def events(self, _timeout_s):
        events, self.coming = self.coming, []
        if self.refusal is not None:
            raise self.refusal
        for event in events:
            if isinstance(event, Connected):
                self.connected, self.sids = True, {}
            elif isinstance(event, Disconnected):
                self.connected, self.sids = False, {}
            elif isinstance(event, Subscribed):
                self.sids[event.channel] = event.sid
        return events

    def _say(self, *what):
        if not self.connected:
            raise Unavailable("not connected")
        self.said.append(what)

    def subscribe(self, channels, tickers=(), *, index_ids=(), initial=False):
        self._say("subscribe", tuple(channels), tuple(tickers), tuple(index_ids))

    def add_markets(self, sid, tickers):
        self._say("add", sid, tuple(tickers))

    def delete_markets(self, sid, tickers):
        self._say("delete", sid, tuple(tickers))

    def get_snapshot(self, sid, tickers):
        self._say("snapshot", sid, tuple(tickers))

    def drop(self, reason):
        self.dropped = reason

    def close(self):
        self.connected = False


class Listening:
    def __init__(self):
        self.line, self.told, self.refreshed = Line(), [], []
        self.now_ms = NOW_MS
        self.ear = Ear(
            self.line, self.told.append, self.refreshed.append, series=["KXBTC15M", "KXETH15M"],
            indices={"BRTI": "BTC-USD"}, now_ms=lambda: self.now_ms, monotonic=lambda: 7.0,
        )  # fmt: skip

    def hear(self, *events):
        """Let these come; returns what is told of them."""
        self.told.clear()
        self.line.said.clear()
        self.line.coming += events
        self.ear.step(0.0)
        return list(self.told)

    def subscribed(self, *tickers):
        self.ear.follow(frozenset(tickers))
        self.hear(Connected(1))
        self.hear(
            Subscribed(3, "orderbook_delta", BOOKS_SID), Subscribed(3, "trade", PRINTS_SID), Subscribed(3, "ticker", 5)
        )
        return self


def snapshot(seq, ticker=A, bids=None, asks=None, sid=BOOKS_SID):
    return Snapshot(sid, seq, ticker, bids or {4_000: 100}, asks or {4_200: 100})


def delta(seq, ticker=A, change_ch=5):
    return Delta(BOOKS_SID, seq, ticker, True, 4_000, change_ch, NOW_MS)


@pytest.fixture
def listening() -> Listening:
    one = Listening().subscribed(A, B)
    one.hear(snapshot(1), snapshot(2, B))
    return one


def test_it_subscribes_on_every_connection_to_what_is_followed():
    one = Listening()
    one.ear.follow(frozenset({A}))
    one.hear(Connected(1))
    assert one.line.said == [
        ("subscribe", ("market_lifecycle_v2",), (), ()),
        ("subscribe", ("cfbenchmarks_value",), (), ("BRTI",)),
        ("subscribe", ("orderbook_delta", "trade", "ticker"), (A,), ()),
    ]
    one.hear(Disconnected("gone", 0.5))
    one.hear(Connected(2))
    assert one.line.said[-1] == ("subscribe", ("orderbook_delta", "trade", "ticker"), (A,), ())


def test_markets_that_come_and_go_are_added_and_deleted_once_the_sids_are_known():
    one = Listening()
    one.ear.follow(frozenset({A}))
    one.hear(Connected(1))
    one.ear.follow(frozenset({B}))
    one.hear()
    assert one.line.said == []
    one.hear(Subscribed(3, "orderbook_delta", 3), Subscribed(3, "trade", 4), Subscribed(3, "ticker", 5))
    one.hear()
    assert one.line.said == [
        (what, sid, (ticker,)) for sid in (3, 4, 5) for what, ticker in (("add", B), ("delete", A))
    ]
    one.hear()
    assert one.line.said == []


def test_books_changes_prints_and_numbers_are_told(listening):
    assert listening.hear(snapshot(3)) == [BooksSeen({A: ({4_000: 100}, {4_200: 100})}, NOW_MS)]
    assert listening.hear(delta(4)) == [ChangeSeen(A, True, 4_000, 5, NOW_MS)]
    trade = Trade(PRINTS_SID, 1, "t1", A, 4_200, 300, Side.BID, False, NOW_MS - 3)
    (told,) = listening.hear(trade)
    assert (told.trade.trade_id, told.trade.taker_side, told.taker_known) == ("t1", Side.BID, True)
    (told,) = listening.hear(Trade(PRINTS_SID, 2, "t2", A, 4_200, 300, None, False, NOW_MS - 3))
    assert isinstance(told, PrintSeen) and not told.taker_known
    assert listening.hear(Ticker(5, A, 4_200, 4_000, 4_300, 1, 1, 900, 800, NOW_MS)) == [
        NumbersSeen(A, 4_200, 900, 800, NOW_MS)
    ]


def test_a_gap_loses_all_books_until_each_is_seen_whole(listening):
    told = listening.hear(delta(5))
    assert told == [LostSeen(frozenset({A, B}), NOW_MS)]
    assert listening.line.said == [("snapshot", BOOKS_SID, (A, B))]
    assert listening.hear(delta(6), snapshot(7, B), delta(8), delta(9, B)) == [
        BooksSeen({B: ({4_000: 100}, {4_200: 100})}, NOW_MS),
        ChangeSeen(B, True, 4_000, 5, NOW_MS),
    ]
    listening.hear(snapshot(10))
    assert listening.hear(delta(11)) == [ChangeSeen(A, True, 4_000, 5, NOW_MS)]
    assert not listening.line.dropped


def test_a_second_gap_before_the_first_is_mended_means_beginning_again(listening):
    listening.hear(delta(5))
    listening.hear(delta(9))
    assert "second gap" in listening.line.dropped


def test_an_echo_is_dropped_and_a_control_reply_that_counts_is_counted(listening):
    assert listening.hear(delta(2)) == []
    listening.hear(Ok(9, BOOKS_SID, 3, (A, B)))
    assert listening.hear(delta(4)) == [ChangeSeen(A, True, 4_000, 5, NOW_MS)]
    listening.hear(Failed(9, BOOKS_SID, 77, 11, "invalid parameter", ""))
    assert listening.hear(delta(5)) == [ChangeSeen(A, True, 4_000, 5, NOW_MS)]


def test_missed_prints_are_not_asked_for_and_echoes_of_prints_not_told(listening):
    prints = [Trade(PRINTS_SID, seq, f"t{seq}", A, 4_200, 1, Side.BID, False, NOW_MS) for seq in (1, 5, 5, 6)]
    assert [told.trade.trade_id for told in listening.hear(*prints)] == ["t1", "t5", "t6"]
    assert listening.line.said == []


def test_a_crossed_snapshot_is_refused_and_the_connection_with_it(listening):
    assert listening.hear(snapshot(3, bids={4_300: 1}, asks={4_200: 1})) == []
    assert "crossed" in listening.line.dropped


def test_a_lost_connection_loses_everything(listening):
    assert listening.hear(Disconnected("nothing heard for 26 s", 0.5)) == [LostSeen(None, NOW_MS)]
    assert listening.ear.trouble == "nothing heard for 26 s"
    listening.hear(Connected(2))
    assert listening.ear.trouble == ""


def test_a_refused_key_is_told_and_ends_nothing_by_itself(listening):
    listening.line.refusal = Misconfigured("exchange refused our key for the stream")
    with pytest.raises(Misconfigured):
        listening.hear()
    assert "refused our key" in listening.ear.trouble


def test_a_wrong_book_is_asked_for_whole(listening):
    listening.ear.mend({A})
    listening.hear()
    assert listening.line.said == [("snapshot", BOOKS_SID, (A,))]
    listening.hear()
    assert listening.line.said == []


def test_lifecycle_and_fee_news_have_the_rows_read_again(listening):
    listening.hear(
        Lifecycle(6, 1, "determined", A, result="yes"),
        Lifecycle(6, 2, "created", "KXBTC15M-26NOV201230-30"),
        Lifecycle(6, 3, "created", "KXHIGHNY-26NOV20-T60"),
        EventFee(6, 4, "KXETH15M-26NOV201215", "quadratic", 500_000),
    )
    assert listening.refreshed == [A, "KXBTC15M-26NOV201230-30", B]


def test_the_index_is_told_and_known_to_be_heard(listening):
    (told,) = listening.hear(IndexValue(7, 1, "BRTI", 97_000_000_000, NOW_MS - 20, NOW_MS))
    assert told == IndexTick("BTC-USD", 97_000_000_000, NOW_MS - 20)
    assert listening.ear.heard == {"BTC-USD": 7.0}
    assert listening.hear(IndexValue(7, 2, "ETHUSD_RTI", 3_000_000_000, NOW_MS, NOW_MS)) == []


def test_being_heard_is_told_twice_a_second_at_most(listening):
    listening.line.heard_at_ms = NOW_MS
    assert listening.hear() == [HeardSeen(NOW_MS)]
    listening.line.heard_at_ms = NOW_MS + 499
    assert listening.hear() == []
    listening.line.heard_at_ms = NOW_MS + 500
    assert listening.hear() == [HeardSeen(NOW_MS + 500)]


def test_a_frame_that_cannot_be_read_changes_nothing_by_itself(listening):
    assert listening.hear(Garbled("orderbook_delta: no price", b"{}")) == []
    assert listening.hear(delta(4)) == [LostSeen(frozenset({A, B}), NOW_MS)], "its number is missing"


def test_a_print_beyond_a_gap_loses_every_book_where_one_count_is_of_the_connection(listening):
    listening.hear(Trade(PRINTS_SID, 3, "t1", A, 4_100, 100, Side.BID, False, NOW_MS))
    assert listening.line.said == [("snapshot", BOOKS_SID, (A, B))]
    told = listening.hear(snapshot(4), snapshot(5, B), delta(6))
    assert [type(one) for one in told] == [BooksSeen, BooksSeen, ChangeSeen]
    told = listening.hear(Trade(PRINTS_SID, 8, "t2", A, 4_100, 100, Side.BID, False, NOW_MS))
    assert told[0] == LostSeen(frozenset({A, B}), NOW_MS)
    assert type(told[1]) is PrintSeen
    assert listening.line.said == [("snapshot", BOOKS_SID, (A, B))]
    assert [type(one) for one in listening.hear(snapshot(9, A), snapshot(10, B), delta(11))] == [
        BooksSeen, BooksSeen, ChangeSeen,
    ]  # fmt: skip
