"""One run of `evolve` after another on a real database: who moves, what it gets, and what is written down."""

import random

import pytest

from account import T0
from outcry.desk import agent, boss, evolve, migrate
from outcry.desk.clerking.breakers import Breakers
from outcry.desk.evolving import people, spent, standings
from outcry.desk.scoring import agents as scoring
from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.store import accounts, agents, database, exposure, findings, looks, peaks, proposals, questions
from outcry.strategies import catalogue
from proposed import propose
from settled import MINUTE_MS, Played

HOUR_MS, DAY_MS = 60 * MINUTE_MS, 1_440 * MINUTE_MS
CAPITAL_MICROS = 1_000_000_000


class Evolving:
    """A floor with its agents, a history that grows, and runs of score and evolve."""

    def __init__(self, folder, raw=None):
        self.floor = Floor(settings_file.parse({"evolution": raw or {}}), folder, quiet=True)
        migrate.prepare(self.floor, T0)
        self.db = database.connect(self.floor.database)
        self.db.execute("PRAGMA synchronous = OFF")
        accounts.record_day(self.db, "2026-11-01", CAPITAL_MICROS, {}, T0)
        self.played, self.events = Played(self.db), 0

    def trade(self, agent, won, at_ms, price_cc=5_000):
        self.events += 1
        self.played.bet(agent, f"E{self.events}", won, price_cc, at_ms)

    def series(self, agent, wins, losses, at_ms, price_cc=5_000):
        """In a shuffled order, a second apart."""
        outcomes = [True] * wins + [False] * losses
        random.Random(wins).shuffle(outcomes)
        for number, won in enumerate(outcomes):
            self.trade(agent, won, at_ms + 1_000 * number, price_cc)

    def run(self, at_ms):
        scoring.take_in(self.db, scoring.Spans.of(1))
        looks.add(self.db, "momentum", {("T", at_ms - MINUTE_MS, "no volume spike", "signal"): 1})
        return evolve.once(self.db, self.floor, at_ms)

    def get(self, name="momentum"):
        return agents.get(self.db, name)

    def last(self, name="momentum"):
        return agents.history(self.db, name)[-1]

    def in_trial(self, name="momentum", at_ms=T0):
        agents.set_stage(self.db, name, "trial", at_ms, rule="test", act="promoted", evidence={})

    def found(self, at_ms, name="momentum"):
        return standings.read(self.db, self.floor.settings, CAPITAL_MICROS, at_ms)[name]


@pytest.fixture
def floor(tmp_path):
    made = Evolving(tmp_path)
    yield made
    made.db.close()


def test_ten_settled_trades_lead_to_trial_whatever_they_earned(floor):
    floor.series("momentum", 2, 7, T0)
    assert floor.run(T0 + HOUR_MS) == []
    floor.trade("momentum", False, T0 + HOUR_MS)
    assert floor.run(T0 + 2 * HOUR_MS) == ["momentum: promoted to trial (ten settled trades)"]
    assert (floor.get().stage, floor.get().allocation_micros) == ("trial", 30_000_000)
    promoted, allocated = agents.history(floor.db, "momentum")[-2:]
    assert (promoted["rule"], promoted["act"], promoted["evidence"]["settled"]) == (
        "ten settled trades",
        "promoted",
        10,
    )
    assert promoted["evidence"]["evidence"]["net_dollars"] == pytest.approx(2 * 0.49 - 8 * 0.51)
    assert (allocated["act"], allocated["evidence"]["allocation_micros"]) == ("allocated", 30_000_000)
    assert floor.run(T0 + 3 * HOUR_MS) == ["momentum: flagged (losing day)"], "each run decides once about an agent"


def test_a_clone_is_what_was_proposed_while_there_is_a_proposal_that_fits(floor):
    floor.in_trial()
    floor.series("momentum", 120, 20, T0 + HOUR_MS)
    taken = propose(floor.db, {"lookback_ms": 90_000})
    propose(floor.db, {"lookback_ms": 120_000}, study="b", recommended=False)
    propose(floor.db, {"stake_millionths": 20_000}, study="c")  # what the parent is already
    assert floor.run(T0 + 8 * DAY_MS) == ["momentum: promoted to production (proven gain)"]
    floor.series("momentum", 60, 10, T0 + 8 * DAY_MS)
    done = floor.run(T0 + 8 * DAY_MS + HOUR_MS)
    assert len(done) == 1
    assert f"cloned as momentum-2: from proposal {taken}, lookback_ms 300000 -> 90000 (" in done[0]
    assert floor.last()["evidence"]["proposal"] == taken
    kept = proposals.get(floor.db, taken)
    assert kept.taken_as == "momentum-2" and kept.taken_by == floor.last()["rule"]
    assert "from proposal" not in floor.run(T0 + 8 * DAY_MS + HOUR_MS)[0], "nothing else is recommended: it varies"
    assert floor.get("momentum-3").parameters.get("lookback_ms") != 120_000


