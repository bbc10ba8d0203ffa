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

    Either side leaves free twice what a stretch showed, and what Student's t allows at an error of 1e-6; below, all is
    free when a twentieth of the stretches does not vary at all.
    """
    logs = np.log(deviations[np.isfinite(deviations)])
    if 2 * len(logs) < len(deviations):
        return None
    centre, deviation = float(np.median(logs)), float(logs.std())
    limit = max(float(np.log(SMALL)), float(stats.t.isf(ERROR, max(len(logs) - 1, 3))) * deviation)
    resting = len(logs) < (1 - RESTS) * len(deviations)
    return Spread(
        centre=centre,
        deviation=deviation,
        below=np.inf if resting else max(limit, 2 * float(centre - logs.min())),
        above=max(limit, 2 * float(logs.max() - centre)),
        furthest=float(distances.max()),
    )
