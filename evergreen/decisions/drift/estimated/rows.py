"""Rows as the estimate sees them, and which of them it can be made of."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation.clusters import Clusters

Array = npt.NDArray[np.float64]

MOST_ROWS = 20_000  # of either side; of more, as many are drawn at random
LEAST_ROWS = 50  # of either side, and that the reference has to be worth
LEAST_CLUSTERS = 4
LEAST_OF_A_KIND = 10  # labels that are true, and false; answers that are right, and wrong


@dataclass(frozen=True)
class Rows:
    """What a model said of n rows.

    `said`, shape (n,): the probability of true (binary), that of the likeliest class (multiclass), or the value.
    `clusters`: which rows belong together, as `clusters_of` finds them. `labels`, shape (n,), of the reference: what
    came true; missing where that is not known. `answers`, shape (n,), of a multiclass model: its likeliest classes.
    `features`: a row for each, of what the model sees.
    """

    said: npt.NDArray[Any]
    clusters: Clusters
    labels: npt.NDArray[Any] | None = None
    answers: npt.NDArray[Any] | None = None
    features: pd.DataFrame | None = None

    def of(self, rows: npt.NDArray[Any]) -> "Rows":
        """Return some of the rows, by mask or position."""
        return Rows(
            said=self.said[rows],
            clusters=self.clusters.of(rows),
            labels=None if self.labels is None else self.labels[rows],
            answers=None if self.answers is None else self.answers[rows],
            features=None if self.features is None else self.features.iloc[rows],
        )

    def drawn(self, seed: int) -> "Rows":
        """Return at most MOST_ROWS of the rows, in order."""
        n = len(self.said)
        if n <= MOST_ROWS:
            return self
        return self.of(np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False)))


def labelled(rows: Rows) -> Rows:
    """Return the rows whose label is known."""
    labels = np.full(len(rows.said), None) if rows.labels is None else rows.labels
    return replace(rows, labels=labels).of(pd.notna(labels))


def came_true(task: Task, rows: Rows) -> Array:
    """Return what is expected of labelled rows, shape (n,): true as 1, right as 1, or the label as a number.

    NaN where a label is not of the task's kind.
    """
    labels = pd.Series(rows.labels)
    if task == "multiclass":
        is_right = labels.astype(str) == pd.Series(rows.answers).astype(str)
        return is_right.to_numpy().astype(np.float64)
    numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=np.float64)
    fits = np.isin(numbers, (0, 1)) if task == "binary" else np.isfinite(numbers)
    return np.where(fits, numbers, np.nan)


def why_not(task: Task, reference: Rows, window: Rows) -> tuple[Literal["not enough data", "unknown"], str] | None:
    """Return why nothing can be estimated; None where something can."""
    for name, rows in (("reference", reference), ("window", window)):
        if bad := _unsound(task, rows):
            return "unknown", f"{bad} of {len(rows.said)} rows of the {name} have no estimate that can be one"
    known = labelled(reference)
    true = came_true(task, known)
    if np.isnan(true).any():
        return "unknown", f"{np.isnan(true).sum()} labels of the reference are not those of a {task} target"
    for name, rows in (("labelled reference", known), ("window", window)):
        n, clusters = len(rows.said), rows.clusters
        if n < LEAST_ROWS or clusters.n < LEAST_CLUSTERS:
            least = f"at least {LEAST_ROWS} of {LEAST_CLUSTERS} are needed"
            return "not enough data", f"the {name} has {n} rows of {clusters.n} {clusters.unit}s; {least}"
    if task == "regression":
        return None
    if len(set(pd.Series(known.labels).astype(str))) < 2:
        return "unknown", f"all {len(true)} labels of the reference are of one class"
    kinds = ("false", "true") if task == "binary" else ("wrong", "right")
    for kind, n in zip(kinds, (int((true == 0).sum()), int(true.sum())), strict=True):
        if n < LEAST_OF_A_KIND:
            return (
                "not enough data",
                f"{n} of {len(true)} in the reference are {kind}; at least {LEAST_OF_A_KIND} are needed",
            )
    return None


def _unsound(task: Task, rows: Rows) -> int:
    """Return how many rows have no estimate of the task's kind: missing, infinite, or no probability."""
    said = pd.to_numeric(pd.Series(rows.said), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    sound = np.isfinite(said) if task == "regression" else (said >= 0) & (said <= 1)
    if task == "multiclass":
        sound &= np.zeros(len(said), dtype=np.bool_) if rows.answers is None else pd.notna(rows.answers)
    return int((~sound).sum())
