"""The bundle for the edge: a few of our modules, three packages, and the answers of the model it is of."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import edges
import fences
import keys
import numpy as np
import pytest
import released
from projects import SECONDS

from evergreen.adapters.packaging import edge
from evergreen.base.errors import ConfigError
from evergreen.learning.model.package import verify_package


@pytest.fixture(scope="module")
def made(project, tmp_path_factory) -> edges.Made:
    return edges.made(tmp_path_factory.mktemp("edge"), project)


def test_bundle_holds_its_command_the_compiled_model_and_what_it_needs_of_our_code(made):
    names = {*released.files(made.bundle.path)}

    code = {name for name in names if name.startswith(("evergreen/", "serving/"))}
    model = {f"model/compiled/{name}" for name in ("plan.json", "graph.onnx", "golden.json")}
    assert names - code - model == {"predict.py", "edge.json", "requirements.txt", "package.json"}
    assert len(code) < 40
    assert not {name for name in code if "/config/" in name or "/ledger/" in name or "adapters" in name}
    packed = released.files(made.bento.path / "src")
    assert all(released.files(made.bundle.path)[name] == packed[name] for name in code)


def test_requirements_are_fewer_than_five_pins_with_hashes(made):
    text = (made.bundle.path / "requirements.txt").read_text()

    assert fences.pinned(text) == {"numpy", "onnxruntime", "msgspec"}
    assert text.count("--hash=sha256:") >= 3
    assert "--no-deps" in text.splitlines()[0]


def test_code_of_the_bundle_imports_nothing_but_its_packages(made):
    of_others = set()
    for path in made.bundle.path.rglob("*.py"):
        tree = ast.parse(path.read_bytes())
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            of_others |= {name.partition(".")[0] for name in names}
    ours = {"evergreen", "serving", "__future__"}
    assert of_others - set(sys.stdlib_module_names) - ours <= {"numpy", "onnxruntime", "msgspec"}


def test_thousand_rows_are_answered_as_the_model_does_within_the_fence(made, tmp_path):
    fence = fences.Fence(tmp_path / "fence", fences.pinned((made.bundle.path / "requirements.txt").read_text()))
    rows = [released.as_request(row) for row in released.table(1_000).to_dict("records")]

    done = edges.run(
        made.bundle.path, "-", "--log", tmp_path / "log", input=edges.lines(rows), env={"PYTHONPATH": str(fence.folder)}
    )

    assert done.returncode == 0, done.stderr
    answered = np.array([each["probability"] for each in edges.answers(done.stdout)])
    of_pipeline = made.model.predict(released.table(1_000)).values
    of_scorer = made.model.estimate_raw([[row[c.name] for c in made.model.columns] for row in rows])
    assert np.abs(answered - of_scorer).max() <= 1e-9
    assert np.abs(answered - of_pipeline).max() <= 1e-5
    assert (fence.seen("asked"), fence.seen("refused") & {"pandas", "pyarrow", "pydantic", "sklearn"}) == (set(), set())
    assert {path for path in fence.seen("ours") if not path.startswith(str(made.bundle.path))} == set()
    loaded = {str(Path(path).relative_to(made.bundle.path)) for path in fence.seen("ours")}
    packed = {str(path.relative_to(made.bundle.path)) for path in made.bundle.path.rglob("*.py")}
    assert packed - loaded <= {"predict.py", "serving/edge/rows.py"} | UNUSED


# Imported at the top of modules that are loaded, inside what only a command or a type checker takes.
UNUSED: set[str] = set()


def test_same_bento_gives_the_same_bundle_and_a_signed_one_is_signed(made, tmp_path):
    key, trusted = keys.pair(tmp_path / "team.pem", tmp_path / "trusted.pem")

    again = edge.write(made.bento, made.release, tmp_path / "again", signing_key=key)

    assert again.digest == made.bundle.digest
    written = released.files(again.path)
    assert written.pop("package.sig")
    assert written == released.files(made.bundle.path)
    verify_package(again.path, again.digest, trusted_keys=trusted)


def test_version_without_a_compiled_form_has_no_bundle_and_says_why(project, tmp_path):
    bento, release = edges.bento(tmp_path / "bento", project, with_compiled=False)

    with pytest.raises(ConfigError, match=r"no compiled form \(it is too odd\)") as caught:
        edge.write(bento, release, tmp_path / "edge")

    assert caught.value.code == "PKG005"
    assert not (tmp_path / "edge").exists()


@pytest.mark.long
def test_bundle_predicts_in_an_environment_of_its_own_without_a_network(made, tmp_path):
    assert os.getuid() == 0, "run it as root: it takes the network away from the bundle"
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", python]
    subprocess.run([*install, "-r", made.bundle.path / "requirements.txt"], check=True)
    rows = [released.as_request(row) for row in released.table(1_000).to_dict("records")]

    done = subprocess.run(
        ["unshare", "--net", python, made.bundle.path / "predict.py", "-", "--log", tmp_path / "log"],
        input=edges.lines(rows),
        capture_output=True,
        text=True,
        cwd="/",
        env={},
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stderr
    answered = np.array([each["probability"] for each in edges.answers(done.stdout)])
    assert np.abs(answered - made.model.predict(released.table(1_000)).values).max() <= 1e-5
