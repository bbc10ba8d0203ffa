"""The identity of a step changes exactly with its code, its inputs and its section, and not with where things lie."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import parameters
import planned
import pytest

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.record.plan import identity, steps
from evergreen.record.plan.steps import STEPS

# A project in miniature: tasks.ingest reaches reader by five ways of importing, and unrelated by none.
MINIATURE = {
    "requirements.lock": "numpy==1\n",
    "evergreen/__init__.py": "",
    "evergreen/core.py": "from evergreen.deep.reader import rows\n",
    "evergreen/deep/__init__.py": "",
    "evergreen/deep/reader.py": "from . import words\nfrom .letters import a\nfrom .. import top\n",
    "evergreen/deep/words.py": "",
    "evergreen/deep/letters.py": "a = 1\n",
    "evergreen/top.py": "",
    "evergreen/late.py": "",
    "evergreen/unrelated.py": "",
    "tasks/__init__.py": "",
    "tasks/ingest.py": "import numpy\nimport evergreen.core\ndef ingest():\n    from evergreen import late\n",
    "tasks/validate.py": "",
}
REACHED = {
    "evergreen/__init__.py",
    "evergreen/core.py",
    "evergreen/deep/__init__.py",
    "evergreen/deep/reader.py",
    "evergreen/deep/words.py",
    "evergreen/deep/letters.py",
    "evergreen/top.py",
    "evergreen/late.py",
    "tasks/__init__.py",
    "tasks/ingest.py",
}
CACHES = (identity.lock_digest, identity.code_digest, identity.reached_files, identity._imports)


def forget() -> None:
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def miniature(tmp_path, monkeypatch):
    """Let the plan look at the miniature instead of this repository."""
    for name, text in MINIATURE.items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(identity, "PROJECT", tmp_path / "code")
    forget()
    yield tmp_path / "code"
    forget()


@pytest.fixture
def arguments(given) -> dict:
    return steps.arguments("ingest", given, {})


def test_step_reaches_helpers_of_helpers_however_they_are_imported(miniature):
    reached = {path.relative_to(miniature).as_posix() for path in identity.reached_files("tasks.ingest")}
    assert reached == REACHED


def test_step_that_loads_own_code_reaches_all_of_it_and_what_it_imports(miniature):
    own = {
        "evergreen/own_code.py": "",
        "evergreen/own/__init__.py": "",
        "evergreen/own/trips/__init__.py": "",
        "evergreen/own/trips/haul.py": "from evergreen import unrelated\n",
    }
    for name, text in own.items():
        (miniature / name).parent.mkdir(parents=True, exist_ok=True)
        (miniature / name).write_text(text)
    (miniature / "tasks" / "validate.py").write_text("from evergreen import own_code\n")
    forget()
    reached = {path.relative_to(miniature).as_posix() for path in identity.reached_files("tasks.validate")}
    assert reached == {
        *own,
        "evergreen/unrelated.py",
        "evergreen/__init__.py",
        "tasks/__init__.py",
        "tasks/validate.py",
    }
    assert not {*own} & {path.relative_to(miniature).as_posix() for path in identity.reached_files("tasks.ingest")}


@pytest.mark.parametrize("changed", sorted(MINIATURE))
def test_identity_changes_with_the_code_that_the_step_reaches_and_only_with_that(miniature, arguments, changed):
    before = identity.identity("ingest", arguments)
    path = miniature / changed
    path.write_text(path.read_text() + "# changed\n")
    forget()
    assert (identity.identity("ingest", arguments) != before) == (changed in REACHED | {"requirements.lock"})


def test_identity_changes_when_reached_code_moves(miniature, arguments):
    before = identity.identity("ingest", arguments)
    (miniature / "evergreen" / "late").mkdir()
    (miniature / "evergreen" / "late.py").rename(miniature / "evergreen" / "late" / "__init__.py")
    forget()
    assert identity.identity("ingest", arguments) != before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", planned.source("b" * 64)),
        ("source", planned.source(name="renamed.csv")),
        ("source", planned.source(compression="gzip")),
        ("source", planned.SOURCE.model_copy(update={"joined": (planned.SOURCE.items,)})),
        ("params", {"start": "2013-01-01", "end": "2013-03-02"}),
        ("contract", {"name": "other"}),
    ],
)
def test_identity_changes_with_every_input(miniature, arguments, name, value):
    assert identity.identity("ingest", {**arguments, name: value}) != identity.identity("ingest", arguments)


def test_identity_differs_between_steps(miniature, arguments):
    assert identity.identity("ingest", arguments) != identity.identity("validate", arguments)


def test_identity_does_not_change_with_where_things_lie(miniature, arguments, tmp_path):
    moved = {
        **arguments,
        "source": planned.source(uri="/elsewhere", stamp="1:2:3"),
        "ws": Workspace(root=tmp_path / "elsewhere"),
        "datasets": tmp_path / "elsewhere",
        "storage": "sqlite:///elsewhere.db",
    }
    assert identity.identity("ingest", moved) == identity.identity("ingest", arguments)


def test_identity_is_the_same_for_a_reference_and_its_json(given):
    # The flow holds references, the plan reads their JSON from records.
    train = TableRef(uri="train", rows=1, schema_hash="s", sha256="x")
    keys = {
        identity.record_key("tune", steps.arguments("tune", given, {"train": form}))
        for form in (train, train.model_dump(), json.loads(train.model_dump_json()))
    }
    assert len(keys) == 1


def test_step_depends_on_its_own_section_only(ws, contract, params):
    def keys(changed) -> dict[str, str]:
        made = ("raw", "valid", "train", "test", "lookups", "best", "out_of_fold", "model")
        artifacts = {name: FolderRef(uri=name, sha256=name) for name in made}
        artifacts["baseline"] = artifacts["model"]
        given = planned.given(ws, contract, changed)
        return {step: identity.record_key(step, steps.arguments(step, given, artifacts)) for step in STEPS}

    before = keys(params)
    trials = params.model_copy(update={"tune": params.tune.model_copy(update={"trials": 1})})
    gate = params.model_copy(update={"gate": params.gate.model_copy(update={"floor": 0.1})})
    assert {step for step, key in keys(trials).items() if key != before[step]} == {"tune"}
    assert keys(gate) == before


@pytest.mark.parametrize("step", list(STEPS))
def test_steps_of_this_repository_reach_the_code_they_call(step):
    reached = {path.relative_to(identity.PROJECT).as_posix() for path in identity.reached_files(f"tasks.{step}")}
    own = {
        "ingest": "evergreen/data/ingest/flights.py",
        "validate": "evergreen/data/validation/rules.py",
        "features": "evergreen/learning/features/rowwise.py",
        "tune": "evergreen/learning/tuning/families.py",
        "train": "evergreen/learning/model/model.py",
        "evaluate": "evergreen/learning/features/rowwise.py",
    }
    assert {
        f"tasks/{step}.py",
        "evergreen/base/artifacts/workspace.py",
        "evergreen/config/contract/contract.py",
        own[step],
    } <= reached
    assert not any(path.startswith(("flows/", "cli/", "serving/", "tests/")) for path in reached)


# -- what an edit of this repository's own code makes run again -------------------------------------------------------


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    """The code digests of the training steps as they are."""
    forget()
    return {step: identity.code_digest(f"tasks.{step}") for step in STEPS}


@pytest.fixture
def code(project, tmp_path) -> Path:
    """A copy of the code that steps reach, to be edited."""
    for package in identity.FIRST_PARTY:
        shutil.copytree(project / package, tmp_path / "code" / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (project / "requirements.lock", parameters.FILE):
        shutil.copy(file, tmp_path / "code" / file.name)
    return tmp_path / "code"


@pytest.fixture
def digests_of(monkeypatch):
    """Return what gives the code digests of the training steps in a copy of the code."""

    def digests_of(code: Path) -> dict[str, str]:
        monkeypatch.setattr(identity, "PROJECT", code)
        forget()
        return {step: identity.code_digest(f"tasks.{step}") for step in STEPS}

    yield digests_of
    forget()


def add_key(code: Path, module: str, holder: str) -> None:
    """Add a key with a default to the class `holder` of a module."""
    path = code / "evergreen" / "config" / module
    lines = path.read_text().splitlines(keepends=True)
    (found,) = [node for node in ast.parse("".join(lines)).body if getattr(node, "name", "") == holder]
    path.write_text("".join([*lines[: found.end_lineno], "    fresh: int = 1\n", *lines[found.end_lineno :]]))


AFTER_FEATURES = {"features", "tune", "train", "evaluate"}


@pytest.mark.parametrize(
    ("module", "holder", "changed"),
    [
        ("params/ingest.py", "IngestParams", {"ingest"}),
        ("params/validate.py", "ValidateParams", {"validate"}),
        ("params/features.py", "FeatureParams", AFTER_FEATURES),
        ("params/tune.py", "TuneParams", {"tune"}),
        ("params/train.py", "TrainParams", {"train"}),
        ("params/evaluate.py", "EvaluateParams", {"evaluate"}),
        ("params/gate.py", "GateParams", set()),
        ("params/drift.py", "DriftParams", set()),
        ("params/retrain.py", "RetrainParams", set()),
        ("params/params.py", "Params", set()),
        ("settings.py", "Settings", set()),
        ("section.py", "Section", set(STEPS)),
    ],
)
def test_new_key_of_a_section_changes_the_code_of_the_steps_that_read_it_only(
    code, before, digests_of, module, holder, changed
):
    add_key(code, module, holder)
    assert {step for step, digest in digests_of(code).items() if digest != before[step]} == changed


def test_copy_of_the_code_has_the_digests_of_the_code(code, before, digests_of):
    assert digests_of(code) == before


LOOK = """
import json, sys
from pathlib import Path
import planned
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.record.plan import plan
what, code, contract, folder = sys.argv[1], *map(Path, sys.argv[2:])
given = planned.given(Workspace(root=folder / "ws"), Contract.load(contract), Params.load(code / "params.yaml"))
if what == "record":
    made = {}
    for step in plan.STEPS:
        planned.record(step, given, made, folder)
print(json.dumps([step.name for step in plan.plan(given, records=folder)[0] if step.cached]))
"""


@pytest.mark.parametrize(
    ("section", "holder", "cached"),
    [
        ("gate", "GateParams", list(STEPS)),
        ("drift", "DriftParams", list(STEPS)),
        ("retrain", "RetrainParams", list(STEPS)),
        ("tune", "TuneParams", ["ingest", "validate", "features"]),
    ],
)
def test_new_key_of_a_section_that_no_step_reads_makes_nothing_run_again(
    code, project, tmp_path, section, holder, cached
):
    def look(what: str) -> list[str]:
        contract, folder = project / "configs" / "flights" / "contract.yaml", tmp_path / "recorded"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", LOOK, what, str(code), str(contract), str(folder)],
            cwd=code,
            env={**os.environ, "PYTHONPATH": f"{code}{os.pathsep}{project / 'tests' / 'support'}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert look("record") == look("again") == list(STEPS)
    add_key(code, f"params/{section}.py", holder)
    params = code / "params.yaml"
    text, found = re.subn(rf"^{section}:.*\n", r"\g<0>  fresh: 2\n", params.read_text(), flags=re.MULTILINE)
    assert found == 1
    params.write_text(text)

    assert look("again") == cached
