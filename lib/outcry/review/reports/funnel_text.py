"""The funnel for people: what holds the floor back first, then step by step, then what would have to change."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from outcry.domain.funnel import Step
from outcry.domain.units import format_decimal
from outcry.review.reports.funnel import Funnel, Lost, Stage
from outcry.review.reports.hindrances import Hindrance

WIDTH, REASONS = 100, 3
ASKED = {
    Step.SEEN: "looks at markets",
    Step.FREE: "free to enter",
    Step.TRUSTED: "with sound data",
    Step.SIGNAL: "wanted to trade",
    Step.EDGE: "worth the cost",
    Step.RISK: "within limits",
    Step.SENT: "orders left",
    Step.FILLED: "traded",
}
HEAD = 41  # where the reasons begin


def as_text(one: Funnel) -> str:
    """One screen."""
    return "\n".join(_lines(one))


def _lines(one: Funnel) -> Iterator[str]:
    whose = f"agent {one.agent}" if one.agent else f"market {one.ticker}" if one.ticker else "all agents"
    ends = datetime.fromtimestamp(one.now_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    yield f"why · {one.environment} · {whose} · {one.title} to {ends} UTC"
    yield ""
    yield from hindrance_lines(one.hindrances, one.now_ms, WIDTH) or wrapped("FREE", _free(one), WIDTH)
    if one.standing:
        yield from wrapped("MARKET", one.standing, WIDTH)
    yield ""
    yield f"{'step':<8}{'':<17}{'left':>9}  {'ended':>9}  why"
    for stage in one.stages:
        yield from _stage(stage)
    filled, exits = format_decimal(one.filled_ch, 2), f"{one.exits_sent:,} sent, {one.exits_filled:,} traded"
    yield f"{filled} contracts traded by these entries; exits, which nothing holds back: {exits}"
    if one.changes:
        yield ""
        yield "What would have to change for a trade to happen"
        for change in one.changes:
            step, _, said = change.partition(": ")
            yield from wrapped(f"  {step}", said, WIDTH)


def _free(one: Funnel) -> str:
    looked = f"{_many(one.agents, 'agent')} looked at {_many(one.markets, 'market')}"
    return f"Nothing holds the floor back: no halt, no pause, fresh prices. In this time {looked}."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def hindrance_lines(found: Sequence[Hindrance], now_ms: int, width: int, most: int = 1_000) -> list[str]:
    """Each whole, in wrapped lines under its kind; those beyond `most` lines are counted. The first is always told."""
    lines: list[str] = []
    for place, one in enumerate(found):
        told = wrapped(one.kind.upper(), one.said(now_ms), width)
        if lines and len(lines) + len(told) > most:
            return [*lines, f"{'':<13}and {len(found) - place} more: bin/why"]
        lines += told
    return lines


def wrapped(label: str, text: str, width: int) -> list[str]:
    """
    >>> wrapped("HALTED", "one two three", 20)
    ['HALTED       one two', '             three']
    """
    return textwrap.wrap(text, width, initial_indent=f"{label:<13}", subsequent_indent=" " * 13, break_on_hyphens=False)


def _stage(stage: Stage) -> Iterator[str]:
    ended = sum(lost.count for lost in stage.lost)
    head = f"{stage.step:<8}{ASKED[stage.step]:<17}{stage.left:>9,}  {f'{ended:,}' if ended else '':>9}  "
    reasons = [_reason(lost) for lost in stage.lost[:REASONS]]
    rest = stage.lost[REASONS:]
    if rest:
        reasons.append(f"{sum(lost.count for lost in rest):,} for {_many(len(rest), 'other reason')}")
    if not reasons:
        yield head.rstrip()
        return
    for number, reason in enumerate(reasons):
        begin = head if number == 0 else " " * len(head)
        yield from textwrap.wrap(
            reason, WIDTH, initial_indent=begin, subsequent_indent=" " * (len(head) + 2), break_on_hyphens=False
        )


def _reason(lost: Lost) -> str:
    near = ", the nearest" if lost.nearest is not None and lost.count > 1 else ""
    return f"{lost.count:,} {lost.what}{near}"
