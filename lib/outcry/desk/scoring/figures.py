"""Rewrite the performance metrics of every agent, stage and window from the running sums.

Windows begin with a whole hour (the two short ones) or a whole day, so they hold a little more than their name says.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from outcry.desk.scoring.agents import Spans, evidence_of
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.review import scores
from outcry.review.bets import level
from outcry.review.scores import COLUMNS, Sums
from outcry.store import agents, questions, report
from outcry.store import scores as rows
from outcry.store.questions import Asked

WINDOWS = ("hour", "24h", "7d", "30d", "all")
EVERY_STAGE = ""
Row = tuple[str, str, str, str, float]
Series = dict[int, Sums]  # start of the span -> what was settled in it


def since_ms(window: str, spans: Spans, now_ms: int) -> tuple[int, int]:
    """A window's beginning, and the width of the sums it is made of."""
    if window == "all":
        return 0, spans.day_ms
    width_ms = spans.hour_ms if window in ("hour", "24h") else spans.day_ms
    long_ms = {"hour": spans.hour_ms, "24h": spans.day_ms, "7d": 7 * spans.day_ms, "30d": 30 * spans.day_ms}[window]
    start_ms = now_ms - long_ms
    return start_ms - start_ms % width_ms, width_ms


def rewrite(db: sqlite3.Connection, spans: Spans, budget: float, now_ms: int) -> int:
    """All of them; returns how many figures there are."""
    found: dict[str, list[tuple[str, str, str, float]]] = defaultdict(list)
    for agent, stage, window, metric, value in _all(db, spans, budget, now_ms):
        found[agent].append((stage, window, metric, value))
    for agent, its in found.items():
        rows.keep_metrics(db, agent, its, now_ms)
    return sum(map(len, found.values()))


def _all(db: sqlite3.Connection, spans: Spans, budget: float, now_ms: int) -> Iterator[Row]:
    asked: dict[str, list[Asked]] = defaultdict(list)
    for one in questions.everything(db):
        asked[one.agent].append(one)
    hourly = _series(db, spans.hour_ms, now_ms - spans.day_ms - spans.hour_ms)
    daily = _series(db, spans.day_ms, 0)
    for agent in agents.everyone(db):
        stages = {stage for name, stage in daily if name == agent.name}
        for stage in [EVERY_STAGE, *sorted(stages)]:
            by_width = {
                spans.hour_ms: _merged(hourly, agent.name, stage),
                spans.day_ms: _merged(daily, agent.name, stage),
            }
            for window in WINDOWS:
                start_ms, width_ms = since_ms(window, spans, now_ms)
                series = {at: one for at, one in by_width[width_ms].items() if at >= start_ms}
                days = (
                    []
                    if width_ms == spans.hour_ms
                    else _days(series, asked[agent.name], stage, spans, start_ms, now_ms)
                )
                made = scores.figures(
                    scores.total(series.values()),
                    [series[at].net_micros for at in sorted(series)],
                    days,
                    agent.allocation_micros,
                )
                yield from ((agent.name, stage, window, metric, value) for metric, value in made.items())
    yield from _open(db)
    yield from _bounds(db, asked, budget)


def _series(db: sqlite3.Connection, width_ms: int, from_ms: int) -> dict[tuple[str, str], Series]:
    found: dict[tuple[str, str], Series] = defaultdict(dict)
    for row in rows.sums(db, width_ms, from_ms):
        found[row["agent"], row["stage"]][row["start_ms"]] = Sums(*(row[name] for name in COLUMNS))
    return found


def _merged(source: dict[tuple[str, str], Series], agent: str, stage: str) -> Series:
    """One stage's series, or that of all stages together."""
    if stage != EVERY_STAGE:
        return source.get((agent, stage), {})
    mine = [series for (name, _), series in source.items() if name == agent]
    return {at: scores.total(one[at] for one in mine if at in one) for at in set().union(*mine)}


def _days(series: Series, asked: list[Asked], stage: str, spans: Spans, start_ms: int, now_ms: int) -> list[int]:
    """The net of each day of a window in which the agent lived (in this stage), days without a trade too."""
    lived = [
        one for one in asked if one.kind in (questions.BIRTH, questions.STAGE) and stage in (EVERY_STAGE, one.stage)
    ]
    days: set[int] = set(series)
    for one in lived:
        first_ms = max(one.began_at_ms, start_ms)
        days |= set(range(first_ms - first_ms % spans.day_ms, (one.ended_at_ms or now_ms) + 1, spans.day_ms))
    return [series[day].net_micros if day in series else 0 for day in sorted(days)]


def _open(db: sqlite3.Connection) -> Iterator[Row]:
    """What is still open is shown beside the evidence, and is none."""
    held: dict[str, list[int]] = defaultdict(list)
    for item in report.open_positions(db):
        held[item.agent].append(item.mark_micros)
    for agent, marks in held.items():
        yield agent, EVERY_STAGE, "all", "open_positions", len(marks)
        yield agent, EVERY_STAGE, "all", "open_worth_dollars", sum(marks) / ONE_DOLLAR_MICROS


def _bounds(db: sqlite3.Connection, asked: dict[str, list[Asked]], budget: float) -> Iterator[Row]:
    """What the present stage has shown of the mean net per contract: a confidence sequence at the question's level.

    Of the levels of its two answers the stricter one, as `evolve` asks for.
    """
    found = questions.discoveries(db)
    for agent, all_of_it in asked.items():
        now = next((one for one in all_of_it if one.kind == questions.STAGE and one.ended_at_ms is None), None)
        if now is None:
            continue
        seen = evidence_of(questions.evidence(db, [now.number]).get(now.number))
        others = min(questions.others(found, now, answer) for answer in (questions.GAIN, questions.LOSS))
        granted = level(now.place, others, budget)
        bounds = {"edge_low_dollars": seen.bets.lower(granted), "edge_high_dollars": seen.bets.upper(granted)}
        for metric, bound in bounds.items():
            if bound is not None:
                yield agent, now.stage, "all", metric, bound
        yield agent, now.stage, "all", "edge_level", granted
