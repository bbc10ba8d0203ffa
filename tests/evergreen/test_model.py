"""The model artifact: what is saved comes back, equal fits have equal bytes, and nothing else is ever constructed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import released
import skops.io
import tables
from sklearn.gaussian_process import GaussianProcessClassifier

from evergreen import features
from evergreen import model as models
from evergreen.artifacts import Workspace
from evergreen.errors import IntegrityError
from evergreen.model import Release
from evergreen.tuning import families

FAMILIES = {"prior": {}, "logistic": {"C": 0.5}, "gradient_boosting": {"max_iter": 15, "min_samples_leaf": 10}}


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_model_gives_the_same_probabilities(family, tmp_path):
    pipeline = released.fitted(family, **FAMILIES[family])
    ws = Workspace(root=tmp_path)
    ref = models.save(ws, "model", pipeline, released.CONTRACT, released.FEATURES, {"seed": 7})
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


def test_equal_fits_have_equal_bytes_in_every_process():
    code = f"""
import hashlib, sys, released
from evergreen.model import to_bytes
elsewhere = ["".join(["a", str(n)]) for n in range(int(sys.argv[1]))]  # other addresses, other shared strings
for family, chosen in {FAMILIES}.items():
    print(family, hashlib.sha256(to_bytes(released.fitted(family, **chosen))).hexdigest())
"""
    tests = Path(released.__file__).parent
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(n)],
            env={"PYTHONHASHSEED": str(n), "PYTHONPATH": f"{tests.parent}:{tests}"},
            stdout=subprocess.PIPE,
        )
        for n in (1, 2000)
    ]
    digests = [child.communicate(timeout=60)[0] for child in children]

    assert all(child.returncode == 0 for child in children)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_survive_a_round_trip(family):
    content = models.to_bytes(released.fitted(family, **FAMILIES[family]))

    assert models.to_bytes(models.from_bytes(content)) == content


def test_trusted_types_are_exactly_those_that_the_families_need():
    found = set()
    for family, chosen in FAMILIES.items():
        found |= set(skops.io.get_untrusted_types(data=models.to_bytes(released.fitted(family, **chosen))))

    assert found == set(models.TRUSTED_TYPES)


@pytest.mark.parametrize(("which", "task"), [("multiclass", "multiclass"), ("regression", "regression")])
@pytest.mark.parametrize("family", ["prior", "simple", "gradient_boosting"])
def test_models_of_other_tasks_are_saved_and_loaded_with_the_same_trusted_types(which, task, family, tmp_path):
    contract, rows = tables.contract_of(which), tables.table(which)
    family = {"simple": "linear" if task == "regression" else "logistic"}.get(family, family)
    inputs = features.inputs(contract, tables.FEATURES)
    pipeline = families.build(family, {}, task=task, inputs=inputs, features=tables.FEATURES, seed=7)
    pipeline.fit(rows[inputs.names], features.fit_target(rows, contract))
    ws = Workspace(root=tmp_path)

    ref = models.save(ws, "model", pipeline, contract, tables.FEATURES, {"seed": 7})
    loaded = models.load(ws.path(ref.uri), ref.sha256)

    expected = (
        pipeline.predict(rows[inputs.names]) if task == "regression" else pipeline.predict_proba(rows[inputs.names])
    )
    np.testing.assert_allclose(loaded.predict(rows).values, expected, rtol=1e-12)  # BLAS may sum in another order
    assert loaded.classes == (() if task == "regression" else ("setosa", "versicolor", "virginica"))
    assert models.save(ws, "model", pipeline, contract, tables.FEATURES, {"seed": 7}) == ref


class Unknown:
    """A type that nobody put on the list."""

    def __init__(self) -> None:
        self.value = 1


def test_unknown_type_is_refused_by_name_before_it_is_constructed():
    content = models.to_bytes(GaussianProcessClassifier(kernel=Unknown()))

    with pytest.raises(IntegrityError, match="Unknown") as caught:
        models.from_bytes(content)

    assert caught.value.code == "INT004"


def test_changed_byte_is_refused_before_anything_is_parsed(tmp_path):
    release = released.bundle(tmp_path)
    file = tmp_path / "model" / "model.skops"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        models.load(tmp_path / "model", release.model_digest)

    assert caught.value.code == "INT003"


def test_bundle_gives_its_release_and_model(tmp_path):
    release = released.bundle(tmp_path, threshold=0.3)

    found, model = models.load_release(tmp_path)

    assert found == release
    assert model.digest == release.model_digest


@pytest.mark.parametrize(
    "content",
    [None, "", "{}", '{"model": "parcels", "version": 0, "model_digest": "ab", "threshold": 0.5}', '{"model": "par'],
)
def test_broken_release_file_is_refused(content, tmp_path):
    released.bundle(tmp_path)
    if content is None:
        (tmp_path / "release.json").unlink()
    else:
        (tmp_path / "release.json").write_text(content)

    with pytest.raises(IntegrityError) as caught:
        models.load_release(tmp_path)

    assert caught.value.code == "INT008"


def test_release_of_another_model_is_refused(tmp_path):
    release = released.bundle(tmp_path)
    other = Release(**{**release.model_dump(), "model_digest": "0" * 64})
    (tmp_path / "release.json").write_text(other.model_dump_json())

    with pytest.raises(IntegrityError):
        models.load_release(tmp_path)
