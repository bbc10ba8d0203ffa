"""Who is asked: the winner of the search and the simpler families that were fitted on the same rows, in which order."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from evergreen.config.objectives import METRICS
from evergreen.decisions.gate.evidence import Contender


def in_order(field: Sequence[Contender]) -> tuple[Contender, ...]:
    """Return the contenders in the order in which they are asked, decided before the gate rows are looked at.

    First the simplest that is not worse than the winner, then those that are simpler still, then the others.

    Parameters
    ----------
    field : the winner of the search, and then ever simpler families.

    Notes
    -----
    Not worse by the rule of one standard error (Breiman, Friedman, Olshen and Stone, 1984), in every metric of the
    folds: in how rows are ordered and in a proper score. The error is that of the differences fold by fold, because the
    folds of a year differ more from each other than models do.
    """
    winner, *simpler = field
    equal = [other for other in simpler if _not_worse(other, winner)]
    first = equal[-1] if equal else winner
    at = field.index(first)
    return (first, *field[at + 1 :], *reversed(field[:at]))


def _not_worse(simpler: Contender, winner: Contender) -> bool:
    compared = winner.folds.keys() & simpler.folds.keys()
    return bool(compared) and all(_within_error(simpler, winner, metric) for metric in compared)


def _within_error(simpler: Contender, winner: Contender, metric: str) -> bool:
    ours, theirs = winner.folds[metric], simpler.folds[metric]
    if len(ours) < 2 or len(theirs) != len(ours):
        return False
    sign = 1 if METRICS[metric].greater_is_better else -1
    losses = [sign * (best - other) for best, other in zip(ours, theirs, strict=True)]
    return fmean(losses) <= stdev(losses) / sqrt(len(losses))
