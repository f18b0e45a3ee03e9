"""One market's full order book on the YES scale, kept current from a snapshot and signed changes."""

from outcry.domain.errors import InvariantBroken


class Book:
    """Bids and asks as {price_cc: count_ch}; sizes above zero only.

    The best price is remembered and searched for again only when its level empties, which keeps an update at a
    dict write. Asks are on the YES scale: YES ask = $1 less the best NO bid.
    """

    __slots__ = ("ask_cc", "asks", "bid_cc", "bids")

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.bid_cc: int | None = None
        self.ask_cc: int | None = None

    def replace(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """Take a snapshot in place of whatever was here."""
        self.bids, self.asks = bids, asks
        self.bid_cc, self.ask_cc = max(bids, default=None), min(asks, default=None)

    def apply(self, is_bid: bool, price_cc: int, change_ch: int) -> None:
        """Add a signed change to one level; a level at exactly zero goes.

        raises  InvariantBroken when the level would fall below zero: something was missed
        """
        levels = self.bids if is_bid else self.asks
        size_ch = levels.get(price_cc, 0) + change_ch
        if size_ch > 0:
            levels[price_cc] = size_ch
            if is_bid:
                if self.bid_cc is None or price_cc > self.bid_cc:
                    self.bid_cc = price_cc
            elif self.ask_cc is None or price_cc < self.ask_cc:
                self.ask_cc = price_cc
        elif size_ch == 0:
            levels.pop(price_cc, None)
            if is_bid:
                if price_cc == self.bid_cc:
                    self.bid_cc = max(levels, default=None)
            elif price_cc == self.ask_cc:
                self.ask_cc = min(levels, default=None)
        else:
            side = "bid" if is_bid else "ask"
            raise InvariantBroken(f"{side} level {price_cc} would hold {size_ch} hundredths of a contract")

    @property
    def crossed(self) -> bool:
        """Whether bid meets ask: true for an instant between changes, and never to be traded on."""
        return self.bid_cc is not None and self.ask_cc is not None and self.bid_cc >= self.ask_cc

    def top(self, levels: int = 10) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """The best levels of each side, best first: ((price_cc, count_ch), …) for bids and for asks."""
        bids = tuple((price, self.bids[price]) for price in sorted(self.bids, reverse=True)[:levels])
        asks = tuple((price, self.asks[price]) for price in sorted(self.asks)[:levels])
        return bids, asks