def test_an_open_finding_about_an_agent_keeps_it_where_it_is(floor):
    floor.series("momentum", 5, 5, T0)
    number = findings.keep(floor.db, "stops", "momentum held on", "critical", "momentum never exits", {}, "look", T0)
    assert floor.run(T0 + HOUR_MS) == []
    findings.end(floor.db, number, findings.GONE, "", T0)
    assert floor.run(T0 + HOUR_MS) == ["momentum: promoted to trial (ten settled trades)"]


def test_a_proven_gain_is_promoted_and_cloned_and_capital_has_an_end(floor):
    floor.in_trial()
    floor.series("momentum", 60, 10, T0 + HOUR_MS)
    assert [line for line in floor.run(T0 + 6 * DAY_MS) if "production" in line] == [], "seven days of trial"
    assert floor.run(T0 + 8 * DAY_MS) == ["momentum: promoted to production (proven gain)"]
    assert floor.get().allocation_micros == 100_000_000
    evidence = next(one for one in agents.history(floor.db, "momentum") if one["act"] == "promoted" and
                    one["rule"] == "proven gain")["evidence"]  # fmt: skip
    assert evidence["edge_log_gain"] > evidence["edge_needs"] and evidence["evidence"]["low_dollars"] >= 0
    floor.series("momentum", 60, 10, T0 + 8 * DAY_MS)
    done = floor.run(T0 + 8 * DAY_MS + HOUR_MS)
    assert len(done) == 1 and done[0].startswith("momentum: cloned as momentum-2: ")
    child = floor.get("momentum-2")
    assert (child.stage, child.parent, child.generation, child.allocation_micros) == (
        "birth",
        "momentum",
        1,
        10_000_000,
    )
    changed = {key for key, value in child.parameters.items() if floor.get().parameters.get(key) != value}
    assert 1 <= len(changed) <= 3
    catalogue.build("momentum", child.parameters)
    for _ in range(5):
        floor.run(T0 + 8 * DAY_MS + HOUR_MS)
    assert [one.name for one in agents.everyone(floor.db) if one.parent] == ["momentum-2", "momentum-3", "momentum-4"]
    assert sum(one.allocation_micros for one in agents.everyone(floor.db)) <= CAPITAL_MICROS
    assert "momentum-4" in boss.wanted(floor.floor)
    assert len(questions.discoveries(floor.db)) == 2, "a question is answered once: trial's and production's"
    made = {one.question: one for one in spent.read(floor.db, 0.1)}
    gain = made["does its stage gain?"]
    assert (gain.asked, gain.yes, gain.spent) == (2, 2, 2 / 3)
    assert gain.granted == pytest.approx(2 * 0.1 / 2 + 2 * 0.1 / 6), "each sees the other's yes"
    assert gain.next_level == pytest.approx(3 * 0.1 / 12)


def test_what_is_not_left_is_not_granted(floor):
    agents.set_allocation(floor.db, "coin_flip", CAPITAL_MICROS - 35_000_000, T0, rule="test", evidence={})
    floor.series("momentum", 5, 5, T0)
    floor.run(T0 + HOUR_MS)
    assert floor.get().allocation_micros == 15_000_000, "30 were its share; the others have all but 15"
    assert sum(one.allocation_micros for one in agents.everyone(floor.db)) == CAPITAL_MICROS


def test_allocations_follow_a_capital_that_fell(floor):
    agents.set_allocation(floor.db, "momentum", 500_000_000, T0, rule="test", evidence={})
    accounts.record_day(floor.db, "2026-11-02", 265_000_000, {}, T0)
    assert floor.run(T0 + HOUR_MS) == [
        "all allocations cut to the floor's capital: coin_flip, mean_reversion, momentum, volume_spike"
    ]
    left = {one.name: one.allocation_micros for one in agents.everyone(floor.db)}
    assert left["momentum"] == 250_000_000 and sum(left.values()) == 265_000_000
    assert floor.run(T0 + 2 * HOUR_MS) == []


