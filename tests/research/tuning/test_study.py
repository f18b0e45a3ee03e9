"""A study: as many trials as asked for and no more, resumed where it was, and one question only."""

import tempfile
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.research.tuning import space, storage
from outcry.research.tuning.study import PARAMETERS, SAMPLERS, Question, Search, best

QUESTION = Question(
    "momentum", "sha", {"2026-11-19": "sha256:1"}, space.axes("momentum", {}, ("lookback_ms", "stop_loss_millionths")),
    {}, {"latency_ms": 150},
)  # fmt: skip


@pytest.fixture
def where():
    """In memory where there is such a folder: a study commits often."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield storage.local(Path(folder), "study")


def worth(parameters):
    """Best at a lookback of ten minutes."""
    return -abs(parameters["lookback_ms"] - 600_000) / 1e6, {"seen": parameters["lookback_ms"]}


def worked(where, trials, sampler="tpe", question=QUESTION, try_out=worth, by="me"):
    search = Search(where, question, sampler, trials, by)
    search.begin()
    search.line_up()
    assert search.join()
    search.work(try_out)
    return search


def states(where):
    study = optuna.load_study(study_name=where.study, storage=storage.opened(where))
    return [trial.state.name for trial in study.get_trials()]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_does_what_was_asked_for_and_goes_on_from_there(where, sampler):
    first = worked(where, 4, sampler).done()
    assert len(first) == 4 and all(one.value == worth(one.parameters)[0] for one in first)
    assert worked(where, 4, sampler).done() == first, "nothing is left to do"
    more = worked(where, 6, sampler, by="another").done()
    assert more[:4] == first and len(more) == 6
    assert len({tuple(one.parameters.items()) for one in more}) > 3
    assert best(more).value == max(one.value for one in more)


def test_a_grid_tries_each_combination_once_and_an_interrupted_one_again(where):
    tries = []

    def broken(parameters):
        tries.append(parameters)
        if len(tries) == 3:
            raise Unavailable("pulled the plug")
        return worth(parameters)

    with pytest.raises(Unavailable, match="pulled the plug"):
        worked(where, 6, "grid", try_out=broken)
    search = worked(where, 6, "grid")
    done = search.done()
    assert search.trials == len(done) == len({tuple(one.parameters.items()) for one in done}) == 6
    assert tries[2] in [one.parameters for one in done]


def test_what_a_dead_worker_was_at_is_done_again_and_no_more(where):
    dead = Search(where, QUESTION, "tpe", 4, "dead:1:0")
    dead.begin()
    study = optuna.load_study(study_name=where.study, storage=storage.opened(where))
    study.ask().set_user_attr("by", "dead:1:0")
    study.ask().set_user_attr("by", "alive:2:0")
    assert dead.running() == 2
    search = worked(where, 4)
    assert len(search.done()) == 2, "two of four are somebody's"
    search.give_back("dead:1:")
    assert (search.running(), len(worked(where, 4).done())) == (1, 3)
    search.give_back()
    assert len(worked(where, 4).done()) == 4
    assert sorted(states(where)) == ["COMPLETE"] * 4 + ["FAIL"] * 2


def test_a_worker_that_comes_too_late_leaves_its_number(where):
    """Two saw room for one more: the higher number gives way."""
    search = worked(where, 2)
    search.trials = 3
    other = Search(where, QUESTION, "tpe", 3, "other")
    other.begin()

    def meanwhile(parameters):
        search.trials = 99  # it believes that there is room
        if len(search.done()) == 2:
            assert other.join()
            other._study.optimize(lambda trial: other._one(trial, worth), n_trials=1)
            assert len(other.done()) == 2, "the third number is being worked on"
        search.trials = 3
        return worth(parameters)

    search.work(meanwhile)
    assert len(search.done()) == 3 and states(where)[-1] == "PRUNED"


def test_the_same_parameters_are_not_played_twice(where):
    tries = []

    def counted(parameters):
        tries.append(parameters["pattern"])
        return 1.0, {}

    question = replace(QUESTION, strategy="technical", axes=space.axes("technical", {}, ("pattern",)))
    done = worked(where, 8, "random", question, counted).done()
    assert len(done) == 8 and len(tries) == len(set(tries)) <= 3


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"tape": {"2026-11-19": "sha256:2"}}, "its tape"),
        ({"code_sha256": "newer"}, "the strategy's code"),
        ({"axes": space.axes("momentum", {}, ())}, "what is searched"),
        ({"fixed": {"hold_ms": 60_000}}, "--set"),
        ({"terms": {"latency_ms": 50}}, "the floor's settings, --latency or --queue"),
    ],
)
def test_who_asks_another_question_is_refused_in_one_line(where, other, named):
    worked(where, 1)
    stranger = Search(where, replace(QUESTION, **other), "tpe", 1, "stranger")
    for come in (stranger.begin, stranger.join):
        with pytest.raises(Misconfigured, match=f"the study study was begun with another: {named} "):
            come()


def test_nobody_joins_what_nobody_began(where):
    assert not Search(where, QUESTION, "tpe", 1, "early").join()
    worked(where, 1)
    assert not Search(replace(where, study="another"), QUESTION, "tpe", 1, "early").join()


def test_parameters_are_kept_as_they_were_played(where):
    worked(where, 3, question=replace(QUESTION, fixed={"hold_ms": 60_000}))
    study = optuna.load_study(study_name=where.study, storage=storage.opened(where))
    for trial in study.get_trials():
        assert trial.user_attrs[PARAMETERS]["hold_ms"] == 60_000
        assert trial.user_attrs[PARAMETERS]["lookback_ms"] == 30_000 * trial.params["lookback_ms"]


@pytest.mark.parametrize("url", ["sqlite:///here", "box1/studies", "mysql://u:se%40cret@box1/studies"])
def test_an_address_of_another_kind_is_refused_without_repeating_it(url):
    with pytest.raises(Misconfigured, match="no address of a PostgreSQL database") as refused:
        storage.postgres(url, "study")
    assert "cret" not in str(refused.value)


def test_a_database_that_is_not_there_is_one_line_without_the_password(tmp_path):
    where = storage.postgres(f"postgresql://tune:se%40cret@/studies?host={tmp_path}", "study")
    with pytest.raises(Unavailable, match="the database of the studies refused: connection") as refused:
        Search(where, QUESTION, "tpe", 1, "me").begin()
    assert "cret" not in str(refused.value) and "\n" not in str(refused.value)
