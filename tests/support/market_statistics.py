"""What a market looks like, in a few numbers; the same for recorded and generated ones."""

from collections import Counter
from collections.abc import Iterable
from statistics import median

from outcry.domain.book import Book
from outcry.domain.order import Side
from outcry.paper.events import BookChange, BookSet, Print, SourceEvent

SAMPLE_EVERY = 50


def statistics(events: Iterable[SourceEvent]) -> dict[str, float]:
    """Medians over every 50th book change; rates per market and second in which anything changed.

    crossed counts sampled books whose bid meets the ask. A decrease that a print explains is no cancel.
    """
    books: dict[str, Book] = {}
    spreads, touches, depths, levels, adds, prints = [], [], [], [], [], []
    seconds: Counter[tuple[str, int]] = Counter()
    printed: Counter[tuple[str, int, int, int]] = Counter()
    changes = cancels = crossed = printed_ch = 0
    for event in events:
        if isinstance(event, BookSet):
            books.setdefault(event.ticker, Book()).replace(dict(event.bids), dict(event.asks))
        elif isinstance(event, Print):
            printed_ch += event.count_ch
            if event.taker_side is not None:
                prints.append(event.count_ch)
                printed[event.ticker, event.at_ms, event.price_cc, -event.count_ch] += 1
        elif isinstance(event, BookChange):
            book = books[event.ticker]
            book.apply(event.side is Side.BID, event.price_cc, event.change_ch)
            changes += 1
            seconds[event.ticker, event.at_ms // 1_000] += 1
            key = event.ticker, event.at_ms, event.price_cc, event.change_ch
            if event.change_ch > 0:
                adds.append(event.change_ch)
            elif printed[key]:
                printed[key] -= 1
            else:
                cancels += 1
            bid, ask = book.bid_cc, book.ask_cc
            if changes % SAMPLE_EVERY == 0 and bid is not None and ask is not None:
                crossed += book.crossed
                levels.append(len(book.bids) + len(book.asks))
                touches += [book.bids[bid], book.asks[ask]]
                depths.append(sum(size for price, size in book.bids.items() if price >= bid - 500))
                if 1_000 <= bid < ask <= 9_000:
                    spreads.append(ask - bid)
    return {
        "spread_cc": median(spreads),
        "touch_ch": median(touches),
        "depth_ch": median(depths),
        "levels": median(levels),
        "add_ch": median(adds),
        "print_ch": median(prints),
        "changes_per_s": changes / len(seconds),
        "prints_per_s": len(prints) / len(seconds),
        "volume_ch_per_s": printed_ch / len(seconds),
        "cancels_per_print": cancels / len(prints),
        "adds_per_cancel": len(adds) / cancels,
        "crossed": crossed,
    }
