"""What is asked of the exchange's lists: series of the settings, those of categories in turn, whole events."""

from types import SimpleNamespace

import pytest

from outcry.desk.collecting.discovery import SERIES_AT_ONCE, Exchange
from outcry.domain.market import Market, PriceRange, Status
from outcry.ops.settings import Discovery
from outcry.venue.wire import Listing


class Rest:
    """Lists of two markets an event; remembers which series were asked for."""

    def __init__(self, categories):
        self.categories, self.asked = categories, []

    def series_list(self, category):
        return [SimpleNamespace(ticker=ticker) for ticker in self.categories[category]]

    def listings(self, series_ticker, status):
        if status != "open":
            return []
        self.asked.append(series_ticker)
        event = f"{series_ticker}-26"
        return [Listing(market(f"{event}-{name}", event, series_ticker), "Crypto", None, None) for name in "AB"]

    def event_size(self, event_ticker):
        return 3


def market(ticker, event, series):
    return Market(ticker, event, series, 0, Status.ACTIVE, 0, 1, (PriceRange(0, 10_000, 100),))


@pytest.fixture
def found():
    """Discovery by some settings: call it to ask once more."""

    def begin(listed=(), **settings):
        rest = Rest(dict(listed))
        floor = SimpleNamespace(settings=SimpleNamespace(discovery=Discovery(**settings)))
        exchange = Exchange(floor, None)
        exchange._here = lambda: rest
        return rest, exchange.markets

    return begin


def test_the_series_of_the_settings_are_asked_for_each_time(found):
    rest, ask = found(series=("KXA", "KXB"))
    assert len(ask()) == len(ask()) == 4
    assert rest.asked == ["KXA", "KXB", "KXA", "KXB"]


def test_a_categorys_series_are_walked_in_turn_so_that_no_round_costs_much(found):
    many = [f"KX{number:02}" for number in range(SERIES_AT_ONCE + 3)]
    listed = {"Economics": many, "Crypto": ["KXA"]}
    rest, ask = found(listed, series=("KXA",), categories=("Economics", "Crypto"))
    first, second = ask(), ask()
    assert (len(first), len(second)) == (2 * (1 + SERIES_AT_ONCE), 2 * (1 + 3))
    assert rest.asked == ["KXA", *many[:SERIES_AT_ONCE], "KXA", *many[SERIES_AT_ONCE:]]
    ask()
    assert rest.asked[-SERIES_AT_ONCE:] == many[:SERIES_AT_ONCE], "and then from the beginning"


@pytest.mark.parametrize("listed", ["KXA", "KXA-26"])
def test_only_events_that_the_settings_list_as_exhaustive_are_counted(found, listed):
    _rest, ask = found(series=("KXA", "KXB"), exhaustive=(listed,))
    sizes = {listing.market.ticker: listing.market.exhaustive_of for listing in ask()}
    assert sizes == {"KXA-26-A": 3, "KXA-26-B": 3, "KXB-26-A": 0, "KXB-26-B": 0}
