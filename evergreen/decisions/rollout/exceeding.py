"""Whether something happens more often than it may, with one error for every look there ever is."""

from math import exp, log, log1p

from scipy import special, stats

MOST = 700.0  # exp of it is a float still


def evidence_above(k: int, n: int, most: float) -> float:
    """Return the evidence that something happens with a probability above `most`, after k times in n.

    However often one looks, it reaches 1 / alpha with a probability of at most alpha while the probability is at most
    `most` each time, whatever came before.

    Notes
    -----
    The likelihood of every probability above `most`, mixed evenly, against that of `most` itself: a test martingale
    for the worst of what is allowed, and a supermartingale for the rest (Robbins, 1970; Howard, Ramdas, McAuliffe and
    Sekhon, 2021).

    Examples
    --------
    >>> [round(evidence_above(k, 1_000, 0.01), 2) for k in (10, 20, 30)]
    [0.0, 0.56, 7116.32]
    """
    if n == 0:
        return 1.0
    mixed = special.betaln(k + 1, n - k + 1) + stats.beta.logsf(most, k + 1, n - k + 1) - log1p(-most)
    worst = k * log(most) + (n - k) * log1p(-most)
    return exp(min(float(mixed - worst), MOST))
