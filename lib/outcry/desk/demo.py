"""A whole floor for a few minutes: exchange, collector, clerk, traders, judges, a clean stop, the report."""

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from outcry.desk import boss, dashboard
from outcry.desk.evolving.judges import Judges
from outcry.desk.report import reconciled
from outcry.domain.errors import Unavailable
from outcry.ops import floor as floors
from outcry.ops import settings as settings_file
from outcry.ops.children import Child, Children
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import HOME
from outcry.review.reports.today import Reconciled
from outcry.store import chain, database, findings, progress, system

START_PATIENCE_S = 30
LAST_LOOK_S = 20
LEAVES_S = 20.0  # the dashboard says goodbye to every open page
LINE_EVERY_S = 15  # when nobody watches
BOSS_EVERY_S = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `minutes` is None for a replay: it runs until the recording ends."""

    minutes: float | None
    replay: tuple[Path, ...] = ()
    speed: float = 1.0


class Stopped(click.Abort):
    """Somebody pressed Ctrl-C or sent SIGTERM. Where nothing runs any more, it just ends the program."""


def run(settings: Path, state: Path, plan: Plan) -> int:
    """Run it; returns 0 when at least one trade settled and the ledger reconciled, else 1 and says why."""
    _heed(_interrupt)
    settings = _own_settings(settings, state, plan)
    loaded = settings_file.load(settings)
    floor = floors.open_floor(loaded, state)
    options = ["--settings", str(settings), "--state", str(state)]
    children = Children(floor.folder / "log", options)
    crew, judges = boss.Crew(floor, children), Judges(Children(floor.folder / "log", options), loaded.time_factor)
    try:
        _start(floor, children, crew, plan, settings, state)
        faults = _watch(floor, children, crew, judges, plan)
        judges.stop()
        faults += [_obituary(child) for child in children.ended()]
        verdict = _replay_verdict(floor) if plan.replay else []
        children.stop(_traders(children))
        _last_look(floor, children, plan)
    except Stopped:
        _say("stopping")
        _stop(floor, children)
        _say(f"state kept in {floor.folder}")
        return 130
    except BaseException:
        _stop(floor, children)
        raise
    faults += _stop(floor, children)
    return _conclude(floor, settings, state, verdict, faults)


def _own_settings(settings: Path, state: Path, plan: Plan) -> Path:
    """A copy of the settings beside the state; a replay's look-backs are shortened by its speed, as its windows are."""
    text = settings.read_text() if settings.exists() else ""
    if plan.replay:
        line = f"time_factor = {plan.speed:g}"
        text, found = re.subn(r"(?m)^time_factor\s*=.*$", line, text)
        text = text if found else f"{line}\n{text}"
    state.mkdir(parents=True, exist_ok=True)
    own = state / "floor.toml"
    own.write_text(text)
    return own


def _interrupt(_number: int, _frame: object) -> None:
    raise Stopped


