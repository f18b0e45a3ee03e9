"""What is subscribed follows what is wanted, whatever the exchange refuses."""

from outcry.desk.collecting.subscriptions import Subscriptions
from outcry.venue.messages import Failed, Ok, Subscribed


class FakeStream:
    """Notes commands; answers nothing."""

    def __init__(self) -> None:
        self.sids: dict[str, int] = {}
        self.sent: list[tuple] = []

    def subscribe(self, channels, tickers=(), *, index_ids=(), initial=False) -> int:
        return self._note("subscribe", *channels, *tickers, *index_ids, *(["initial"] if initial else []))

    def add_markets(self, sid, tickers) -> int:
        return self._note("add", sid, *tickers)

    def delete_markets(self, sid, tickers) -> int:
        return self._note("delete", sid, *tickers)

    def _note(self, *words: object) -> int:
        self.sent.append(words)
        return len(self.sent)

    def taken(self) -> list[tuple]:
        sent, self.sent = self.sent, []
        return sent


def begun() -> tuple[FakeStream, Subscriptions]:
    stream = FakeStream()
    wanted = Subscriptions(stream, ["BRTI"])
    wanted.begin()
    return stream, wanted


def test_a_new_connection_asks_for_each_channel_by_itself():
    stream, wanted = begun()
    assert stream.sent == [("subscribe", "market_lifecycle_v2"), ("subscribe", "cfbenchmarks_value", "BRTI")]
    wanted.want([])
    assert len(stream.sent) == 2
    wanted.want(["B", "A"])
    assert stream.sent[2:] == [
        ("subscribe", "orderbook_delta", "A", "B"),
        ("subscribe", "ticker", "A", "B", "initial"),
        ("subscribe", "trade", "A", "B"),
    ]


def test_markets_change_once_the_subscription_has_its_number():
    stream, wanted = begun()
    wanted.want(["A"])
    stream.taken()
    wanted.want(["A", "B"])
    assert stream.taken() == []
    stream.sids = {"orderbook_delta": 3, "ticker": 4, "trade": 5}
    wanted.want(["C", "B"])
    assert stream.taken() == [
        ("add", 3, "B", "C"), ("delete", 3, "A"), ("add", 4, "B", "C"), ("delete", 4, "A"), ("add", 5, "B", "C"),
        ("delete", 5, "A"),
    ]  # fmt: skip
    wanted.want(["B", "C"])
    assert stream.taken() == []


def test_a_channel_that_is_refused_is_named_and_an_index_not_asked_for_again():
    _, wanted = begun()
    why = wanted.hear(Failed(2, None, None, 9, "Authentication required", ""))
    assert "cfbenchmarks_value" in why
    assert wanted.refused == {"cfbenchmarks_value": why}
    assert wanted.hear(Subscribed(1, "market_lifecycle_v2", 1)) == ""


def test_a_refused_book_channel_is_asked_for_again():
    stream, wanted = begun()
    wanted.want(["A"])
    stream.taken()
    assert "orderbook_delta" in wanted.hear(Failed(3, None, None, 16, "Market not found", "A"))
    wanted.want(["A"])
    assert stream.taken() == [("subscribe", "orderbook_delta", "A")]


def test_a_market_that_is_refused_is_asked_for_again():
    stream, wanted = begun()
    wanted.want(["A"])
    stream.sids = {"orderbook_delta": 3, "ticker": 4, "trade": 5}
    wanted.want(["A", "B"])
    stream.taken()
    wanted.hear(Failed(6, 3, 9, 16, "Market not found", "B"))
    wanted.hear(Ok(7, 4, None, ("A", "B")))
    wanted.want(["A", "B"])
    assert stream.taken() == [("add", 3, "B")]


def test_a_channel_by_its_number():
    stream, wanted = begun()
    stream.sids = {"trade": 5}
    assert (wanted.channel_of(5), wanted.channel_of(6)) == ("trade", "")
