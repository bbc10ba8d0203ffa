"""The model's file: equal fits have equal bytes, and nothing but what is on our list is ever constructed."""

import io
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import released
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from evergreen.base.errors import IntegrityError
from evergreen.config import objectives
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model import skops_file
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import CalibratedPipeline, ShiftedPipeline

FAMILIES = {
    "prior": {},
    "logistic": {"C": 0.5},
    "random_forest": {"n_estimators": 8},
    "gradient_boosting": {"max_iter": 15, "min_samples_leaf": 10},
    "lightgbm": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
}
TREES = ("random_forest", "gradient_boosting", "lightgbm", "xgboost")
# Parameters that take every encoder there is, for a table of numbers and one column of each other kind.
ENCODED = FeatureParams(
    rare_category=5, test_share=0.3, encode={"shop": "target", "town": "hash"}, text={"components": 2}
)


def fitted_on_everything(task: str, family: str) -> Pipeline:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        {
            "colour": pd.Series(rng.choice(["red", "blue"], 300)).astype("str"),
            "shop": pd.Series(rng.integers(0, 30, 300)).astype("str"),
            "town": pd.Series(rng.integers(0, 30, 300)).astype("str"),
            "price": np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300)),
            "note": pd.Series(rng.choice(["fine rain", "sun and sea", "rain again"], 300)).astype("str"),
        }
    )
    labels = {
        "binary": rows["price"].fillna(0).to_numpy() > 0,
        "multiclass": np.array(["a", "b", "c"])[rng.integers(0, 3, 300)],
        "regression": rng.normal(size=300),
    }
    inputs = features.Inputs(categorical=("colour", "shop", "town"), numeric=("price",), text=("note",))
    chosen = {} if family in ("logistic", "linear") else {families.find(family).rounds or "n_estimators": 8}
    pipeline = families.build(family, chosen, task=task, inputs=inputs, features=ENCODED, seed=7)
    families.fit(pipeline, rows, labels[task])
    return pipeline


def test_equal_fits_have_equal_bytes_in_every_process():
    code = f"""
import hashlib, sys, released
from evergreen.learning.model.skops_file import to_bytes
elsewhere = ["".join(["a", str(n)]) for n in range(int(sys.argv[1]))]  # other addresses, other shared strings
for family, chosen in {FAMILIES}.items():
    print(family, hashlib.sha256(to_bytes(released.fitted(family, **chosen))).hexdigest())
"""
    tests = Path(released.__file__).parent
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(n)],
            env={"PYTHONHASHSEED": str(n), "PYTHONPATH": f"{tests.parents[1]}:{tests}"},
            stdout=subprocess.PIPE,
        )
        for n in (1, 2000)
    ]
    digests = [child.communicate()[0] for child in children]

    assert all(child.returncode == 0 for child in children)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_survive_a_round_trip(family):
    content = skops_file.to_bytes(released.fitted(family, **FAMILIES[family]))

    again = skops_file.to_bytes(skops_file.from_bytes(content))

    # skops loses a key of LightGBM's map from classes to numbers, which it only reads when it is fitted.
    assert (again == content) == (family != "lightgbm")


def test_trusted_types_are_exactly_those_that_the_families_need():
    found = set()
    for task, known in objectives.FAMILIES.items():
        for family in known:
            pipeline = fitted_on_everything(task, family)
            saved = pipeline
            if task == "binary":
                saved = CalibratedPipeline(pipeline, "sigmoid", [1.0, 0.0])
            elif task == "regression":
                saved = ShiftedPipeline(pipeline, 1.0)
            found |= set(skops.io.get_untrusted_types(data=skops_file.to_bytes(saved)))

    assert found == set(skops_file.TRUSTED_TYPES)


@pytest.mark.parametrize("family", ["prior", "logistic", "random_forest", "gradient_boosting"])
def test_model_is_loaded_where_the_libraries_of_other_families_are_not_installed(family, monkeypatch):
    content = skops_file.to_bytes(released.fitted(family, **FAMILIES[family]))
    for absent in ("lightgbm", "xgboost", "evergreen.learning.tuning.boosting"):
        monkeypatch.setitem(sys.modules, absent, None)

    assert skops_file.from_bytes(content).classes_.tolist() == [False, True]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", TREES)
def test_equal_fits_with_every_encoder_have_equal_bytes(family, task):
    first, second = (skops_file.to_bytes(fitted_on_everything(task, family)) for _ in range(2))

    assert first == second


def test_bytes_between_the_fields_of_an_array_do_not_count():
    trees = RandomForestClassifier(n_estimators=2, random_state=7).fit(
        released.table()[["copy"]], released.table()["late"]
    )
    nodes = trees.estimators_[0].tree_.__getstate__()["nodes"]
    dirty = nodes.copy()
    raw = dirty.view(np.uint8).reshape(len(dirty), -1)
    written = np.zeros(raw.shape[1], dtype=bool)
    for kind, start, *_ in nodes.dtype.fields.values():
        written[start : start + kind.itemsize] = True
    raw[:, ~written] = 173

    assert not written.all()
    assert skops_file.to_bytes(
        Pipeline([("nodes", FunctionTransformer(kw_args={"nodes": dirty}))])
    ) == skops_file.to_bytes(Pipeline([("nodes", FunctionTransformer(kw_args={"nodes": nodes}))]))


OWN = """
import subprocess
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

class Stump(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=1).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict_proba(self, X):
        return self.tree_.predict_proba(X)
"""


@pytest.fixture
def own_module(monkeypatch):
    module = types.ModuleType("evergreen.own.stumps")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(OWN, module.__dict__)
    return module


def test_estimator_of_ones_own_is_trusted_because_it_ships_with_the_code(own_module):
    rows = released.table()[["copy"]]
    stump = own_module.Stump().fit(rows, released.table()["late"])

    loaded = skops_file.from_bytes(skops_file.to_bytes(stump))

    np.testing.assert_array_equal(loaded.predict_proba(rows), stump.predict_proba(rows))


@pytest.mark.parametrize("name", ["subprocess.Popen", "Popen", "DecisionTreeClassifier", "gone"])
def test_what_a_module_of_ones_own_only_imports_is_not_trusted(own_module, name):
    exec("from subprocess import Popen", own_module.__dict__)
    content = skops_file.to_bytes(own_module.Stump().fit(released.table()[["copy"]], released.table()["late"]))
    module, _, attribute = name.rpartition(".")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    schema = members["schema.json"].replace(b'"Stump"', f'"{attribute}"'.encode())
    members["schema.json"] = schema.replace(
        b"own.stumps", b"own.stumps." + module.encode() if module else b"own.stumps"
    )
    forged = io.BytesIO()
    with zipfile.ZipFile(forged, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)

    with pytest.raises(IntegrityError) as caught:
        skops_file.from_bytes(forged.getvalue())

    assert caught.value.code == "INT004"
    assert "TRUSTED_TYPES in evergreen/learning/model/skops_file.py" in caught.value.next_step


class Unknown:
    """A type that nobody put on the list."""

    def __init__(self) -> None:
        self.value = 1


def test_unknown_type_is_refused_by_name_before_it_is_constructed():
    content = skops_file.to_bytes(GaussianProcessClassifier(kernel=Unknown()))

    with pytest.raises(IntegrityError, match="Unknown") as caught:
        skops_file.from_bytes(content)

    assert caught.value.code == "INT004"
