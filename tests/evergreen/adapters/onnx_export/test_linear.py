"""Linear models: what a category adds to the sums stands in the place of its code."""

import numpy as np
import pytest
from graphs import fitted

from evergreen.adapters.onnx_export.encoding import encoding_of
from evergreen.adapters.onnx_export.linear import folded, linear_of


@pytest.mark.parametrize(("task", "n_outputs"), [("binary", 1), ("multiclass", 3), ("regression", 1)])
def test_category_adds_what_its_codes_did(task, n_outputs):
    family = "linear" if task == "regression" else "logistic"
    pipeline = fitted(task, family, numeric={"missing_indicators": True})
    before, linear = encoding_of(pipeline), linear_of(pipeline["estimator"])
    after, lighter = folded(before, linear)

    assert linear.weights.shape == (before.width, n_outputs)
    assert lighter.weights.shape == (after.width, n_outputs)
    assert after.width < before.width / 2
    for old, new in zip(before.categories, after.categories, strict=True):
        for pairs, folded_pairs in zip((*old.numbers, old.unseen), (*new.numbers, new.unseen), strict=True):
            added = sum((number * linear.weights[old.at + at] for at, number in pairs), np.zeros(n_outputs))
            now = sum((number * lighter.weights[new.at + at] for at, number in folded_pairs), np.zeros(n_outputs))
            np.testing.assert_allclose(now, added, atol=1e-15)
    for old, new in zip(before.numbers, after.numbers, strict=True):
        np.testing.assert_array_equal(linear.weights[old.at], lighter.weights[new.at])


def test_estimators_that_are_not_linear_have_no_weights():
    assert linear_of(fitted("binary", "lightgbm")["estimator"]) is None
