"""How far a mean of days may lie from another by chance, where days have shocks of their own and hang together.

A day's mean is a level, a shock of the day and the noise of its rows. The noise is known from the rows; how large the
shocks are, and for how long they last, is not. Instead of one estimate there is a grid: of the shocks' variance, of how
much of a shock the next day remembers, and of a share that is forgotten at once. A point counts as much as the days of
reference and window make it likely (Whittle's likelihood, of their cosine transform, which nearly takes such series
apart; the prior is flat in the variance near 0, and in its logarithm where shocks outweigh noise), and p is the mean of
the points' p. So days that tell little, such as sixty that hang together, widen the tails by themselves, as Student's t
does for independent days.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, signal, special

from evergreen.decisions.drift.profile.profile import Floats
from evergreen.decisions.drift.shift.days import Period

MEMORIES = (0.0, 0.3, 0.5, 0.65, 0.75, 0.83, 0.9)  # the correlation of a shock with the next day's
LIKELY = (2.0, 1.5, 1.5, 1.5, 1.0, 0.4, 0.15)  # before any day is looked at
AT_ONCE = (0.0, 0.5)  # the share of a shock that is forgotten at once
PRIOR = np.repeat(LIKELY, len(AT_ONCE)) / sum(LIKELY) / len(AT_ONCE)
SIZES_PER_OCTAVE = 2.5
MOST_SHOCK = 4_096.0  # times the variance of a row within its day
BANDS = 40
LEAST_SKEWNESS, MOST_SKEWNESS = 1e-4, 4.0
MOST_KURTOSIS = 6.0  # so that one odd day does not silence a column


@dataclass(frozen=True)
class Spectrum:
    """A series by bands of frequency.

    `squares`: of its cosine transform, shape (lanes, bands). `df`: how many values a band holds, shape (bands,).
    `noise`: what is expected of one value from rows of variance 1; `shocks`: from shocks of variance 1, shape (shapes,
    bands).
    """

    squares: Floats
    df: Floats
    noise: float
    shocks: Floats


@dataclass(frozen=True)
class Contrast:
    """The variance of a difference of means, and of the window's part: `noise` of rows of variance 1, and `shocks` of
    variance 1, shape (shapes,)."""

    noise: float
    shocks: Floats
    window_noise: float
    window_shocks: Floats

    @classmethod
    def of(cls, reference: Period, reference_weights: Floats, window: Period) -> "Contrast":
        """Return it for a mean of the reference with weights, shape (B,), taken from that of the window."""
        means = (reference, reference_weights), (window, window.weights)
        shocks = [_variances(period.on_every_day(weights)[:, None])[:, 0] for period, weights in means]
        before, now = ((weights**2 / period.rows).sum() for period, weights in means)
        return cls(float(before + now), shocks[0] + shocks[1], float(now), shocks[1])


def spectrum(period: Period, residuals: Floats, design: Floats) -> Spectrum:
    """Return the spectrum of what is left of days, shape (lanes, B), by what explains them, shape (B, k)."""
    length, relative = period.length, period.weights / period.weights.mean()
    told = float(relative.sum() ** 2 / (relative**2).sum()) / length  # days without rows, or with few, tell less
    basis, _ = np.linalg.qr(design)
    explained = (fft.dct(period.on_every_day(basis.T), norm="ortho") ** 2).sum(axis=0)[1:]
    squares = fft.dct(period.on_every_day(residuals * relative), norm="ortho")[:, 1:] ** 2
    starts = _bands(length - 1)
    middles = (starts + np.append(starts[1:], length - 1) - 1) / 2 + 1
    cosines = np.cos(np.pi * np.outer(np.arange(length) + 0.5, middles) / length) * np.sqrt(2 / length)
    return Spectrum(
        squares=told * np.add.reduceat(squares, starts, axis=1),
        df=told * np.add.reduceat(np.clip(1 - explained, 0, 1), starts),
        noise=float((relative**2 / period.rows).sum() / length),
        shocks=_variances(period.on_every_day(relative)[:, None] * cosines),
    )


def p_values(
    differences: Floats,
    row_variance: Floats,
    skewness: Floats,
    kurtosis: Floats,
    *,
    spectra: list[Spectrum],
    contrast: Contrast,
) -> Floats:
    """Return two-sided p of differences of means, shape (lanes,).

    Parameters
    ----------
    row_variance : of a row within its day, shape (lanes,), above 0.
    skewness : of days, shape (lanes,). A mean of skewed days strays further on one side, by as much as one of gamma
        values with the same skewness does (Wilson and Hilferty, 1931).
    kurtosis : of days, in excess of the normal's, shape (lanes,). A variance of heavy-tailed days is (2 + kurtosis) / 2
        times as uncertain as one of normal days, so that they count as so many fewer.
    spectra : of reference and window.
    """
    sizes = _sizes(min(one.noise for one in spectra))
    noise = max(one.noise for one in spectra)
    fits = np.log(PRIOR)[:, None] + np.log(sizes / (sizes + noise))
    fits = np.repeat(fits[None], len(differences), axis=0)
    told = 2 / (2 + np.clip(kurtosis, 0.0, MOST_KURTOSIS))
    for one in spectra:
        expected = one.noise + sizes[:, None] * one.shocks[:, None, :]  # (shapes, sizes, bands)
        misfit = (one.squares / row_variance[:, None]) @ (1 / expected).reshape(-1, len(one.df)).T
        fits -= told[:, None, None] * (misfit.reshape(fits.shape) + np.log(expected) @ one.df) / 2
    weights = special.softmax(fits, axis=(1, 2))
    variance = contrast.noise + sizes * contrast.shocks[:, None]
    of_window = contrast.window_noise + sizes * contrast.window_shocks[:, None]
    z = (np.abs(differences) / np.sqrt(row_variance))[:, None, None] / np.sqrt(variance)
    towards = np.maximum(skewness * np.sign(differences), 0.0)[:, None, None]
    skewed = np.clip(towards * of_window**2 / np.sqrt((noise + sizes) * variance**3), LEAST_SKEWNESS, MOST_SKEWNESS)
    normal = (6 / skewed) * (np.cbrt(skewed * z / 2 + 1) - 1) + skewed / 6
    tails = special.erfc(np.clip(np.minimum(z, normal), 0, None) / np.sqrt(2))
    return np.asarray((weights * tails).sum(axis=(1, 2)), dtype=np.float64)


def _sizes(noise: float) -> Floats:
    least = noise / 16
    return np.geomspace(least, MOST_SHOCK, int(np.ceil(np.log2(MOST_SHOCK / least) * SIZES_PER_OCTAVE)) + 1)


def _variances(series: Floats) -> Floats:
    """Return x' C x of each column x of `series`, shape (days, m), C the correlations of a shape: (shapes, m)."""
    at_once = (series**2).sum(axis=0)
    out: list[Floats] = []
    for memory in MEMORIES:
        remembered = signal.lfilter([1.0], [1.0, -memory], series, axis=0)
        lasting = (series * (2 * remembered - series)).sum(axis=0)
        out.extend(share * at_once + (1 - share) * lasting for share in AT_ONCE)
    return np.array(out)


def _bands(n: int) -> npt.NDArray[np.int64]:
    """Return where the bands of n frequencies begin: each of the lowest alone, then ever wider ones."""
    wider = np.geomspace(BANDS, max(n, BANDS), BANDS).astype(np.int64)
    starts = np.unique(np.concatenate([np.arange(min(n, BANDS)), wider]))
    return starts[starts < n]
