"""Out-of-fold estimates: what finalists say of validation rows that they were not fitted on, as one table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.tuning.workers import Job


def table(rows: pd.DataFrame, job: Job, contract: Contract, *, said: Mapping[str, Estimates]) -> pd.DataFrame:
    """Return a row for each validation row, in the folds' order; none, for a `candidate`, if nobody said anything.

    Columns: the contract's time and group, where it has them; `label`; `fold`, from 1; and the estimates.

    Parameters
    ----------
    rows : of the job, in its order.
    said : estimates of the validation rows in the folds' order, by the name of their columns.
    """
    folds = job.folds if said else []
    positions = np.concatenate([np.arange(0), *(validate for _, validate in folds)])
    numbers = np.repeat(np.arange(1, len(folds) + 1), [len(validate) for _, validate in folds])
    columns: dict[str, Any] = {"label": job.target[positions], "fold": numbers}
    for name, estimates in (said or {"candidate": _nothing(job)}).items():
        columns |= estimates.columns(name)
    by = [name for name in (contract.time, contract.group) if name is not None]
    return rows[by].iloc[positions].reset_index(drop=True).assign(**columns)


def _nothing(job: Job) -> Estimates:
    return Estimates(job.task, np.empty((0, len(job.classes)) if job.classes else 0), job.classes)
