"""The trading day: from midnight to midnight in the floor's zone, so 23 or 25 hours long twice a year."""

import sqlite3
from datetime import UTC, datetime

from outcry.domain.units import ONE_DOLLAR_MICROS, Money
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.review.reports.today import Day
from outcry.store import accounts, agents, settlements, system

PATIENCE_MS = 120_000  # markets that closed at midnight should have paid by then


def trading_day(settings: Settings, at_ms: int) -> Day:
    """The trading day that an instant belongs to, as much of it as has passed by then."""
    zone = settings.zone()
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    return Day(f"{local:%Y-%m-%d}", settings.time_zone, int(midnight.timestamp() * 1000), at_ms)


def priceless(db: sqlite3.Connection, settings: Settings, at_ms: int) -> bool:
    """Whether a new day had better not be rolled yet: markets just closed, often at midnight itself, and have not paid.

    Their books are empty, so what is held there would count as lost in the capital and as won right afterwards.
    """
    if at_ms - trading_day(settings, at_ms).from_ms >= PATIENCE_MS:
        return False
    held = accounts.net_positions(db)
    return any(ticker in held for ticker, _ in settlements.awaited(db, at_ms))


def roll(db: sqlite3.Connection, settings: Settings, at_ms: int) -> bool:
    """Fix the capital and every agent's equity at the first sight of a trading day; False when that was done.

    Newborn agents that were added before any capital was known get their birth share of it, as far as there is room;
    nobody whom a person left without.
    """
    day = trading_day(settings, at_ms).name
    capital = accounts.floor_equity_micros(db)
    if not accounts.record_day(db, day, capital, accounts.agent_equity_micros(db), at_ms):
        return False
    everyone = agents.everyone(db)
    room_micros = capital - sum(agent.allocation_micros for agent in everyone)
    for agent in everyone:
        share = min(birth_allocation_micros(settings, capital), room_micros)
        if agent.stage == "birth" and agent.allocation_micros == 0 and share > 0 and not _by_hand(db, agent.name):
            room_micros -= share
            evidence = {"capital_micros": capital}
            agents.set_allocation(db, agent.name, share, at_ms, rule="birth", evidence=evidence)
    system.event(db, "info", "clerk", "rolled_day", f"{day}: capital ${Money(capital)}", now_ms=at_ms)
    return True


def _by_hand(db: sqlite3.Connection, name: str) -> bool:
    return agents.last_time(db, name, "allocated")[0] == "person"


def capital_micros(db: sqlite3.Connection, floor: Floor) -> int:
    """The capital in force; before the first roll what the local exchange will deposit, and 0 elsewhere."""
    known = accounts.capital_micros(db)
    if known is not None:
        return known
    return floor.settings.local.deposit_dollars * ONE_DOLLAR_MICROS if floor.local else 0


def birth_allocation_micros(settings: Settings, capital_micros: int) -> int:
    """A newborn agent's share of the floor's capital."""
    return max(0, capital_micros) * settings.agents.birth_share_millionths // 1_000_000
