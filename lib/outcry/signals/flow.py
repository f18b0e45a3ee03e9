"""What traded: contracts printed over a stretch of time, and on whose initiative.

source   signed prints: Hasbrouck (1991), "Measuring the information content of stock trades", Journal of Finance 46(1);
         the exchange says who took, so nothing has to be inferred
"""

from collections.abc import Sequence
from dataclasses import dataclass

from outcry.domain.view import Bar
from outcry.signals.history import SECOND_MS, complete


@dataclass(frozen=True, slots=True)
class Flow:
    """Contracts printed, in hundredths; `signed_ch` is bought less sold by takers whose side is known."""

    volume_ch: int = 0
    signed_ch: int = 0


def between(prints: Sequence[Bar], from_ms: int, to_ms: int) -> Flow:
    """The prints of the seconds that lie wholly within a stretch of time. Seconds without prints have no bar."""
    chosen = prints[complete(prints, from_ms + SECOND_MS - 1) : complete(prints, to_ms)]
    return Flow(sum(bar.volume_ch for bar in chosen), sum(bar.buy_ch - bar.sell_ch for bar in chosen))


@dataclass(frozen=True, slots=True)
class Spike:
    """The newest window beside the stretch before it.

    recent        what the window printed
    before_ch     contracts printed in the stretch before it, in hundredths
    before_ms     how long that stretch is, as far as prints are known
    window_ms     how long the window is
    """

    recent: Flow
    before_ch: int
    before_ms: int
    window_ms: int

    @property
    def average_ch(self) -> float:
        """Contracts per window in the stretch before, in hundredths: an estimate."""
        return self.before_ch * self.window_ms / self.before_ms

    def reaches(self, multiple_millionths: int) -> bool:
        """Whether the window printed at least this multiple (3_000_000 is 3 times) of the average before it."""
        needed = multiple_millionths * self.before_ch * self.window_ms
        return self.recent.volume_ch * 1_000_000 * self.before_ms >= needed


def spike(prints: Sequence[Bar], now_ms: int, window_ms: int, baseline_ms: int) -> Spike | None:
    """The last whole seconds of prints against the stretch before them.

    returns  None until prints reach back over half the baseline: an average of less would be an accident
    """
    to_ms = now_ms // SECOND_MS * SECOND_MS
    from_ms = to_ms - window_ms
    known_from_ms = max(from_ms - baseline_ms, prints[0].at_ms) if prints else from_ms
    before_ms = from_ms - known_from_ms
    if before_ms <= 0 or before_ms * 2 < baseline_ms:
        return None
    before = between(prints, known_from_ms, from_ms)
    return Spike(between(prints, from_ms, to_ms), before.volume_ch, before_ms, window_ms)
