"""Batch scoring: the same answer as the service's for the same row."""

import hashlib

import numpy as np
import pandas as pd

from evergreen.errors import DataError
from evergreen.features import build
from evergreen.model import Model
from evergreen.validation import check


def score(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return one prediction for each of `rows`, in their order.

    Columns: prediction_id, version, probability, label. `rows` keep the contract. The prediction_id is the same
    wherever the same row is scored by the same model; rows that are there more than once are told apart.
    """
    probability = model.probabilities(rows) if len(rows) else np.empty(0)
    inputs = build(rows, model.contract, model.features)  # typed: a row is the same whatever types it came in
    instants = pd.to_datetime(rows[model.contract.time], utc=True, format="ISO8601").dt.as_unit("us")
    hashes = pd.util.hash_pandas_object(inputs.assign(**{model.contract.time: instants}), index=False)
    repeats = hashes.groupby(hashes).cumcount()
    ids = [
        hashlib.sha256(f"{model.digest}:{row}:{repeat}".encode()).hexdigest()[:32]
        for row, repeat in zip(hashes, repeats, strict=True)
    ]
    return pd.DataFrame(
        {"prediction_id": ids, "version": version, "probability": probability, "label": probability >= threshold},
        index=rows.index,
    )


def score_file(rows: pd.DataFrame, model: Model, *, version: int, threshold: float) -> pd.DataFrame:
    """Return `rows` with their predictions; a row that breaks the contract gets no probability, and its codes.

    Raises
    ------
    DataError if a column that the model needs is missing.
    """
    missing = [column.name for column in model.contract.request_columns if column.name not in rows]
    if missing:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}",
            where="score",
            next_step="Add them; the contract says what they hold.",
        )
    rows = rows.reset_index(drop=True)
    checked = check(rows, model.contract.request_columns)
    predictions = score(checked.kept, model, version=version, threshold=threshold)
    answered = predictions.astype({"prediction_id": "str", "label": "boolean"}).reindex(rows.index)
    return rows.assign(**answered.assign(version=version, codes=checked.codes))
