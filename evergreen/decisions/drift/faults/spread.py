"""How far the standard deviations of stretches of days lie apart."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evergreen.decisions.drift.faults.stretches import Floats

ERROR = 1e-6  # of the spread of one stretch
RESTS = 0.05  # of the reference's stretches
SMALL = 1.4  # no factor below can be told from a change of spread


@dataclass(frozen=True)
class Spread:
    """Logs of the standard deviations of stretches: the usual one, and how far another may lie `below` and `above`.

    `deviation`: of the logs. `furthest`: the largest distance between a stretch's cells and those of all rows.
    """

    centre: float
    deviation: float
    below: float
    above: float
    furthest: float

    def exceeded_by(self, log: float) -> bool:
        """Return whether the log of a deviation lies further away than may be."""
        return log - self.centre > self.above or self.centre - log > self.below


def spread_of(deviations: Floats, distances: Floats) -> Spread | None:
    """Return the spread of stretches, shape (S,) each, or None where most have none.

    Either side leaves free twice what a stretch showed, and what Student's t allows at an error of 1e-6 by the mean
    square to that side; below, all is free when a twentieth of the stretches does not vary at all.
    """
    logs = np.log(deviations[np.isfinite(deviations)])
    if 2 * len(logs) < len(deviations):
        return None
    centre = float(np.median(logs))
    resting = len(logs) < (1 - RESTS) * len(deviations)
    return Spread(
        centre=centre,
        deviation=float(logs.std()),
        below=np.inf if resting else _limit(centre - logs),
        above=_limit(logs - centre),
        furthest=float(distances.max()),
    )


def _limit(ways: Floats) -> float:
    """Return how far one side leaves free; `ways` is how far to that side each stretch lies, negative to the other."""
    some = np.maximum(ways, 0.0)
    far = float(stats.t.isf(ERROR, max(len(ways) - 1, 3)))
    return max(float(np.log(SMALL)), far * float(np.sqrt(2 * (some**2).mean())), 2 * float(some.max()))
