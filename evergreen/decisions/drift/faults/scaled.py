"""What a window's cells would hold if the reference's values came in another unit."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from evergreen.decisions.drift.faults import stretches
from evergreen.decisions.drift.faults.spread import Spread, spread_of
from evergreen.decisions.drift.faults.stretches import Floats, Stretches
from evergreen.decisions.drift.profile.profile import FINITE, LEAST, MOST, SQUARES, Profile

TREND = 0.95  # correlation of the means of days with time


@dataclass(frozen=True)
class Moved:
    """Of each stretch, shape (S,): numbers, their mean and deviation (NaN where there is none); cells, shape (S, k)."""

    n: Floats
    means: Floats
    deviations: Floats
    cells: Floats

    def distances(self, shares: Floats) -> Floats:
        """Return the total variation between each stretch's cells and given shares, in [0, 1]."""
        return np.asarray(np.abs(self.cells - shares).sum(axis=1) / 2)


def moved(name: str, profile: Profile, looked: Stretches) -> Moved:
    """Return the moments and cells of stretches; one with less than two numbers has no deviation."""
    moments, counts = profile.moments[name], profile.counts[name][:, :-1]
    origin = profile.bins[name].origin
    n, total, squares = looked.sums(moments[:, : SQUARES + 1]).T
    cells = looked.sums(counts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        means = total / n
        variances = squares / n - (means - origin) ** 2
        reliable = (n > 1) & (variances > 1e-12 * (means - origin) ** 2)  # below, it is rounding
        deviations = np.where(reliable, np.sqrt(np.where(reliable, variances, 1.0)), np.nan)
        shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    return Moved(n=n, means=means, deviations=deviations, cells=shares)


@dataclass(frozen=True)
class Usual:
    """The numbers of one column in the reference."""

    name: str
    profile: Profile
    _spreads: dict[int, Spread | None] = field(default_factory=dict, repr=False)

    @cached_property
    def whole(self) -> Moved:
        """All days as one stretch."""
        return moved(self.name, self.profile, stretches.of_length(len(self.profile.days), len(self.profile.days)))

    @property
    def mean(self) -> float:
        """Of all rows."""
        return float(self.whole.means[0])

    @property
    def deviation(self) -> float:
        """Of all rows; NaN where they do not vary."""
        return float(self.whole.deviations[0])

    @property
    def cells(self) -> Floats:
        """The share of numbers in each cell, shape (k,)."""
        return np.asarray(self.whole.cells[0])

    @property
    def extremes(self) -> tuple[float, float]:
        """The least and the most."""
        moments = self.profile.moments[self.name]
        return float(moments[:, LEAST].min()), float(moments[:, MOST].max())

    @cached_property
    def rows_by_day(self) -> float:
        """Numbers on a usual day."""
        n = self.profile.moments[self.name][:, FINITE]
        return float(np.median(n[n > 0]))

    def alike(self, length: int, n: float) -> tuple[Spread | None, Spread | None]:
        """Return how stretches of the reference vary that are like one of `length` days and n numbers.

        The first have as many days, or a quarter of the reference's; the second at most as many numbers too, for the
        spread of heavy tails grows with them.
        """
        days = max(1, min(length, len(self.profile.days) // 4))
        return self._spread(days), self._spread(max(1, min(days, round(n / self.rows_by_day))))

    def _spread(self, length: int) -> Spread | None:
        if length not in self._spreads:
            own = moved(self.name, self.profile, stretches.of_length(len(self.profile.days), length))
            self._spreads[length] = spread_of(own.deviations, own.distances(self.cells))
        return self._spreads[length]

    @cached_property
    def is_of_the_day(self) -> bool:
        """Whether most days have a single value."""
        moments = self.profile.moments[self.name]
        days = moments[moments[:, FINITE] > 1]
        return bool(2 * (days[:, LEAST] == days[:, MOST]).sum() > len(days))

    @cached_property
    def follows_time(self) -> bool:
        """Whether the means of days rise or fall with time, as a counter's."""
        means = self.profile.means(self.name)
        means = means[np.isfinite(means)]
        if len(means) < 3 or means.std() == 0:
            return False
        return bool(abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) >= TREND)

    def cells_at(self, factor: float, offset: float = 0.0) -> Floats:
        """Return the share in each cell of `factor * value + offset`, shape (k,).

        Values lie evenly in their cell; in one that holds a single value, they are that value.
        """
        edges = self.profile.bins[self.name].edges
        if edges is None or not len(edges):
            return self.cells
        least, most = self.extremes
        known = np.concatenate([[min(least, edges[0])], edges, [max(most, edges[-1])]])
        single = np.nextafter(known[:-1], np.inf) >= known[1:]
        below = np.concatenate([[0.0], np.cumsum(np.where(single, 0.0, self.cells))])
        at = np.interp((edges - offset) / factor, known, below)
        expected = np.diff(np.concatenate([[0.0], at, [below[-1]]]))
        np.add.at(expected, np.searchsorted(edges, factor * known[1:][single] + offset), self.cells[single])
        return np.asarray(expected)
