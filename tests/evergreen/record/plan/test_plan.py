"""The plan: a step runs again exactly when its code, data or configuration changed, or its artifacts are gone."""

import ast
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, Item, SourceRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.data.validation.own import Expectation
from evergreen.record.plan import identity, plan
from evergreen.record.plan.records import drop_broken_records, read_record


def source(sha256: str = "a" * 64, *, name: str = "flights.csv", uri: str = "/data/flights.csv", **item) -> SourceRef:
    """Return a source of one file."""
    about = {"name": name, "uri": uri, "size": 1, "sha256": sha256, "format": "csv", **item}
    return SourceRef(items=(Item.model_validate(about),))


SOURCE = source()
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
CACHES = (identity.lock_digest, identity.code_digest, identity.reached_files)


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
    monkeypatch.setattr(plan, "PROJECT", tmp_path / "code")
    forget()
    yield tmp_path / "code"
    forget()


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture
def records(tmp_path) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    return folder


@pytest.fixture
def look(ws, records, contract, params):
    """Return the plan's lines by step."""

    def look(source=SOURCE, params=params, **given) -> dict[str, plan.PlannedStep]:
        steps, _ = plan.plan(source, contract, params, ws=ws, records=records, **given)
        return {step.name: step for step in steps}

    return look


@pytest.fixture
def record(ws, records, contract, params):
    """Record a step as the engine does, with artifacts that exist, and return the record's path."""
    artifacts: dict = {}
    made = {
        "ingest": ["raw"],
        "validate": ["valid", "quarantine", "docs"],
        "features": ["train", "test", "split", "lookups"],
        "tune": ["best"],
        "train": ["model", "baseline"],
        "evaluate": ["scores"],
    }

    def record(step: str) -> Path:
        found = {}
        for name in made[step]:
            if name == "best":
                found[name] = {"family": "logistic", "params": {"C": 1.0}}
            elif name == "split":
                found[name] = {"end": "2013-03-01", "rule": None, "gate_digest": "test"}
            elif name == "raw":
                (ws.root / name).mkdir(parents=True)
                found[name] = DatasetRef(uri=name, rows=1, facts="f", sha256=name).model_dump()
            elif name in ("model", "baseline", "docs", "lookups"):
                found[name] = ws.write_folder(name, {"x": name.encode()}, {}).model_dump()
            else:
                ws.root.mkdir(exist_ok=True)
                (ws.root / name).touch()
                found[name] = TableRef(uri=name, rows=1, schema_hash="s", sha256=name).model_dump()
        key = identity.record_key(step, plan.arguments_of(step, SOURCE, contract, params, artifacts))
        artifacts.update(found)
        result = json.dumps({"__class__": "tasks.x.X", "data": found})
        (records / key).write_text(json.dumps({"metadata": {}, "result": result}))
        return records / key

    return record


# -- identity -----------------------------------------------------------------------------------------------------


@pytest.fixture
def arguments(contract, params) -> dict:
    return plan.arguments_of("ingest", SOURCE, contract, params, {})


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
        ("source", source("b" * 64)),
        ("source", source(name="renamed.csv")),
        ("source", source(compression="gzip")),
        ("source", SOURCE.model_copy(update={"joined": (SOURCE.items,)})),
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
        "source": source(uri="/elsewhere", stamp="1:2:3"),
        "ws": Workspace(root=tmp_path / "elsewhere"),
        "datasets": tmp_path / "elsewhere",
        "storage": "sqlite:///elsewhere.db",
    }
    assert identity.identity("ingest", moved) == identity.identity("ingest", arguments)


def test_identity_is_the_same_for_a_reference_and_its_json(contract, params):
    # The flow holds references, the plan reads their JSON from records.
    train = TableRef(uri="train", rows=1, schema_hash="s", sha256="x")
    keys = {
        identity.record_key("tune", plan.arguments_of("tune", SOURCE, contract, params, {"train": form}))
        for form in (train, train.model_dump(), json.loads(train.model_dump_json()))
    }
    assert len(keys) == 1


