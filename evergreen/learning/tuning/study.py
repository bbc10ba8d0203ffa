"""The study: trials in memory to draw from, kept in a relational database once they have ended."""

import hashlib
import json
import logging
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, Trial, TrialState

from evergreen.base import sqlite_files
from evergreen.base.errors import IntegrityError, is_of_damage
from evergreen.config.params.tune import Distribution, TuneParams
from evergreen.learning.tuning import space as spaces
from evergreen.learning.tuning.choice import FAMILY, Choice

log = logging.getLogger(__name__)
OUTCOME = "outcome"  # what is kept of a trial: scores of its folds, rounds, seconds, and those of the search
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
RANDOM_TRIALS = 5  # before the sampler learns from trials
JUDGED_BY = 4  # trials that a fold needs before one is pruned there
DRAWS = 10  # of the sampler that gave nothing new, before plain random ones
RANDOM_DRAWS = 100  # of those, before what is left is listed
LISTED = 10_000  # choices of a space that are listed


@dataclass(frozen=True)
class Drawn:
    """A trial in the making."""

    trial: Trial
    choice: Choice


class Study:
    """Trials of one search.

    The database holds only trials that have ended. A kill loses those in the making and what ended at that moment,
    before `keep`; they are drawn again.

    Parameters
    ----------
    storage : URL of a relational database.
    first : choices to try before the sampler draws.
    """

    def __init__(
        self, storage: str, name: str, params: TuneParams, *, first: Sequence[Choice], maximize: bool, seed: int
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        direction = "maximize" if maximize else "minimize"
        with _explained(storage):
            _write_ahead(storage)
            self._storage = optuna.storages.RDBStorage(storage)
            self._kept = optuna.create_study(
                storage=self._storage, study_name=name, direction=direction, load_if_exists=True
            )
            before = self._kept.get_trials(deepcopy=False, states=(*FINISHED, TrialState.FAIL))
        self._working = optuna.create_study(direction=direction)
        self._params, self._first, self._maximize, self._seed = params, first, maximize, seed
        self._n_drawn = 0
        self._seen: set[str] = set()
        self.trials: list[FrozenTrial] = []
        self._unkept: list[FrozenTrial] = []
        for trial in before:
            self._working.add_trial(trial)
            self._take_in(trial)

    @property
    def finished(self) -> list[FrozenTrial]:
        """Trials that count: complete or pruned ones."""
        return [trial for trial in self.trials if trial.state in FINISHED]

    @property
    def failed(self) -> list[FrozenTrial]:
        return [trial for trial in self.trials if trial.state == TrialState.FAIL]

    @property
    def best(self) -> FrozenTrial | None:
        """The complete trial with the best mean; the first of equals."""
        return self._best(trial for trial in self.trials if trial.state == TrialState.COMPLETE)

    def best_of(self, family: str) -> FrozenTrial | None:
        """Return the complete trial of a family with the best mean; the first of equals."""
        complete = (trial for trial in self.trials if trial.state == TrialState.COMPLETE)
        return self._best(trial for trial in complete if Choice.read(trial.params).family == family)

    def _best(self, complete: Iterable[FrozenTrial]) -> FrozenTrial | None:
        return (max if self._maximize else min)(complete, key=lambda trial: trial.value or 0.0, default=None)

    @property
    def spent(self) -> float:
        """Seconds of the search when its last trial ended."""
        return max((trial.user_attrs[OUTCOME]["spent"] for trial in self.trials), default=0.0)

    def ask(self) -> Drawn | None:
        """Draw a choice that no trial has had; None when there is none left.

        With one trial at a time, what is drawn follows from the seed and the trials that have ended.
        """
        for planned in self._planned():
            if planned.key not in self._seen:
                return self._draw(planned)
        if self._params.sampler == "grid":
            return None
        for attempt in range(DRAWS + RANDOM_DRAWS):
            self._working.sampler = self._sampler(attempt)
            drawn = self._draw(None)
            if drawn is not None:
                return drawn
        for left in spaces.every(self._params.families, seed=_mix(self._seed, self._n_drawn), at_most=LISTED):
            if left.key not in self._seen:
                return self._draw(left)
        return None

    def _planned(self) -> Iterable[Choice]:
        if self._params.sampler != "grid":
            return self._first
        return spaces.every(self._params.families, seed=self._seed, at_most=self._params.trials + len(self._seen))

    def _sampler(self, attempt: int) -> optuna.samplers.BaseSampler:
        seed = _mix(self._seed, self._n_drawn, attempt)
        if self._params.sampler == "random" or attempt >= DRAWS:
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of `group`: a space per family
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=RANDOM_TRIALS, group=len(self._params.families) > 1
            )

    def _draw(self, planned: Choice | None) -> Drawn | None:
        if planned is not None:
            self._working.enqueue_trial(planned.as_drawn())
        trial = self._working.ask()
        choice = suggest(trial, self._params.families)
        if choice.key in self._seen:
            self._working.tell(trial, state=TrialState.FAIL)
            return None
        self._seen.add(choice.key)
        self._n_drawn += 1
        return Drawn(trial, choice)

    def is_hopeless(self, running: float, folds: int) -> bool:
        """Return whether a mean over the first folds is worse than the median of the other trials' there."""
        others: list[float] = [
            trial.intermediate_values[folds] for trial in self.finished if folds in trial.intermediate_values
        ]
        if len(others) < JUDGED_BY:
            return False
        middle = median(others)
        return running < middle if self._maximize else running > middle

    def end(self, drawn: Drawn, scores: Sequence[float], state: TrialState, **about: Any) -> FrozenTrial:
        """Record how a trial ended; the next are drawn with it. `keep` writes it down."""
        for folds in range(1, len(scores) + 1 if state in FINISHED else 1):
            drawn.trial.report(fmean(scores[:folds]), folds)
        drawn.trial.set_user_attr(OUTCOME, {"scores": list(scores), **about})  # one, for each costs a round trip
        value = fmean(scores) if state == TrialState.COMPLETE else None
        ended = self._working.tell(drawn.trial, value, state=state)
        self._unkept.append(ended)
        self._take_in(ended, is_new=False)
        return ended

    def keep(self) -> int:
        """Write the trials that have ended since to the database, and return how many these are."""
        n_new = len(self._unkept)
        while self._unkept:
            self._kept.add_trial(self._unkept[0])
            self._unkept.pop(0)
        return n_new

    def give_up(self, drawn: Drawn) -> None:
        """Forget a trial, as if it had never been drawn."""
        self._working.tell(drawn.trial, state=TrialState.FAIL)
        self._seen.discard(drawn.choice.key)
        self._n_drawn -= 1

    def close(self) -> None:
        """Let go of the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _take_in(self, trial: FrozenTrial, *, is_new: bool = True) -> None:
        self.trials.append(trial)
        self._seen.add(Choice.read(trial.params).key)
        self._n_drawn += is_new

    def table(self) -> pd.DataFrame:
        """Return a row for each trial that has ended, in that order."""
        choices = [Choice.read(trial.params) for trial in self.trials]
        rows = {
            "number": range(len(self.trials)),
            "state": [trial.state.name for trial in self.trials],
            "family": [choice.family for choice in choices],
            "params": [json.dumps(choice.params, sort_keys=True) for choice in choices],
            "score": [trial.value for trial in self.trials],
            "scores": [trial.user_attrs[OUTCOME]["scores"] for trial in self.trials],
            "seconds": [trial.user_attrs[OUTCOME]["seconds"] for trial in self.trials],
        }
        kinds = {"number": "int64", "state": "str", "family": "str", "params": "str"}
        return pd.DataFrame(rows).astype({**kinds, "score": "float64", "seconds": "float64"})


@contextmanager
def _explained(storage: str) -> Iterator[None]:
    """Say of a file of studies that is damaged what to do; other failures are for whoever asked."""
    try:
        yield
    except Exception as error:
        if not is_of_damage(error):
            raise
        raise IntegrityError(
            "INT021",
            "the file of the studies is damaged",
            where=str(sqlite_files.path_of(storage) or storage),
            next_step="Delete it and run the command again: the search begins anew; nothing else is in it.",
        ) from error


def _write_ahead(url: str) -> None:
    """Let SQLite keep a trial with one flush to the disk instead of several; the file remembers."""
    path = sqlite_files.path_of(url)
    if path:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")


def _mix(*numbers: int) -> int:
    return int.from_bytes(hashlib.sha256(":".join(map(str, numbers)).encode()).digest()[:4], "big")


def suggest(trial: Trial, space: spaces.Space) -> Choice:
    """Draw a family and its parameters."""
    family = trial.suggest_categorical(FAMILY, list(space))
    drawn = {name: _suggest(trial, f"{family}.{name}", where) for name, where in space[family].items()}
    return Choice(family=family, params=drawn)


def _suggest(trial: Trial, name: str, where: Distribution) -> Any:
    if where.values is not None:
        return trial.suggest_categorical(name, list(where.values))
    if where.integer is not None:
        return trial.suggest_int(name, *where.integer, log=where.log)
    if where.real is not None:
        return trial.suggest_float(name, *where.real, log=where.log)
    raise AssertionError(name)
