"""What was answered at a step of a rollout, row by row, as the checks want it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evergreen.config.contract.columns import Task
from evergreen.learning.evaluation.clusters import Clusters

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """n rows of a step; in a shadow those that both versions answered, in a split those of both arms.

    `paired`: whether each row has the answers of both. `is_new`: of whom a row is: drawn for the new version, whoever
    answered it in the end; all of them where they are paired. `loss`, `score`: of the answer that was given, or that of
    the new version where they are paired; `loss_before`, `score_before`: of the champion's, of paired rows alone. A
    loss is NaN until its label is due and known. `scores`: columns for what is compared of answers: the probability,
    or each class, or the value. `failed`, `late`: it was not answered by the new version, because that failed, or was
    too slow. `ms`: how long the request took, or the new version in a shadow. `referred`: to people. `request`,
    `unit`, `block`: which rows are of one request, of one unit, and of one block of time.
    `n_due`, `n_labelled`: how many rows have a label that is due, and how many of them one that is known.
    """

    task: Task
    paired: bool
    is_new: Mask
    loss: Array
    loss_before: Array
    score: Array
    score_before: Array
    failed: Mask
    late: Mask
    ms: Array
    referred: Mask
    request: npt.NDArray[np.int64]
    unit: Clusters
    block: Clusters
    n_due: int = 0
    n_labelled: int = 0
    classes: tuple[str, ...] = field(default=())

    @property
    def n_new(self) -> int:
        """How many rows the new version was asked about."""
        return int(self.is_new.sum())
