"""What is pinned for a model, read from a lock."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from evergreen.base.errors import ConfigError
from evergreen.record.plan.requirements import needed, packages_of, pins, versions

LOCK = """\
# written by uv
a==1.0 \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via
    #   b
    #   project
b==2.0
    # via c
c==3.0 ; sys_platform == 'linux'
    # via project
d==4.0
    # via
    #   a
    #   e
e==5.0
    # via project
"""


def test_what_is_needed_is_followed_to_its_end():
    assert pins(LOCK, ["c"]) == ["a==1.0", "b==2.0", "c==3.0 ; sys_platform == 'linux'", "d==4.0"]
    assert pins(LOCK, ["d"]) == ["d==4.0"]
    assert pins(LOCK, ["e", "b"]) == ["a==1.0", "b==2.0", "d==4.0", "e==5.0"]
    assert pins(LOCK, []) == []


def test_name_that_is_not_pinned_is_said():
    with pytest.raises(ConfigError, match="not pinned: x, y") as caught:
        pins(LOCK, ["y", "a", "x"])
    assert caught.value.code == "PKG001"


def test_pins_of_the_committed_lock_hold_what_the_installed_packages_ask_for(project):
    found = {line.partition("==")[0] for line in pins((project / "requirements.lock").read_text(), ["scikit-learn"])}
    asked = [Requirement(text) for text in metadata.requires("scikit-learn") or ()]
    plain = {re.sub(r"[-_.]+", "-", one.name).lower() for one in asked if not one.marker or one.marker.evaluate()}
    assert {"numpy", "scipy"} <= plain <= found
    assert "mlflow" not in found


@pytest.mark.parametrize(
    ("family", "packages"),
    [
        ("lightgbm", ("lightgbm",)),
        ("xgboost", ("xgboost-cpu",)),
        ("xgboost.XGBRFClassifier", ("xgboost-cpu",)),
        ("logistic", ()),
        ("sklearn.svm.SVC", ()),
        ("lightgbmish", ()),
    ],
)
def test_family_needs_its_own_package(family, packages):
    assert packages_of(family) == packages


def test_model_needs_what_it_is_loaded_with_and_its_family(project):
    lock = (project / "requirements.lock").read_text()
    found = versions(needed(lock, "lightgbm"))
    assert {"numpy", "pandas", "scikit-learn", "skops", "lightgbm"} <= found.keys()
    assert "lightgbm" not in versions(needed(lock, "logistic"))
    assert {name: metadata.version(name) for name in found} == found
