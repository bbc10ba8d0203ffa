"""Rows of one version as a log holds them: who decides each, and what came true."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from evergreen.decisions.automation.degrees import Decider

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decided:
    """Who decides each of n rows, and what is known of them.

    `wrong`: 1 where the model's answer is not the label, 0 where it is, NaN where no label is known; `people_wrong`:
    the same of what a person decided. `sure`: the sureness of the model's answer, NaN where it was not heard. `shares`:
    with which probability a row of the audit was referred, NaN of others. `days`: the local day of each row's event.
    """

    by: tuple[Decider, ...]
    wrong: Array
    people_wrong: Array
    sure: Array
    shares: Array
    days: tuple[date, ...]

    def __len__(self) -> int:
        return len(self.by)

    def those(self, kept: npt.NDArray[np.bool_]) -> "Decided":
        """Return some of the rows, shape (n,)."""
        at = np.flatnonzero(kept)
        return Decided(
            by=tuple(self.by[row] for row in at),
            wrong=self.wrong[at],
            people_wrong=self.people_wrong[at],
            sure=self.sure[at],
            shares=self.shares[at],
            days=tuple(self.days[row] for row in at),
        )

    def by_any(self, *by: Decider) -> "Decided":
        """Return the rows that are decided by some."""
        return self.those(np.isin(np.asarray(self.by, dtype=object), by))