def test_step_depends_on_its_own_section_only(contract, params):
    def keys(changed) -> dict[str, str]:
        made = ("raw", "valid", "train", "test", "lookups", "best", "model")
        given = {name: FolderRef(uri=name, sha256=name) for name in made}
        given["baseline"] = given["model"]
        return {
            step: identity.record_key(step, plan.arguments_of(step, SOURCE, contract, changed, given))
            for step in plan.STEPS
        }

    before = keys(params)
    trials = params.model_copy(update={"tune": params.tune.model_copy(update={"trials": 1})})
    gate = params.model_copy(update={"gate": params.gate.model_copy(update={"floor": 0.1})})
    assert {step for step, key in keys(trials).items() if key != before[step]} == {"tune"}
    assert keys(gate) == before


@pytest.mark.parametrize("step", list(plan.STEPS))
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


# -- the plan -----------------------------------------------------------------------------------------------------


def test_plan_of_a_fresh_project_knows_the_first_step_only(look):
    found = look()
    assert list(found) == list(plan.STEPS)
    assert not any(step.cached for step in found.values())
    assert found["ingest"].why == "never run with this code, data and configuration"
    assert len(found["ingest"].identity) == 64
    assert [(step.identity, step.why) for step in list(found.values())[1:]] == [
        (None, "after ingest"),
        (None, "after validate"),
        (None, "after features"),
        (None, "after tune"),
        (None, "after train"),
    ]


def test_plan_follows_records_up_to_the_first_miss(look, record):
    for n, step in enumerate(plan.STEPS, start=1):
        record(step)
        found = list(look().values())
        assert [step.cached for step in found] == [True] * n + [False] * (len(found) - n)
        assert [step.identity is None for step in found] == [False] * min(n + 1, len(found)) + [True] * (
            len(found) - n - 1
        )


def test_plan_returns_the_artifacts_that_are_there(ws, records, contract, params, record):
    record("ingest")
    record("validate")
    _, artifacts = plan.plan(SOURCE, contract, params, ws=ws, records=records)
    assert set(artifacts) == {"raw", "valid", "quarantine", "docs"}
    assert artifacts["raw"]["uri"] == "raw"


def test_plan_misses_all_steps_from_the_changed_one_on(look, record, params):
    for step in plan.STEPS:
        record(step)
    fewer = params.model_copy(update={"tune": params.tune.model_copy(update={"trials": 1})})
    cached = {name: step.cached for name, step in look(params=fewer).items()}
    expected = {"ingest": True, "validate": True, "features": True, "tune": False, "train": False, "evaluate": False}
    assert cached == expected
    later = params.for_period(date(2013, 2, 1), date(2013, 4, 1))
    assert not any(step.cached for step in look(params=later).values())
    assert not look(source=source("b" * 64))["ingest"].cached
    assert all(step.cached for step in look().values())


@pytest.mark.parametrize(
    "given", [{"today": date(2013, 3, 1)}, {"expectations": (Expectation(type="expect_column_to_exist", kwargs={}),)}]
)
def test_plan_misses_validation_on_another_day_or_with_other_expectations(look, record, given):
    for step in plan.STEPS:
        record(step)
    cached = {name: step.cached for name, step in look(**given).items()}
    assert [name for name, hit in cached.items() if hit] == ["ingest"]


def test_plan_misses_a_step_whose_artifact_is_gone(look, record, ws):
    record("ingest")
    record("validate")
    (ws.root / "quarantine").unlink()
    assert (look()["ingest"].cached, look()["validate"].cached) == (True, False)


BROKEN = [
    "",
    "{",
    '{"result"',
    '{"result": 3}',
    '{"result": "{"}',
    '{"result": "{}"}',
    '{"result": "[]"}',
    "[]",
    "3",
] + [json.dumps({"result": json.dumps({"data": data})}) for data in (None, 3, "x", [])]


