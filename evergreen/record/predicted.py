"""What a model says, as columns of a profile, and the rows that it said it of."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import ColumnType, Task
from evergreen.data.typed.schema import to_pandas
from evergreen.decisions.drift.profile.profile import ESTIMATE, LABEL

ID = "_prediction_id"  # of served rows; no column of a contract begins with an underscore


def types_of(task: Task) -> Mapping[str, ColumnType]:
    """Return the columns of what a model says, and their types: an estimate, and the label that it gives."""
    if task == "regression":
        return {ESTIMATE: "number"}
    return {ESTIMATE: "number", LABEL: "boolean" if task == "binary" else "category"}


def said(answers: pa.Table | pa.RecordBatch, task: Task) -> pa.Table:
    """Return the columns of `types_of` from answers as a service gives them: probability and label, or value."""
    if task == "regression":
        return pa.table({ESTIMATE: answers.column("value").cast(pa.float64())})
    kind = pa.bool_() if task == "binary" else pa.string()
    return pa.table(
        {
            ESTIMATE: pc.cast(answers.column("probability"), pa.float64()),
            LABEL: pc.cast(answers.column("label"), kind),
        }
    )


def nothing(task: Task) -> pd.DataFrame:
    """Return the answers to no rows."""
    names = ["value"] if task == "regression" else ["probability", "label"]
    numbers = pd.DataFrame({name: pd.Series(dtype="object" if name == "label" else "float64") for name in names})
    return numbers.assign(event_at=pd.Series(dtype="datetime64[us, UTC]"), target=pd.Series(dtype="object"))


def labelled_at_source(
    answers: pd.DataFrame, rows: pa.Table, source: pa.Table, *, key: Sequence[str], target: str, delay: pd.Timedelta
) -> pd.DataFrame:
    """Return answers with the target of the source's row of the same key where nothing came back about them.

    It counts as known `delay` after the event. Where a key is not among the columns of `rows`, nothing is added.

    Parameters
    ----------
    rows : as they were served, with the id of each prediction.
    source : rows of the source; of several of one key the last counts.
    """
    if not key or not {*key} <= {*rows.column_names} & {*source.column_names}:
        return answers
    asked = to_pandas(rows.select([ID, *key])).drop_duplicates(ID).dropna(subset=list(key))
    known = to_pandas(source.select([*key, target])).dropna(subset=[target]).drop_duplicates(list(key), keep="last")
    found = asked.merge(known, on=list(key)).set_index(ID)[target]
    here = answers["prediction_id"].map(found)
    fresh = answers["target"].isna() & here.notna()
    events = pd.to_datetime(answers["event_at"], utc=True)
    return answers.assign(
        target=answers["target"].astype("object").mask(fresh, here),
        known_at=pd.to_datetime(answers["known_at"], utc=True).mask(fresh, events + delay),
    )


def answered(rows: pa.Table, answers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return columns of the rows that were answered, in the order of the answers.

    Parameters
    ----------
    rows : in that order, or, as they were served, with the id of each prediction.
    """
    if ID not in rows.column_names:
        return to_pandas(rows.select(list(names)))
    table = to_pandas(rows.select([ID, *names]))
    return table.drop_duplicates(ID).set_index(ID).reindex(answers["prediction_id"]).reset_index(drop=True)