def test_the_floor_has_so_many_agents_and_no_more(tmp_path):
    floor = Evolving(tmp_path, {"agents": 5})
    for name in ("momentum", "volume_spike"):
        floor.in_trial(name)
        floor.series(name, 60, 10, T0 + HOUR_MS)
    done = floor.run(T0 + DAY_MS)
    assert len(done) == 1 and "cloned" in done[0]
    floor.db.close()


def test_a_loser_is_flagged_then_retired_and_its_capital_comes_back(floor):
    floor.in_trial()
    floor.series("momentum", 4, 36, T0 + HOUR_MS)
    assert floor.run(T0 + 4 * HOUR_MS) == ["momentum: flagged (losing day)"]
    assert floor.run(T0 + 5 * HOUR_MS) == ["momentum: retired (flagged, proven loss or a month behind)"]
    event = floor.last()
    assert event["evidence"]["edge_log_loss"] > event["evidence"]["edge_needs"]
    assert (floor.get().stage, floor.get().flagged) == ("retired", False)
    floor.played.trade("momentum", "OPEN-1", at_ms=T0)
    assert floor.run(T0 + 6 * HOUR_MS) == [] and "momentum" in boss.wanted(floor.floor)
    floor.played.settle("OPEN-1", 0)
    assert floor.run(T0 + 7 * HOUR_MS) == ["momentum: retired and flat, its capital is free"]
    assert floor.get().allocation_micros == 0 and "momentum" not in boss.wanted(floor.floor)


def test_who_wins_four_of_five_and_loses_money_is_flagged_by_the_proof_then_retired(floor):
    """At 90 c it would need nine of ten: no day of it looks bad by its win rate."""
    floor.in_trial()
    for day in range(6):
        floor.series("momentum", 64, 16, T0 + day * DAY_MS + HOUR_MS, price_cc=9_000)
    scoring.take_in(floor.db, scoring.Spans.of(1))
    now_ms = T0 + 5 * DAY_MS + 4 * HOUR_MS
    one = floor.found(now_ms).standing
    assert one.day_won / one.day_settled > 0.6 and one.edge.loses and one.edge.high_dollars <= 0
    assert floor.run(now_ms) == ["momentum: flagged (proven loss)"]
    assert ("stage", "loss") in {found[1:] for found in questions.discoveries(floor.db)}
    assert floor.last()["evidence"]["edge_high_dollars"] <= 0
    assert floor.run(now_ms + HOUR_MS) == ["momentum: retired (flagged, proven loss or a month behind)"]


def test_an_agent_behind_for_a_month_is_retired_unless_it_was_starved(floor):
    agents.set_flagged(floor.db, "momentum", True, T0, rule="test", evidence={})
    agents.set_flagged(floor.db, "volume_spike", True, T0, rule="test", evidence={})
    for name in ("momentum", "volume_spike"):
        floor.trade(name, False, T0 + HOUR_MS)
    then_ms = T0 + 31 * DAY_MS
    looks.add(floor.db, "volume_spike", {("T", then_ms - MINUTE_MS, "history of prints too short", "trusted"): 10})
    done = floor.run(then_ms)
    assert done == ["momentum: retired (flagged, proven loss or a month behind)"]
    assert floor.found(then_ms, "volume_spike").standing.starved == (
        "in 100 % of its looks of the last week it could not trade, most often: history of prints too short"
    )
    assert floor.found(then_ms, "coin_flip").standing.starved == "it looked at no market in the last week"


@pytest.mark.parametrize(
    ("looked", "starved"),
    [
        ({("no volume spike", "signal"): 10}, ""),
        ({("no volume spike", "signal"): 10, ("history of prints too short", "trusted"): 10}, ""),
        ({("no volume spike", "signal"): 10, ("history of prints too short", "trusted"): 11}, "52 % of its looks"),
        ({("state ERROR", "free"): 3, ("no volume spike", "signal"): 1}, "state ERROR"),
        ({("floor halted", "free"): 1}, "floor halted"),
        ({("agent paused", "free"): 1}, "agent paused"),
        ({("cooling down after an intent", "free"): 1}, ""),
    ],
)
def test_who_could_not_trade_is_told_from_who_would_not(floor, looked, starved):
    now_ms = T0 + 40 * DAY_MS
    for (condition, step), times in looked.items():
        looks.add(floor.db, "momentum", {("T", now_ms - HOUR_MS, condition, step): times})
    said = floor.found(now_ms).standing.starved
    assert starved in said and bool(said) == bool(starved)


