"""What rows look like, small and mergeable: counts by block and cell, and moments, on a reference's own cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["number", "timestamp", "category", "boolean"]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ESTIMATE, LABEL = "_estimate", "_label"  # what the model says: the probability of true, of the top class, or the value


@dataclass(frozen=True)
class ColumnBins:
    """The cells of one column, cut on a reference.

    `edges`, of numbers and timestamps (microseconds since 1970 in UTC), shape (k,), rising: k + 1 cells, the first
    (-inf, edges[0]], the last (edges[-1], inf). `categories`: a cell each, and then one for every other value. The last
    cell of every column is of missing values.
    """

    kind: Kind
    edges: Floats | None = None
    categories: tuple[str, ...] | None = None

    @property
    def n_cells(self) -> int:
        """How many cells there are, with that of missing values."""
        return len(self.edges) + 2 if self.edges is not None else len(self.categories or ()) + 2


@dataclass(frozen=True)
class Profile:
    """Rows by block, the local day.

    `days`: of each block, shape (B,), rising. `rows`: in each, shape (B,). `counts`: by column, shape (B, n_cells).
    `moments`: of numbers and timestamps, shape (B, 6): how many are finite, their sum, sum of squares, least and most,
    and how many are infinite; least is inf and most -inf where none is finite. `lost`: columns that could not be
    profiled, and why: none of them is "no change".
    """

    bins: Mapping[str, ColumnBins]
    days: tuple[date, ...]
    rows: Counts
    counts: Mapping[str, Counts]
    moments: Mapping[str, Floats]
    lost: Mapping[str, str]
