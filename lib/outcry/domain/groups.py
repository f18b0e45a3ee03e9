"""Which markets win and lose together: same event, same underlying and window, same game."""

import re
from dataclasses import dataclass

_GAME = re.compile(r"\d{2}[A-Z]{3}\d{2}(?:\d{4})?(?=[A-Z0-9]*[A-Z])[A-Z0-9]+")  # date, perhaps a time, then the teams


@dataclass(frozen=True, slots=True)
class Bet:
    """What correlation is read from. A market that nobody described has its ticker only.

    underlying   index symbol it settles on, or ""
    open_at_ms, close_at_ms  its window
    """

    ticker: str
    event_ticker: str = ""
    underlying: str = ""
    open_at_ms: int = 0
    close_at_ms: int = 0

    @property
    def event(self) -> str:
        return self.event_ticker or self.ticker.rpartition("-")[0] or self.ticker

    @property
    def game(self) -> str:
        """The part that all series on one game share, like `26OCT12BUFLAR`; "" for anything that is no game.

        >>> Bet("KXNFLGAME-26OCT12BUFLAR-LAR").game, Bet("KXBTC15M-26MAY130945-45").game
        ('26OCT12BUFLAR', '')
        """
        when_and_who = self.event.partition("-")[2]
        return when_and_who if not self.underlying and _GAME.fullmatch(when_and_who) else ""


def correlated(one: Bet, other: Bet) -> bool:
    """Whether a loss in one is likely a loss in the other. Symmetric; windows that only touch do not overlap."""
    if one.ticker == other.ticker or one.event == other.event:
        return True
    if one.game and one.game == other.game:
        return True
    if not one.underlying or one.underlying != other.underlying:
        return False
    return one.open_at_ms < other.close_at_ms and other.open_at_ms < one.close_at_ms
