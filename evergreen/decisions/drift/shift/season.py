"""Which columns follow a season: a backtest inside the reference decides."""

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.profile.profile import Floats
from evergreen.decisions.drift.shift.days import Period, design, has_a_year
from evergreen.decisions.drift.shift.means import Means


def follow_a_season(means: Means, reference: Period, window: Period) -> npt.NDArray[np.bool_]:
    """Return of each column whether two waves of the year predict its days better, shape (columns,).

    The reference is cut into spans as long as the window (7 days at least). Each is predicted from all the others, with
    the waves and without; a column follows the season whose squared errors, over its scores, are smaller with them. A
    reference of less than a year tells of none.
    """
    if not has_a_year(reference):
        return np.zeros(len(means.scores), dtype=bool)
    spans = reference.at // max(window.length, 7)
    errors = [
        _squared_errors(means.reference, design(reference, window, season=season)[0], reference.weights, spans)
        for season in (False, True)
    ]
    plain, waves = (means.by_column(one / means.row_variance) for one in errors)
    return np.array([after.sum() < before.sum() for before, after in zip(plain, waves, strict=True)])


def _squared_errors(means: Floats, x: Floats, weights: Floats, spans: npt.NDArray[np.int64]) -> Floats:
    """Return the squared errors of predicted means of spans, shape (lanes,), each predicted from the other spans."""
    squares, products = x.T @ (x * weights[:, None]), means @ (x * weights[:, None])
    errors = np.zeros(len(means))
    for span in np.unique(spans):
        held = spans == span
        w, seen = weights[held], x[held]
        rest = np.linalg.pinv(squares - seen.T @ (seen * w[:, None]))
        coefficients = (products - means[:, held] @ (seen * w[:, None])) @ rest
        errors += ((means[:, held] - coefficients @ seen.T) @ w) ** 2 / w.sum() ** 2
    return errors
