"""Means of scores by day, of both profiles, and what of them is the noise of single rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evergreen.decisions.drift.profile.profile import Floats, Profile
from evergreen.decisions.drift.shift.days import Period
from evergreen.decisions.drift.shift.scores import Scores, scores_of

LEAST_WITHIN = 1e-4  # of the variance of all rows, where the rows of a day are alike
FEWEST_WITHIN = 30


@dataclass(frozen=True)
class Means:
    """The scores of some columns, one after another: lanes.

    `reference`, `window`: their means by day with rows, shape (lanes, B) each. `row_variance`: of a row within its day,
    shape (lanes,).
    """

    scores: tuple[Scores, ...]
    reference: Floats
    window: Floats
    row_variance: Floats

    def by_column(self, lanes: Floats) -> list[Floats]:
        """Return an array of lanes cut into its columns."""
        return np.split(lanes, np.cumsum([len(one.names) for one in self.scores])[:-1])


def means_of(sides: tuple[Profile, Profile], periods: tuple[Period, Period], names: Sequence[str]) -> Means:
    """Return the means of the scores of columns; where hardly a day has two rows, all variance is that of rows."""
    scores = tuple(scores_of(sides[0].bins[name], sides[0].total(name), sides[1].total(name)) for name in names)
    means, squares, sums = [], [], []
    for side, period in zip(sides, periods, strict=True):
        some = side.rows > 0
        by_day = [side.counts[name][some] @ one.values.T for name, one in zip(names, scores, strict=True)]
        means.append(np.hstack(by_day).T / period.rows)
        squares.append(np.hstack([one.values**2 @ side.total(name) for name, one in zip(names, scores, strict=True)]))
        sums.append(means[-1] @ period.rows)
    n = float(sum(period.rows.sum() for period in periods))
    within_days = n - sum(len(period.days) for period in periods)
    overall = (squares[0] + squares[1] - (sums[0] + sums[1]) ** 2 / n) / n
    if within_days < FEWEST_WITHIN:
        return Means(scores, means[0], means[1], overall)
    within = squares[0] - means[0] ** 2 @ periods[0].rows + squares[1] - means[1] ** 2 @ periods[1].rows
    return Means(scores, means[0], means[1], np.maximum(within / within_days, LEAST_WITHIN * overall))
