"""What is known of one agent when the rules look at it, and where they look."""

import math
from dataclasses import dataclass

DAY_MS = 86_400_000
MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the rules look; `[evolution]` of the settings. Rates and shares in millionths, times in days."""

    false_discoveries_millionths: int = 100_000
    trial_settled: int = 10
    production_days: float = 7.0
    production_settled: int = 30
    look_settled: int = 10  # fewer trades in a day are no reason to look at a win rate
    clone_win_millionths: int = 600_000
    flag_win_millionths: int = 450_000
    flag_days: float = 30.0
    shrink_sharpe: float = 0.5
    shrink_days: float = 7.0
    pause_drawdown_millionths: int = 200_000
    pause_days: float = 30.0
    children: int = 3
    agents: int = 12
    respect_days: float = 7.0  # how long what a person decided stands


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a mean is above or below a claimed one: what bets have brought so far, and what they would have to.

    log_gain      logarithm of the capital of the bets against "the mean is at most this"
    log_loss      of the bets against "the mean is at least this"
    level         at which the question may be answered yes
    mean_dollars  the claimed mean, dollars per contract
    low_dollars   the largest mean that the true one is shown to exceed at this level, and
    high_dollars  the smallest that it is shown to fall short of; None while none between 30 cents lost and won is
    """

    log_gain: float = 0.0
    log_loss: float = 0.0
    level: float = 0.05
    mean_dollars: float = 0.0
    low_dollars: float | None = None
    high_dollars: float | None = None

    @property
    def log_needed(self) -> float:
        """The logarithm of the capital that answers yes."""
        return -math.log(self.level)

    @property
    def gains(self) -> bool:
        """Whether it is shown that the mean is above."""
        return self.log_gain >= self.log_needed

    @property
    def loses(self) -> bool:
        """Whether it is shown that the mean is below."""
        return self.log_loss >= self.log_needed

    def figures(self, name: str) -> dict[str, float | None]:
        """What is written down of it. Capitals grow beyond what floats hold, so they stay logarithms."""
        return {
            f"{name}_low_dollars": self.low_dollars,
            f"{name}_high_dollars": self.high_dollars,
            f"{name}_against_dollars": self.mean_dollars,
            f"{name}_log_gain": round(self.log_gain, 3),
            f"{name}_log_loss": round(self.log_loss, 3),
            f"{name}_needs": round(self.log_needed, 3),
            f"{name}_level": self.level,
        }

    def gain_in_words(self) -> str:
        """How much of a gain is shown, and how much has to be."""
        shown = "below -30 ¢" if self.low_dollars is None else _cents(self.low_dollars)
        must = f"{_cents(self.mean_dollars)} or more"
        return f"lower bound {shown} a contract, must be {must} ({self._grown(self.log_gain)})"

    def loss_in_words(self) -> str:
        """How much of a loss is shown, and how much has to be."""
        shown = "above +30 ¢" if self.high_dollars is None else _cents(self.high_dollars)
        must = f"{_cents(self.mean_dollars)} or less"
        return f"upper bound {shown} a contract, must be {must} ({self._grown(self.log_loss)})"

    def _grown(self, log: float) -> str:
        return f"bets grew {_times(log)}, must {_times(self.log_needed)}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """An agent beside its parent, on the events that both traded: the mean is of the difference, child less parent."""

    parent: str
    parent_allocation_micros: int
    events: int
    question: Question


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of one agent: settled, attributable trades only, since its stage began if not said otherwise.

    edge           net dollars per contract against zero;      beside_baseline  the same against the baseline's mean
    day_settled    trades settled in the last 24 hours;        day_won          how many of them
    day_break_even_millionths  the rate of them that had to be won at their prices and fees; None without any
    week_sharpe    of daily returns over seven days, annualised; None while it cannot be told
    daily          mean daily return against the threshold that the wanted Sharpe ratio means for its deviation
    drawdown_millionths  from the peak of its equity
    edge_since_flag, daily_since_flag  as edge and daily, of what was entered since it was flagged
    starved        why it could not trade, though it would; "" when it could
    decided_until_ms     until when what a person decided stands
    """

    agent: str
    stage: str
    stage_began_at_ms: int
    allocation_micros: int
    birth_allocation_micros: int
    settled: int = 0
    net_micros: int = 0
    edge: Question = Question()
    beside_baseline: Question = Question()
    day_settled: int = 0
    day_won: int = 0
    day_break_even_millionths: int | None = None
    week_sharpe: float | None = None
    daily: Question = Question()
    shrunk_at_ms: int = 0
    drawdown_millionths: int = 0
    flagged_at_ms: int | None = None
    edge_since_flag: Question = Question()
    daily_since_flag: Question = Question()
    net_since_flag_micros: int = 0
    settled_since_flag: int = 0
    paused_at_ms: int | None = None
    paused_by_rule: bool = False
    open_findings: int = 0
    living_children: int = 0
    floor_agents: int = 0
    starved: str = ""
    decided_until_ms: int = 0
    challenge: Challenge | None = None


def _cents(dollars: float) -> str:
    """
    >>> _cents(-0.013), _cents(0.0), _cents(0.02)
    ('-1.3 ¢', '0 ¢', '+2 ¢')
    """
    return f"{round(100 * dollars, 1):+g} ¢" if round(dollars, 3) else "0 ¢"


def _times(log: float) -> str:
    """What capital has become, by its logarithm: many times over, or a small part of it.

    >>> _times(1.1632), _times(10.14644), _times(-4.0), _times(900.0)
    ('3.2-fold', '25,500-fold', '0.018-fold', '10^390-fold')
    """
    if abs(log) > 30:
        return f"10^{int(log / math.log(10))}-fold"
    grown = math.exp(log)
    return f"{grown:,.0f}-fold" if grown >= 10 else f"{grown:.2g}-fold"