def _heed(how: Callable[[int, object], None] | signal.Handlers) -> None:
    """What a signal to leave does from now on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, how)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _start(floor: Floor, children: Children, crew: boss.Crew, plan: Plan, settings: Path, state: Path) -> None:
    """Everything in its order."""
    migrated = subprocess.run(
        [HOME / "bin" / "migrate", "--quiet", "--settings", settings, "--state", state], check=False
    )
    if migrated.returncode:
        raise Unavailable("bin/migrate failed", "its message stands above")
    if importlib.util.find_spec("flask"):
        _start_dashboard(floor, children)
    _describe(floor, plan)
    replay = [word for file in plan.replay for word in ("--replay", str(file))]
    children.start("exchange", "exchange", *replay, *(["--speed", f"{plan.speed:g}"] if replay else []))
    _until(floor.exchange_file.exists, children, "the exchange to listen")
    children.start("clerk", "clerk")
    children.start("auditor", "auditor")
    children.start("collector", "collector")
    started = crew.follow()
    _say(f"running exchange, collector, clerk, auditor and {len(started)} traders: {', '.join(started)}")


def _describe(floor: Floor, plan: Plan) -> None:
    """Where it keeps what it does, and in what it differs from a real floor."""
    settings = floor.settings
    _say(f"state in {floor.folder}")
    _say(f"windows and look-backs shortened by {settings.time_factor:g}")
    if plan.replay:
        count = f"{len(plan.replay)} recordings" if len(plan.replay) > 1 else plan.replay[0].name
        _say(f"replaying {count} at {plan.speed:g}x")
    else:
        _say(f"index volatility {settings.local.volatility:.0%} a year, seed {settings.local.seed}")


def _start_dashboard(floor: Floor, children: Children) -> None:
    """The page, first of all: at its usual address, or any free one. It fills as the others come."""
    address = floor.folder / dashboard.ADDRESS_FILE
    address.unlink(missing_ok=True)  # of one that was killed
    children.start("dashboard", "dashboard")
    _until(lambda: address.exists() and address.read_text().endswith("\n"), children, "the dashboard to listen")
    _say(f"look at it while it runs: {address.read_text().strip()}")


def _until(condition: Callable[[], bool], children: Children, what: str) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while not condition():
        if gone := children.ended():
            raise Unavailable(_obituary(gone[0]))
        if time.monotonic() > deadline:
            raise Unavailable(f"waited {START_PATIENCE_S} s for {what}", "see the logs in its state folder")
        time.sleep(0.05)


def _obituary(child: Child) -> str:
    if child.exit_code is not None and child.exit_code < 0:  # its last words know nothing of that
        return f"{child.name} was ended by signal {-child.exit_code} (log: {child.log})"
    return f"{child.name} ended with exit code {child.exit_code}: {child.last_words(1)} (log: {child.log})"


def _watch(floor: Floor, children: Children, crew: boss.Crew, judges: Judges, plan: Plan) -> list[str]:
    """A line of progress until the time is up, the recording has ended, or a program everybody needs is gone.

    Returns what there is to say of judges that failed.
    """
    started = time.monotonic()
    watched = sys.stderr.isatty()
    next_line, next_boss = started, started + BOSS_EVERY_S
    mourned: set[str] = set()
    faults: list[str] = []
    while True:
        elapsed = time.monotonic() - started
        if fault := judges.follow():
            faults.append(fault)
        for child in children.ended():
            if child.name not in mourned:
                mourned.add(child.name)
                _say(("\n" if watched else "") + _obituary(child))
        if mourned & {"exchange", "collector", "clerk"}:
            return faults
        over = elapsed >= plan.minutes * 60 if plan.minutes is not None else _replay_ended(floor)
        if over or time.monotonic() >= next_line:
            line = _line(elapsed, plan, _progress(floor))
            shown = f"\r{line[: shutil.get_terminal_size().columns - 1]}\033[K" if watched else line
            click.echo(shown, err=True, nl=not watched or over)
            next_line += 1 if watched else LINE_EVERY_S
        if over:
            return faults
        if time.monotonic() >= next_boss:
            crew.follow()
            next_boss += BOSS_EVERY_S
        time.sleep(0.1)


def _progress(floor: Floor) -> progress.Progress:
    """Opened anew each time: a connection made before the first writer would go on seeing the file as it lay."""
    db = database.read_only(floor.database)
    try:
        return progress.read(db)
    finally:
        db.close()


def _line(elapsed_s: float, plan: Plan, now: progress.Progress) -> str:
    clock = f"{int(elapsed_s) // 60}:{int(elapsed_s) % 60:02d}"
    whole = f" of {int(plan.minutes * 60) // 60}:{int(plan.minutes * 60) % 60:02d}" if plan.minutes is not None else ""
    ledger = {None: "not yet looked at", True: "agrees", False: "DIFFERS"}[now.reconciled]
    return (  # what matters most first: a narrow terminal cuts the rest
        f"{clock}{whole}  ledger {ledger}  settled {now.settled_markets:,} markets and {now.settled_trades:,} trades"
        f"  fills {now.fills:,}  orders {now.orders:,}  decisions {now.decisions:,}  publishes {now.publishes:,}"
    )


def _replay_ended(floor: Floor) -> bool:
    return bool(_exchange_facts(floor).get("ended"))


def _replay_verdict(floor: Floor) -> list[str]:
    """How the exchange's replayed books compare with the recording's own snapshots, tickers and settlements."""
    found = _exchange_facts(floor).get("replay")
    if not found:
        return ["the exchange did not finish the recording"]
    return [*found["lines"], f"replay     {'agrees' if found['agrees'] else 'DOES NOT AGREE'} with the recording"]


def _collector_verdict(floor: Floor) -> str:
    """How the collector's books, our orders in them, compare with the touch that each ticker stated."""
    db = database.read_only(floor.database)
    try:
        figures = next((beat.detail for beat in system.heartbeats(db) if beat.program == "collector"), {})
    finally:
        db.close()
    equal, other, deltas, gaps = (figures.get(key, 0) for key in ("tickers_equal", "tickers_other", "deltas", "gaps"))
    return f"collector  {equal} tickers equal its books, {other} differ; {deltas} changes applied, {gaps} gaps"


