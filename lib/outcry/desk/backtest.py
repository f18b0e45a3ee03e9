"""Run strategies over recorded days, check that they do not look ahead, and replay what a floor did."""

import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from outcry.desk import replaying
from outcry.desk.common import connect
from outcry.desk.reliving.again import relive
from outcry.domain.errors import Misconfigured
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.ops.bar import bar
from outcry.ops.floor import Floor
from outcry.research import lookahead, tape
from outcry.research.backtest import Terms
from outcry.research.backtesting import pictures
from outcry.research.backtesting.report import ENOUGH_EVENTS, Report, report_of
from outcry.research.sweep import Case, one, sweep
from outcry.research.tape import Day, Session
from outcry.store import agents, database
from outcry.strategies import catalogue

ALL = 1_000_000
BASELINE = "coin_flip"
EXITS = ("stop_loss_millionths", "take_profit_millionths", "hold_ms")


def run(
    floor: Floor,
    name: str,
    days: tuple[str, ...],
    changed: tuple[str, ...],
    *,
    latency_ms: int,
    proportional: bool,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Backtest a strategy or an agent, with coin_flip and its own entries held to settlement beside it."""
    strategy, parameters, allocation_micros = _who(floor, name)
    parameters |= settings_given(strategy, changed)
    terms = replace(terms_of(floor, allocation_micros), latency_ms=latency_ms, proportional=proportional)
    case = Case(strategy, parameters, terms)
    catalogue.build(strategy, parameters)
    files = tape.find(floor.tape, days)
    beside = {BASELINE: Case(BASELINE, {}, terms), "hold": replace(case, parameters=held(strategy, parameters))}
    with ProcessPoolExecutor(1) as pool:
        baselines = pool.submit(sweep, list(beside.values()), files, 1)
        with bar(name, _changes(files), quiet=floor.quiet) as more:
            result = one(case, files, _Steps(more))
        report = report_of(result)
        reports = dict(zip(beside, baselines.result(), strict=True))
    if plot is not None:
        pictures.draw(plot, f"{name} over {len(files)} days", result.equity, report)
    if as_json:
        shown = {"name": name, "strategy": strategy, "parameters": parameters, "tape": _digests(files)}
        beside_it = {label: one_report.plain() for label, one_report in reports.items()}
        click.echo(json.dumps({**shown, **report.plain(), "beside": beside_it}))
        return
    click.echo(text(name, report, reports, files))


def check(floor: Floor, strategy: str, days: tuple[str, ...]) -> int:
    """Whether a strategy looks ahead, or needs more history than it says; 1 when it does."""
    built = catalogue.build(strategy, {})
    with ExitStack() as stack:
        if days:
            sessions = [one for file in tape.find(floor.tape, days) for one in stack.enter_context(Day(file)).sessions]
            found = lookahead.check(built, sessions, terms_of(floor), _instants(sessions))
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            found = lookahead.on_made_up(built, lookahead.made_up(folder))
    for wrong in found.wrong:
        click.echo(f"{strategy}: {wrong}")
    if not floor.quiet and not found.wrong:
        click.echo(
            f"{strategy}: the same {found.looks:,} looks and {found.asked:,} questions to the gate,"
            " whatever the tape says later; its warm-up is enough"
        )
    return 1 if found.wrong else 0


def replay(floor: Floor, day: str, *, as_json: bool) -> int:
    """Do a day of this floor again, and say what came out otherwise: 1 when something did."""
    file = tape.find(floor.tape, (day,))[0]
    if not floor.database.exists():
        raise Misconfigured(f"no books in {floor.folder}", "replay needs the floor that recorded the tape")
    db = database.ready(floor.database)
    try:
        with Day(file) as read:
            lived = relive(db, floor.folder / "journal", floor.tape, read)
            done = replaying.again(db, read)
            errors = replaying.model_error(db, read, terms_of(floor))
    finally:
        db.close()
    differs = [*lived.differs, *done.differs]
    if as_json:
        found = {"lives": asdict(lived), "again": asdict(done), "model_error": [asdict(error) for error in errors]}
        click.echo(json.dumps(found))
        return 1 if differs else 0
    for number, what in enumerate(differs):
        click.echo(f"{'first difference' if not number else 'then'}: {what}")
    if not floor.quiet:
        same = "the rest is the same" if differs else "the same"
        click.echo(f"{lived.lives} lives run again, {lived.turns:,} turns, {lived.commands:,} commands: {same}")
        records = f"{done.decisions} decisions, {done.fills} fills with their fees, the money of {done.markets} markets"
        click.echo(f"{records}: {same}")
        for life, why in lived.could_not.items():
            click.echo(f"{life} was not run to its end: {why}")
        for why, count in done.could_not.items():
            click.echo(f"{count} not done again: {why}")
        if errors:
            click.echo(f"\nlive / backtest of the tape alone, at the measured {errors[0].latency_ms} ms:")
            columns = ["agent", "events", "fills", "ms to a fill", "net $", "difference $ an event (95 %)"]
            click.echo(tabulate([replaying.words(error) for error in errors], columns))
    return 1 if differs else 0


def _instants(sessions: Sequence[Session]) -> list[int]:
    """A third and two thirds of the way through the changes of each session."""
    found = []
    for session in sessions:
        starts = [table.column("at_ms")[0] for table in session.deltas()]
        found += [starts[len(starts) * part // 3] for part in (1, 2) if starts]
    return found


def held(strategy: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The same entries, held to settlement: exits of its own off, or so far away that none is met before."""
    known = {setting.name: setting for setting in catalogue.settings(strategy)}
    exits = [known[name] for name in EXITS if name in known]
    return parameters | {exit.name: None if exit.default is None else exit.high for exit in exits}


def terms_of(floor: Floor, allocation_micros: int | None = None) -> Terms:
    """What this floor's settings make of a backtest."""
    settings = floor.settings
    capital_micros = settings.local.deposit_dollars * ONE_DOLLAR_MICROS
    if allocation_micros is None:
        allocation_micros = capital_micros * settings.agents.production_share_millionths // ALL
    return Terms(
        publish_ms=settings.collector.publish_ms,
        capital_micros=capital_micros,
        allocation_micros=allocation_micros,
        limits=settings.risk,
        zone=settings.zone(),
        time_factor=settings.time_factor,
        expire_s=settings.orders.expire_s,
    )


def settings_given(strategy: str, changed: Sequence[str]) -> dict[str, Any]:
    """`name=value` as parameters. Raises Misconfigured for what is no whole number, or no setting."""
    found: dict[str, Any] = {}
    for pair in changed:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Misconfigured(f"--set {pair} has no value", "write it as name=value")
        try:
            found[name] = None if value.lower() == "none" else int(value)
        except ValueError:
            raise Misconfigured(f"--set {pair}: {value!r} is no whole number") from None
    catalogue.build(strategy, found)
    return found


def _who(floor: Floor, name: str) -> tuple[str, dict[str, Any], int | None]:
    """A strategy's name with nothing set, or what an agent of this floor runs with."""
    if name in catalogue.CATALOGUE:
        return name, {}, None
    if not floor.database.exists():
        catalogue.build(name, {})  # says what there is
    db = connect.books(floor)
    try:
        agent = agents.get(db, name)
    finally:
        db.close()
    return agent.strategy, dict(agent.parameters), agent.allocation_micros or None


def _digests(files: Sequence[Path]) -> dict[str, str]:
    """Which days, exactly: the digest of a compiled day, "" of one that still grows."""
    found = {}
    for file in files:
        with Day(file) as day:
            found[day.name] = day.manifest.get("digest", "")
    return found


def _changes(files: Sequence[Path]) -> int:
    """How many changes of books lie on these days."""
    total = 0
    for file in files:
        with Day(file) as day:
            total += tape.rows_of(day, "delta")
    return total


class _Steps:
    """Counts that grow, as the steps between them."""

    def __init__(self, more: tape.More) -> None:
        self._more, self._told = more, 0

    def __call__(self, _at_ms: int, changes: int) -> None:
        self._more(changes - self._told)
        self._told = changes


def text(name: str, report: Report, beside: dict[str, Report], files: Sequence[Path]) -> str:
    """The report for people."""
    columns = {name: report, **beside}
    rows = [[label, *(words(one_report) for one_report in columns.values())] for label, words in _ROWS]
    lines = [f"{name} over {len(files)} days: {files[0].stem} to {files[-1].stem}", ""]
    lines.append(tabulate(rows, ["", *columns], disable_numparse=True, colalign=("left", *("right",) * len(columns))))
    if not report.conclusive:
        lines += [
            "",
            f"{report.events} events: below {ENOUGH_EVENTS} no conclusion is possible, whatever stands above.",
        ]
    elif report.net_low is not None and report.net_high is not None and report.net_low <= 0 <= report.net_high:
        lines += ["", "The interval of the net result holds zero: this tape shows neither gain nor loss."]
    if report.calibration:
        lines += ["", "stated probabilities of YES (range, count, stated, came):"]
        lines += [
            f"  {one.low:.1f}-{one.low + 0.1:.1f}  {one.count:5}  {one.stated:.3f}  {one.came:.3f}"
            for one in report.calibration
        ]
    lines += ["", "why it did not enter, most often:"]
    lines += [f"  {count:8,}  {condition}" for condition, count in report.conditions.items()]
    lines += ["", "assumed:", *(f"  - {told}" for told in report.assumptions)]
    lines.append("  - hold: the same strategy without exits of its own; doing nothing makes $0.00")
    return "\n".join(lines)


def _money(value: float | None) -> str:
    return "-" if value is None else f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(low: str, high: str) -> str:
    return f"{low} to {high}" if "-" not in (low, high) else "-"


_ROWS = (
    ("events", lambda r: str(r.events)),
    ("trades (still open)", lambda r: f"{r.trades} ({r.open_trades})"),
    ("orders, refused by the gate", lambda r: f"{r.orders}, {r.refused}"),
    ("win rate (95 %)", lambda r: f"{_share(r.win_rate)} ({_between(_share(r.win_low), _share(r.win_high))})"),
    ("break-even win rate", lambda r: _share(r.break_even)),
    ("net result", lambda r: _money(r.net)),
    ("  95 %, by event", lambda r: _between(_money(r.net_low), _money(r.net_high))),
    ("gross, fees", lambda r: f"{_money(r.gross)}, {_money(r.fees)}"),
    ("open positions at their mark", lambda r: _money(r.open_value)),
    ("per contract", lambda r: _number(r.per_contract)),
    ("  shown at any time (95 %)", lambda r: _between(_number(r.contract_low), _number(r.contract_high))),
    ("per dollar at risk", lambda r: _number(r.per_dollar_at_risk)),
    ("Sharpe (period: one event)", lambda r: _number(r.sharpe)),
    ("max drawdown", lambda r: _money(r.max_drawdown)),
    ("at risk: most, mean while held", lambda r: f"{_money(r.max_at_risk)}, {_money(r.mean_at_risk)}"),
    ("maker share", lambda r: _share(r.maker_share)),
    ("slippage, cc", lambda r: _number(r.slippage_cc)),
    ("mark-outs 1 / 10 / 60 s, cc", lambda r: " / ".join(_number(value) for value in r.markouts_cc.values())),
    ("Brier (of the middle price)", lambda r: f"{_number(r.brier)} ({_number(r.brier_price)})"),
    ("worst day", lambda r: f"{_money(r.worst_day[1])} on {r.worst_day[0]}" if r.worst_day else "-"),
)
