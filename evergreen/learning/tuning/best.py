"""What a search ends with: the winning choice, and how it did."""

from typing import Any

from evergreen.base.values import Value
from evergreen.learning.tuning.calibration import Calibration
from evergreen.learning.tuning.choice import Choice


class Best(Value):
    """The winning trial: `score` is the mean of `scores`, those of each fold, in the unit of `metric`.

    `params` hold the boosting rounds that early stopping kept, and more as the final fit has more rows than the folds,
    so that it needs no validation rows. A budget that was too small for one trial leaves the simplest family that
    learns, without a score. `warm_start`: what was tried first.
    """

    family: str
    params: dict[str, Any]
    score: float | None
    scores: tuple[float, ...]
    n_trials: int
    metric: str
    calibration: Calibration | None = None
    warm_start: Choice | None = None
