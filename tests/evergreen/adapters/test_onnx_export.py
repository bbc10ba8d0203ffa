"""ONNX: a graph is kept where it answers like the pipeline, and refused with a reason where it does not."""

import numpy as np
import pandas as pd
import pytest
from graphs import INPUTS, fitted, table

from evergreen.adapters import onnx_export
from evergreen.config.objectives import FAMILIES

CASES = [(task, family) for task in FAMILIES for family in FAMILIES[task]]


def said(pipeline, task, rows):
    return pipeline.predict(rows) if task == "regression" else pipeline.predict_proba(rows)


@pytest.mark.parametrize("encoding", ["onehot", "ordinal", "target"])
@pytest.mark.parametrize(("task", "family"), CASES)
def test_graph_of_every_family_and_encoding_answers_like_the_pipeline(task, family, encoding):
    pipeline = fitted(
        task,
        family,
        encode=dict.fromkeys(INPUTS.categorical, encoding),
        numeric={"missing_indicators": True, "scale": "robust", "impute": "mean"},
    )

    exported = onnx_export.export(pipeline, table(), task=task, seed=7)

    assert exported.why_not == ""
    assert exported.n_rows >= 5_000
    assert exported.max_difference <= 1e-5
    odd = pd.DataFrame(
        {"colour": ["mauve", None], "shop": ["3", "no such"], "price": [np.nan, 1e9], "day": [0.0, -5.0]}
    )
    answers = onnx_export.predict(exported.content, odd.astype({"colour": "str"}))
    expected = said(pipeline, task, odd.astype({"colour": "str"}))
    np.testing.assert_allclose(answers.reshape(expected.shape), expected, atol=1e-5, rtol=1e-5)