def _auditor_verdict(floor: Floor, faults: list[str]) -> str:
    """What the auditor found; a critical finding is a fault of the demo."""
    db = database.read_only(floor.database)
    try:
        ever, still = findings.count(db)
        faults += [f"finding: {kept.what}" for kept in findings.still_open(db) if kept.severity == "critical"]
        verified = chain.verify(db)
    finally:
        db.close()
    if verified.fault:
        faults.append(f"audit trail: {verified.fault}")
    return f"auditor    {ever} findings, {still} open; {verified.links} records in the audit trail"


def _exchange_facts(floor: Floor) -> dict[str, Any]:
    try:
        return json.loads(floor.exchange_file.read_text())
    except (OSError, ValueError):
        return {}


def _traders(children: Children) -> list[str]:
    return [name for name in children.all if name.startswith("trader@")]


def _stop(floor: Floor, children: Children) -> list[str]:
    """Traders first, then the rest; nobody hurries it. Returns what went wrong."""
    _heed(signal.SIG_IGN)
    killed = children.stop(["dashboard"], LEAVES_S) + children.stop(_traders(children))
    for name in ("collector", "auditor", "clerk", "exchange"):
        killed += children.stop([name])
    _heed(_interrupt)
    codes = [child for child in children.all.values() if child.exit_code not in (0, -signal.SIGKILL)]
    return [f"{name} had to be killed" for name in killed] + [_obituary(child) for child in codes]


def _last_look(floor: Floor, children: Children, plan: Plan) -> None:
    """With the traders gone, the clerk compares once more; where nothing settled yet, the open markets may end."""
    asked_at_ms, patience_s = now_ms(), LAST_LOOK_S
    waits = not plan.replay and not _progress(floor).settled_trades
    if waits:
        patience_s += floor.settings.local.window_s
        _say("no trade has settled yet: waiting for the open markets to end")
    deadline = time.monotonic() + patience_s
    while children.all["clerk"].exit_code is None and time.monotonic() < deadline:
        known = _reconciled(floor)
        if known.agreed and (known.at_ms or 0) > asked_at_ms and (not waits or _progress(floor).settled_trades):
            return
        time.sleep(0.1)


def _reconciled(floor: Floor) -> Reconciled:
    db = database.read_only(floor.database)
    try:
        return reconciled(db)
    finally:
        db.close()


def _conclude(floor: Floor, settings: Path, state: Path, verdict: list[str], faults: list[str]) -> int:
    for line in [*verdict, _collector_verdict(floor), _auditor_verdict(floor, faults)]:
        click.echo(line)
    click.echo()
    sys.stdout.flush()
    subprocess.run([HOME / "bin" / "report", "--today", "--settings", settings, "--state", state], check=False)
    if not _progress(floor).settled_trades:
        faults.append("no trade settled")
    if not _reconciled(floor).agreed:
        faults.append("the ledger was not seen to agree with the exchange")
    for fault in dict.fromkeys(faults):
        _say(f"demo: {fault}")
    _say("\nlook around in what it left:")
    _say(f"  export OUTCRY_SETTINGS={state}/floor.toml OUTCRY_STATE={state}")
    _say("  bin/why                        why it traded no more than that")
    _say("  bin/agent show momentum        one agent: parameters, history")
    _say("  bin/dashboard                  the same pages again")
    _say("and go on, with a floor that stays:")
    _say("  unset OUTCRY_SETTINGS OUTCRY_STATE; bin/migrate; bin/doctor")
    return 1 if faults else 0
