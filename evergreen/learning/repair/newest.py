"""What a champion is repaired on: the labelled rows since it was fitted, with what it says of them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.features import fit_target
from evergreen.learning.model.beside import local_days, unseen_after
from evergreen.learning.model.model import Model
from evergreen.learning.repair.recalibrating import cannot

Array = np.ndarray[Any, Any]
FEWEST_ROWS = 200
FEWEST_OF_A_CLASS = 20
BLOCKS = 4  # of whole days, each of which is answered by what the others fit


@dataclass(frozen=True)
class Newest:
    """Train rows that a model has not seen, in order, with their labels and the model's estimates.

    `blocks`: positions of the rows, in stretches of whole days.
    """

    rows: pd.DataFrame
    labels: Array
    estimates: Estimates
    blocks: tuple[Array, ...]


def newest(
    model: Model, train: pd.DataFrame, *, last_seen: pd.Timestamp | None, data_end: date, since: date | None
) -> Newest:
    """Return the train rows that a model has not seen, of classes that it knows.

    Those that came since it was judged, if they are enough: the rows that its gate judged it by may be of other times.

    Parameters
    ----------
    last_seen : the last local day of which the model was fitted on rows.
    data_end : the day after the last one that its gate judged it by.
    since : the first day that counts; None for `data_end`, or all that the model has not seen.

    Raises
    ------
    CannotRepairError if they are too few, or lack a class.
    """
    contract = model.contract
    days = local_days(train, contract)
    wanted = unseen_after(last_seen, train, contract, model.features.embargo_days)
    later = wanted & (days >= pd.Timestamp(since or data_end)).to_numpy()
    if since is not None or later.sum() >= FEWEST_ROWS:
        wanted = later
    if model.classes:
        wanted = wanted & train[contract.target].astype("str").isin(model.classes).to_numpy()
    rows = train[wanted].reset_index(drop=True)
    labels = fit_target(rows, contract)
    require(labels, contract)
    codes = np.unique(days[wanted].to_numpy(), return_inverse=True)[1]
    blocks = np.array_split(np.arange(codes.max() + 1), BLOCKS)
    return Newest(
        rows=rows,
        labels=labels,
        estimates=model.predict(rows),
        blocks=tuple(found for block in blocks if len(found := np.flatnonzero(np.isin(codes, block)))),
    )


def require(labels: Array, contract: Contract) -> None:
    """Raise CannotRepairError unless labels are enough to fit something on."""
    if len(labels) < FEWEST_ROWS:
        raise cannot(f"{len(labels)} labelled rows came since, and at least {FEWEST_ROWS} are needed")
    if contract.task == "regression":
        return
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or (contract.task == "binary" and counts.min() < FEWEST_OF_A_CLASS):
        raise cannot(f"fewer than {FEWEST_OF_A_CLASS} rows of a class came since")


def require_recipe(model: Model, contract: Contract, features: FeatureParams) -> None:
    """Raise CannotRepairError if rows are made in another way by now than the model's were."""
    if model.contract != contract:
        raise cannot("the contract is another than the champion's")
    if model.features != features:
        raise cannot("the features are others than the champion's")
