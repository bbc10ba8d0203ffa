"""Intervals that hold at every look at once, so that looking often costs nothing.

An asymptotic confidence sequence for a mean (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central
limit theory and asymptotic confidence sequences", Annals of Statistics 2024, equation 6): after n observations of
variance v the mean lies within

    sqrt(v) * sqrt( 2 (n r + 1) / (n^2 r) * log( sqrt(n r + 1) / alpha ) )

of the true one, for all n from some point on together, with a probability of at least 1 - alpha; r > 0 says at which
n it is narrowest. It is the mixture of Robbins (1970) with the variance estimated.
"""

from math import exp, inf, log, sqrt


def tuned(planned: float, alpha: float) -> float:
    """Return the r at which a sequence is about its narrowest after `planned` observations (there, appendix B.2)."""
    return (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / planned


def half_width(n: float, variance: float, *, alpha: float, planned: float) -> float:
    """Return how far a mean of n observations may be from the true one, at any look, two-sided; inf before two.

    Parameters
    ----------
    variance : of one observation.
    alpha : how often the true mean may ever lie outside, in (0, 1).
    planned : the n at which it is to be narrowest, above 0, chosen before the first look.

    Examples
    --------
    About one and a half times as wide as an interval for one look at the planned number:

    >>> round(half_width(1_000, 1.0, alpha=0.05, planned=1_000) / (1.96 / 1_000**0.5), 2)
    1.55
    """
    if n < 2:
        return inf
    r = tuned(planned, alpha)
    return sqrt(variance) * sqrt(2 * (n * r + 1) / (n * n * r) * log(sqrt(n * r + 1) / alpha))


def p_value(estimate: float, error: float, *, n: float, alpha: float, planned: float) -> float:
    """Return the smallest error at which the sequence would leave 0 out: a p-value at every look together.

    Parameters
    ----------
    estimate, error : a mean of n observations and its standard error, 0 or more.
    alpha, planned : as of `half_width`; they say at which n it is the sharpest.

    Examples
    --------
    >>> far = half_width(1_000, 1.0, alpha=0.05, planned=1_000)
    >>> round(p_value(far, 1_000**-0.5, n=1_000, alpha=0.05, planned=1_000), 6)
    0.05
    """
    if n < 2 or error <= 0:
        return 1.0
    nr = n * tuned(planned, alpha)
    return min(1.0, sqrt(nr + 1) * exp(-((estimate / error) ** 2) * nr / (2 * (nr + 1))))


def needed(value: float, spread: float, *, alpha: float, planned: float, most: float = 1e12) -> float | None:
    """Return from how many observations on a mean of `value` has an interval without 0; None beyond `most`.

    Parameters
    ----------
    spread : the standard deviation of one observation.
    """
    if value == 0 or spread <= 0 or half_width(most, spread**2, alpha=alpha, planned=planned) >= abs(value):
        return None
    low, high = 1.0, most
    while high > low * 1.001:
        middle = sqrt(low * high)
        if half_width(middle, spread**2, alpha=alpha, planned=planned) < abs(value):
            high = middle
        else:
            low = middle
    return high
