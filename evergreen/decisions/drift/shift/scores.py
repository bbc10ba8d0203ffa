"""What is compared of a column: a few scores of its cells, each of mean 0 over the reference's rows."""

from dataclasses import dataclass

import numpy as np

from evergreen.decisions.drift.distances import mid_ranks
from evergreen.decisions.drift.profile.profile import ColumnBins, Counts, Floats

MOMENTS = ("location", "spread")
MOST_LEVELS = 20
LEAST_EXPECTED = 5.0  # rows of a cell in the window, as in Cochran (1954)


@dataclass(frozen=True)
class Scores:
    """The scores of one column's cells: `values`, shape (K, n_cells), `names`, K of them, such as ``spread``."""

    names: tuple[str, ...]
    values: Floats


def scores_of(bins: ColumnBins, reference: Counts, window: Counts) -> Scores:
    """Return the scores of a column with counts by cell, shape (n_cells,), of the reference and the window.

    Numbers and timestamps: orthogonal polynomials of degree 1 and 2 in the reference's mid-ranks of the cells, so that
    neither unit nor tail matters. Categories: of each level whether it is that level; levels of which fewer than five
    rows are expected in the window, and those after the twentieth, are one. Of every column: whether the value is
    missing. A row without a value scores 0 in everything else, so that more of them alone move nothing else. A score
    that no row tells from another is left out.
    """
    present = reference[:-1] if reference[:-1].any() else window[:-1]
    shares: Floats = present / present.sum()
    if bins.edges is not None:
        named = dict(zip(MOMENTS, _polynomials(present), strict=False))
    else:
        named = _levels(bins, shares, float(window.sum()))
    rows = {name: np.append(values - shares @ values, 0.0) for name, values in named.items()}
    missing = np.zeros(bins.n_cells)
    missing[-1] = 1.0
    rows["missing"] = missing - reference[-1] / max(reference.sum(), 1)
    both = (reference + window) > 0
    kept = {name: values for name, values in rows.items() if np.ptp(values[both]) > 1e-9}
    return Scores(tuple(kept), np.array(list(kept.values())).reshape(len(kept), bins.n_cells))


def _polynomials(present: Counts) -> list[Floats]:
    shares, middle = present / present.sum(), mid_ranks(present)
    degree = min(len(MOMENTS), int((shares > 0).sum()) - 1)
    if degree < 1:  # one cell holds all of the reference: the others are told by where they lie
        return [np.sign(middle - middle[np.argmax(shares)]), (shares == 0).astype(np.float64)]
    weights = np.sqrt(shares)[:, None]
    powers = np.vander(2 * middle - 1, degree + 1, increasing=True)
    _, upper = np.linalg.qr(weights * powers)
    return list(np.linalg.solve(upper.T, powers.T)[1:])


def _levels(bins: ColumnBins, shares: Floats, n_window: float) -> dict[str, Floats]:
    names = [f"'{name}'" for name in bins.categories or ()]
    n = len(names)
    frequent = np.argsort(-shares[:n], kind="stable")[:MOST_LEVELS]
    alone = [cell for cell in sorted(frequent) if shares[cell] * n_window >= LEAST_EXPECTED]
    cells = np.eye(n + 1)
    named = {names[cell]: cells[cell] for cell in alone}
    named["other levels"] = 1.0 - cells[alone].sum(axis=0)
    return named
