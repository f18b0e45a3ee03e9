"""bin/tune: what it refuses, what it keeps, what it does at night, and what it prints."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from outcry.desk import migrate
from outcry.desk import tune as program
from outcry.desk.tune import Wanted
from outcry.desk.tuning import telling
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import settings
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.research import lookahead, tune
from outcry.research.compiler import compile_day
from outcry.research.tuning.study import Tried
from outcry.store import database, proposals
from outcry.store import jobs as rows
from proposed import propose

DAY = "2026-11-20"
RAW = {
    "time_factor": 22.5,
    "risk": {"min_time_to_close_ms": 1_000, "max_spread_and_fee_millionths": 1_000_000},
    "tune": {"strategies": ["coin_flip", "momentum"], "trials": 7, "days": 1, "minutes": 30},
}
NOTHING = {"events": 0, "trades": 0, "net": 0.0, "per_trade": None, "low": None}
FIGURES = {"train": NOTHING, "validation": NOTHING}
DONE = [
    Tried(0, -2.0, {"chance_millionths": 10_000}, FIGURES),
    Tried(1, -1.0, {"chance_millionths": 500_000}, FIGURES),
    Tried(2, -1.0, {"chance_millionths": 900_000}, FIGURES),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tape")
    target = folder / "compiled" / f"{DAY}.db"
    target.parent.mkdir()
    compile_day(lookahead.made_up(folder), target)
    return target


@pytest.fixture
def floor(tmp_path, compiled):
    """A floor with books and one compiled day of four markets: two windows of two coins, far too few to split."""
    made = Floor(settings.parse(RAW), tmp_path / "embedded")
    (made.tape / "compiled").mkdir(parents=True)
    (made.tape / "compiled" / compiled.name).symlink_to(compiled)
    migrate.prepare(made, 1_000)
    return made


@pytest.fixture
def searched(monkeypatch):
    """Searches are over before they begin; the split is of what there is."""
    asked = []

    def search(task, processes, until_s, watch):
        asked.append(task)
        return DONE

    def all_alike(markets):
        from outcry.research.tuning.split import Part, Split

        part = Part(frozenset(market.ticker for market in markets), 4, 0, 1)
        return Split(part, part, part, 0)

    monkeypatch.setattr(tune, "search", search)
    monkeypatch.setattr(program.split, "split", all_alike)
    return asked


def kept(floor):
    with closing(database.read_only(floor.database)) as db:
        return proposals.everything(db)


def test_the_first_of_the_best_is_judged_and_kept_whole_but_for_its_size(floor, searched, capsys):
    found = program.run(floor, Wanted("coin_flip", trials=3))
    assert found == kept(floor)[0] and not found.recommended
    assert found.parameters == {
        "chance_millionths": 500_000, "stop_loss_millionths": 200_000, "take_profit_millionths": None, "hold_ms": None,
    }  # fmt: skip
    assert found.tape == searched[0].question.tape and found.tape[DAY].startswith("sha256:")
    assert (found.study, found.trials, found.evidence["verdict"]["trials"]) == (f"coin_flip-tpe-{DAY}", 3, 3)
    assert found.evidence["test"]["events"] > 0, "the winner was played on the test markets"
    out, err = capsys.readouterr()
    assert "proposal 1: coin_flip chance_millionths=500000" in out
    assert "not recommended: no conclusion possible" in out and "bin/agent clone PARENT --proposal 1" in out
    assert "4 events to test on: below 30 no conclusion is possible" in err


def test_other_searches_of_the_same_days_count_and_the_same_one_does_not_twice(floor, searched):
    program.run(floor, Wanted("coin_flip"))
    again = program.run(floor, Wanted("coin_flip"))
    other = program.run(floor, Wanted("coin_flip", sampler="genetic"))
    assert (again.number, again.evidence["verdict"]["trials"]) == (1, 3)
    assert other.evidence["verdict"]["trials"] == 6
    assert len(kept(floor)) == 2


def test_a_study_is_named_by_what_it_searches_and_a_grid_by_its_size(floor, searched):
    for wanted in (Wanted("coin_flip", sampler="grid", trials=20), Wanted("coin_flip", study="mine")):
        program.run(floor, wanted)
    assert [one.study for one in reversed(kept(floor))] == [f"coin_flip-grid20-{DAY}", "mine"]


def test_for_programs_it_is_one_object(floor, searched, capsys):
    program.run(replace(floor, quiet=True), Wanted("coin_flip", as_json=True))
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["number"], told["recommended"], told["taken_as"], err) == (1, False, None, "")
    assert told["evidence"]["terms"]["latency_ms"] == 150 and told["evidence"]["split"]["test"]["events"] == 4


def test_nothing_is_proposed_where_no_trial_was_done(floor, searched, monkeypatch, capsys):
    monkeypatch.setattr(tune, "search", lambda *_: [])
    assert program.run(floor, Wanted("coin_flip", minutes=0.001)) is None
    assert kept(floor) == [] and "no trial is done: nothing is proposed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted("coin_flap"), "did you mean 'coin_flip'"),
        (Wanted("coin_flip", changed=("chance=1",)), "has no parameter 'chance'"),
        (Wanted("coin_flip", named=("stake_millionths",)), "cannot be searched: it is a size"),
        (Wanted("coin_flip", days=("2026-01-01",)), "no tape of 2026-01-01"),
        (Wanted("coin_flip", worker=True), "say where with --storage"),
        (Wanted("coin_flip", storage="box1"), "no address of a PostgreSQL database"),
        (Wanted("coin_flip"), "cannot be split into train, validation and test"),
    ],
)
def test_a_mistake_is_one_line(floor, wanted, message):
    with pytest.raises(Misconfigured, match=message):
        program.run(floor, wanted)


def test_without_a_day_all_that_are_closed_are_searched_and_none_that_grows(floor, searched, tmp_path):
    lookahead.made_up(tmp_path).rename(floor.tape / "2026-11-21.db")
    program.run(floor, Wanted("coin_flip"))
    assert [file.name for file in searched[0].files] == [f"{DAY}.db"]
    (floor.tape / "compiled" / f"{DAY}.db").unlink()
    with pytest.raises(Misconfigured, match="no compiled day"):
        program.run(floor, Wanted("coin_flip"))


def test_a_day_that_still_grows_and_a_floor_without_books_are_refused(floor, tmp_path):
    recorded = lookahead.made_up(tmp_path)
    with pytest.raises(Misconfigured, match=f"{DAY} is not compiled"):
        program.run(floor, Wanted("coin_flip", days=(str(recorded),)))
    floor.database.unlink()
    with pytest.raises(Misconfigured, match=r"no database at .*bin/migrate"):
        program.run(floor, Wanted("coin_flip"))


def test_what_is_not_installed_is_named(floor, monkeypatch):
    monkeypatch.setattr(program.storage.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match="tuning needs optuna"):
        program.run(floor, Wanted("coin_flip"))


def test_one_search_works_on_a_study_of_this_machine_at_a_time(floor, searched):
    with (
        one_instance(floor.folder, f"tune-coin_flip-tpe-{DAY}"),
        pytest.raises(Unavailable, match="already runs on this floor"),
    ):
        program.run(floor, Wanted("coin_flip"))


@pytest.fixture
def night(floor, monkeypatch):
    """What the nightly job asks for, and how nice it is."""
    asked, nice = [], []

    def run(quiet, wanted):
        asked.append((quiet.quiet, wanted))
        return None if wanted.strategy == "momentum" else proposals.get(db, propose(db, {}, strategy="coin_flip"))

    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program.os, "nice", nice.append)
    with closing(database.connect(floor.database)) as db:
        yield asked, nice


def details(floor):
    with closing(database.read_only(floor.database)) as db:
        return [(row.name, row.result, row.detail) for row in rows.last(db).values()]


def test_at_night_the_newest_compiled_days_are_searched_for_what_the_settings_name(floor, night):
    asked, nice = night
    (floor.tape / "compiled" / "2026-11-19.db").touch()
    program.nightly(floor, if_due=True)
    program.nightly(floor, if_due=True)
    assert [(quiet, one.strategy, one.trials, one.processes) for quiet, one in asked] == [
        (True, "coin_flip", 7, 1), (True, "momentum", 7, 1),
    ]  # fmt: skip
    assert all(one.days == (str(floor.tape / "compiled" / f"{DAY}.db"),) for _, one in asked)
    assert all(29 < one.minutes <= 30 for _, one in asked) and nice == [19]
    assert details(floor) == [("tune", "done", "coin_flip: proposal 1, recommended; momentum: no trial done")]


def test_at_night_nothing_happens_by_default_or_without_a_compiled_day(floor, night):
    program.nightly(Floor(settings.parse({}), floor.folder), if_due=True)
    assert details(floor) == [("tune", "done", "nothing is named in [tune]")]
    (floor.tape / "compiled" / f"{DAY}.db").unlink()
    program.nightly(floor, if_due=False)
    assert details(floor) == [("tune", "done", "no day of tape is compiled yet")]
    assert night == ([], [])


def test_a_young_floor_with_too_few_markets_is_no_failure_of_the_night(floor, monkeypatch):
    monkeypatch.setattr(program.os, "nice", lambda by: None)
    program.nightly(floor, if_due=True)
    ((name, result, detail),) = details(floor)
    assert (name, result) == ("tune", "done") and detail.count("cannot be split into train, validation and test") == 2


def test_proposals_are_listed_newest_first_with_what_became_of_them(floor, capsys):
    program.list_proposals(floor, as_json=False)
    assert capsys.readouterr().out == "nothing has been proposed yet\n"
    with closing(database.connect(floor.database)) as db:
        propose(db, {"lookback_ms": 60_000, "hold_ms": None})
        propose(db, {"move_millionths": 3_000}, study="b", recommended=False)
        proposals.take(db, 1, "momentum", "person", 9)
    program.list_proposals(floor, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:1] == ["2"] and lines[2].endswith("-           move_millionths=3000")
    assert lines[3].split()[:1] == ["1"] and lines[3].endswith("momentum    lookback_ms=60000")
    program.list_proposals(floor, as_json=True)
    assert [one["taken_by"] for one in json.loads(capsys.readouterr().out)] == [None, "person"]


def test_what_is_recommended_says_so_and_what_is_taken_too(floor):
    verdict = {"recommended": True, "trials": 40, "level": 0.00125, "low_dollars": 0.02, "log_gain": 9.0, "needs": 6.7}
    evidence = {**FIGURES, "test": NOTHING | {"events": 90, "low": 1.25}, "verdict": verdict}
    with closing(database.connect(floor.database)) as db:
        one = proposals.get(db, propose(db, {"lookback_ms": 60_000}, evidence=evidence))
    from outcry.research.tuning.judge import Figures, Verdict

    outcome = tune.Outcome(DONE[0], 40, Figures(**evidence["test"]), Verdict(**verdict, why="more than 2 cents"))
    text = telling.ended(one, outcome)
    assert "recommended: more than 2 cents" in text and "1.250" in text and "not recommended" not in text
    assert "taken already: momentum-2" in telling.ended(replace(one, taken_as="momentum-2"), outcome)
