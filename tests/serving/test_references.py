"""What a model knows of the rows that it learned from."""

from types import SimpleNamespace

import numpy as np
import pytest
import released

from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.tuning import families
from serving.references import reference_of


def model(family: str, **encode: str) -> SimpleNamespace:
    """Return a model of parcels of which some were carried in ways that no contract lists."""
    params = FeatureParams.model_validate({**released.FEATURES.model_dump(), "encode": encode})
    rows = released.table(200)
    inputs = features.inputs(released.CONTRACT, params)
    chosen = {"max_iter": 5} if family == "gradient_boosting" else {}
    pipeline = families.build(family, chosen, task="binary", inputs=inputs, features=params, seed=7)
    built = features.build(rows, released.CONTRACT, params)[inputs.names]
    return SimpleNamespace(
        contract=released.CONTRACT, given=(), pipeline=pipeline.fit(built, np.asarray(rows["late"], bool))
    )


@pytest.mark.parametrize("family", ["gradient_boosting", "logistic"])
@pytest.mark.parametrize("encoding", ["onehot", "ordinal", "target"])
def test_categories_are_those_that_the_model_learned(family, encoding):
    found = reference_of(model(family, carrier=encoding, size=encoding)).categories
    assert {name: {*known} for name, known in found.items()} == {
        "carrier": {"north", "south", "sea", "air"},
        "size": {"S", "M", "L"},
    }


def test_hashed_categories_are_those_of_the_contract_and_an_open_set_has_none():
    found = reference_of(model("logistic", carrier="hash", size="hash")).categories
    assert {name: {*known} for name, known in found.items()} == {"size": {"S", "M", "L"}}
