"""The threshold of a binary answer, chosen on validation rows: by a rule, by costs, or by balanced accuracy."""

import logging
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Task
from evergreen.config.params.evaluate import EvaluateParams, ThresholdRule
from evergreen.learning.evaluation.metrics import Costs

log = logging.getLogger(__name__)
UNUSED = 0.5  # of targets that are not binary, whose answers no threshold decides
Array = npt.NDArray[Any]


class Thresholds(NamedTuple):
    """From which probability on each model answers true."""

    candidate: float
    baseline: float


class _Cuts(NamedTuple):
    """Every way to cut n rows by their scores, the fewest answered true first.

    `at`: the threshold of each; `true`, `false`: how many of either are answered true, of `n_true` and `n_false`.
    """

    at: Array
    true: Array
    false: Array
    n_true: int
    n_false: int


def of_models(
    out_of_fold: pd.DataFrame, labels: Array, params: EvaluateParams, *, task: Task, is_scored: bool = True
) -> Thresholds:
    """Return the thresholds of candidate and baseline; a number in the parameters is that of both.

    A baseline without estimates, or one that does not reach the rule, is measured at the candidate's threshold.

    Parameters
    ----------
    out_of_fold : as tuning leaves it: calibrated estimates of validation rows.
    labels : of the train rows, for a search that left no validation rows.
    """
    wanted = params.threshold
    if task != "binary":
        return Thresholds(UNUSED, UNUSED)
    if isinstance(wanted, float):
        return Thresholds(wanted, wanted)
