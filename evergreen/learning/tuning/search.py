"""The search: trials on folds until the budget is spent, and what won."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import FrozenTrial, TrialState
from sklearn.pipeline import Pipeline

from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import METRICS, tuning_metric
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.tune import TuneParams
from evergreen.learning import features as domain
from evergreen.learning.features import fit_target
from evergreen.learning.tuning import families, folds, out_of_fold, portfolio, space
from evergreen.learning.tuning.best import Best
from evergreen.learning.tuning.budget import Budget
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.contest import Contest, Entry
from evergreen.learning.tuning.progress import Progress
from evergreen.learning.tuning.study import Drawn, Study
from evergreen.learning.tuning.workers import Crew, FoldResult, Job, hire

log = logging.getLogger(__name__)
FAILURES = 3  # more failed trials than this beyond the finished ones end the search


@dataclass(frozen=True)
class Found:
    """What a search ends with.

    `trials`: a row for each that has ended, as `Study.table` makes it. `out_of_fold`: calibrated estimates of the
    winner, `candidate`, and of the simpler finalist, `baseline`, as `out_of_fold.table` makes it; without a score no
    row, and without a simpler finalist no column of it.
    """

    best: Best
    trials: pd.DataFrame
    out_of_fold: pd.DataFrame


def search(
    train: pd.DataFrame,
    contract: Contract,
    features: FeatureParams,
    params: TuneParams,
    *,
    seed: int,
    storage: str,
    study: str,
    warm_start: Choice | None = None,
    declared: Mapping[str, Mapping[str, float]] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Return the best of `params.trials` trials, continuing the study of that name if it exists.

    With one worker and no limit in seconds, a trial's draw follows from the seed and the trials before it, so a search
    that was killed and continued ends where an uninterrupted one does.

    Parameters
    ----------
    train : rows, sorted by time where there is one, with the columns that `features.build` makes and the target.
    storage : URL of a relational database.
    warm_start : what to try first, if its family is in the space.
    declared : parameters of a simpler family that the search does not try, by family; its defaults unless given.

    Raises
    ------
    DataError if a fold has one class only, or a number that does not vary; ConfigError if a family does not learn the
    task or take a parameter, before any trial, or if nearly every trial fails.
    """
    inputs = domain.inputs(contract, features)

    def build(family: str, chosen: Mapping[str, Any]) -> Pipeline:
        return families.build(family, chosen, task=contract.task, inputs=inputs, features=features, seed=seed)

    space.check(params.families, contract.task)
    metric = tuning_metric(params.metric, contract)
    rows = train.iloc[folds.draw_evenly(len(train), at_most=params.max_rows, seed=seed)]
    target = fit_target(rows, contract)
    cut = folds.cut(rows, target, contract, features, folds=params.folds, metric=metric, seed=seed)
    job = Job(contract.task, metric, params.patience, rows[inputs.names], target, cut)
    first = portfolio.first(params.families, warm_start, lambda family: build(family, {})["estimator"].get_params())
    kept = Study(storage, study, params, first=first, maximize=METRICS[metric].greater_is_better, seed=seed)
    with closing(kept), hire(job, params.workers) as crew:
        budget = Budget(params.seconds, spent=kept.spent, clock=clock)
        loop = _Search(kept, crew, budget, params, build, n_folds=len(cut))
        loop.run()
        contest = Contest(
            study=kept,
            job=job,
            contract=contract,
            n_rows=len(train),
            calibrates=params.calibrate,
            declared=declared or {},
            fit=loop.fit,
            results_of=loop.results_of,
        )
        entries = contest.entries()
    best = _best(entries, contract, n_trials=len(kept.finished), metric=metric, warm_start=warm_start)
    estimates = out_of_fold.table(rows, job, contract, said={name: each.estimates for name, each in entries.items()})
    log.info("tune: %d trials, best %s with %s %s", best.n_trials, best.family, metric, _shown(best.score))
    return Found(best=best, trials=kept.table(), out_of_fold=estimates)


@dataclass
class _Attempt:
    """A trial whose folds are being fitted. Their results count in the folds' order, whichever ends first."""

    drawn: Drawn
    pipeline: Pipeline
    began: float
    waiting: "deque[Future[FoldResult]]" = field(default_factory=deque)
    results: list[FoldResult] = field(default_factory=list)

    @property
    def family(self) -> str:
        return self.drawn.choice.family

    @property
    def scores(self) -> list[float]:
        return [result.score for result in self.results]


