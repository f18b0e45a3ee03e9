"""How often a trader looks and how long it waits: the intervals of the coordinator, shortened with the windows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tempo:
    """Intervals in ms on a floor with windows of full length; `of` shortens them, down to a floor of their own.

    look_ms       each market is looked at no more often
    cooldown_ms   rest of a market after an intent in it; doubled with each refusal in a row, up to 16 times
    rebalance_ms  a position, or an order that still rests, is re-examined so long after it was opened or last examined
    exit_ms       between two attempts to leave one position; doubled with each that closed nothing, up to 4 times
    resting_ms    the dead-man: an order rests no longer unless its trader renews it
    before_close_ms  nothing rests in the last moments of a market
    distrust_ms   resting orders are pulled, and price exits fire all the same, once a book is untrusted for so long
    again_ms      between two tries of the same cancel or renewal
    adopt_ms      an order found resting at the start waits so long for its market to be described, then it is cancelled
    retry_ms      first pause after the strategy raised or the outside did not answer; doubled each time
    """

    look_ms: int = 1_000
    cooldown_ms: int = 30_000
    rebalance_ms: int = 3_600_000
    exit_ms: int = 1_000
    resting_ms: int = 600_000
    before_close_ms: int = 5_000
    distrust_ms: int = 2_000
    again_ms: int = 2_000
    adopt_ms: int = 3_000
    retry_ms: int = 1_000

    @staticmethod
    def of(time_factor: float, expire_s: int = 600) -> "Tempo":
        """The tempo of a floor whose windows and look-backs are shortened by a factor (1 on a real one).

        What belongs to the machine and the network (exits, retries, the exchange's dead-man) is not shortened.

        expire_s  how long an order rests that nobody renews
        """
        plain = Tempo()
        return Tempo(
            resting_ms=expire_s * 1_000,
            look_ms=max(100, int(plain.look_ms / time_factor)),
            cooldown_ms=max(1_000, int(plain.cooldown_ms / time_factor)),
            rebalance_ms=max(5_000, int(plain.rebalance_ms / time_factor)),
        )


class Pacing:
    """When each market may be looked at and entered again."""

    def __init__(self, tempo: Tempo) -> None:
        self._tempo = tempo
        self._looked_at_ms: dict[str, int] = {}
        self._cool_until_ms: dict[str, int] = {}
        self._refusals: dict[str, int] = {}

    def may_look(self, ticker: str, now_ms: int) -> bool:
        """Whether the market's turn has come; saying yes uses it up."""
        last_ms = self._looked_at_ms.get(ticker)
        if last_ms is not None and 0 <= now_ms - last_ms < self._tempo.look_ms:
            return False
        self._looked_at_ms[ticker] = now_ms
        return True

    def cooling(self, ticker: str, now_ms: int) -> bool:
        return now_ms < self._cool_until_ms.get(ticker, 0)

    def intended(self, ticker: str, now_ms: int) -> None:
        """An intent went to the gate: the market rests, whatever comes of it."""
        self._cool_until_ms[ticker] = now_ms + self._tempo.cooldown_ms

    def answered(self, ticker: str, now_ms: int, *, refused: bool) -> None:
        """The gate spoke: each refusal in a row doubles the rest, so that refusals do not flood the decisions."""
        refusals = self._refusals[ticker] = self._refusals.get(ticker, -1) + 1 if refused else -1
        if refused:
            self._cool_until_ms[ticker] = now_ms + self._tempo.cooldown_ms * 2 ** min(refusals, 4)

    def clock_stepped_back(self) -> None:
        """The wall clock was set back: waiting for its old time to come again could take hours."""
        self._looked_at_ms.clear()
        self._cool_until_ms.clear()

    def forget(self, ticker: str) -> None:
        for kept in (self._looked_at_ms, self._cool_until_ms, self._refusals):
            kept.pop(ticker, None)

    def warm(self) -> dict[str, object]:
        """For the checkpoint: cooldowns survive a restart, so restarting is no way to flood."""
        return {"cool_until_ms": dict(self._cool_until_ms), "refusals": dict(self._refusals)}

    def restore(self, warm: dict[str, object]) -> None:
        """Take what `warm` gave; anything else is ignored, as a cold start is always good enough."""
        for name, kept in (("cool_until_ms", self._cool_until_ms), ("refusals", self._refusals)):
            values = warm.get(name)
            if isinstance(values, dict) and all(type(value) is int for value in values.values()):
                kept.update({str(ticker): value for ticker, value in values.items()})
