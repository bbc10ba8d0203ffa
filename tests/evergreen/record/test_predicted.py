"""What a model says as columns of a profile, and the rows that it said it of."""

import pandas as pd
import pyarrow as pa
import pytest

from evergreen.record.predicted import ID, answered, nothing, said, types_of

ANSWERS = {
    "binary": pa.table({"probability": [0.25, 0.75], "label": [False, True]}),
    "multiclass": pa.table({"probability": [0.5, 0.75], "label": ["a", "b"]}),
    "regression": pa.table({"value": pa.array([1, 2], pa.int64())}),
}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("binary", {"_estimate": [0.25, 0.75], "_label": [False, True]}),
        ("multiclass", {"_estimate": [0.5, 0.75], "_label": ["a", "b"]}),
        ("regression", {"_estimate": [1.0, 2.0]}),
    ],
)
def test_answers_are_an_estimate_and_a_label_of_the_types_that_are_named(task, expected):
    found = said(ANSWERS[task], task)
    assert found.to_pydict() == expected
    assert [*types_of(task)] == found.column_names
    arrow = {"number": pa.float64(), "boolean": pa.bool_(), "category": pa.string()}
    assert found.schema.types == [arrow[kind] for kind in types_of(task).values()]


@pytest.mark.parametrize("task", ANSWERS)
def test_answers_to_no_rows_have_the_columns_of_answers(task):
    found = nothing(task)
    assert len(found) == 0
    assert {*found} == {*ANSWERS[task].column_names, "event_at", "target"}
    assert found["event_at"].dt.tz is not None


def test_rows_of_a_table_are_those_in_its_order_and_served_rows_those_of_the_ids():
    rows = pa.table({"x": [1.0, 2.0, 3.0], "y": ["a", "b", "c"]})
    answers = pd.DataFrame({"prediction_id": ["r", "p", "gone"]})
    assert answered(rows, answers, ["x"]).to_dict("list") == {"x": [1.0, 2.0, 3.0]}
    served = rows.append_column(ID, pa.array(["p", "q", "r"]))
    again = pa.concat_tables([served, served])  # logged twice under one id
    found = answered(again, answers, ["y", "x"])
    assert [*found] == ["y", "x"]
    assert found["x"].tolist()[:2] == [3.0, 1.0]
    assert found.iloc[2].isna().all()
