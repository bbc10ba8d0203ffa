"""Linear models as weights, and what a category adds to them in the place of its code."""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from evergreen.adapters.onnx_export.encoding import Encoding
from evergreen.learning.model.compiled.curves import Link
from evergreen.learning.model.compiled.plan import Category, Number, Pairs

Array = np.ndarray[Any, Any]


class Linear(NamedTuple):
    """Weights, shape (width, outputs), intercepts, shape (outputs,), and what makes probabilities of the sums."""

    weights: Array
    intercepts: Array
    link: Link


def linear_of(estimator: Any) -> Linear | None:
    """Return a fitted linear model of ours as weights; None for any other estimator."""
    if type(estimator).__name__ not in ("LogisticRegression", "Ridge"):
        return None
    weights = np.atleast_2d(np.asarray(estimator.coef_, np.float64)).T
    intercepts = np.atleast_1d(np.asarray(estimator.intercept_, np.float64))
    if not hasattr(estimator, "classes_"):
        return Linear(weights, intercepts, "")
    return Linear(weights, intercepts, "Sigmoid" if weights.shape[1] == 1 else "Softmax")


def folded(encoding: Encoding, linear: Linear) -> tuple[Encoding, Linear]:
    """Return the same model, whose categories become what they add to the sums: as many numbers as it has outputs.

    One-hot codes of hundreds of categories are then one number, and a row is encoded in a fraction of the time.
    """
    n_outputs = linear.weights.shape[1]
    categories: list[Category] = []
    weights: list[Array] = []
    width = 0
    for category in encoding.categories:
        own = linear.weights[category.at : category.at + category.width]
        if category.width > n_outputs:
            category = msgspec.structs.replace(
                category,
                width=n_outputs,
                numbers=tuple(_added(pairs, own) for pairs in category.numbers),
                missing=_added(category.missing, own),
                unseen=_added(category.unseen, own),
            )
            own = np.eye(n_outputs)
        categories.append(msgspec.structs.replace(category, at=width))
        weights.append(own)
        width += category.width
    moved, places = _moved(encoding, width)
    weights.append(linear.weights[places])
    return (
        encoding._replace(categories=tuple(categories), numbers=moved, width=width + len(places)),
        linear._replace(weights=np.concatenate(weights)),
    )


def _added(pairs: Pairs, weights: Array) -> Pairs:
    summed = sum((number * weights[offset] for offset, number in pairs), np.zeros(weights.shape[1]))
    return tuple(enumerate(summed.tolist()))


def _moved(encoding: Encoding, begin: int) -> tuple[tuple[Number, ...], list[int]]:
    """Return the numbers with their places from `begin` on, and which places these were before."""
    places = sorted(at for number in encoding.numbers for at in (number.at, *(number.flag[:1] if number.flag else ())))
    to = {place: begin + position for position, place in enumerate(places)}
    moved = [
        msgspec.structs.replace(number, at=to[number.at], flag=number.flag and (to[number.flag[0]], *number.flag[1:]))
        for number in encoding.numbers
    ]
    return tuple(moved), places
