"""How far a window lies from a reference: the usual distances, of counts on the same cells.

Each is what SciPy says of the same two distributions. A distance alone says nothing about chance: samples of unchanged
rows are some distance apart, and the more so the fewer they are.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.spatial.distance import jensenshannon

from evergreen.decisions.drift.profile.profile import ColumnBins, Counts

Floats = npt.NDArray[np.float64]
Band = Literal["none", "moderate", "significant"]
MODERATE, SIGNIFICANT = 0.1, 0.2


def distances(reference: Counts, window: Counts, bins: ColumnBins) -> dict[str, float]:
    """Return every distance that means something for a column, by name; none where either side has no rows.

    Parameters
    ----------
    reference, window : counts by cell, shape (n_cells,), missing values last.

    Returns
    -------
    `psi` and `kl` in nats; `jensen_shannon`, `total_variation` and `kolmogorov_smirnov` in [0, 1]; `chi_square`, the
    statistic; `wasserstein` in shares of the reference, [0, 1]. Missing values are a cell of their own, but in
    `kolmogorov_smirnov` and `wasserstein`, which need an order: those are of the present values of numbers and times,
    and left out where either side has none.

    Examples
    --------
    >>> bins = ColumnBins("number", edges=np.array([1.0]))
    >>> found = distances(np.array([50, 50, 0]), np.array([30, 60, 10]), bins)
    >>> {name: round(found[name], 3) for name in ("psi", "kl", "total_variation", "chi_square")}
    {'psi': 0.404, 'kl': 0.261, 'total_variation': 0.2, 'chi_square': 15.909}
    >>> {name: round(found[name], 3) for name in ("jensen_shannon", "kolmogorov_smirnov", "wasserstein")}
    {'jensen_shannon': 0.267, 'kolmogorov_smirnov': 0.167, 'wasserstein': 0.083}
    """
    if not (reference.sum() and window.sum()):
        return {}
    found = {
        "psi": population_stability(reference, window),
        "kl": kullback_leibler(window, reference),
        "jensen_shannon": jensen_shannon(reference, window),
        "total_variation": total_variation(reference, window),
        "chi_square": chi_square(reference, window),
    }
    before, now = reference[:-1], window[:-1]
    if bins.is_numeric and before.sum() and now.sum():
        found["kolmogorov_smirnov"] = kolmogorov_smirnov(before, now)
        found["wasserstein"] = wasserstein(before, now, mid_ranks(before))
    return found


def psi_band(psi: float) -> Band:
    """Return what common practice calls a stability index: moderate from 0.1, significant from 0.2."""
    return "significant" if psi >= SIGNIFICANT else "moderate" if psi >= MODERATE else "none"


def population_stability(reference: Counts, window: Counts) -> float:
    """Return the population stability index of counts, shape (k,), in nats, >= 0.

    The symmetrised Kullback-Leibler divergence (Jeffreys, 1946). An empty cell counts half a row; a cell that is empty
    on both sides does not exist.
    """
    p, q = _filled(reference, window)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler(p: Counts, q: Counts) -> float:
    """Return the divergence of the distribution of `p` from that of `q`, in nats, >= 0; empty cells as in the PSI."""
    return float(stats.entropy(*_filled(p, q)))


def jensen_shannon(reference: Counts, window: Counts) -> float:
    """Return the Jensen-Shannon distance with base 2, in [0, 1]: 0 for equal shares, 1 where no cell is shared."""
    apart = float(jensenshannon(reference, window, base=2))
    return 0.0 if np.isnan(apart) else min(apart, 1.0)  # rounding may take equal shares below zero


def total_variation(reference: Counts, window: Counts) -> float:
    """Return the share of rows, in [0, 1], that would have to lie in another cell."""
    return float(np.abs(_shares(reference) - _shares(window)).sum() / 2)


def chi_square(reference: Counts, window: Counts) -> float:
    """Return Pearson's statistic of homogeneity, >= 0, without a continuity correction; 0 where one cell holds all."""
    table = np.stack([reference, window])
    table = table[:, table.any(axis=0)]
    return float(stats.chi2_contingency(table, correction=False).statistic) if table.shape[1] > 1 else 0.0


def kolmogorov_smirnov(reference: Counts, window: Counts) -> float:
    """Return the largest distance, in [0, 1], between the shares of rows up to any edge, of cells in their order.

    At most what the values themselves would say, and less by at most the share of the largest cell.
    """
    return float(np.abs(np.cumsum(_shares(reference) - _shares(window))).max(initial=0.0))


def wasserstein(reference: Counts, window: Counts, positions: Floats) -> float:
    """Return how far a row has to be moved on average, in the unit of `positions`, those of the cells, shape (k,)."""
    return float(stats.wasserstein_distance(positions, positions, reference, window))


def mid_ranks(reference: Counts) -> Floats:
    """Return the middle of each cell as a share of the reference's rows, in [0, 1].

    Examples
    --------
    >>> mid_ranks(np.array([5, 3, 2])).tolist()
    [0.25, 0.65, 0.9]
    """
    shares = _shares(reference)
    middles: Floats = np.cumsum(shares) - shares / 2
    return middles


def _shares(counts: Counts) -> Floats:
    shares: Floats = counts / counts.sum()
    return shares


def _filled(reference: Counts, window: Counts) -> tuple[Floats, Floats]:
    counts = np.stack([reference, window]).astype(np.float64)
    counts = counts[:, counts.any(axis=0)]
    counts[counts == 0] = 0.5
    p, q = counts / counts.sum(axis=1, keepdims=True)
    return p, q
