"""Batch scoring: the same answer as the service's for the same row."""

import hashlib
import logging
from typing import Any

import numpy as np
import pandas as pd

from evergreen.base.errors import DataError
from evergreen.data.validation import check
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.features import build
from evergreen.learning.model.model import Model

log = logging.getLogger(__name__)


def score(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return one prediction for each of `rows`, in their order.

    Columns: prediction_id, version, and by task probability and label, or value, as `Estimates.answers` says. `rows`
    keep the contract. The prediction_id is the same wherever the same row is scored by the same model; rows that are
    there more than once are told apart.
    """
    # Typed: a row is the same whatever types it came in.
    seen = build(rows, model.contract, model.features, model.lookups)
    if model.contract.time:
        instants = pd.to_datetime(rows[model.contract.time], utc=True, format="ISO8601").dt.as_unit("us")
        seen = seen.assign(**{model.contract.time: instants})
    hashes = pd.util.hash_pandas_object(seen, index=False)
    repeats = hashes.groupby(hashes).cumcount()
    ids = [
        hashlib.sha256(f"{model.digest}:{row}:{repeat}".encode()).hexdigest()[:32]
        for row, repeat in zip(hashes, repeats, strict=True)
    ]
    answers = model.predict(rows).answers(threshold) if len(rows) else nothing(model)
    return pd.DataFrame({"prediction_id": ids, "version": version, **answers}, index=rows.index)


def nothing(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    """Return the answers for no row."""
    k = (len(model.classes),) if model.classes else ()
    return Estimates(model.contract.task, np.empty((0, *k)), model.classes).answers(0.5)


def score_file(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return `rows` with their predictions; a row that breaks the contract gets no probability, and its codes.

    Features of the past are taken from the file; nothing in it says which rows came before, so that those which it does
    not hold are missing.

    Raises
    ------
    DataError if a column that the model needs is missing, or one has the name of a column that is added.
    """
    missing = [column.name for column in model.contract.request_columns if column.name not in rows]
    if missing:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}",
            where="score",
            next_step="Add them; the contract says what they hold.",
        )
    added = ("prediction_id", "version", *nothing(model), "codes")
    taken = [name for name in added if name in rows]
    if taken:
        raise DataError(
            "SCR001",
            f"column '{taken[0]}' has the name of a column that scoring adds",
            where="score",
            next_step=f"Rename it, or leave it out if the model does not need it. Added: {', '.join(added)}.",
        )
    given = [column for column in model.given if column.name in rows]
    if without := [column.name for column in model.given if column.name not in rows]:
        log.warning("score: missing in every row, because the file has no such column: %s", ", ".join(without))
    rows = rows.reset_index(drop=True)
    checked = check(rows, [*model.contract.request_columns, *given], zone=model.contract.timezone)
    predictions = score(checked.kept, model, version=version, threshold=threshold)
    kinds = {"prediction_id": "str", "label": "boolean" if model.contract.task == "binary" else "str"}
    answered = predictions.astype({name: kinds[name] for name in predictions if name in kinds}).reindex(rows.index)
    return rows.assign(**answered.assign(version=version, codes=checked.codes))
