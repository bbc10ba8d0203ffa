"""A difference of means with less noise: what was known of the rows before they were assigned is taken out.

CUPED (Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data", WSDM 2013). What is known here is what the champion says of the same row: it is a function of
what was sent, so no variant can have changed it, unless an earlier answer changed what a unit sends later; `balance`
is what to look at for that. It takes as much out as it explains: the interval is sqrt(1 - r^2) times as wide for a
correlation of r between the parts of units.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.experiments.ratios import Array, Difference, Units, alike, mean_of, variance_of


class Adjusted(Value):
    """A difference with what was known before taken out.

    `correlation`: of the metric with what was known, by unit, in [-1, 1]. `width`: of its interval, as a share of what
    it was. `balance`: how much higher what was known is in the second group.
    """

    difference: Difference
    correlation: float
    width: float
    balance: Difference


def adjusted(first: Units, second: Units) -> Adjusted | None:
    """Return the difference of two groups with what was known before taken out; None where it says nothing.

    The coefficient is the one that makes the variance of the difference least, the same in both groups.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> known = rng.normal(size=(2, 5_000))
    >>> ones = np.ones(5_000)
    >>> a, b = (Units(0.6 * each + 0.8 * rng.normal(size=5_000), ones, each) for each in known)
    >>> found = adjusted(a, b)
    >>> round(found.correlation, 1), round(found.width, 1)
    (0.6, 0.8)
    """
    if first.before is None or second.before is None or min(len(first), len(second)) < 2:
        return None
    known = [mean_of(units.before, units.rows) for units in (first, second) if units.before is not None]
    seen = [mean_of(units.sums, units.rows) for units in (first, second)]
    explained = sum(variance_of(parts) for _, parts in known)
    noise = sum(variance_of(parts) for _, parts in seen)
    if explained <= 0 or noise <= 0:
        return None
    common = _covariance([parts for _, parts in seen], [parts for _, parts in known])
    slope = common / explained
    left = sum(variance_of(a - slope * b) for (_, a), (_, b) in zip(seen, known, strict=True))
    units = alike(len(first), len(second))
    balance = Difference(value=known[1][0] - known[0][0], error=sqrt(explained), units=units)
    value = seen[1][0] - seen[0][0] - slope * balance.value
    return Adjusted(
        difference=Difference(value=value, error=sqrt(left), units=units),
        correlation=float(np.clip(common / sqrt(explained * noise), -1, 1)),
        width=sqrt(left / noise),
        balance=balance,
    )


def _covariance(some: Sequence[Array], others: Sequence[Array]) -> float:
    """Return the covariance of two differences of means by the parts of their units."""
    return sum(float(np.cov(a, b)[0, 1] / len(a)) for a, b in zip(some, others, strict=True))
