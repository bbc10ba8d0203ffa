"""A model asked about rows that were made ready for another: as it knows them, and only those it has not seen."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import history, pieces
from evergreen.learning.features.history import PastRows
from evergreen.learning.features.rowwise import local_time

if TYPE_CHECKING:
    from evergreen.learning.model.model import Model

Mask = npt.NDArray[np.bool_]


def same_past(theirs: "Model", contract: Contract, features: FeatureParams) -> bool:
    """Return whether rows made by a contract and features hold a model's features of the past as it knows them."""
    return theirs.contract == contract and theirs.features.history.items() <= features.history.items()


def gone(theirs: "Model", stored: Collection[str]) -> str:
    """Return what a model looks back on and cannot be given any more; empty for nothing.

    Parameters
    ----------
    stored : the columns of the validated rows, from which its features of the past are derived.
    """
    lacking = [name for name in history.needed(theirs.contract, theirs.features) if name not in stored]
    return f"it looks back on column '{lacking[0]}', which the candidate's rows do not have" if lacking else ""


def as_it_knows_them(
    rows: pd.DataFrame, theirs: "Model", contract: Contract, features: FeatureParams, valid: Path
) -> pd.DataFrame:
    """Return rows with a model's own features of the past; a column that it needs and that is gone is missing.

    Parameters
    ----------
    rows : as a contract and features made them of the validated rows, which lie at `valid`.
    """
    lacking = [column.name for column in theirs.contract.request_columns if column.name not in rows]
    past: dict[str, Any] = {}
    if theirs.given and not same_past(theirs, contract, features):
        past = _past_of(rows, theirs, contract, valid)
    return rows.assign(**past, **dict.fromkeys(lacking))


def _past_of(rows: pd.DataFrame, theirs: "Model", contract: Contract, valid: Path) -> dict[str, Any]:
    """Return a model's features of the past for the latest of the validated rows, in their order."""
    time, past = str(theirs.contract.time), PastRows(theirs.contract, theirs.features)
    known = pieces.with_past(valid, contract, past)
    latest = pd.concat([some[some[time] >= rows[time].min()] for some in known], ignore_index=True)
    return {column.name: latest[column.name].to_numpy() for column in theirs.given}


def unseen_after(last: pd.Timestamp | None, rows: pd.DataFrame, contract: Contract, embargo_days: int) -> Mask:
    """Return which rows lie later than the last local day that a model was fitted on, by more than the embargo."""
    if last is None:
        return np.ones(len(rows), dtype=np.bool_)
    unseen: Mask = (local_days(rows, contract) > last + pd.Timedelta(days=embargo_days)).to_numpy()
    return unseen


def local_days(rows: pd.DataFrame, contract: Contract) -> "pd.Series[pd.Timestamp]":
    """Return the local day of each row, without a zone."""
    return local_time(rows, contract).dt.tz_localize(None).dt.normalize()
