"""What a search ends with: the winning choice, the simpler one that it has to beat, and how both did."""

from typing import Any

from evergreen.base.values import Value
from evergreen.learning.tuning.calibration import Calibration
from evergreen.learning.tuning.choice import Choice


class Finalist(Value):
    """A family with the parameters of its final fit; `score` is the mean of `scores`, those of each fold.

    `params` hold the boosting rounds that early stopping kept, and more as the final fit has more rows than the folds,
    so that it needs no validation rows.
    """

    family: str
    params: dict[str, Any]
    score: float | None
    scores: tuple[float, ...]
    calibration: Calibration | None = None


class Best(Finalist):
    """The winning trial, its scores in the unit of `metric`.

    A budget that was too small for one trial leaves the simplest family that learns, without a score. `warm_start`:
    what was tried first. `simpler`: the next simpler family on the same folds, by its best complete trial, or else as
    `train.baseline` declares it; None where that is the prior, or nothing has a score.
    """

    n_trials: int
    metric: str
    warm_start: Choice | None = None
    simpler: Finalist | None = None

    def taking_simpler(self) -> "Best":
        """Return the simpler family in the winner's place."""
        return self.model_copy(update={**dict(self.simpler), "simpler": None}) if self.simpler else self