class _Search:
    """The loop: one process asks for trials, hands out their folds, and tells what became of them."""

    def __init__(
        self,
        study: Study,
        crew: Crew,
        budget: Budget,
        params: TuneParams,
        build: Callable[[str, Mapping[str, Any]], Pipeline],
        *,
        n_folds: int,
    ) -> None:
        self.study, self._crew, self._budget, self._params = study, crew, budget, params
        self._build, self._n_folds = build, n_folds
        self._open: list[_Attempt] = []
        self._is_over = False
        self._of_best: dict[str, tuple[int, list[FoldResult]]] = {}

    def run(self) -> None:
        try:
            while True:
                while not self._is_over and len(self._open) < self._params.workers:
                    self._begin()
                self._keep()  # while the next folds are fitted
                if not self._open:
                    return
                wait([attempt.waiting[0] for attempt in self._open], return_when=FIRST_COMPLETED)
                for attempt in [attempt for attempt in self._open if attempt.waiting[0].done()]:
                    self._take(attempt)
        finally:
            self._keep()

    def results_of(self, trial: FrozenTrial) -> list[FoldResult]:
        """Return the folds of a family's best trial; fitted again if an earlier life of the search fitted them."""
        choice = Choice.read(trial.params)
        number, results = self._of_best.get(choice.family, (None, []))
        return results if number == trial.number else self.fit(choice)

    def fit(self, choice: Choice) -> list[FoldResult]:
        """Return what the folds of a choice give."""
        pipeline = self._build(choice.family, choice.params)
        asked = [self._crew.submit(pipeline, fold) for fold in range(self._n_folds)]
        return [future.result() for future in asked]

    def _begin(self) -> None:
        if len(self.study.finished) + len(self._open) >= self._params.trials:
            self._is_over = True
            return
        drawn = self.study.ask()
        if drawn is None:
            n_begun = len(self.study.finished) + len(self._open)
            log.info("tune: the space has no choice left after %d trials", n_begun)
            self._is_over = True
            return
        if not self._budget.has_time_for_trial(drawn.choice.family):
            self.study.give_up(drawn)
            self._is_over = True
            return
        pipeline = self._build(drawn.choice.family, drawn.choice.params)
        attempt = _Attempt(drawn, pipeline, self._budget.spent)
        for _ in range(min(self._crew.lanes, self._n_folds)):
            self._submit(attempt)
        self._open.append(attempt)

    def _submit(self, attempt: _Attempt) -> None:
        attempt.waiting.append(self._crew.submit(attempt.pipeline, len(attempt.results) + len(attempt.waiting)))

    def _take(self, attempt: _Attempt) -> None:
        """Take in the next fold of a trial, and decide whether it goes on."""
        future = attempt.waiting.popleft()
        try:
            result = future.result()
            if not np.isfinite(result.score):
                raise ValueError("its score is not a number")
        except (EvergreenError, MemoryError, BrokenProcessPool):
            raise
        except Exception as error:  # whatever an estimator raises for parameters that do not go together
            self._fail(attempt, error)
            return
        attempt.results.append(result)
        self._budget.note_fold(attempt.family, result.seconds)
        n_done = len(attempt.results)
        if n_done == self._n_folds:
            self._end(attempt, TrialState.COMPLETE)
        elif self._params.prune and self.study.is_hopeless(fmean(attempt.scores), n_done):
            self._end(attempt, TrialState.PRUNED)
        elif n_done + len(attempt.waiting) == self._n_folds:
            return
        elif self._budget.has_time_for_fold(attempt.family):
            self._submit(attempt)
        elif not attempt.waiting:
            self.study.give_up(attempt.drawn)
            self._close(attempt)
            self._is_over = True

    def _end(self, attempt: _Attempt, state: TrialState, **about: Any) -> None:
        seconds = self._budget.spent - attempt.began
        self._budget.note_trial(attempt.family, seconds)
        rounds = [result.rounds for result in attempt.results]
        about |= {"rounds": rounds, "seconds": seconds, "spent": self._budget.spent}
        ended = self.study.end(attempt.drawn, attempt.scores, state, **about)
        self._close(attempt)
        best = self.study.best_of(attempt.family)
        if best is not None and best.number == ended.number:
            self._of_best[attempt.family] = ended.number, attempt.results

    def _keep(self) -> None:
        if self.study.keep():
            best = self.study.best
            progress = Progress(len(self.study.finished), self._params.trials, best.value if best else None)
            log.info("tune: %s", progress, extra={"progress": progress})

    def _fail(self, attempt: _Attempt, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        log.warning("tune: a trial of %s failed: %s", attempt.family, reason)
        self._end(attempt, TrialState.FAIL, reason=reason)
        if len(self.study.failed) > len(self.study.finished) + FAILURES:
            raise ConfigError(
                "CFG046",
                f"{len(self.study.failed)} trials failed, the last one, of {attempt.family}, with {reason}",
                where="tune.families",
                next_step="Take parameters out of the space that do not go together.",
            ) from error

    def _close(self, attempt: _Attempt) -> None:
        for future in attempt.waiting:
            future.cancel()
        self._open.remove(attempt)


def _best(entries: Mapping[str, Entry], contract: Contract, **about: Any) -> Best:
    if not entries:
        simplest = next(name for name, simpler in families.BASELINE[contract.task].items() if simpler == "prior")
        log.warning("tune: the budget is too small for one trial; %s is taken as it is, without a score", simplest)
        return Best(family=simplest, params={}, score=None, scores=(), **about)
    simpler = entries["baseline"].finalist if "baseline" in entries else None
    return Best(**dict(entries["candidate"].finalist), simpler=simpler, **about)


def _shown(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.4f}"
