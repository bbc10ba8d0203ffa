"""The columns step as plain data."""

import numpy as np
import pandas as pd
import pytest
from graphs import INPUTS, fitted, table

from evergreen.adapters.onnx_export.encoding import NotConvertibleError, encoding_of


@pytest.mark.parametrize("family", ["logistic", "lightgbm"])
def test_every_place_is_named_once_and_the_width_is_the_steps(family):
    pipeline = fitted("binary", family, encode={"shop": "target"}, numeric={"missing_indicators": True})
    encoding = encoding_of(pipeline)

    places = [at for each in encoding.categories for at in range(each.at, each.at + each.width)]
    places += [at for each in encoding.numbers for at in (each.at, *(each.flag[:1] if each.flag else ()))]
    assert sorted(places) == list(range(encoding.width))
    assert encoding.width == pipeline["columns"].transform(table().head(1)).shape[1]
    assert sorted(encoding.names) == sorted(INPUTS.names)


def test_codes_of_known_missing_and_unseen_categories_are_the_encoders():
    pipeline = fitted("binary", "lightgbm")
    encoding = encoding_of(pipeline)
    colour = next(each for each in encoding.categories if encoding.names[each.of] == "colour")

    rows = pd.concat([table().head(1)] * 4, ignore_index=True)
    asked = rows.assign(colour=pd.array(["red", "blue", None, "mauve"], dtype="str"))
    expected = np.asarray(pipeline["columns"].transform(asked))[:, colour.at]
    told = dict(zip(colour.keys, colour.numbers, strict=True))
    found = [dict(each).get(0, 0.0) for each in (told["red"], told["blue"], colour.missing, colour.unseen)]
    assert found == expected.tolist()
    assert len(set(found)) == 4


def test_what_is_no_plain_data_is_refused_with_the_step():
    with pytest.raises(NotConvertibleError, match="step hash of shop"):
        encoding_of(fitted("binary", "logistic", encode={"shop": "hash"}))
    with pytest.raises(NotConvertibleError, match="only pipelines"):
        encoding_of(fitted("binary", "logistic")["estimator"])
