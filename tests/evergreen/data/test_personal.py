"""Rows that may be shown."""

import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.data.personal import without_personal

CONTRACT = Contract.model_validate(
    {
        "name": "people",
        "description": "who comes back?",
        "source": {"kind": "file", "path": "people.csv"},
        "timezone": "UTC",
        "key": [],
        "label_delay_days": 0,
        "columns": [
            {"name": "income", "type": "number", "role": "feature", "pii": "keep"},
            {"name": "children", "type": "integer", "role": "feature", "pii": "keep"},
            {"name": "married", "type": "boolean", "role": "feature", "pii": "keep"},
            {"name": "street", "type": "category", "role": "feature", "pii": "keep"},
            {"name": "visits", "type": "integer", "role": "feature"},
            {"name": "returned", "type": "boolean", "role": "target"},
        ],
    }
)


def test_personal_values_are_made_up_and_types_and_other_columns_stay():
    rows = pd.DataFrame(
        {
            "income": [1.5, 2.5],
            "children": pd.array([1, None], dtype="Int64"),
            "married": pd.array([True, None], dtype="boolean"),
            "street": pd.Series(["Elm", "Oak"], dtype="str"),
            "visits": [3, 4],
        }
    )
    shown = without_personal(rows, CONTRACT)

    assert shown.dtypes.equals(rows.dtypes)
    assert shown.to_dict("list") == {
        "income": [0.0, 0.0],
        "children": [0, 0],
        "married": [False, False],
        "street": ["personal", "personal"],
        "visits": [3, 4],
    }
    assert rows["street"].tolist() == ["Elm", "Oak"]


def test_personal_column_that_is_not_there_is_not_added():
    assert list(without_personal(pd.DataFrame({"visits": [1]}), CONTRACT)) == ["visits"]
