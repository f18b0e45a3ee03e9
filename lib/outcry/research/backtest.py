"""A strategy over recorded days: what it would have done, been filled, paid and won.

    tape -> books, bars, descriptions -> publishes -> coordinator -> gate -> the exchange's matching -> fills

The coordinator, the gate, sizing, exits and fees are those of the live trader; the matching, the queue and settlement
those of the local exchange. Everything is heard when the tape heard it: a result, a close or a changed description is
unknown before its place on the tape. Nobody but the agent reacts to it: its orders move no price beyond its own size.
"""

from collections.abc import Callable, Iterable

from outcry.research.backtesting.recorded import Recorded
from outcry.research.backtesting.simulation import Simulation
from outcry.research.backtesting.terms import Result, Terms
from outcry.strategies.strategy import Strategy

__all__ = ["Result", "Terms", "run"]


def run(
    strategy: Strategy,
    sessions: Iterable[Recorded],
    terms: Terms,
    progress: Callable[[int, int], None] = lambda _at_ms, _changes: None,
) -> Result:
    """Play sessions of tape, in their order, to a strategy.

    progress  told where the tape is and how many changes were played, now and then
    raises    InvariantBroken when the tape is damaged
    """
    simulation = Simulation(strategy, terms, progress)
    for session in sessions:
        simulation.play(session)
    return simulation.end()
