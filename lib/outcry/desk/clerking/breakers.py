"""The breakers that the clerk looks after, as it keeps the books: drawdown of the floor and of agents, losing streaks.

It measures, asks the pure rule, and writes what follows as a control or a pause, beside its event, in one transaction.
Traders read those. Everything is found again after a restart: nothing here is only in memory.
"""

import sqlite3

from outcry.domain.limits import Limits
from outcry.domain.view import Exposure
from outcry.ops import log
from outcry.risk import drawdown, losing_streak
from outcry.risk.breaker import Trip
from outcry.store import accounts, activity, agents, exposure, outcomes, peaks, system
from outcry.store.agents import Agent
from outcry.store.database import write
from outcry.store.report import one_instant

PROGRAM = "clerk"

_log = log.get(__name__)


class Breakers:
    """`look` is asked every second. Raises Unavailable when the database refuses; it is asked again.

    time_factor  by how much this floor's windows are shortened
    """

    def __init__(self, db: sqlite3.Connection, limits: Limits, time_factor: float) -> None:
        self._db, self._limits, self._time_factor = db, limits, time_factor
        self._settled = -1  # the newest settlement that streaks were counted with

    def look(self, at_ms: int) -> None:
        """Judge the floor and every agent as they stand now."""
        if not exposure.capital_known(self._db):
            return
        with one_instant(self._db):
            whole = exposure.read(self._db, "", "", 0)
            results_micros = accounts.agent_equity_micros(self._db)
            everyone = [agent for agent in agents.everyone(self._db) if agent.stage != "retired"]
            doubts_micros = [exposure.read(self._db, agent.name, "", 0).agent_day_doubt_micros for agent in everyone]
            settled = outcomes.newest(self._db)
        self._floor(whole, at_ms)
        for agent, doubt_micros in zip(everyone, doubts_micros, strict=True):
            self._drawdown(agent, results_micros[agent.name] + doubt_micros, whole.capital_micros, at_ms)
            self._streak(agent, at_ms, looked=settled == self._settled)
        self._settled = settled

    # ---- drawdown ---------------------------------------------------------------------------------------------------

    def _floor(self, at_risk: Exposure, at_ms: int) -> None:
        """Of the day's result: from its roll on, or from where a person let the floor go on."""
        halted, changed_at_ms = system.last_change(self._db, "floor", "", "halt", drawdown.CAUSE)
        if halted:
            return
        result_micros = at_risk.floor_day_pnl_micros + at_risk.floor_day_doubt_micros
        rolled_at_ms = accounts.rolled_at_ms(self._db)
        peak_micros = peaks.highest_micros(
            self._db,
            "floor",
            "",
            result_micros,
            since_ms=max(rolled_at_ms, changed_at_ms),
            begin_micros=0 if rolled_at_ms >= changed_at_ms else result_micros,
            now_ms=at_ms,
        )
        trip = drawdown.floor(peak_micros, result_micros, at_risk.capital_micros, self._limits)
        if trip:
            self._control("floor", "", "halt", drawdown.CAUSE, trip, at_ms)

    def _drawdown(self, agent: Agent, result_micros: int, capital_micros: int, at_ms: int) -> None:
        """Of an agent's result: from its birth on, or from where it was let go on or brought back."""
        if agent.paused:
            rule, paused_at_ms = agents.last_time(self._db, agent.name, "paused")
            if rule == drawdown.CAUSE and drawdown.agent_rested(paused_at_ms, at_ms, self._limits):
                self._pause(agent, None, at_ms)
            return
        again_at_ms = max(agents.last_time(self._db, agent.name, act)[1] for act in ("resumed", "resurrected"))
        peak_micros = peaks.highest_micros(
            self._db,
            "agent",
            agent.name,
            result_micros,
            since_ms=again_at_ms or agent.created_at_ms,
            begin_micros=result_micros if again_at_ms else 0,
            now_ms=at_ms,
        )
        top_micros, now_micros = peak_micros - agent.began_micros, result_micros - agent.began_micros
        trip = drawdown.agent(top_micros, now_micros, agent.allocation_micros, capital_micros, self._limits)
        if trip:
            self._pause(agent, trip, at_ms)

    def _pause(self, agent: Agent, trip: Trip | None, at_ms: int) -> None:
        """Pause an agent, or (None) let it go on; its exits never stopped."""
        rule = drawdown.CAUSE
        with write(self._db):
            if trip:
                why, facts = f"{rule}: {trip.reason}", dict(trip.numbers)
                agents.set_paused(self._db, agent.name, True, reason=why, now_ms=at_ms, rule=rule, evidence=facts)
                system.event(self._db, "critical", PROGRAM, "paused", f"{agent.name}: {why}", now_ms=at_ms)
            else:
                why = "the pause after its drawdown is over"
                agents.set_paused(self._db, agent.name, False, reason="", now_ms=at_ms, rule=rule)
                system.event(self._db, "info", PROGRAM, "resumed", f"{agent.name}: {why}", now_ms=at_ms)
        (_log.error if trip else _log.info)("paused" if trip else "resumed", agent=agent.name, reason=why)

    # ---- losing streaks ---------------------------------------------------------------------------------------------

    def _streak(self, agent: Agent, at_ms: int, *, looked: bool) -> None:
        """looked: nothing has settled since streaks were counted last."""
        resting, changed_at_ms = system.last_change(self._db, "agent", agent.name, "stop_entries", losing_streak.CAUSE)
        if resting:
            if losing_streak.rested(changed_at_ms, at_ms, self._limits, self._time_factor):
                self._control("agent", agent.name, "stop_entries", losing_streak.CAUSE, None, at_ms)
            return
        if looked:
            return
        _, paused_at_ms = activity.streak_pauses(self._db, agent.name)
        streak = outcomes.losing_streak(self._db, agent.name, paused_at_ms)
        trip = losing_streak.check_losses(streak.losses, streak.break_even_millionths, self._limits)
        if trip:
            self._control("agent", agent.name, "stop_entries", losing_streak.CAUSE, trip, at_ms)

    def _control(self, scope: str, name: str, kind: str, cause: str, trip: Trip | None, at_ms: int) -> None:
        """Forbid something for a cause, or (None) allow what it forbade."""
        what = ("halted" if kind == "halt" else "stopped_entries") if trip else "allowed_entries"
        reason = trip.reason if trip else "the pause is over"
        with write(self._db):
            system.set_control(self._db, scope, name, kind, trip is not None, cause=cause, reason=reason, now_ms=at_ms)
            told = f"{name or scope}: {cause}: {reason}" + (f"; {system.HALT_ENDS}" if trip and kind == "halt" else "")
            system.event(self._db, "critical" if trip else "info", PROGRAM, what, told, now_ms=at_ms)
        (_log.error if trip else _log.info)(what, scope=scope, name=name, cause=cause, reason=reason)
