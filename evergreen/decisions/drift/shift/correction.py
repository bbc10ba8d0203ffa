"""The correction for asking many columns at once."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return corrected p-values in the given order; those below alpha keep the family-wise error below alpha.

    Holm's step-down procedure (1979): valid under any dependence between the tests.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    return tuple(np.minimum(stepped, 1.0)[np.argsort(order, kind="stable")].tolist())
