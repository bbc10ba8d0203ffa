"""Small tables with two models' estimates, and which of their rows belong together."""

import numpy as np

from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

CLASSES = ("a", "b", "c")
COSTS = {"true": {"false": 5.0}, "false": {"true": 1.0}, "a": {"b": 2.0}}


def sample(task, n=151, seed=3):
    """Return labels and two models' estimates, with ties."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        truth = rng.normal(10, 2, n)
        return truth, *(Estimates(task, truth + rng.normal(0, noise, n).round(1)) for noise in (1, 2))
    if task == "binary":
        said = rng.random(n).round(2)
        return rng.random(n) < said, Estimates(task, said), Estimates(task, rng.random(n).round(1))
    said = rng.dirichlet(np.ones(3), n)
    labels = np.array([rng.choice(CLASSES, p=row) for row in said])
    return labels, Estimates(task, said, CLASSES), Estimates(task, rng.dirichlet(np.ones(3), n), CLASSES)


def alone(labels):
    """Return clusters of one row each."""
    return Clusters("row", np.arange(len(labels)))


def days(n, n_days, seed=9):
    """Return clusters of unequal sizes, none empty."""
    rng = np.random.default_rng(seed)
    return Clusters("day", np.append(np.arange(n_days), rng.integers(0, n_days, n - n_days) ** 2 // n_days))
