"""Boosting that goes on: a fifth more rounds beside those that were there, in a model that is kept as any other."""

import compiling
import numpy as np
import pytest
from compiling import LOOKUPS, contract

from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model import skops_file
from evergreen.learning.repair.boosting import continued
from evergreen.learning.repair.recalibrating import CannotRepairError

WANTED = FeatureParams.model_validate(compiling.EVERYTHING)
ROUNDS = {"lightgbm": lambda pipeline: pipeline["estimator"].booster_.current_iteration(),
          "xgboost": lambda pipeline: pipeline["estimator"].get_booster().num_boosted_rounds()}  # fmt: skip


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_more_rounds_fit_the_newer_rows_and_the_model_is_kept_and_compiled_as_any_other(task, family):
    pipeline, built, _ = compiling.made(task, family)
    names = features.inputs(contract(task), WANTED).names
    newer, labels = built[names].tail(400), compiling.target(task)[-400:]
    more = continued(pipeline, family, newer, labels)

    before = ROUNDS[family](pipeline)
    assert ROUNDS[family](more) == before + max(1, round(0.2 * before))
    scores = [each.score(newer, labels) for each in (pipeline, more)]
    assert scores[1] > scores[0] or scores[0] == 1
    again = skops_file.from_bytes(skops_file.to_bytes(more))
    np.testing.assert_array_equal(again.predict(newer), more.predict(newer))
    rows = compiling.rows().assign(**built)
    form = compiled(more, rows, contract=contract(task), features=WANTED, lookups=LOOKUPS, seed=7)
    assert "why_not" not in form.about, form.about


def test_other_families_and_classes_that_did_not_come_are_refused():
    pipeline, built, _ = compiling.made("multiclass", "lightgbm")
    names = features.inputs(contract("multiclass"), WANTED).names
    with pytest.raises(CannotRepairError, match="random_forest cannot be continued"):
        continued(pipeline, "random_forest", built[names], compiling.target("multiclass"))
    kept = compiling.target("multiclass") != "c"
    with pytest.raises(CannotRepairError, match="did not come since"):
        continued(pipeline, "lightgbm", built[names][kept], compiling.target("multiclass")[kept])
