"""Who is asked: the winner of the search and the simpler families that were fitted on the same rows, in which order."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from evergreen.decisions.gate.evidence import Contender


def in_order(field: Sequence[Contender], *, greater_is_better: bool) -> tuple[Contender, ...]:
    """Return the contenders in the order in which they are asked, decided before the gate rows are looked at.

    First the simplest that is not worse than the winner, then those that are simpler still, then the others.

    Parameters
    ----------
    field : the winner of the search, and then ever simpler families.
    greater_is_better : of the score on folds.

    Notes
    -----
    Not worse by the rule of one standard error (Breiman, Friedman, Olshen and Stone, 1984): of the differences fold by
    fold, because the folds of a year differ more from each other than models do.
    """
    winner, *simpler = field
    equal = [other for other in simpler if _not_worse(other, winner, greater_is_better=greater_is_better)]
    first = equal[-1] if equal else winner
    at = field.index(first)
    return (first, *field[at + 1 :], *reversed(field[:at]))


def _not_worse(simpler: Contender, winner: Contender, *, greater_is_better: bool) -> bool:
    if len(winner.folds) < 2 or len(simpler.folds) != len(winner.folds):
        return False
    sign = 1 if greater_is_better else -1
    losses = [sign * (best - other) for best, other in zip(winner.folds, simpler.folds, strict=True)]
    return fmean(losses) <= stdev(losses) / sqrt(len(losses))
