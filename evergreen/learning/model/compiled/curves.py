"""From sums to probabilities, and from these to calibrated ones.

Counted by numpy, whose functions give a number the same bits wherever it stands; those of graphs do not.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Link = Literal["", "Sigmoid", "Softmax"]
Method = Literal["sigmoid", "isotonic", "temperature", "offsets", "offset"]
EPSILON = 1e-6  # probabilities are kept this far from 0 and 1, where the log loss is endless
LEAST = -700.0  # the exponential of more than its opposite is endless


def linked(sums: Array, link: Link) -> Array:
    """Return probabilities of sums, shape (n,) or (n, k); without a link, the sums."""
    if link == "Sigmoid":
        probabilities: Array = 1 / (1 + np.exp(-np.maximum(sums, LEAST)))
        return probabilities
    if link == "Softmax":
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        shares: Array = powers / powers.sum(axis=1, keepdims=True)
        return shares
    return sums


def calibrated(probabilities: Array, method: Method, numbers: Sequence[float]) -> Array:
    """Return better probabilities: shape (n,), of true; or shape (n, k), of each class; or better values, shape (n,).

    Parameters
    ----------
    numbers : slope and intercept of the log odds; isotonic, first all probabilities at the knots, then what each
        becomes; the temperature; "offsets", the temperature and what is added to each class's logarithm; "offset", what
        is added to a value.
    """
    if method == "offset":
        shifted: Array = probabilities + numbers[0]
        return shifted
    safe = np.minimum(np.maximum(probabilities, EPSILON), 1 - EPSILON)
    if method == "sigmoid":
        slope, intercept = numbers
        mapped: Array = 1 / (1 + np.exp(-(slope * log_odds(safe) + intercept)))
        return mapped
    if method == "isotonic":
        half = len(numbers) // 2
        stepped: Array = np.interp(safe, numbers[:half], numbers[half:])
        return stepped
    logarithms = np.log(safe) / numbers[0]
    if method == "offsets":
        return linked(logarithms + np.asarray(numbers[1:]), "Softmax")
    powers = np.exp(logarithms)
    warmed: Array = powers / powers.sum(axis=1, keepdims=True)
    return warmed


def log_odds(probabilities: Array) -> Array:
    """Return the logarithms of odds."""
    odds: Array = np.log(probabilities) - np.log1p(-probabilities)
    return odds
