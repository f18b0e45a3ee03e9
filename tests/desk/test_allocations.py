"""Capital is handed out, never made: whatever rules, people and deposits do, in whatever order, no more is given."""

import random

import pytest

from account import T0
from outcry.desk import migrate
from outcry.desk.common.day import capital_micros
from outcry.desk.evolving import people, standings
from outcry.desk.evolving.acts import Acts
from outcry.domain.errors import Misconfigured
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.review.selection import Decision
from outcry.store import accounts, agents, database, report
from settled import MINUTE_MS, Played

FIRST_RECORDS = ("fills", "orders", "order_events", "decisions", "attributions", "settlements")
RULES = ("trial", "production", "clone", "retire", "shrink", "succeed")


class Capital:
    """A floor whose capital, agents and allocations change at random. `momentum` holds a position all the time."""

    def __init__(self, folder, seed):
        self.rng = random.Random(seed)
        self.floor = Floor(settings_file.parse({"evolution": {"agents": 9}}), folder, quiet=True)
        migrate.prepare(self.floor, T0)
        self.db = database.connect(self.floor.database)
        self.db.execute("PRAGMA synchronous = OFF")
        self.day, self.micros, self.at_ms = 1, 0, T0
        self.capital()
        Played(self.db).trade("momentum", "OPEN-1", at_ms=T0)

    def capital(self):
        """Another day begins, with another balance."""
        self.day += 1
        self.micros = self.rng.randrange(1_000_000, 2_000_000_000)
        accounts.record_day(self.db, f"2026-{1 + self.day // 28:02}-{1 + self.day % 28:02}", self.micros, {}, T0)

    def by_rule(self):
        """What a rule decided about somebody, as `evolve` does it."""
        acts = Acts(self.db, self.floor.settings, self.micros, self.at_ms)
        found = standings.read(self.db, self.floor.settings, self.micros, self.at_ms)
        if not found:
            return
        one = self.rng.choice(list(found.values()))
        name, allocated = one.standing.agent, one.standing.allocation_micros
        act = self.rng.choice(RULES)
        figures = {"allocation_micros": allocated // 2}
        if act == "succeed":
            figures = {"parent": self.rng.choice(list(found))}
        acts.apply(Decision(name, "at random", act, figures), one)

    def by_person(self):
        name = self.rng.choice([one.name for one in agents.everyone(self.db)])
        act = self.rng.choice(["allocate", "clone", "retire", "resurrect"])
        try:
            match act:
                case "allocate":
                    people.allocate(self.floor, name, self.rng.randrange(2_000_000_000), "at random")
                case "clone":
                    people.clone(self.floor, name, {}, "at random")
                case "retire" if name != "momentum":
                    people.retire(self.floor, name, "at random")
                case "resurrect":
                    people.resurrect(self.floor, name, "at random")
        except Misconfigured:
            pass

    def allocated(self):
        return sum(one.allocation_micros for one in agents.everyone(self.db))

    def records(self):
        return {table: self.db.execute(f"SELECT * FROM {table}").fetchall() for table in FIRST_RECORDS}


@pytest.mark.parametrize("seed", range(4))
def test_allocations_never_exceed_the_capital_and_break_no_position(tmp_path, seed):
    floor = Capital(tmp_path, seed)
    before, held = floor.records(), report.open_positions(floor.db)
    assert [item.agent for item in held] == ["momentum"]
    for _ in range(40):
        floor.at_ms += MINUTE_MS
        did = floor.rng.choice([floor.capital, floor.by_rule, floor.by_rule, floor.by_person])
        did()
        acts = Acts(floor.db, floor.floor.settings, capital_micros(floor.db, floor.floor), floor.at_ms)
        if did == floor.capital:
            acts.fit()
        acts.release()
        assert floor.allocated() <= floor.micros == capital_micros(floor.db, floor.floor)
        assert all(one.allocation_micros >= 0 for one in agents.everyone(floor.db))
    assert len({one["evidence"].get("allocation_micros") for one in agents.history(floor.db, "momentum")}) > 3
    assert floor.records() == before and report.open_positions(floor.db) == held
    floor.db.close()
