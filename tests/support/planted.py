"""A floor in a box on which one agent earns and one loses by construction, so that evolution has something to find.

What is planted, and all that is: the crowd of the local exchange sees the index half a window or a whole one late
(`crowd_lag_ms`), so its prices do not know what the index did meanwhile. `digital`, which prices a market by the index
as it is, buys what is cheap and earns; `mean_reversion`, which bets against each large move, buys what is dear and
loses. Both hold to the end. The limits that would stop a loser sooner are off, as `evolve` is what is looked at; its
own rules, its budget for false discoveries and the proof it asks for are the defaults, except where a plan says so.
Windows, look-backs, and the hours and days of those rules are shortened together (`time_factor`).
"""

import json
from dataclasses import dataclass

from boxed import NOUNS, STATE, TRADERS, Box

CRON = "/etc/cron.d/kalshi"
MIND = "/var/lib/kalshi.boss"
WINNER, LOSER = "digital", "mean_reversion"
TO_THE_END = ("stop_loss_millionths=1000000",)
NEVER_OUT = (*TO_THE_END, "take_profit_millionths=100000000", "hold_ms=86400000")
SETTINGS = """
environment = "embedded"
time_factor = {factor:.1f}
[local]
window_s = {window_s}
average_s = {average_s}
volatility = 6.0
jumps_per_hour = {jumps_per_hour}
seed = 7
crowd_lag_ms = {lag_ms}
deposit_dollars = 1000000
tier = "prestige"
[discovery]
series = {series}
underlying = {{ {underlying} }}
[agents]
first = {first}
[evolution]
{evolution}
[risk]
min_time_to_close_ms = {last_ms}
max_spread_and_fee_millionths = 1000000
max_positions = 10
orders_per_day = 100000
trades_per_day = 100000
per_agent_market_ch = 1000
agent_daily_loss_millionths = 500000
agent_drawdown_millionths = 1000000
losing_streak = 1000
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is shortened, and what is planted.

    factor     by how much windows, look-backs and the rules' hours are shortened; window_s: 900 s and this
    average_s  of the payment
    lag_ms     how late the crowd is
    last_ms    nobody enters later than this before the close
    assets     of the markets' series; their index jumps so often an hour
    first      agents beside the two that are planted, as their strategies are
    evolution  settings of the rules that differ from the defaults
    winner     settings of the planted two, beside exits that never come; loser too
    """

    factor: float
    window_s: int
    average_s: int
    lag_ms: int
    last_ms: int
    winner: tuple[str, ...]
    loser: tuple[str, ...]
    assets: tuple[str, ...]
    jumps_per_hour: float = 2.0
    first: tuple[str, ...] = ()
    evolution: str = ""

    def settings(self) -> str:
        series = {f"KX{asset}15M": f"{asset}-USD" for asset in self.assets}
        return SETTINGS.format(
            factor=self.factor,
            window_s=self.window_s,
            average_s=self.average_s,
            lag_ms=self.lag_ms,
            last_ms=self.last_ms,
            jumps_per_hour=self.jumps_per_hour,
            series=json.dumps(list(series)),
            underlying=", ".join(f'{ticker} = "{symbol}"' for ticker, symbol in series.items()),
            first=json.dumps(self.first),
            evolution=self.evolution,
        )


def plant(box: Box, plan: Plan) -> list[str]:
    """Begin anew with this floor; returns its traders. What a person does to it is over when this returns."""
    traders = [*plan.first, WINNER, LOSER]
    box("systemctl", "stop", "cron", "kalshi-*")
    box("systemctl", "--quiet", "disable", *(f"kalshi-trader@{name}" for name in TRADERS))
    box("rm", "-rf", STATE, MIND)
    box.write("/etc/kalshi/floor.toml", plan.settings())
    box("kalshi", "migrate", "--quiet")
    for name, settings in ((WINNER, (*plan.winner, *TO_THE_END)), (LOSER, (*plan.loser, *NEVER_OUT))):
        box("kalshi", "agent", "add", name, *(word for text in settings for word in ("--set", text)))
    box("systemctl", "--quiet", "enable", *(f"kalshi-trader@{name}" for name in traders))
    box("systemctl", "start", "cron", "kalshi-*")
    box.wait_for(lambda: set(box.states(running(traders))) == {"active"}, "every unit to be active")
    return traders


def running(traders: list[str]) -> list[str]:
    """Units of a floor with these traders."""
    return [*(f"kalshi-{noun}" for noun in NOUNS), *(f"kalshi-trader@{name}" for name in traders)]


@dataclass(frozen=True, slots=True)
class Deed:
    """A row of evolution_events."""

    at_ms: int
    agent: str
    rule: str
    act: str
    evidence: dict


def deeds(box: Box, agent: str | None = None) -> list[Deed]:
    """What was decided, oldest first."""
    found = box.query("SELECT at_ms, agent, rule, act, evidence FROM evolution_events ORDER BY id")
    rows = [Deed(at_ms, name, rule, act, json.loads(text)) for at_ms, name, rule, act, text in found]
    return [deed for deed in rows if agent in (None, deed.agent)]


def when(box: Box, agent: str, act: str) -> int:
    """When it was first done to an agent; 0 when it was not."""
    return next((deed.at_ms for deed in deeds(box, agent) if deed.act == act), 0)


def fills_of(box: Box, agent: str) -> int:
    return box.number(f"SELECT count(*) FROM booked_fills WHERE agent = '{agent}'")


def by_hand(box: Box, since_ms: int) -> list[str]:
    """Every trace of a person since then; there should be none."""
    persons = [f"{deed.act} {deed.agent}" for deed in deeds(box) if deed.rule == "person" and deed.at_ms > since_ms]
    asked = box.query("SELECT name FROM jobs WHERE due_at_ms IS NULL")
    controls = box.query(f"SELECT kind, scope, name FROM controls WHERE at_ms > {since_ms} AND cause = 'person'")
    judged = box.query("SELECT 'judged finding', finding_id FROM finding_ends WHERE how = 'person'")
    left = box.query("SELECT event, detail FROM system_events WHERE event = 'left_trader'")
    return [*persons, *(f"job {name}" for (name,) in asked), *map(str, [*controls, *judged, *left])]


def quicken(box: Box, every_s: int) -> None:
    """Cron knows no seconds: the installed lines of the judges and the boss once more, some seconds later each."""
    lines = box("cat", CRON).stdout.splitlines()
    more = [line for line in lines if line.startswith(("SHELL=", "PATH=", "MAILTO="))]
    for place, words in enumerate(("/score --quiet --due", "/evolve --quiet --due", "/hand.py ")):
        (line,) = [line for line in lines if words in line]
        *_, user, command = line.split(None, 6)
        more += [f"* * * * * {user} sleep {second}; {command}" for second in range(3 * place, 57, every_s)]
    box.write(f"{CRON}-quick", "\n".join([*more, ""]))
