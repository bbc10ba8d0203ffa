"""What each value of a row adds to its estimate, held against a typical row: additive Shapley values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_EXACT = 8  # values, whose 256 mixtures cost less than sampling
PAIRS = 64


@dataclass(frozen=True)
class Contributions:
    """How a row's estimate comes to differ from the typical row's.

    `values`, shape (d,), in the unit of the estimate: they add up to `estimate` - `typical`. `errors`: their standard
    errors over the sampled orders; 0 where all mixtures were asked. `permutations`: how many orders; 0 for all of them.
    """

    estimate: float
    typical: float
    values: "Array"
    errors: "Array"
    permutations: int


def contributions(
    ask: "Callable[[Sequence[Sequence[Any]]], Array]",
    row: Sequence[Any],
    typical: Sequence[Any],
    *,
    seed: int,
    pairs: int = PAIRS,
) -> Contributions:
    """Return the Shapley values of a row's values against a typical row.

    A value that both rows have adds nothing. Up to `MOST_EXACT` others, every mixture of the two rows is asked; beyond
    that, `pairs` of random orders in which the values of the row replace the typical ones, each with its reverse.

    Parameters
    ----------
    ask : returns the estimates, shape (n,), of n rows.
    seed : of the orders: the same one gives the same values.

    Notes
    -----
    Castro, Gómez and Tejada (2009), with antithetic orders as in Mitchell et al. (2022).
    """
    import numpy as np

    differing = [at for at, (mine, theirs) in enumerate(zip(row, typical, strict=True)) if mine != theirs]
    values, errors = np.zeros(len(row)), np.zeros(len(row))
    if not differing:
        alone = float(ask([row])[0])
        return Contributions(alone, alone, values, errors, 0)
    if len(differing) <= MOST_EXACT:
        found = _exact(ask, row, typical, differing)
        values[differing] = found.values
        return Contributions(found.estimate, found.typical, values, errors, 0)
    found = _sampled(ask, row, typical, differing, rng=np.random.default_rng(seed), pairs=pairs)
    values[differing], errors[differing] = found.values, found.errors
    return Contributions(found.estimate, found.typical, values, errors, found.permutations)


def _exact(ask: Any, row: Sequence[Any], typical: Sequence[Any], differing: Sequence[int]) -> Contributions:
    import numpy as np

    d = len(differing)
    asked = ask([_mixed(row, typical, [each for k, each in enumerate(differing) if at >> k & 1]) for at in range(2**d)])
    weights = [factorial(size) * factorial(d - size - 1) / factorial(d) for size in range(d)]
    values = np.zeros(d)
    for at in range(2**d):
        for k in range(d):
            if not at >> k & 1:
                values[k] += weights[at.bit_count()] * (asked[at | 1 << k] - asked[at])
    return Contributions(float(asked[-1]), float(asked[0]), values, np.zeros(d), 0)


def _sampled(
    ask: Any,
    row: Sequence[Any],
    typical: Sequence[Any],
    differing: Sequence[int],
    *,
    rng: "np.random.Generator",
    pairs: int,
) -> Contributions:
    import numpy as np

    d = len(differing)
    orders = [order for _ in range(pairs) for order in _both(rng.permutation(d))]
    mixtures = [_mixed(row, typical, [differing[k] for k in order[:n]]) for order in orders for n in range(1, d)]
    asked = ask([typical, row, *mixtures])
    base, end = float(asked[0]), float(asked[1])
    steps = np.empty((len(orders), d))
    for at, (order, between) in enumerate(zip(orders, asked[2:].reshape(len(orders), d - 1), strict=True)):
        steps[at, order] = np.diff(np.concatenate([[base], between, [end]]))
    means = steps.reshape(pairs, 2, d).mean(axis=1)  # the orders of a pair are not independent
    return Contributions(end, base, means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(pairs), 2 * pairs)


def _both(order: "Array") -> "tuple[Array, Array]":
    return order, order[::-1]


def _mixed(row: Sequence[Any], typical: Sequence[Any], mine: Sequence[int]) -> list[Any]:
    mixed = list(typical)
    for at in mine:
        mixed[at] = row[at]
    return mixed
