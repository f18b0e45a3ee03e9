"""What every strategy is: a frozen dataclass of settings with one pure method."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from outcry.domain.view import View, Wish


@dataclass(frozen=True, slots=True)
class Strategy(ABC):
    """It looks at a view and says what it wants. It never sizes, sends, stores, sleeps or asks the time.

    reads_touch  its views carry the seconds of the market's touch
    reads_event  its views carry the other markets of the event
    quotes       it rests orders on both sides, and what rests is wanted only as long as it says so at each look
    """

    reads_touch: ClassVar[bool] = False
    reads_event: ClassVar[bool] = False
    quotes: ClassVar[bool] = False

    @property
    @abstractmethod
    def warm_up_ms(self) -> int:
        """How much history `decide` needs, before look-backs are shortened; less is answered by a condition."""

    @abstractmethod
    def decide(self, view: View) -> Wish | str:
        """What it wants, or the first condition that failed: a fixed phrase without numbers, so that it is counted.

        A `Lacking` where there was nothing to judge by.
        """
