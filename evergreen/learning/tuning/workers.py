"""Who fits: a fold of a trial at a time, on threads of this process or in processes that end with it."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from evergreen.base import parents
from evergreen.base.errors import ResourceError
from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation import score
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.tuning import families
from evergreen.learning.tuning.folds import Array, Fold

LANES = 2  # folds of one trial side by side, where there are as many cores


@dataclass(frozen=True)
class FoldResult:
    """What a fold gave: its score, the boosting rounds kept (None: all), and the estimates of its validation rows."""

    score: float
    rounds: int | None
    seconds: float
    estimates: Array


@dataclass(frozen=True)
class Job:
    """What every fold of a search shares. `columns`: the inputs, a row for each of `target`."""

    task: Task
    metric: str
    patience: int | None
    columns: pd.DataFrame
    target: Array
    folds: list[Fold]
    classes: tuple[str, ...] = field(init=False)
    _encoded: dict[tuple[int, str], tuple[Any, Any]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        classes = tuple(map(str, np.unique(self.target))) if self.task == "multiclass" else ()
        object.__setattr__(self, "classes", classes)

    def fit_fold(self, pipeline: Pipeline, number: int) -> FoldResult:
        """Fit a copy of a pipeline on the fit rows of a fold, and measure it on the others."""
        began = time.perf_counter()
        fit, validate = self.folds[number]
        estimator, truth = clone(pipeline["estimator"]), self.target[validate]
        with families.limit_threads("openmp"):  # one thread sums in one order: equal on every machine
            known, unseen = self._encode(pipeline["columns"], number)
            encoded = Pipeline([("columns", FunctionTransformer()), ("estimator", estimator)])
            rounds = families.fit(encoded, known, self.target[fit], validation=(unseen, truth), patience=self.patience)
            said = estimate(estimator, unseen, task=self.task, classes=self.classes)
        values = said.values.astype(np.float64, copy=False) if self.classes else said.values
        estimates = Estimates(self.task, values, self.classes)
        return FoldResult(score(self.metric, truth, estimates), rounds, time.perf_counter() - began, values)

    def _encode(self, columns: ColumnTransformer, number: int) -> tuple[Any, Any]:
        """Return the fit and the validation rows of a fold as encoders leave them that know only the fit rows.

        Every trial with these encoders takes the same. One thread at a time: scikit-learn sets the process's filters of
        warnings meanwhile.
        """
        fit, validate = self.folds[number]
        key = number, joblib.hash(columns)
        with _encoding:
            if key not in self._encoded:
                fitted = clone(columns)
                known = fitted.fit_transform(self.columns.iloc[fit], self.target[fit])
                self._encoded[key] = known, fitted.transform(self.columns.iloc[validate])
        return self._encoded[key]


@dataclass(frozen=True)
class Crew:
    """Takes folds to fit. `lanes`: how many folds of one trial are worth beginning at once."""

    submit: Callable[[Pipeline, int], "Future[FoldResult]"]
    lanes: int


@contextmanager
def hire(job: Job, workers: int) -> Iterator[Crew]:
    """Yield a crew for a job: this process's threads for one worker, else as many processes.

    One worker fits the folds of one trial, so that every draw knows the trials before it.

    Raises
    ------
    ResourceError if a process is ended from outside.
    """
    pool: Executor
    if workers == 1:
        lanes = min(LANES, joblib.cpu_count())
        pool, fit_fold = ThreadPoolExecutor(lanes), job.fit_fold
    else:
        lanes, fit_fold = 1, _fit_fold
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(os.getpid(), job))
    try:
        # That limit is the process's: set here, threads that end do not lift it for those that still fit.
        with families.limit_threads("blas"), warnings.catch_warnings():
            # Forests on two threads empty each other's filters, and scikit-learn complains of that.
            warnings.filterwarnings("ignore", message="`sklearn.utils.parallel.delayed` should be used")
            yield Crew(lambda pipeline, number: pool.submit(fit_fold, pipeline, number), lanes)
    except BrokenProcessPool as error:
        raise ResourceError(
            "RES006",
            "a worker of the search was ended from outside, most likely because memory was short",
            where="tune.workers",
            next_step="Lower tune.workers or tune.max_rows; finished trials are kept: evergreen resume",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int, job: Job) -> None:
    """Prepare a worker: the kernel ends it when its parent goes, which may be in between."""
    global _job  # a worker has one job all its life
    parents.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    _job = job


def _fit_fold(pipeline: Pipeline, number: int) -> FoldResult:
    assert _job is not None
    return _job.fit_fold(pipeline, number)


_job: Job | None = None
_encoding = threading.Lock()
