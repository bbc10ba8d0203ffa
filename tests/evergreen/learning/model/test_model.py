"""The model artifact: what is saved comes back and answers the same, and nothing that was changed is parsed."""

from dataclasses import replace

import compiling
import numpy as np
import pytest
import released
import tables

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.compiled import golden
from evergreen.learning.tuning import families

FAMILIES = {
    "prior": {},
    "logistic": {"C": 0.5},
    "random_forest": {"n_estimators": 8},
    "gradient_boosting": {"max_iter": 15, "min_samples_leaf": 10},
    "lightgbm": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
}
TREES = ("random_forest", "gradient_boosting", "lightgbm", "xgboost")


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_model_gives_the_same_probabilities(family, tmp_path):
    pipeline = released.fitted(family, **FAMILIES[family])
    ws = Workspace(root=tmp_path)
    ref = models.save(ws, "model", pipeline, contract=released.CONTRACT, features=released.FEATURES, about={"seed": 7})
    rows = released.table(200, seed=8)
    expected = models.Model("", released.CONTRACT, released.FEATURES, pipeline, {}).predict(rows).values

    loaded = models.load(ws.path(ref.uri), ref.sha256)

    np.testing.assert_array_equal(loaded.predict(rows).values, expected)
    assert loaded.contract == released.CONTRACT
    assert loaded.features == released.FEATURES
    assert loaded.manifest["seed"] == 7


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_depend_on_no_column_order_and_on_no_other_column(family):
    model = models.Model("", released.CONTRACT, released.FEATURES, released.fitted(family, **FAMILIES[family]), {})
    rows = released.table(50, seed=8)

    reordered = rows[sorted(rows.columns, reverse=True)].drop(columns=["late", "arrival", "parcel"])

    np.testing.assert_array_equal(model.predict(reordered).values, model.predict(rows).values)


@pytest.mark.parametrize(("which", "task"), [("multiclass", "multiclass"), ("regression", "regression")])
@pytest.mark.parametrize("family", ["prior", "simple", *TREES])
def test_models_of_other_tasks_are_saved_and_loaded_with_the_same_trusted_types(which, task, family, tmp_path):
    contract, rows = tables.contract_of(which), tables.table(which)
    family = {"simple": "linear" if task == "regression" else "logistic"}.get(family, family)
    inputs = features.inputs(contract, tables.FEATURES)
    pipeline = families.build(family, {}, task=task, inputs=inputs, features=tables.FEATURES, seed=7)
    pipeline.fit(rows[inputs.names], features.fit_target(rows, contract))
    ws = Workspace(root=tmp_path)

    ref = models.save(ws, "model", pipeline, contract=contract, features=tables.FEATURES, about={"seed": 7})
    loaded = models.load(ws.path(ref.uri), ref.sha256)

    expected = (
        pipeline.predict(rows[inputs.names]) if task == "regression" else pipeline.predict_proba(rows[inputs.names])
    )
    np.testing.assert_allclose(loaded.predict(rows).values, expected, rtol=1e-12)  # BLAS may sum in another order
    assert loaded.classes == (() if task == "regression" else ("setosa", "versicolor", "virginica"))
    assert models.save(ws, "model", pipeline, contract=contract, features=tables.FEATURES, about={"seed": 7}) == ref


def test_changed_byte_is_refused_before_anything_is_parsed(tmp_path):
    release = released.bundle(tmp_path)
    file = tmp_path / "model" / "model.skops"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        models.load(tmp_path / "model", release.model_digest)

    assert caught.value.code == "INT003"


def saved(folder, task="binary", family="lightgbm", **more):
    """Return a model that was saved with its compiled form, and what the pipeline says of its train rows."""
    pipeline, built, form = compiling.made(task, family, **more)
    params = FeatureParams.model_validate({**compiling.EVERYTHING, **more.get("params", {})})
    ref = models.save(
        Workspace.beside(folder / "bundle"), "model", pipeline, contract=compiling.contract(task), features=params,
        about={"compiled": form.about}, lookups=compiling.LOOKUPS, compiled=form.files,
    )  # fmt: skip
    return models.load(folder / "bundle" / "model", ref.sha256), compiling.said(pipeline, built, task)


@pytest.mark.parametrize("task", compiling.TARGETS)
def test_compiled_form_answers_in_the_pipelines_place(tmp_path, task):
    model, expected = saved(tmp_path, task)
    batch = compiling.batch(compiling.rows(), task)

    assert model.scorer is not None
    assert model.columns == model.scorer.columns
    np.testing.assert_allclose(model.estimate_batch(batch).values, expected, rtol=1e-11, atol=1e-12)
    assert model.estimate_batch(batch.slice(0, 0)).values.shape == (0, *expected.shape[1:])
    assert golden.check(model) <= 1e-12
    assert model.profile is not None


def test_pipeline_answers_a_batch_and_the_golden_rows_of_a_model_that_is_not_compiled(tmp_path):
    model, expected = saved(tmp_path, params={"encode": {"zone": "hash"}})
    batch = compiling.batch(compiling.rows())

    assert model.scorer is None
    assert model.manifest["compiled"]["why_not"].startswith("step hash of zone")
    np.testing.assert_allclose(model.estimate_batch(batch).values, expected, rtol=1e-12)
    assert model.estimate_batch(batch.slice(0, 0)).values.shape == (0,)
    assert golden.check(model) <= 1e-12


def test_compiled_form_of_another_model_is_refused(tmp_path):
    model, _ = saved(tmp_path)
    other = compiling.made("multiclass", "lightgbm")[2].files

    with pytest.raises(IntegrityError) as caught:
        _ = replace(model, compiled=other).scorer
    assert caught.value.code == "CMP001"
    with pytest.raises(IntegrityError) as caught:
        _ = replace(model, compiled={**model.compiled, "compiled/graph.onnx": b"nonsense"}).scorer
    assert caught.value.code == "CMP001"
    damaged = replace(model, compiled={**model.compiled, "compiled/golden.json": other["compiled/golden.json"]})
    with pytest.raises(IntegrityError) as caught:
        golden.require(damaged)
    assert caught.value.code == "CMP002"


def test_model_that_was_saved_without_has_none_of_it(tmp_path):
    model = replace(saved(tmp_path)[0], compiled={})

    assert (model.scorer, model.golden, model.profile, golden.check(model)) == (None, None, None, 0.0)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"PK\x05\x06" + bytes(18)])
def test_foreign_pipeline_beside_a_compiled_form_is_refused_although_nobody_asks_for_it(tmp_path, content):
    model, _ = saved(tmp_path)
    assert model.scorer is not None
    _, files = read_folder(tmp_path / "bundle" / "model", model.digest)
    ref = Workspace.beside(tmp_path / "bundle").write_folder("other", {**files, "model.skops": content}, {})

    with pytest.raises(IntegrityError) as caught:
        models.load(tmp_path / "bundle" / "other", ref.sha256)
    assert caught.value.code == "INT019"
