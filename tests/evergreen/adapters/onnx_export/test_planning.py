"""The plan of a pipeline; `test_columnwise` compares what it makes of rows with the features themselves."""

import compiling
import pytest

from evergreen.adapters.onnx_export.encoding import NotConvertibleError, encoding_of
from evergreen.adapters.onnx_export.planning import plan_of
from evergreen.config.params.features import FeatureParams
from evergreen.learning.model.requested import requested

CONTRACT, PARAMS = compiling.contract(), FeatureParams.model_validate(compiling.EVERYTHING)


def planned(encoding):
    asked = requested(CONTRACT, PARAMS)
    return plan_of(
        encoding, CONTRACT, PARAMS, compiling.LOOKUPS, columns=asked, classes=(), link="Sigmoid", calibration=None
    )


def test_plan_reads_every_input_of_the_columns_step_and_nothing_is_at_fault():
    encoding = encoding_of(compiling.made("binary", "lightgbm")[0])
    plan = planned(encoding)

    assert plan.fault() == ""
    assert plan.width == encoding.width
    assert {each.of for each in (*plan.categories, *plan.numbers)} == {*range(2, plan.n_values())} - {9}
    assert plan.lookups[0].columns == ((1.5, None, 7.25), ("left", None, "right"))


def test_column_that_a_function_makes_has_no_plan():
    encoding = encoding_of(compiling.made("binary", "lightgbm")[0])
    names = ["own" if name == "fare" else name for name in encoding.names]

    with pytest.raises(NotConvertibleError, match="column 'own' is made by a function of your own"):
        planned(encoding._replace(names=names))
