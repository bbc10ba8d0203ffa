"""The target: which rows have one, and in which type it is fitted."""

import numpy as np
import pandas as pd
import pytest
import validated

from evergreen.learning.features.targets import fit_target, labelled, typed_target


@pytest.mark.parametrize(
    ("kind", "values", "dtype", "fitted"),
    [
        ("boolean", pd.array([True, None, False], "boolean"), "bool", [True, False]),
        ("category", pd.Series(["b", None, "a"], dtype="str"), "str", ["b", "a"]),
        ("integer", pd.array([2, None, 1], "Int64"), "float64", [2.0, 1.0]),
        ("number", [0.5, np.nan, -1.0], "float64", [0.5, -1.0]),
    ],
)
def test_known_targets_are_fitted_in_the_type_of_the_task_in_their_order(kind, values, dtype, fitted):
    contract = validated.contract_of(
        {"name": "x", "type": "number"}, {"name": "y", "type": kind, "role": "target", "nullable": True}
    )
    rows = labelled(pd.DataFrame({"x": [1, 2, 3], "y": values}), contract)
    assert rows["x"].tolist() == [1, 3]
    assert typed_target(rows, contract).dtype == dtype
    found = fit_target(rows, contract)
    assert found.dtype != object
    assert found.tolist() == fitted
