"""The statistics of drift: population stability, its limit under no change, and the correction over columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evergreen.base.errors import DataError
from evergreen.decisions.drift.profile.bins import quantile_edges

Array = npt.NDArray[np.float64]
ROWS_PER_BIN = 20
# Cochran (1954): below five expected rows in a cell the chi-square approximation is poor.
LEAST_EXPECTED = 5.0


class DriftError(DataError):
    """Two samples cannot be compared."""


def population_stability(reference: pd.Series, current: pd.Series, *, bins: int = 10) -> float:
    """Return the population stability index of `current` against `reference`.

    Parameters
    ----------
    reference, current : shape (n,) and (m,), numbers or timestamps, same unit; missing values form their own bin.
    bins : number of quantile bins, cut on `reference` only, so that alerts are comparable. The outer bins are open.
        A value that fills a whole bin gets one of its own.

    Returns
    -------
    float in nats, >= 0. Common practice reads below 0.1 as stable and above 0.2 as shifted.

    Raises
    ------
    DriftError if either sample has fewer than `20 * bins` rows or fewer than 20 values.

    Notes
    -----
    Sum of (p - q) * ln(p / q): the symmetrised Kullback-Leibler divergence (Jeffreys, 1946).
    Empty bins count 0.5; bins that are empty in both samples do not exist.

    Examples
    --------
    >>> s = pd.Series(range(1_000))
    >>> population_stability(s, s)
    0.0
    >>> round(population_stability(s, s + 100), 3)
    0.596
    """
    require_rows(reference, current, least=ROWS_PER_BIN * bins)
    return stability(quantile_counts(as_numbers(reference), as_numbers(current), bins=bins))


def category_stability(reference: pd.Series, current: pd.Series) -> float:
    """Return the population stability index of categories, shape (n,) and (m,), in nats, >= 0.

    Each category is a bin, unseen ones included; missing values form their own. Categories of which fewer than five
    rows are expected in either sample under no change share one bin (Cochran, 1954).

    Raises
    ------
    DriftError if either sample has fewer than 40 rows or fewer than 20 values.

    Examples
    --------
    >>> a, b = pd.Series(["x", "y"] * 100), pd.Series(["x", "y", "new", "new"] * 100)
    >>> category_stability(a, a), round(category_stability(a, b), 3)
    (0.0, 2.981)
    """
    require_rows(reference, current, least=2 * ROWS_PER_BIN)
    return stability(category_counts(reference, current)[0])


def stability_limit(n: int, m: int, *, bins: int, alpha: float) -> float:
    """Return the stability index, in nats, that samples of `n` and `m` unchanged rows exceed with probability `alpha`.

    Under no change the index is about (1/n + 1/m) times chi-square with `bins` - 1 degrees of freedom (Yurdakul and
    Naranjo, 2020).

    Examples
    --------
    >>> (
    ...     round(stability_limit(100, 100, bins=10, alpha=0.05), 3),
    ...     round(stability_limit(10_000, 1_000, bins=10, alpha=0.05), 3),
    ... )
    (0.338, 0.019)
    """
    return float((1 / n + 1 / m) * stats.chi2.isf(alpha, max(bins - 1, 1)))


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


def stability(counts: Array) -> float:
    """Return the population stability index in nats of counts, shape (2, bins); an empty bin counts 0.5."""
    filled = np.where(counts == 0, 0.5, counts)
    p, q = filled / filled.sum(axis=1, keepdims=True)
    return float(np.sum((p - q) * np.log(p / q)))


def quantile_counts(reference: Array, current: Array, *, bins: int) -> Array:
    """Return the values of both samples by quantile bin of the reference and, last, those missing; shape (2, k)."""
    edges = quantile_edges(reference[~np.isnan(reference)], bins)
    counts = np.stack([_binned(sample, edges) for sample in (reference, current)])
    return counts[:, counts.any(axis=0)]


def _binned(values: Array, edges: Array) -> Array:
    missing = np.isnan(values)
    inside = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=len(edges) + 1)
    return np.append(inside, missing.sum()).astype(float)


def category_counts(reference: pd.Series, current: pd.Series) -> tuple[Array, int]:
    """Return the counts of both samples by category and, last, missing, and how many categories are new."""
    table = pd.concat([_tally(reference), _tally(current)], axis=1).fillna(0.0).to_numpy(dtype=float).T
    unseen = int(((table[0] == 0) & (table[1] > 0)).sum())
    missing = [[float(reference.isna().sum())], [float(current.isna().sum())]]
    counts = np.hstack([_pool_rare(table), missing])
    return counts[:, counts.any(axis=0)], unseen


def _tally(values: pd.Series) -> pd.Series:
    counts = values.value_counts(dropna=True)
    return counts.groupby(counts.index.astype(str)).sum()


def _pool_rare(counts: Array) -> Array:
    expected = counts.sum(axis=0) / counts.sum() * counts.sum(axis=1).min()
    rare = expected < LEAST_EXPECTED
    return np.hstack([counts[:, ~rare], counts[:, rare].sum(axis=1, keepdims=True)])


def as_numbers(values: pd.Series) -> Array:
    """Return a sample as float64; timestamps as seconds since 1970."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        seconds = (pd.to_datetime(values, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
        return np.asarray(seconds, dtype=np.float64)
    return np.asarray(pd.to_numeric(values).to_numpy(dtype="float64", na_value=np.nan), dtype=np.float64)


def require_rows(reference: pd.Series, current: pd.Series, *, least: int) -> None:
    """Raise DriftError if either sample has fewer than `least` rows, or too few values for one bin."""
    for side, sample in (("reference", reference), ("window", current)):
        present = int(sample.notna().sum())
        if len(sample) < least:
            what = f"{len(sample)} rows in the {side}, at least {least} are needed"
        elif present < ROWS_PER_BIN:
            some = f"all but {present} values are" if present else "every value is"
            what = f"{some} missing in the {side}, at least {ROWS_PER_BIN} are needed"
        else:
            continue
        raise DriftError(
            "DR001", what, where=f"column '{sample.name}'", next_step="Widen the period, or correct the source."
        )
