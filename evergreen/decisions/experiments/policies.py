"""What another policy would have brought, from what a policy that drew by known probabilities left in the log.

Of n rows with a reward r, the drawn arm's logged probability p, and the probability q with which the other policy
chooses the same arm, w = q / p. Inverse propensity: the mean of w r (Horvitz and Thompson, 1952). Self-normalised: the
sum of w r over the sum of w, which is steadier and a little biased in small samples (Swaminathan and Joachims, 2015).
Doubly robust: what a model of the rewards expects of the other policy, plus the weighted mean of what the model was
wrong by (Dudik, Langford and Li, 2011): right with any model, as the probabilities are known, and narrower with a good
one.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from evergreen.base.values import Value

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FOLDS = 5
RIDGE = 1.0
FEWEST = 50.0  # rows' worth of weight below which nothing is said of a policy
FEWEST_CLUSTERS = 10


class Estimate(Value):
    """A mean reward with its interval."""

    value: float
    low: float
    high: float


class Evaluated(Value):
    """What a policy would have brought for each row.

    `verdict`: "estimated", or "unknown" with why as `evidence`: too few rows were answered as the policy would have.
    `effective_n`: how many rows of its own the weights are worth, (sum w)^2 / sum w^2. `logged`: what the rows
    brought under the policy that drew. `gain`: how much more the other one brings, doubly robust, row by row.
    """

    verdict: Literal["estimated", "unknown"]
    evidence: str
    n: int
    n_clusters: int
    effective_n: float
    confidence: float = Field(gt=0, lt=1)
    logged: Estimate | None = None
    inverse_propensity: Estimate | None = None
    self_normalised: Estimate | None = None
    doubly_robust: Estimate | None = None
    gain: Estimate | None = None


def evaluate(
    drawn: Ints,
    rewards: Floats,
    logged: Floats,
    policy: Floats,
    *,
    clusters: Ints,
    expected: Floats | None = None,
    confidence: float = 0.95,
) -> Evaluated:
    """Return what a policy would have brought on n rows that another one drew the arms of.

    Parameters
    ----------
    drawn : shape (n,), the arm of each row, from 0 on.
    rewards : shape (n,), what it brought.
    logged : shape (n,), the probability with which it was drawn, above 0.
    policy : shape (n, arms), the probabilities of the policy to evaluate; each row adds up to 1.
    clusters : shape (n,), which rows hang together: of one unit, or of one day.
    expected : shape (n, arms), what a model expects of each arm, fitted without the row's own cluster; by default
        `expected_rewards` without anything known of the rows.
    """
    n, rows = len(drawn), np.arange(len(drawn))
    n_clusters = len(np.unique(clusters))
    weights = policy[rows, drawn] / logged
    effective = float(weights.sum() ** 2 / np.square(weights).sum()) if weights.any() else 0.0
    about: dict[str, Any] = {"n": n, "n_clusters": n_clusters, "effective_n": effective, "confidence": confidence}
    if effective < FEWEST or n_clusters < FEWEST_CLUSTERS:
        few = f"the rows are worth {effective:.1f} of the policy's own" if n else "no row has a reward"
        if n and effective >= FEWEST:
            few = f"they are of {n_clusters} units or days"
        return Evaluated(
            verdict="unknown",
            evidence=f"{n} rows with a reward, and {few}; {FEWEST:g}, of {FEWEST_CLUSTERS}, say something",
            **about,
        )
    if expected is None:
        expected = expected_rewards(np.zeros((n, 0)), drawn, rewards, clusters=clusters, n_arms=policy.shape[1])
    robust = np.sum(policy * expected, axis=1) + weights * (rewards - expected[rows, drawn])

    def mean(values: Floats) -> Estimate:
        return _mean(values, clusters, confidence)

    return Evaluated(
        verdict="estimated",
        evidence=f"{n} rows with a reward, worth {effective:.1f} of the policy's own",
        logged=mean(rewards),
        inverse_propensity=mean(weights * rewards),
        self_normalised=_ratio(weights * rewards, weights, clusters, confidence),
        doubly_robust=mean(robust),
        gain=mean(robust - rewards),
        **about,
    )


def expected_rewards(about: Floats, drawn: Ints, rewards: Floats, *, clusters: Ints, n_arms: int) -> Floats:
    """Return what each of n rows would bring with each arm, shape (n, arms), expected without the row's own cluster.

    A ridge regression for each arm on what is known of the rows, fitted on the folds of clusters that a row is not in.

    Parameters
    ----------
    about : shape (n, k), numbers that were known when the row was answered, none missing.
    """
    n = len(drawn)
    spread = about.std(axis=0) if n else np.ones(about.shape[1])
    scaled = (about - about.mean(axis=0)) / np.where(spread > 0, spread, 1.0) if n else about
    design = np.column_stack([np.ones(n), scaled])
    codes = np.unique(clusters, return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(codes.max(initial=-1) + 1)  # clusters come in an order of their own
    folds = order[codes] % FOLDS
    found = np.zeros((n, n_arms))
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 1e-9  # the mean is not drawn to 0
    for fold in range(FOLDS):
        out, rest = folds == fold, folds != fold
        usual = rewards[rest].mean() if rest.any() else 0.0
        for arm in range(n_arms):
            used = rest & (drawn == arm)
            x = design[used]
            fitted = np.linalg.solve(x.T @ x + penalty, x.T @ (rewards[used] - usual))
            found[out, arm] = usual + design[out] @ fitted
    return found


def _mean(values: Floats, clusters: Ints, confidence: float) -> Estimate:
    return _ratio(values, np.ones(len(values)), clusters, confidence)


def _ratio(top: Floats, bottom: Floats, clusters: Ints, confidence: float) -> Estimate:
    """Return the ratio of two sums with the interval that clusters leave, by the delta method and Student's t."""
    from scipy import stats

    value = float(top.sum() / bottom.sum())
    codes = np.unique(clusters, return_inverse=True)[1]
    off = np.bincount(codes, weights=top - value * bottom)
    n = len(off)
    error = float(np.sqrt(n / (n - 1) * np.square(off).sum()) / abs(bottom.sum()))
    reach = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * error
    return Estimate(value=value, low=value - reach, high=value + reach)


def codes_of(names: Sequence[object]) -> Ints:
    """Return a number for each name, equal names having the same."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
