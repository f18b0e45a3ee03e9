"""Exits by outcome: a position past its stop, or past its time, is acted on within ten seconds while somebody quotes.

Fed with what the floor holds and what is quoted, as often as one looks. An exit that was asked for counts as acting,
filled or not, and so does one whose outcome is not known; doing nothing for ten seconds does not.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from outcry.review.checks.records import ALL, DOLLAR_CC, WARNING, Finding

CHECK = "exits"
WITHIN_MS = 10_000
HEARD_MS = 15_000  # a quote that was heard longer ago is nobody's


class Held(NamedTuple):
    """One agent's open position, at average cost; `since_ms`: the fill that opened it.

    stop_millionths  of its cost, the widest of the intents it was entered on
    hold_ms          the longest of theirs; None when one of them holds to settlement
    acted_ms         when an exit was last asked for; 0 for never
    exiting          an exit is under way
    attended         its trader was not asked to stop
    """

    agent: str
    ticker: str
    position_ch: int
    cost_micros: int
    since_ms: int
    stop_millionths: int
    hold_ms: int | None
    acted_ms: int
    exiting: bool
    attended: bool


class Touch(NamedTuple):
    """A market's best prices, as last published. `trades`: whether orders may reach it now."""

    bid_cc: int | None
    ask_cc: int | None
    trusted: bool
    heard_at_ms: int
    trades: bool


class Stops:
    """Remembers since when each position should have been left."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, str], int] = {}

    def look(self, held: Iterable[Held], touches: dict[str, Touch], now_ms: int) -> Iterator[Finding]:
        """One look; a finding for each position that nobody acts on."""
        due: dict[tuple[str, str, str], int] = {}
        for position in held:
            touch = touches.get(position.ticker)
            if touch is None or not _could(position, touch, now_ms):
                continue
            for why in _reasons(position, touch, now_ms):
                key = (position.agent, position.ticker, why)
                since_ms = due[key] = max(self._since.get(key, now_ms), position.acted_ms, position.since_ms)
                if now_ms - since_ms > WITHIN_MS:
                    yield _finding(position, why, since_ms, now_ms)
        self._since = due


def _could(position: Held, touch: Touch, now_ms: int) -> bool:
    """Whether it could be left at all: attended, in a market that trades, with somebody to trade with."""
    other_side_cc = touch.bid_cc if position.position_ch > 0 else touch.ask_cc
    heard = touch.trusted and now_ms - touch.heard_at_ms <= HEARD_MS
    return position.attended and touch.trades and heard and other_side_cc is not None and not position.exiting


def _reasons(position: Held, touch: Touch, now_ms: int) -> Iterator[str]:
    if position.position_ch > 0:
        value_micros = position.position_ch * (touch.bid_cc or 0)
    else:
        value_micros = -position.position_ch * (DOLLAR_CC - (DOLLAR_CC if touch.ask_cc is None else touch.ask_cc))
    if value_micros * ALL < position.cost_micros * (ALL - position.stop_millionths):
        yield "stop"
    if position.hold_ms is not None and now_ms - position.since_ms >= position.hold_ms:
        yield "time"


def _finding(position: Held, why: str, since_ms: int, now_ms: int) -> Finding:
    name = f"{position.agent} {position.ticker}"
    return Finding(
        CHECK,
        f"{name} {why} {position.since_ms}",
        WARNING,
        f"{name}: past its {why} exit for {now_ms - since_ms} ms, somebody quotes, and no exit was asked for",
        f"look at trader@{position.agent}: start it again, or leave the position by hand",
        {"position_ch": position.position_ch, "cost_micros": position.cost_micros, "since_ms": since_ms},
    )