def test_one_good_day_after_a_week_without_data_makes_nobody_behind(floor):
    now_ms = T0 + 40 * DAY_MS
    hungry, fed = ("history of prints too short", "trusted"), ("no volume spike", "signal")
    looks.add(floor.db, "momentum", {("T", now_ms - MINUTE_MS, *fed): 10})
    looks.add(floor.db, "momentum", {("T", now_ms - 8 * DAY_MS, *hungry): 1_000})
    assert floor.found(now_ms).standing.starved == "", "so long ago is not looked at"
    looks.add(floor.db, "momentum", {("T", now_ms - 6 * DAY_MS, *hungry): 11})
    assert "of the last week" in floor.found(now_ms).standing.starved
    looks.add(floor.db, "momentum", {("T", now_ms - 5 * DAY_MS, *fed): 100, ("T", now_ms - HOUR_MS, *hungry): 11})
    assert "of the last day" in floor.found(now_ms).standing.starved


def test_a_proven_gain_since_takes_a_flag_off(floor):
    floor.in_trial()
    agents.set_flagged(floor.db, "momentum", True, T0, rule="test", evidence={})
    floor.series("momentum", 40, 5, T0 + HOUR_MS)
    done = []
    while not any("flag taken off" in line for line in done):
        more = floor.run(T0 + 2 * DAY_MS)
        assert more, done
        done += more
    assert not floor.get().flagged


def test_a_poor_week_halves_an_allocation_and_who_loses_by_then_is_flagged_and_retired(floor):
    floor.in_trial()
    agents.set_allocation(floor.db, "momentum", 50_000_000, T0, rule="test", evidence={})
    for day in range(7):
        floor.series("momentum", 20 + day % 3, 20, T0 + day * DAY_MS + HOUR_MS, price_cc=6_500)
    now_ms = T0 + 6 * DAY_MS + 12 * HOUR_MS
    assert floor.run(now_ms) == ["momentum: allocation halved to $25.00 (poor week, proven)"]
    assert floor.last("momentum")["evidence"]["from_micros"] == 50_000_000
    halved = floor.found(now_ms + HOUR_MS).standing
    assert halved.daily.loses and halved.week_sharpe < 0.5 and halved.shrunk_at_ms == now_ms
    assert floor.run(now_ms + HOUR_MS) == ["momentum: flagged (proven loss)"], "once in a week is enough"
    assert floor.run(now_ms + 2 * HOUR_MS) == ["momentum: retired (flagged, proven loss or a month behind)"]


def test_a_week_of_silence_is_no_poor_week(floor):
    floor.in_trial()
    agents.set_allocation(floor.db, "momentum", 50_000_000, T0, rule="test", evidence={})
    floor.series("momentum", 60, 60, T0 + HOUR_MS, price_cc=6_500)
    assert floor.run(T0 + 9 * DAY_MS) == ["momentum: flagged (proven loss)"], "what is proven stays so"
    assert floor.found(T0 + 9 * DAY_MS).standing.week_sharpe is None


def test_a_drawdown_pauses_and_time_resumes(floor):
    agents.set_allocation(floor.db, "momentum", 100_000_000, T0, rule="test", evidence={})
    peaks.highest_micros(floor.db, "agent", "momentum", 50_000_000, since_ms=T0, begin_micros=0, now_ms=T0)
    floor.trade("momentum", False, T0)
    assert floor.run(T0 + HOUR_MS) == ["momentum: paused (drawdown)"]
    assert floor.last()["evidence"]["drawdown_millionths"] == 50_510_000 * 1_000_000 // 150_000_000
    assert floor.run(T0 + 29 * DAY_MS) == []
    assert floor.run(T0 + 31 * DAY_MS) == ["momentum: resumed (pause outlived)"]


def test_a_clone_that_is_ahead_takes_its_parents_allocation(floor):
    people.clone(floor.floor, "momentum", {"stake_millionths": 10_000}, "test")
    agents.set_allocation(floor.db, "momentum", 100_000_000, T0, rule="test", evidence={})
    born_ms = floor.get("momentum-2").created_at_ms
    for number in range(80):
        event, at_ms = f"P{number}", born_ms + 1_000 * (number + 1)
        floor.played.trade("momentum", f"{event}-1", 6_000, at_ms=at_ms)
        floor.played.trade("momentum-2", f"{event}-2", 4_000, at_ms=at_ms)
        floor.played.settle(f"{event}-1", 0, at_ms + MINUTE_MS)
        floor.played.settle(f"{event}-2", 10_000, at_ms + MINUTE_MS)
    done = [line for hour in range(1, 4) for line in floor.run(born_ms + hour * HOUR_MS)]
    assert "momentum-2: took the allocation of momentum (ahead of its parent, proven)" in done, done
    assert floor.get("momentum-2").allocation_micros == 100_000_000


