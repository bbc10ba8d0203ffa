"""What a model knows of the rows that it learned from."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import promoted
import pytest
import released

from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model.compiled.profile import ColumnProfile, Profile
from evergreen.learning.model.release import load_release
from evergreen.learning.tuning import families
from serving.references import Reference, known_categories, reference_of


def model(family: str, **encode: str) -> SimpleNamespace:
    """Return a model of parcels of which some were carried in ways that no contract lists."""
    params = FeatureParams.model_validate({**released.FEATURES.model_dump(), "encode": encode})
    rows = released.table(200)
    inputs = features.inputs(released.CONTRACT, params)
    chosen = {"max_iter": 5} if family == "gradient_boosting" else {}
    pipeline = families.build(family, chosen, task="binary", inputs=inputs, features=params, seed=7)
    built = features.build(rows, released.CONTRACT, params)[inputs.names]
    return SimpleNamespace(
        contract=released.CONTRACT,
        given=(),
        profile=None,
        scorer=None,
        pipeline=pipeline.fit(built, np.asarray(rows["late"], bool)),
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


def profiled(task: str, profile: Profile) -> Reference:
    return reference_of(
        SimpleNamespace(
            contract=SimpleNamespace(task=task, request_columns=()),
            given=(),
            scorer=None,
            pipeline=None,
            profile=profile,
        )
    )


def test_shares_of_missing_values_are_those_of_the_profile():
    columns = {"weight": ColumnProfile(0.1), "size": ColumnProfile(0.25, shares={"S": 1.0})}
    found = profiled("binary", Profile(rows=100, columns=columns, edges=(0.0, 0.5, 1.0), shares=(0.5, 0.5)))
    assert found == Reference(missing={"weight": 0.1, "size": 0.25})


def test_values_are_cut_at_the_edges_of_the_profile_in_six_digits_and_each_once():
    found = profiled(
        "regression", Profile(rows=100, columns={}, edges=(-1 / 3, 1e7, 1e7 + 0.1, 2e7), shares=(1.0, 0.0, 0.0))
    )
    assert found.values == (-0.333333, 1e7, 2e7)


def test_classes_are_the_most_frequent_first():
    labels = {"air": 0.2, "sea": 0.7, "road": 0.1}
    found = profiled("multiclass", Profile(rows=10, columns={}, edges=(0.0, 1.0), shares=(1.0,), labels=labels))
    assert found.common == ("sea", "air", "road")


@pytest.mark.parametrize("version", promoted.MODELS)
def test_categories_of_a_compiled_model_are_those_that_its_pipeline_learned(version, project, tmp_path):
    bundle = promoted.path_of(promoted.package(tmp_path, version, project), tmp_path) / "src"
    _, compiled = load_release(bundle)
    assert compiled.scorer is not None
    found = known_categories(compiled)
    assert callable(compiled.fitted), "the pipeline was not read for it"

    expected = known_categories(replace(compiled, compiled={}))
    assert {name: {*known} for name, known in found.items()} == {name: {*known} for name, known in expected.items()}
    assert {*found["carrier"]} == {"north", "south", "sea", "air"}
