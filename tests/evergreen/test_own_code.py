"""Own code by dotted path: what is not there, or is not what it should be, is one block."""

import pytest

from evergreen import own_code
from evergreen.base.errors import ConfigError


def refusal(load, *arguments):
    with pytest.raises(ConfigError) as caught:
        load(*arguments)
    assert caught.value.code == "CFG037"
    return caught.value


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("evergreen.own.nowhere.haul", "cannot import 'evergreen.own.nowhere': ModuleNotFoundError"),
        ("own_features.nothing", "module 'own_features' has no 'nothing'"),
        ("own_features.NOT_A_FUNCTION", "'own_features.NOT_A_FUNCTION' is a int, which cannot be called"),
    ],
)
def test_path_that_names_nothing_callable_is_refused(path, says):
    error = refusal(own_code.load, path, "tune.families")
    assert error.what.startswith(says)
    assert (error.where, path in error.next_step) == ("tune.families", True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import math\nmath.cbrd", "AttributeError: module 'math' has no attribute 'cbrd'"),
        (
            "from evergreen.own_code import feature\nfeature(numeric=('area'))",
            "TypeError: numeric and categorical are tu",
        ),
    ],
    ids=["raises", "misses an attribute", "declares a text"],
)
def test_module_that_fails_when_it_is_imported_is_refused(tmp_path, monkeypatch, content, says):
    (tmp_path / "broken_own_code.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    error = refusal(own_code.load, "broken_own_code.f", "features.functions")
    assert error.what.startswith(f"cannot import 'broken_own_code': {says}")


def test_function_has_to_declare_its_columns():
    assert "does not declare" in refusal(own_code.load_function, "own_features.undeclared").what
    found = own_code.load_function("own_features.trip")
    assert (found.numeric, found.categorical) == (("fare_per_seat_cubed",), ("part_of_day",))


def test_class_may_be_loaded():
    from sklearn.ensemble import ExtraTreesClassifier

    assert own_code.load("sklearn.ensemble.ExtraTreesClassifier", "tune.families") is ExtraTreesClassifier


def test_module_is_known_where_importing_it_runs_a_teams_own_code_or_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(own_code.own, "__path__", [str(tmp_path)])
    (tmp_path / "trips.py").write_text("")
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "__init__.py").write_text("")
    (tmp_path / "a-b.py").write_text("")

    assert all(map(own_code.is_known, ("evergreen.own.trips", "evergreen.own.team", "os")))
    unknown = (
        "evergreen.own.nowhere",
        "evergreen.own.a-b",
        "evergreen.own..trips",
        "antigravity",
        "some.where.trips",
        "",
    )
    assert not any(map(own_code.is_known, unknown))
