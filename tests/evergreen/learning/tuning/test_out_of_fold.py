"""Out-of-fold estimates: a row for each validation row, with what later readers group rows by."""

import numpy as np
import pandas as pd
import pytest
import released

from evergreen.config.contract.contract import Contract
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.tuning import out_of_fold
from evergreen.learning.tuning.workers import Job

FOLDS = [(np.arange(0, 2), np.array([4, 5])), (np.arange(0, 4), np.array([2]))]
LABELS = np.array([True, False, True, False, False, True])
ROWS = pd.DataFrame(
    {"handed_in": pd.date_range("2024-03-01", periods=6, tz="UTC"), "depot": list("aabbcc")}, index=range(10, 16)
)


def contract(*, time=True, group=False):
    """Return the contract of parcels, without its time or with a group."""
    columns = [column for column in released.CONTRACT.model_dump()["columns"] if time or column["name"] != "handed_in"]
    if group:
        columns.append({"name": "depot", "type": "category", "role": "group"})
    changed = {"columns": columns, "label_delay_days": 2 if time else 0}
    return Contract.model_validate({**released.CONTRACT.model_dump(), **changed})


def job(target=LABELS, task="binary"):
    return Job(task=task, metric="m", patience=None, columns=pd.DataFrame(index=ROWS.index), target=target, folds=FOLDS)


def said(*values):
    return Estimates("binary", np.array(values))


def test_rows_are_those_of_the_folds_in_their_order():
    table = out_of_fold.table(
        ROWS, job(), contract(), said={"candidate": said(0.1, 0.2, 0.3), "baseline": said(0.4, 0.5, 0.6)}
    )

    assert table.to_dict("list") == {
        "handed_in": ROWS["handed_in"].iloc[[4, 5, 2]].tolist(),
        "label": [False, True, True],
        "fold": [1, 1, 2],
        "candidate": [0.1, 0.2, 0.3],
        "baseline": [0.4, 0.5, 0.6],
    }
    assert table.index.tolist() == [0, 1, 2]
    assert pd.api.types.is_integer_dtype(table["fold"])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"time": False}, []),
        ({"time": False, "group": True}, ["depot"]),
        ({"group": True}, ["handed_in", "depot"]),
    ],
)
def test_time_and_group_are_carried_where_the_table_has_them(given, names):
    table = out_of_fold.table(ROWS, job(), contract(**given), said={"candidate": said(0.1, 0.2, 0.3)})

    assert table.columns.tolist() == [*names, "label", "fold", "candidate"]
    assert "depot" not in names or table["depot"].tolist() == ["c", "c", "b"]


def test_without_estimates_there_are_the_winners_columns_and_no_row():
    table = out_of_fold.table(ROWS, job(), contract(), said={})
    of_classes = out_of_fold.table(ROWS, job(np.array(list("aabbab")), "multiclass"), contract(), said={})

    assert (len(table), table.columns.tolist()) == (0, ["handed_in", "label", "fold", "candidate"])
    assert (table["label"].dtype, table["candidate"].dtype) == (bool, np.float64)
    assert of_classes.columns.tolist() == ["handed_in", "label", "fold", "candidate_a", "candidate_b"]
