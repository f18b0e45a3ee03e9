"""A search as a study of Optuna: kept where every worker reaches it, so that it can stop and go on anywhere.

A study answers one question: a strategy, its code, what is searched, what is assumed, and the tape by its digests. Who
asks anything else under its name is refused. A trial counts when it is complete; one that was interrupted is done
again. There are never more trials than were asked for, whoever works on them: a worker takes a number first, and leaves
it where as many smaller ones are done, being done or waiting.
"""

import json
import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry.domain.errors import Misconfigured
from outcry.research.tuning import storage
from outcry.research.tuning.space import Axis, grid
from outcry.research.tuning.storage import Where

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

GRID, RANDOM, TPE, GENETIC = SAMPLERS = ("grid", "random", "tpe", "genetic")
POPULATION = 20
QUESTION, PARAMETERS, FIGURES, BY = "question", "parameters", "figures", "by"
COMPLETE, RUNNING, WAITING = "COMPLETE", "RUNNING", "WAITING"

TryOut = Callable[[dict[str, Any]], tuple[float, dict[str, Any]]]  # parameters -> what it is worth, figures


@dataclass(frozen=True, slots=True)
class Question:
    """What a study asks.

    tape    the digest of each day
    fixed   settings that are not searched, and otherwise than by default
    terms   everything that a backtest assumes, in plain words
    """

    strategy: str
    code_sha256: str
    tape: Mapping[str, str]
    axes: Sequence[Axis]
    fixed: Mapping[str, Any]
    terms: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """All of it, by names that say to a person what differs."""
        return {
            "the strategy": self.strategy,
            "the strategy's code": self.code_sha256,
            "its tape": dict(self.tape),
            "what is searched": {axis.name: [axis.first, axis.step, axis.places] for axis in self.axes},
            "--set": dict(self.fixed),
            "the floor's settings, --latency or --queue": dict(self.terms),
        }

    def parameters(self, places: Mapping[str, int]) -> dict[str, Any]:
        return {**self.fixed, **{axis.name: axis.value(places[axis.name]) for axis in self.axes}}


@dataclass(frozen=True, slots=True)
class Tried:
    """One complete trial."""

    number: int
    value: float
    parameters: dict[str, Any]
    figures: dict[str, Any]


