"""Why nothing happened, or not more: the funnel from market to trade in a stretch of time, and what holds it back."""

import difflib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict

import click

from outcry.desk.telling import hindrances, spans
from outcry.domain.errors import Misconfigured
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.review.reports import funnel
from outcry.review.reports.change import changes
from outcry.review.reports.funnel import Funnel
from outcry.review.reports.funnel_text import as_text
from outcry.review.reports.hindrances import Hindrance
from outcry.review.reports.today_text import span
from outcry.signals.history import shortened_ms
from outcry.store import agents, database
from outcry.store import funnel as rows
from outcry.store import report as instants
from outcry.store.looks import MINUTE_MS
from outcry.strategies import catalogue

VERSION = 1
DAY_MS = 24 * spans.HOUR_MS
NOT_A_SIGNAL = ("stake_millionths", "stop_loss_millionths", "take_profit_millionths", "hold_ms")


def run(floor: Floor, name: str, *, since: str, day: bool, as_json: bool) -> None:
    """Print it.

    name    an agent's or a market's; "" for all
    since   a date or a time; "" for the last hour, or with `day` the last 24 hours
    raises  Misconfigured when there is no such agent or market, or no such time
    """
    at_ms = now_ms()
    if since:
        from_ms, title = spans.since(floor.settings, since, at_ms).from_ms, f"since {since}"
    else:
        from_ms, title = (at_ms - DAY_MS, "the last 24 hours") if day else (at_ms - spans.HOUR_MS, "the last hour")
    with closing(database.ready(floor.database)) as db, instants.one_instant(db):
        found = build(db, floor, name, from_ms, at_ms, title)
    click.echo(json.dumps(as_json_of(found), indent=1) if as_json else as_text(found))


def build(db: sqlite3.Connection, floor: Floor, name: str, from_ms: int, at_ms: int, title: str) -> Funnel:
    """The funnel as of an instant, since the minute in which `from_ms` lies: looks are counted by the minute."""
    from_ms = from_ms // MINUTE_MS * MINUTE_MS
    agent, ticker = _named(db, name)
    everyone = agents.everyone(db)
    names = [agent] if agent else [one.name for one in everyone]
    looked, decided = rows.looks(db, from_ms, agent, ticker), rows.decided(db, from_ms, names, ticker)
    exits = rows.exits(db, from_ms, names, ticker)
    held = _concerning(hindrances.gather(db, floor, at_ms, retired=agent or ""), agent, ticker)
    stages = funnel.stages(looked, decided)
    acts_on = {one.name: _thresholds(one, floor.settings.time_factor) for one in everyone}
    return Funnel(
        environment=floor.settings.environment,
        title=title,
        now_ms=at_ms,
        from_ms=from_ms,
        agent=agent,
        ticker=ticker,
        hindrances=tuple(held),
        standing=_standing(db, ticker, at_ms) if ticker else "",
        agents=len({one.agent for one in looked} | {one.agent for one in decided}),
        markets=len({one.ticker for one in looked} | {one.ticker for one in decided}),
        stages=stages,
        filled_ch=sum(one.filled_ch for one in decided),
        exits_sent=exits.sent,
        exits_filled=exits.filled,
        changes=changes(stages, held, acts_on),
    )


def as_json_of(found: Funnel) -> dict[str, object]:
    """The documented form (docs/why.md)."""
    told = asdict(found)
    told["hindrances"] = [asdict(one) | {"said": one.said(found.now_ms)} for one in found.hindrances]
    return {"v": VERSION, **told}


def _named(db: sqlite3.Connection, name: str) -> tuple[str | None, str | None]:
    """(agent, None) or (None, ticker); (None, None) for nobody in particular."""
    if not name:
        return None, None
    known = [one.name for one in agents.everyone(db)]
    if name in known:
        return name, None
    if rows.place(db, name.upper()) is not None:
        return None, name.upper()
    markets = rows.tickers(db)
    near = difflib.get_close_matches(name, known, n=1) or difflib.get_close_matches(name.upper(), markets, n=1)
    mend = f"did you mean {near[0]}?" if near else f"agents here: {', '.join(known) or 'none yet'}"
    raise Misconfigured(f"no agent and no market is called {name!r}", mend)


def _concerning(found: Sequence[Hindrance], agent: str | None, ticker: str | None) -> list[Hindrance]:
    """What holds everybody, and whom or where somebody asks about."""
    if agent:
        return [one for one in found if one.scope in ("floor", "program") or (one.scope, one.name) == ("agent", agent)]
    if ticker:
        return [one for one in found if one.scope != "market" or one.name == ticker]
    return list(found)


def _standing(db: sqlite3.Connection, ticker: str, at_ms: int) -> str:
    """How a market stands just now, in a sentence; first what stands against entering it."""
    found = rows.place(db, ticker)
    if found is None:
        return f"Nothing is known of {ticker}."
    if found.status != "active":
        return f"{ticker} is {found.status}: nobody can trade there."
    if at_ms < found.open_at_ms:
        return f"{ticker} opens in {span(found.open_at_ms - at_ms)}."
    if at_ms >= found.close_at_ms:
        return f"{ticker} closed {span(at_ms - found.close_at_ms)} ago."
    if not found.subscribed:
        return f"{ticker} is not followed: discovery did not choose it, or let it go (bin/score --markets ranks them)."
    if found.trusted is None:
        return f"No book of {ticker} has come yet."
    if not found.trusted:
        return f"The book of {ticker} is not trusted: {found.distrust or 'no reason given'}."
    return f"{ticker} trades: open, followed, its book sound; it closes in {span(found.close_at_ms - at_ms)}."


def _thresholds(agent: agents.Agent, time_factor: float) -> str:
    """What an agent's strategy acts on, with its own settings."""
    if agent.strategy not in catalogue.names():
        return ""
    told = []
    for setting in catalogue.settings(agent.strategy):
        value = agent.parameters.get(setting.name, setting.default)
        if setting.name in NOT_A_SIGNAL or value is None:
            continue
        told.append(f"{setting.name.removesuffix(f'_{setting.unit}').replace('_', ' ')} "
                    f"{_valued(int(value), setting.unit, time_factor)}")  # fmt: skip
    return f"acts on {', '.join(told)}" if told else ""


def _valued(value: int, unit: str, time_factor: float) -> str:
    """A setting's value for people.

    >>> _valued(300_000, "ms", 1.0), _valued(5_000, "millionths", 1.0), _valued(300, "cc", 1.0), _valued(3, "bars", 1.0)
    ('5 min', '0.5 %', '3 ¢', '3 bars')
    """
    match unit:
        case "ms":
            return span(shortened_ms(value, time_factor))
        case "millionths":
            return f"{value / 10_000:g} %"
        case "cc":
            return f"{value / 100:g} ¢"
        case "ch":
            return f"{value / 100:g} contracts"
    return f"{value} {unit}"