@pytest.mark.parametrize("content", BROKEN)
def test_record_that_is_not_whole_is_a_miss_and_is_dropped(look, record, records, ws, content):
    path = record("ingest")
    kept = path.read_bytes()
    path.write_text(content)
    assert read_record(path) is None
    assert not look()["ingest"].cached
    assert drop_broken_records(records, ws) == 1
    assert not path.exists()
    path.write_bytes(kept)
    assert look()["ingest"].cached


def test_record_cut_short_anywhere_is_a_miss(record):
    path = record("ingest")
    content = path.read_bytes()
    assert read_record(path) is not None
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert read_record(path) is None


def test_whole_records_and_foreign_files_are_not_dropped(record, records, ws):
    whole = [record(step) for step in plan.STEPS]
    foreign = [
        records / "0b8f1c9e-6a53-4f0e-9d5c-1d2f3a4b5c6d",
        records / ".git-keep",
        records / f"{whole[0].name}.lock",
    ]
    for path in foreign:
        path.write_text("not ours")
    (records / "some-folder").mkdir()
    assert drop_broken_records(records, ws) == 0
    assert all(path.exists() for path in whole + foreign)


def test_record_whose_artifact_is_gone_is_dropped(record, records, ws):
    path = [record(step) for step in ("ingest", "validate", "features", "tune", "train")][-1]
    model = read_record(path)["model"]
    ws.path(model["uri"]).rename(ws.root / "elsewhere")
    assert drop_broken_records(records, ws) == 1
    assert not path.exists()


def test_nothing_is_dropped_where_nothing_was_recorded(tmp_path, ws):
    assert drop_broken_records(tmp_path / "none", ws) == 0


PREFECT_WRITES = """
import sys
from pathlib import Path
from prefect.results import ResultRecord, ResultRecordMetadata
from prefect.serializers import JSONSerializer
from evergreen.base.artifacts.refs import DatasetRef
from tasks.ingest import Ingested
result = Ingested(raw=DatasetRef(uri="raw", rows=1, facts="f", sha256="x"))
metadata = ResultRecordMetadata(serializer=JSONSerializer(), storage_key="k")
Path(sys.argv[1]).write_bytes(ResultRecord(result=result, metadata=metadata).serialize())
"""


def test_record_is_read_as_prefect_writes_it(project, tmp_path):
    variables = Settings(project=project, home=tmp_path / "home").environment()
    command = [sys.executable, "-c", PREFECT_WRITES, str(tmp_path / "record")]
    subprocess.run(command, check=True, cwd=project, env={**os.environ, **variables})
    expected = {"raw": {"uri": "raw", "rows": 1, "facts": "f", "sha256": "x"}}
    assert read_record(tmp_path / "record") == expected


# -- one name everywhere ------------------------------------------------------------------------------------------


def signature(project: Path, step: str) -> tuple[set[str], list[str]]:
    """Return a step function's arguments and the fields of what it returns, read from its module."""
    nodes = ast.parse((project / "tasks" / f"{step}.py").read_text()).body
    function = next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == step)
    arguments = {argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]}
    returned = ast.unparse(function.returns).strip("'\"")
    value = next(node for node in nodes if isinstance(node, ast.ClassDef) and node.name == returned)
    return arguments, [node.target.id for node in value.body if isinstance(node, ast.AnnAssign)]


@pytest.mark.parametrize("step", list(plan.STEPS))
def test_step_function_takes_what_the_plan_gives_it(project, step):
    arguments, _ = signature(project, step)
    assert arguments - set(identity.WHERE) == set(plan.STEPS[step])


def test_every_artifact_that_a_step_takes_is_returned_by_an_earlier_one(project):
    known = {"source", "contract", "expectations", "lookup_files", "start", "today", "params", "features", "seed"}
    for step, arguments in plan.STEPS.items():
        assert set(arguments) <= known, step
        returned = signature(project, step)[1]
        assert not known & set(returned), f"{step} returns an artifact under a name that is taken"
        known |= set(returned)
