"""Print the report that was asked for."""

import csv
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import click

from outcry.desk.telling import spans
from outcry.desk.telling import whole as making
from outcry.domain.errors import Misconfigured
from outcry.domain.units import format_decimal
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import spoken
from outcry.ops.settings import Settings
from outcry.review.reports import lots, whole, whole_text
from outcry.store import agents, database, periods
from outcry.store import report as rows

PAGES = {
    "audit": whole_text.audit_text,
    "costs": whole_text.costs_text,
    "evolution": whole_text.evolution_text,
    "plot": whole_text.plot_text,
}
CSV = (
    "agent", "market", "side", "contracts", "acquired", "disposed", "how", "proceeds_dollars", "cost_dollars",
    "fees_dollars", "gain_dollars",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody wants to see. At most one of hour, day, week and since; `form`: text, json, csv, or a page."""

    hour: bool = False
    day: str = ""
    week: bool = False
    since: str = ""
    agent: str | None = None
    market: str | None = None
    form: str = "text"

    def span(self, settings: Settings, at_ms: int) -> whole.Span:
        if self.hour:
            return spans.hour(settings, at_ms)
        if self.day:
            return spans.day(settings, self.day, at_ms)
        if self.week:
            return spans.week(settings, at_ms)
        return spans.since(settings, self.since, at_ms) if self.since else spans.today(settings, at_ms)


def show(floor: Floor, ask: Ask) -> None:
    """Raises Misconfigured when there is no such agent or market, no such time, or no database yet."""
    at_ms = now_ms()
    span = ask.span(floor.settings, at_ms)
    with closing(database.ready(floor.database)) as db:
        if ask.agent is not None:
            agents.get(db, ask.agent)
        if ask.market is not None and not periods.known(db, ask.market):
            raise Misconfigured(f"no market {ask.market!r} on this floor", "a whole ticker, as bin/report shows it")
        if ask.form == "csv":
            with rows.one_instant(db):
                _write_lots(db, floor.settings, span, ask)
            return
        everything = ask.form == "json"
        made = making.build(db, floor, span, at_ms, agent=ask.agent, market=ask.market, everything=everything)
    text = as_text(made, ask.form)
    click.echo(text if ask.form == "json" else spoken(text))


def as_text(made: whole.Whole, form: str) -> str:
    """In the form that was asked for."""
    if form == "json":
        return json.dumps(whole.as_json(made), indent=2)
    return PAGES.get(form, whole_text.as_text)(made)


def _write_lots(db: sqlite3.Connection, settings: Settings, span: whole.Span, ask: Ask) -> None:
    """Closed lots as they are read: a year's does not have to fit into memory."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(CSV)
    for work in periods.work(db, span.from_ms, span.to_ms, ask.agent, ask.market):
        for lot in lots.closed(work.agent, work.fills, work.settlement):
            if span.from_ms <= lot.closed_at_ms < span.to_ms:
                out.writerow(row(lot, settings))


def row(lot: lots.Lot, settings: Settings) -> list[str]:
    """A lot with exact dollars and contracts, and times in the floor's zone."""
    zone = settings.zone()
    times = (datetime.fromtimestamp(at_ms // 1000, zone) for at_ms in (lot.acquired_at_ms, lot.closed_at_ms))
    money = (lot.proceeds_micros, lot.cost_micros, lot.fees_micros, lot.gain_micros)
    return [
        lot.agent, lot.ticker, lot.side, format_decimal(lot.count_ch, 2), *(one.isoformat() for one in times), lot.how,
        *(format_decimal(micros, 6) for micros in money),
    ]  # fmt: skip
