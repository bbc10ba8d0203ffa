"""Bandits: which share of the next keys each arm gets, by what the ones before it brought.

What a policy says is a function of counts and sums alone, so that rewards which come late, twice or in another order
lead to the same shares; and the shares are the probabilities with which it chooses, exactly, without a draw: what is
recorded as a propensity is what it was.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from math import fsum
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from evergreen.base.values import Value

RewardKind = Literal["label", "correct", "error", "file"]  # what a prediction is asked for; "file": nothing in the log
Floats = npt.NDArray[np.float64]
MOST_ARMS = 8
PANEL = 16  # points of a panel of the quadrature
TAILS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.05)
CUTS = (*TAILS, 0.15, 0.3, 0.5, 0.7, 0.85, *(1 - tail for tail in reversed(TAILS)))  # quantiles that bound panels


class Tally(Value):
    """What an arm brought: `n` rewards with a sum of `total`, rounded once, whatever order they came in."""

    arm: str
    n: Annotated[int, Field(ge=0)] = 0
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        return self.total / self.n if self.n else None


class EpsilonGreedy(Value):
    """The arm with the best mean, but for a share `epsilon` of the keys that all arms get alike.

    Arms that are best alike share what the best gets. An arm without a reward is best: nothing is known against it.
    """

    kind: Literal["epsilon"] = "epsilon"
    epsilon: Annotated[float, Field(gt=0, le=1)] = 0.1


class Thompson(Value):
    """Each arm with the probability that it is the best, of rewards that are 0 or 1; Beta(1, 1) before the first.

    `floor`: what every arm gets at least, so that any other policy can be evaluated on what was logged.
    """

    kind: Literal["thompson"] = "thompson"
    floor: Annotated[float, Field(gt=0, le=1 / MOST_ARMS)] = 0.01


Policy = Annotated[EpsilonGreedy | Thompson, Field(discriminator="kind")]


def tallied(arms: Sequence[str], rewards: Iterable[tuple[str, float, int]]) -> tuple[Tally, ...]:
    """Return what each arm brought, by rewards and how often an arm brought each.

    Examples
    --------
    >>> tallied(("champion", "B"), [("B", 1.0, 2), ("B", 0.0, 3)])[1].mean
    0.4
    """
    of: dict[str, list[tuple[float, int]]] = {arm: [] for arm in arms}
    for arm, reward, n in rewards:
        of[arm].append((reward, n))
    return tuple(
        Tally(
            arm=arm,
            n=sum(n for _, n in brought),
            total=fsum(chain.from_iterable(repeat(reward, n) for reward, n in brought)),
        )
        for arm, brought in of.items()
    )


def shares(policy: Policy, tallies: Sequence[Tally]) -> dict[str, float]:
    """Return the probability with which the policy chooses each arm next; none is 0, and they add up to 1.

    Examples
    --------
    >>> shares(EpsilonGreedy(epsilon=0.5), [Tally(arm="champion", n=9, total=4), Tally(arm="B", n=2, total=1)])
    {'champion': 0.25, 'B': 0.75}
    """
    if isinstance(policy, EpsilonGreedy):
        return _greedy(policy.epsilon, tallies)
    best = probabilities_best([(1 + each.total, 1 + each.n - each.total) for each in tallies])
    kept = 1 - len(tallies) * policy.floor
    return {each.arm: policy.floor + kept * share for each, share in zip(tallies, best, strict=True)}


def _greedy(epsilon: float, tallies: Sequence[Tally]) -> dict[str, float]:
    means = [np.inf if each.mean is None else each.mean for each in tallies]
    best = [mean == max(means) for mean in means]
    each, greedy = epsilon / len(tallies), (1 - epsilon) / sum(best)
    return {tally.arm: each + greedy * is_best for tally, is_best in zip(tallies, best, strict=True)}


def probabilities_best(posteriors: Sequence[tuple[float, float]]) -> list[float]:
    """Return for each of some independent Beta(a, b) the probability that it is the largest; they add up to 1.

    Parameters
    ----------
    posteriors : a and b of each, at least 1.

    Notes
    -----
    The integral of one density times the others' distributions, by Gauss and Legendre on the panels between quantiles
    of all of them: no draws, the same number each time. Two against their closed form differ by less than 1e-9.

    Examples
    --------
    >>> [round(share, 6) for share in probabilities_best([(2, 1), (1, 2)])]
    [0.833333, 0.166667]
    """
    from scipy import special

    a, b = np.asarray(posteriors, dtype=np.float64).T[:, :, None]
    cuts = np.unique(np.concatenate([[0.0, 1.0], special.betaincinv(a, b, np.asarray(CUTS)[None, :]).ravel()]))
    points, weights = _gauss(cuts)
    below = special.betainc(a, b, points[None, :])
    density = np.exp(special.xlogy(a - 1, points) + special.xlog1py(b - 1, -points) - special.betaln(a, b))
    won = [
        float(np.sum(weights * density[arm] * np.prod(np.delete(below, arm, axis=0), axis=0))) for arm in range(len(a))
    ]
    return [each / fsum(won) for each in won]


def _gauss(cuts: Floats) -> tuple[Floats, Floats]:
    """Return the points and weights of a quadrature on [0, 1], panel by panel."""
    at, weight = np.polynomial.legendre.leggauss(PANEL)
    half = np.diff(cuts)[:, None] / 2
    points: Any = cuts[:-1, None] + half * (1 + at)
    return points.ravel(), (half * weight).ravel()
