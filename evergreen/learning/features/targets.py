"""The target: which rows have one, and in which type it is kept and fitted."""

from typing import Any

import numpy as np
import pandas as pd

from evergreen.config.contract.contract import Contract

Frame = pd.DataFrame


def labelled(rows: Frame, contract: Contract) -> Frame:
    """Return the rows whose target is known."""
    return rows[rows[contract.target].notna()]


def typed_target(rows: Frame, contract: Contract) -> pd.Series:
    """Return the known targets in the type of the task: bool, str or float64."""
    kinds = {"binary": "bool", "multiclass": "str", "regression": "float64"}
    typed: pd.Series = rows[contract.target].astype(kinds[contract.task])  # type: ignore[call-overload]  # wants literals
    return typed


def fit_target(rows: Frame, contract: Contract) -> "np.ndarray[Any, Any]":
    """Return the known targets as an estimator is fitted on them, shape (n,), without a Python object."""
    typed = typed_target(rows, contract)
    return typed.to_numpy(dtype=np.str_) if contract.task == "multiclass" else typed.to_numpy()
