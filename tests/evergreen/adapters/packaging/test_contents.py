"""What goes into a bento: the code that serving reaches, and the packages that this imports."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

import fences
import pytest
import released

from evergreen.adapters import packaging
from evergreen.adapters.packaging import contents
from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.model import model as models
from evergreen.learning.model.release import Release
from evergreen.record.plan import requirements as locks

# Vendors and wings that a service has no business with.
NOT_SERVED = tuple(
    f"evergreen/{name}"
    for name in ("adapters", "data/ingest", "decisions/retrain", "learning/analysis", "project.py", "proposal")
)
HEAVY = {"prefect", "mlflow", "dvc", "evidently", "great-expectations", "optuna"}


def test_bento_holds_what_the_service_needs_and_nothing_else(bento, source, project):
    model_folder, release = source

    packed = released.files(bento.path / "src")

    top = {name.partition("/")[0] for name in packed}
    assert top == {"evergreen", "serving", "model", "release.json", "requirements.lock", "bentofile.yaml"}
    assert {n.removeprefix("model/"): c for n, c in packed.items() if n.startswith("model/")} == released.files(
        model_folder
    )
    assert Release.model_validate_json(packed["release.json"]) == release
    assert packed["serving/app.py"] == (project / "serving" / "app.py").read_bytes()
    code = {name for name in packed if name.startswith(("evergreen/", "serving/"))}
    assert code == set(contents.files(project))
    assert not any("__pycache__" in name for name in packed)
    assert not [name for name in code if name.startswith(NOT_SERVED)]


def test_requirements_are_pins_of_the_lock(bento, project):
    locked = set(re.findall(r"^\S+==\S+", (project / "requirements.lock").read_text(), flags=re.MULTILINE))
    written = (bento.path / "env" / "python" / "requirements.txt").read_text()
    installed = re.findall(r"^\S+==[^\s;]+", written, flags=re.MULTILINE)

    assert len(installed) == len(written.splitlines())
    assert set(installed) <= locked
    names = {line.partition("==")[0] for line in installed}
    assert set(packaging.SERVED_BY) <= names
    assert not names & HEAVY
    assert len(names) == len(installed)


def test_containers_lock_has_the_same_pins_with_their_hashes_and_no_other_server(bento, project):
    lock = (project / "requirements.lock").read_text()
    packed = (bento.path / "src" / "requirements.lock").read_text()

    entries = re.split(r"\n(?=\S)", packed.rstrip("\n"))

    assert {entry.partition("==")[0] for entry in entries} < requirements(bento)
    assert "bentoml" not in {entry.partition("==")[0] for entry in entries}
    for entry in entries:
        pin, *hashes = re.findall(r"^\S+==[^\\\n]*\S|sha256:[0-9a-f]{64}", entry)
        assert hashes
        (locked,) = re.findall(rf"^{re.escape(pin)}.*\n(?: .*\n)+", lock, flags=re.MULTILINE)
        assert hashes == re.findall(r"sha256:[0-9a-f]{64}", locked)


def imported(project, name: str) -> set[str]:
    """Return the top-level modules of others that a file of ours imports, at the top or inside functions."""
    found = set()
    for node in ast.walk(without_types(ast.parse((project / name).read_bytes()))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"evergreen", "serving"}


def without_types(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return tree


def test_list_of_packages_is_what_the_packed_code_imports(project):
    of_module = packages_distributions()
    modules = set().union(*(imported(project, name) for name in contents.modules(project)))

    names = {fences.canonical(of_module[module][0]) for module in modules}

    families = {name for known in locks.OF_FAMILY.values() for name in known}
    assert names - families == {*contents.IMPORTED, contents.SERVER, "pydantic-core"}, "see IMPORTED in contents.py"


def test_code_that_serving_does_not_reach_changes_no_package(project, changed):
    (changed / "evergreen" / "proposal" / "profile.py").write_text("import nothing_of_the_kind\n")

    assert contents.files(changed) == contents.files(project)


def test_own_code_is_packed_whole_with_what_it_imports(changed):
    own = changed / "evergreen" / "own" / "stumps"
    own.mkdir()
    (own / "__init__.py").write_text("def f():\n    from evergreen.proposal import rates\n    return rates\n")
    (own / "table.csv").write_text("a,b\n")

    found = contents.files(changed)

    assert {"evergreen/own/stumps/__init__.py", "evergreen/own/stumps/table.csv", "evergreen/proposal/rates.py"} <= {
        *found
    }


def requirements(bento) -> set[str]:
    written = (bento.path / "env" / "python" / "requirements.txt").read_text()
    return set(re.findall(r"^(\S+)==", written, flags=re.MULTILINE))


def test_library_of_a_family_is_packed_with_its_models_only(bento, project, tmp_path):
    pipeline = released.fitted("lightgbm", n_estimators=3)
    about = {"family": "lightgbm", "seed": 7}
    ref = models.save(
        Workspace(root=tmp_path), "model", pipeline, contract=released.CONTRACT, features=released.FEATURES, about=about
    )
    release = Release(model="parcels", version=4, model_digest=ref.sha256, threshold=0.5)

    of_lightgbm = packaging.build(tmp_path / ref.uri, release, project=project, home=tmp_path / "home")

    assert requirements(of_lightgbm) - requirements(bento) == {"lightgbm"}
    assert not requirements(bento) & {"lightgbm", "xgboost-cpu", "skl2onnx", "onnxmltools"}


@pytest.mark.parametrize(
    ("family", "needs"),
    [
        ("xgboost", {"xgboost-cpu"}),
        ("xgboost.XGBRFClassifier", {"xgboost-cpu"}),
        ("lightgbm.LGBMClassifier", {"lightgbm"}),
        ("gradient_boosting", set()),
        ("evergreen.own.stumps.Stump", set()),
    ],
)
def test_packages_follow_the_family_by_name_or_by_path(family, needs, project):
    names = packaging.packages(family)

    assert set(names) - set(packaging.SERVED_BY) == needs
    assert locks.pins((project / "requirements.lock").read_text(), names)