class Search:
    """One process's hold on a study.

    trials   how many it shall have in all
    by       who works, kept with each trial
    """

    def __init__(self, where: Where, question: Question, sampler: str, trials: int, by: str) -> None:
        self._where, self._question, self._sampler, self._by = where, question, sampler, by
        self._points = grid(question.axes, trials) if sampler == GRID else []
        self.trials = len(self._points) or trials
        self._asked = json.dumps(question.plain(), sort_keys=True)
        self._held: Study | None = None
        self._nameless: dict[int, float] = {}  # trials that nobody has put a name to, and since when we see that

    def begin(self) -> None:
        """Open the study, or make it. Raises Misconfigured when it asks something else."""
        import optuna

        with self._plainly():
            self._storage = storage.opened(self._where)
            self._held = optuna.create_study(
                storage=self._storage,
                study_name=self._where.study,
                direction="maximize",
                load_if_exists=True,
            )
            if QUESTION not in self._study.user_attrs:
                self._study.set_user_attr(QUESTION, self._asked)
            self._same()

    def join(self) -> bool:
        """Open a study that somebody began; False when nobody has yet. Raises Misconfigured when it asks another."""
        import optuna

        with self._plainly():
            if not storage.made(self._where):
                return False
            self._storage = storage.opened(self._where)
            try:
                self._held = optuna.load_study(study_name=self._where.study, storage=self._storage)
            except KeyError:
                return False
            if QUESTION not in self._study.user_attrs:
                return False
            self._same()
            self._study.sampler = _sampler(self._sampler, f"{self._where.study} {self._by} {len(self._all())}")
            return True

    def _same(self) -> None:
        said = self._study.user_attrs[QUESTION]
        if said == self._asked:
            return
        theirs, ours = json.loads(said), json.loads(self._asked)
        other = next((what for what in ours if theirs.get(what) != ours[what]), "its question")
        mend = "bring the same compiled days, or name another study with --study"
        raise Misconfigured(f"the study {self._where.study} was begun with another: {other}", mend)

    # ---- working ----------------------------------------------------------------------------------------------------

    def work(self, try_out: TryOut, stoppable: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Do trials until nothing is left to begin.

        stoppable  entered while the process may be stopped: not between taking a number and putting a name to it
        """
        with self._plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's, about its own experiments
            while self._count(COMPLETE, RUNNING) < self.trials:
                self._study.optimize(lambda trial: self._named(trial, try_out, stoppable), n_trials=1)

    def _named(self, trial: "Trial", try_out: TryOut, stoppable: Callable[[], AbstractContextManager[None]]) -> float:
        """A trial with a name has a heartbeat: whoever does it cannot vanish unseen."""
        if self._where.shared:
            self._storage.record_heartbeat(trial._trial_id)
        trial.set_user_attr(BY, self._by)
        with stoppable():
            return self._one(trial, try_out)

    def _one(self, trial: "Trial", try_out: TryOut) -> float:
        import optuna

        self._same()
        if self._count(COMPLETE, RUNNING, WAITING, below=trial.number) >= self.trials:
            raise optuna.TrialPruned
        places = {
            axis.name: trial.suggest_int(axis.name, 1, axis.places, log=axis.wide) for axis in self._question.axes
        }
        parameters = self._question.parameters(places)
        known = next((one for one in self.done() if one.parameters == parameters), None)
        value, figures = (known.value, known.figures) if known is not None else try_out(parameters)
        trial.set_user_attr(PARAMETERS, parameters)
        trial.set_user_attr(FIGURES, figures)
        return value

    def line_up(self) -> None:
        """Of a grid: put the combinations that nobody has tried or is trying into a row."""
        with self._plainly():
            there = [
                one.system_attrs.get("fixed_params") or one.params
                for one in self._all()
                if one.state.name in (COMPLETE, RUNNING, WAITING)
            ]
            for places in self._points:
                if places not in there:
                    self._study.enqueue_trial(places)

    def give_back(self, by: str = "") -> None:
        """Somebody (or, without a name, anybody) will not finish what was begun: it is to be done again."""
        import optuna

        with self._plainly():
            for one in self._all():
                if one.state.name == RUNNING and one.user_attrs.get(BY, "").startswith(by):
                    self._study.tell(one.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)

    # ---- looking ----------------------------------------------------------------------------------------------------

    def done(self) -> list[Tried]:
        """All complete trials."""
        with self._plainly():
            return [
                Tried(one.number, one.value, one.user_attrs[PARAMETERS], one.user_attrs[FIGURES])
                for one in self._all()
                if one.state.name == COMPLETE and one.value is not None
            ]

    def running(self) -> int:
        """How many trials somebody is at. Of a shared study, those of workers not heard of any more are given back."""
        import optuna

        with self._plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if self._where.shared:
                optuna.storages.fail_stale_trials(self._study)
                self._fail_nameless()
            return self._count(RUNNING)

    def _fail_nameless(self) -> None:
        """Somebody died between taking a number and putting a name to it."""
        import optuna

        nameless = [one.number for one in self._all() if one.state.name == RUNNING and BY not in one.user_attrs]
        now_s = time.monotonic()
        self._nameless = {number: self._nameless.get(number, now_s) for number in nameless}
        for number, since_s in self._nameless.items():
            if now_s - since_s > storage.SILENT_S:
                self._study.tell(number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)

    @property
    def _study(self) -> "Study":
        assert self._held is not None
        return self._held

    def _all(self) -> "list[FrozenTrial]":
        return self._study.get_trials(deepcopy=False)

    def _count(self, *states: str, below: int = 1 << 62) -> int:
        return sum(one.state.name in states and one.number < below for one in self._all())

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        with storage.plainly(self._where):
            yield


def best(done: Sequence[Tried]) -> Tried | None:
    """The winner; of equals the first."""
    return max(done, key=lambda one: (one.value, -one.number), default=None)


def _sampler(kind: str, seed: str) -> "BaseSampler":
    """Each worker draws otherwise, and otherwise again when it comes back. A grid is lined up: nothing is drawn."""
    from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler

    number = random.Random(seed).getrandbits(32)
    if kind == TPE:
        return TPESampler(seed=number)
    if kind == GENETIC:
        return NSGAIISampler(seed=number, population_size=POPULATION)
    return RandomSampler(seed=number)
