"""The test of a window against a reference: a p for every score of every column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.profile.profile import Floats, Profile
from evergreen.decisions.drift.shift.correction import holm
from evergreen.decisions.drift.shift.days import Period, design, has_a_year, period_of
from evergreen.decisions.drift.shift.dependence import Contrast, p_values, spectrum
from evergreen.decisions.drift.shift.means import Means, means_of
from evergreen.decisions.drift.shift.season import follow_a_season
from evergreen.decisions.drift.shift.verdict import Season


@dataclass(frozen=True)
class Compared:
    """What a column's scores say, K of them; a column of one value has none.

    `moved`: how far the window's mean lies from what is expected, in standard deviations of a row, shape (K,). `p`:
    two-sided, shape (K,). `season`: what was made of it.
    """

    names: tuple[str, ...]
    moved: Floats
    p: Floats
    season: Season

    @property
    def column_p(self) -> float:
        """The column's p, in [0, 1]: the smallest times how many there are (Bonferroni); 1 without a score."""
        return min(1.0, float(len(self.p) * self.p.min())) if len(self.p) else 1.0


def compare(reference: Profile, window: Profile, names: Sequence[str]) -> Mapping[str, Compared]:
    """Return what columns say; both profiles must have rows and these columns, on the same cells."""
    if not names:
        return {}
    periods = period_of(reference), period_of(window)
    means = means_of((reference, window), periods, names)
    seasonal = follow_a_season(means, *periods)
    other: Season = "none seen" if has_a_year(periods[0]) else "cannot be told apart"
    lanes = np.repeat(seasonal, [len(one.names) for one in means.scores])
    moved, p = np.zeros(len(lanes)), np.ones(len(lanes))
    for season in (False, True):
        chosen = lanes == season
        if chosen.any():
            moved[chosen], p[chosen] = _test(means, *periods, chosen, season=season)
    parts = zip(names, means.scores, means.by_column(moved), means.by_column(p), seasonal, strict=True)
    return {
        name: Compared(scores.names, of_moved, of_p, "followed" if follows else other)
        for name, scores, of_moved, of_p, follows in parts
    }


def corrected_p(compared: Mapping[str, Compared]) -> Mapping[str, float]:
    """Return p of columns, corrected over them (Holm, 1979)."""
    return dict(zip(compared, holm([column.column_p for column in compared.values()]), strict=True))


def _test(
    means: Means, reference: Period, window: Period, lanes: npt.NDArray[np.bool_], *, season: bool
) -> tuple[Floats, Floats]:
    before, now, row_variance = means.reference[lanes], means.window[lanes], means.row_variance[lanes]
    x, x_window = design(reference, window, season=season)
    solve = np.linalg.pinv(x.T @ (x * reference.weights[:, None])) @ x.T * reference.weights
    coefficients = before @ solve.T
    left = now - coefficients @ x_window.T
    differences = left @ window.weights
    residuals = before - coefficients @ x.T, left - differences[:, None]
    contrast = Contrast.of(reference, window.weights @ x_window @ solve, window)
    spectra = [spectrum(reference, residuals[0], x), spectrum(window, residuals[1], np.ones((len(window.days), 1)))]
    shape = _skewness_and_kurtosis(np.hstack(residuals))
    p = p_values(differences, row_variance, *shape, spectra=spectra, contrast=contrast)
    return differences / np.sqrt(row_variance), p


def _skewness_and_kurtosis(residuals: Floats) -> tuple[Floats, Floats]:
    """Return the skewness and the excess kurtosis of days, shape (lanes,) each, of what is left of them, (lanes, B)."""
    largest = np.maximum(np.abs(residuals).max(axis=1, keepdims=True), np.finfo(float).tiny)
    scaled = residuals / largest
    squares = np.maximum((scaled**2).mean(axis=1), np.finfo(float).eps)
    return (scaled**3).mean(axis=1) / squares**1.5, (scaled**4).mean(axis=1) / squares**2 - 3
