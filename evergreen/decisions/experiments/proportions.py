"""Two shares read once, at a number that was fixed before: the test that guides print."""

from math import sqrt

from scipy import stats

from evergreen.base.values import Value


class Compared(Value):
    """What two shares say of each other when they are looked at once.

    `z`, `p_value`: of the two-sided test that they are equal, with the variance pooled; None where both are 0 or both
    are 1. `low`, `high`: the interval of the difference, with the variance of each. `lift`: the difference as a share
    of the first; None where that is 0.
    """

    difference: float
    low: float
    high: float
    z: float | None
    p_value: float | None
    lift: float | None


def compare(first: tuple[int, int], second: tuple[int, int], *, alpha: float = 0.05) -> Compared:
    """Return what two counts, each of so many, say of each other; for one look at independent observations.

    Parameters
    ----------
    first, second : how many succeeded, of how many: at least one.
    alpha : the interval holds with a probability of 1 - alpha.

    Raises
    ------
    ValueError if a count is of none, or more than all.

    Notes
    -----
    The test pools the variance, because it asks what would be seen if both were equal; the interval does not, because
    they are not. So either may call a close case otherwise than the other.

    Examples
    --------
    >>> found = compare((100, 1_000), (130, 1_000))
    >>> round(found.z, 3), round(found.p_value, 4), round(found.lift, 2), round(found.low, 3), round(found.high, 3)
    (2.103, 0.0355, 0.3, 0.002, 0.058)
    """
    for hits, n in (first, second):
        if n < 1 or not 0 <= hits <= n:
            raise ValueError(f"expected a count of at least one observation, got {hits} of {n}")
    (hits_a, n_a), (hits_b, n_b) = first, second
    a, b = hits_a / n_a, hits_b / n_b
    pooled = (hits_a + hits_b) / (n_a + n_b)
    error = sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    z = (b - a) / error if error else None
    half = float(stats.norm.ppf(1 - alpha / 2)) * sqrt(a * (1 - a) / n_a + b * (1 - b) / n_b)
    return Compared(
        difference=b - a,
        low=b - a - half,
        high=b - a + half,
        z=z,
        p_value=None if z is None else float(2 * stats.norm.sf(abs(z))),
        lift=(b - a) / a if a else None,
    )
