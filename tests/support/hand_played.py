"""One trader on a real database file, its collector and its clerk played by hand, the exchange as the test says."""

from dataclasses import replace

from outcry.desk.reliving.published import Published
from outcry.desk.trader import Trader
from outcry.domain.errors import Unavailable
from outcry.domain.fill import Fill
from outcry.domain.market import PriceRange
from outcry.domain.order import TimeInForce
from outcry.domain.view import Bar, Quote
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import database, fills, markets, orders, quotes
from outcry.venue.wire import Placed
from placing_floor import TICKER, furnish, market

CLOSE_MS = 10_000_000


class Filling:
    """An exchange that fills every taker whole and lets every other order rest."""

    def __init__(self):
        self.sent, self.canceled, self.down = [], [], False

    def exchange(self):
        if self.down:
            raise Unavailable("the local exchange is not running")
        return self

    def broken(self):
        pass

    def create_order(self, new, *, urgent=False, signed_at_ms=None):
        self.sent.append(new)
        rests = new.time_in_force is TimeInForce.GTC
        filled_ch, remaining_ch = (0, new.count_ch) if rests else (new.count_ch, 0)
        return Placed(f"x{len(self.sent)}", new.client_order_id, filled_ch, remaining_ch, 0, None, None)

    def cancel_order(self, order_id, ticker, exchange_index):
        self.canceled.append(order_id)
        return 1_000

    def renew(self, order_id, *_):
        return order_id


class Scene:
    """A floor folder, a collector and a clerk played by hand, and one trader."""

    def __init__(self, folder, *, rolled=True):
        self.now_ms = 1_000_000
        self.floor = Floor(Settings(), folder)
        self.db = database.connect(self.floor.database)
        database.migrate(self.db)
        furnish(self.db, rolled=rolled)
        self.listed = replace(market(), close_at_ms=CLOSE_MS, open_at_ms=1, price_ranges=(PriceRange(0, 10_000, 10),))
        markets.save(self.db, [self.listed], self.now_ms)
        markets.set_subscribed(self.db, [TICKER], self.now_ms)
        self.link, self.number = Filling(), 0
        self.published: list[Published] = []
        self.trader = None

    def open(self):
        self.trader = Trader("bull", self.floor, self.link, clock=lambda: self.now_ms)
        return self

    def turn(self, after_ms=0):
        self.now_ms += after_ms
        self.trader._due.pop("clock", None)  # a second has passed, whatever the machine's clock says
        self.trader.turn()
        self.trader.beat()

    def later(self, after_ms, **book):
        """Time passes, a publish comes, and a turn."""
        self.now_ms += after_ms
        self.publish(**book)
        self.turn()

    def kill(self):
        """As kill -9 does: nothing is flushed or closed in order."""
        self.trader._db.close()
        self.trader._owed.close()
        self.trader._journal._file.close()
        self.trader = None

    def publish(self, bid_cc=6_000, ask_cc=6_040, moved=True, trusted=True):
        """A publish with a book, and an index that rose 1 % over five minutes where `moved`."""
        self.number += 1
        quote = Quote(
            TICKER, self.number, self.now_ms, ((bid_cc, 100_000),), ((ask_cc, 100_000),), volume_ch=1_000_000,
            heard_at_ms=self.now_ms, changed_at_ms=self.now_ms, ticker_moved_at_ms=self.now_ms, trusted=trusted,
        )  # fmt: skip
        second = self.now_ms // 1_000 * 1_000
        high = 101_000_000_000 if moved else 100_000_000_000
        prices = {second - 1_000: high, second - 2_000: high} | {
            second - back: 100_000_000_000 for back in (300_000, 301_000, 302_000)
        }
        bars = [Bar("BTC-USD", at_ms, *[price] * 4, source="exchange") for at_ms, price in prices.items()]
        quotes.publish(self.db, self.number, self.now_ms, [quotes.row(quote)], bars)
        self.published.append(Published(self.number, self.now_ms, (quote,), tuple(bars)))

    def book(self, number=-1, price_cc=6_040):
        """The clerk books the fill of an order that was sent."""
        new = self.link.sent[number]
        order = orders.get(self.db, new.client_order_id)
        fill = Fill(f"t{len(self.link.sent)}-{number}", order.order_id, TICKER, 2, new.side, price_cc, new.count_ch, 0,
                    True, self.now_ms, new.client_order_id)  # fmt: skip
        fills.book(self.db, fill, "stream", self.now_ms)

    @property
    def phase(self):
        return self.trader.coordinator.phase

    @property
    def held_ch(self):
        return self.trader.coordinator.positions.position_ch(TICKER)
