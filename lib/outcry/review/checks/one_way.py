"""Who enters also exits: a book that only ever buys, and waits for settlement whatever it loses, is found by outcome.

One position that settles beyond its stop proves little: the price may jump over it in the last second, or nobody quote.
Several of one agent in a row, without one exit asked for in between, mean that its exits do not work.
"""

from collections.abc import Iterator
from typing import NamedTuple

from outcry.review.checks.records import ALL, WARNING, Finding

CHECK = "one_way"
IN_A_ROW = 5


class Ended(NamedTuple):
    """A position that its market's settlement ended.

    stop_millionths  of its cost, the widest of the intents it was entered on
    left             an exit was asked for since it was opened, filled or not
    """

    agent: str
    ticker: str
    cost_micros: int
    paid_micros: int
    stop_millionths: int
    left: bool


class OneWay:
    """Fed with every position that was still held when its market paid, in order."""

    def __init__(self) -> None:
        self._silent: dict[str, list[str]] = {}

    def ended(self, position: Ended) -> Iterator[Finding]:
        """Count it; a finding at the last of so many in a row."""
        if position.left:
            self._silent.pop(position.agent, None)
            return
        if position.paid_micros * ALL >= position.cost_micros * (ALL - position.stop_millionths):
            return
        tickers = self._silent.setdefault(position.agent, [])
        tickers.append(position.ticker)
        if len(tickers) >= IN_A_ROW:
            yield _finding(position.agent, self._silent.pop(position.agent))

    def exited(self, agent: str) -> None:
        """The agent asked for an exit."""
        self._silent.pop(agent, None)


def _finding(agent: str, tickers: list[str]) -> Finding:
    return Finding(
        CHECK,
        f"{agent} {tickers[0]}",
        WARNING,
        f"{agent} enters and never exits: {len(tickers)} positions in a row settled beyond their stop, and no exit was"
        " asked for",
        f"pause {agent}, and look at trader@{agent}: its quotes, its stops, its log",
        {"tickers": ", ".join(tickers)},
    )