def test_who_is_brought_back_answers_for_what_it_loses_from_then_on(floor, capsys):
    """It had lost thirty times its share of a birth; with that on its account it could never trade again."""
    floor.played.trade("momentum", "OLD-1", 5_000, count_ch=60_000)
    floor.played.settle("OLD-1", 0)
    assert exposure.read(floor.db, "momentum", "T", 0).agent_lost_micros > 300_000_000
    people.retire(floor.floor, "momentum", "lost too much")
    people.resurrect(floor.floor, "momentum", "another chance")
    breakers = Breakers(floor.db, Limits(), 1.0)
    back_ms = floor.last()["at_ms"]
    breakers.look(back_ms + 1_000)
    back = floor.get()
    assert (back.stage, back.paused, back.allocation_micros) == ("birth", False, 10_000_000)
    assert floor.found(back_ms + 2_000).standing.drawdown_millionths == 0
    assert exposure.read(floor.db, "momentum", "T", 0).agent_lost_micros == 0
    agent.ls(floor.floor, as_json=False)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("momentum ")]
    assert line.split()[3:5] == ["10.00", "10.00"], "allocation and equity"
    floor.played.trade("momentum", "NEW-1", 5_000, count_ch=1_600)
    floor.played.settle("NEW-1", 0)
    assert exposure.read(floor.db, "momentum", "T", 0).agent_lost_micros == 8_010_000
    assert floor.found(back_ms + 3_000).standing.drawdown_millionths == 0, "less than one order may cost"
    floor.played.trade("momentum", "NEW-2", 5_000, count_ch=400)
    floor.played.settle("NEW-2", 0)
    breakers.look(back_ms + 4_000)
    assert floor.get().paused, "it lost its whole allocation"


def test_what_a_person_decided_stands_for_a_while(floor):
    agents.set_paused(floor.db, "momentum", True, reason="mine", now_ms=T0, rule="person")
    floor.series("momentum", 5, 5, T0)
    assert floor.run(T0 + HOUR_MS) == []
    assert floor.run(T0 + 8 * DAY_MS) == ["momentum: promoted to trial (ten settled trades)"]


def test_a_dry_run_and_an_explanation_write_nothing(floor, capsys):
    floor.series("momentum", 2, 8, T0)
    scoring.take_in(floor.db, scoring.Spans.of(1))
    before = list(floor.db.iterdump())
    evolve.dry_run(floor.floor)
    assert "momentum: trial (ten settled trades)" in capsys.readouterr().out
    evolve.explain(floor.floor, "momentum")
    said = capsys.readouterr().out
    assert "  trial      ten settled trades: applies" in said and "  starved    not punished: it looked at no" in said
    assert list(floor.db.iterdump()) == before
    with pytest.raises(Misconfigured, match="agents here"):
        evolve.explain(floor.floor, "nobody")


def test_the_budget_is_told(floor, capsys):
    floor.in_trial()
    floor.series("momentum", 40, 5, T0)
    floor.run(T0 + HOUR_MS)
    spent.show(floor.floor)
    told = capsys.readouterr().out.splitlines()
    assert told[2].split() == ["does", "its", "stage", "gain?", "1", "1", "50.0%", "0.05", "3.3e-02"]
    assert told[-2] == "Each question has a budget of its own: of its yes at most 10% are expected to be wrong."


def test_an_agent_that_changed_meanwhile_is_left_alone(floor):
    floor.series("momentum", 5, 5, T0)
    scoring.take_in(floor.db, scoring.Spans.of(1))
    found, decisions = evolve._decide(floor.db, floor.floor, T0 + HOUR_MS)
    people.allocate(floor.floor, "momentum", 5_000_000, "mine")
    acts = evolve.Acts(floor.db, floor.floor.settings, CAPITAL_MICROS, T0 + HOUR_MS)
    assert [acts.apply(one, found[one.agent]) for one in decisions] == [""]
    assert floor.get().stage == "birth"


def test_the_settings_say_where_the_rules_look(tmp_path):
    made = settings_file.parse({"evolution": {"flag_days": 3.0, "children": 1}, "time_factor": 24.0})
    limits = standings.thresholds(made)
    assert (limits.flag_days, limits.children) == (0.125, 1)
    assert standings.thresholds(settings_file.parse({})) == standings.Thresholds()
