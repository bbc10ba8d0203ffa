"""The compiled form: every family, encoding, calibration and task answers as the pipeline does, or says why not."""

import compiling
import numpy as np
import pandas as pd
import pytest

from evergreen.adapters.onnx_export.compiling import rows_of
from evergreen.config.objectives import FAMILIES
from evergreen.learning.model.compiled import golden, profile
from evergreen.learning.model.compiled.scorer import GRAPH, PLAN

CASES = [(task, family) for task in FAMILIES for family in FAMILIES[task]]
EXACT = {"xgboost": 1e-5}  # which counts in 32 bits itself


@pytest.mark.parametrize("encoding", [None, "onehot", "ordinal", "target"])
@pytest.mark.parametrize(("task", "family"), CASES)
def test_every_family_and_encoding_answers_like_the_pipeline(task, family, encoding):
    names = ("zone", "shop", "passport", "zone_side")
    params = {"encode": dict.fromkeys(names, encoding)} if encoding else {}
    numeric = {"missing_indicators": encoding != "target", "scale": "robust" if encoding == "onehot" else "standard"}
    pipeline, built, form = compiling.made(task, family, params={**params, "numeric": numeric})
    scorer = compiling.scorer(form)

    assert form.about["rows"] == 5_500
    assert form.about["largest_difference"] <= EXACT.get(family, 1e-12)
    batch = compiling.batch(compiling.rows(), task)
    answers, expected = scorer.estimate_batch(batch), compiling.said(pipeline, built, task)
    scale = expected.std() if task == "regression" else 1.0
    np.testing.assert_allclose(answers / scale, expected / scale, atol=EXACT.get(family, 1e-12), rtol=0)


@pytest.mark.parametrize("calibration", compiling.CALIBRATIONS)
@pytest.mark.parametrize("family", FAMILIES["binary"])
def test_every_calibration_answers_like_the_pipeline(family, calibration):
    task = compiling.CALIBRATIONS[calibration][0]
    family = "linear" if (task, family) == ("regression", "logistic") else family
    pipeline, built, form = compiling.made(task, family, calibration=calibration)

    answers = compiling.scorer(form).estimate_batch(compiling.batch(compiling.rows(), task))
    expected = compiling.said(pipeline, built, task)
    scale = expected.std() if task == "regression" else 1.0
    np.testing.assert_allclose(answers / scale, expected / scale, atol=EXACT.get(family, 1e-11), rtol=0)


@pytest.mark.parametrize(("task", "family"), CASES)
def test_row_has_one_estimate_alone_and_among_ten_thousand(task, family):
    scorer = compiling.scorer(compiling.made(task, family)[2])
    many = compiling.batch(pd.concat([compiling.rows()] * 12, ignore_index=True).sample(frac=1, random_state=3), task)
    encoded = scorer.encode_batch(many)
    together = scorer.estimate(encoded)
    np.testing.assert_array_equal(scorer.estimate_batch(many), together)

    for size in (1, 7, 100):
        apart = np.concatenate([scorer.estimate(encoded[at : at + size]) for at in range(0, 500, size)])
        np.testing.assert_array_equal(apart, together[: len(apart)])
    assert len(together) >= 10_000


def test_equal_fits_give_equal_files():
    first, second = (compiling.made("binary", "gradient_boosting")[2] for _ in range(2))

    assert first == second
    assert set(first.files) == {PLAN, GRAPH, golden.FILE, profile.FILE}


@pytest.mark.parametrize(
    ("params", "family", "says"),
    [
        ({"encode": {"zone": "hash"}}, "lightgbm", "step hash of zone has no ONNX form"),
        ({"numeric": {"scale": "quantile"}}, "logistic", "QuantileTransformer has no exact ONNX form"),
        ({}, "prior", "the prior needs no graph"),
    ],
)
def test_what_is_not_compiled_says_why_and_has_a_profile_and_golden_rows(params, family, says):
    form = compiling.made("binary", family, params=params)[2]

    assert form.about == {"why_not": says}
    assert set(form.files) == {golden.FILE, profile.FILE}


def test_rows_are_taken_out_of_a_batch_as_they_are_read():
    scorer = compiling.scorer(compiling.made("binary", "logistic")[2])
    (row,) = rows_of(compiling.batch(compiling.rows().head(1)), scorer)

    assert dict(zip((column.name for column in scorer.columns), row, strict=True))["start"] == 1_677_628_800_000_000
