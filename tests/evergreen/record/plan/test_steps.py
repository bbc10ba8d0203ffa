"""The steps of a training: what each takes is what a project hands out or an earlier one returned, under one name."""

import ast
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import planned
import pytest

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.record.plan import steps
from evergreen.record.plan.steps import ARTIFACTS, GIVEN, STAGES, STEPS, Given

TRAIN = TableRef(uri="train", rows=1, schema_hash="s", sha256="x")


def signature(project: Path, step: str) -> tuple[set[str], list[str]]:
    """Return a step function's arguments and the fields of what it returns, read from its module."""
    nodes = ast.parse((project / "tasks" / f"{step}.py").read_text()).body
    function = next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == step)
    arguments = {argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]}
    returned = ast.unparse(function.returns).strip("'\"")
    value = next(node for node in nodes if isinstance(node, ast.ClassDef) and node.name == returned)
    return arguments, [node.target.id for node in value.body if isinstance(node, ast.AnnAssign)]


@pytest.mark.parametrize("step", list(STAGES))
def test_step_function_takes_what_it_is_given_and_nothing_else(project, step):
    arguments, _ = signature(project, step)
    assert arguments == set(STAGES[step])
    assert len(STAGES[step]) == len(arguments)


def test_every_artifact_that_a_step_takes_is_returned_by_an_earlier_one(project):
    known = {
        "source", "contract", "expectations", "lookup_files", "warm_start", "declared", "today", "params", "features",
        "seed", "ws", "datasets", "storage",
    }  # fmt: skip
    assert known == GIVEN
    for step, arguments in STAGES.items():
        assert set(arguments) <= known, step
        returned = signature(project, step)[1]
        assert not known & set(returned), f"{step} returns an artifact under a name that is taken"
        known |= set(returned)
    assert known >= ARTIFACTS


def test_stages_are_the_steps_and_the_analysis_that_no_step_waits_for(project):
    assert list(STAGES) == [*STEPS, "analyse"]
    assert all(STAGES[step] == arguments for step, arguments in STEPS.items())
    returned = set(signature(project, "analyse")[1])
    assert not returned & {name for arguments in STEPS.values() for name in arguments}


def test_whatever_a_project_hands_out_is_given_to_some_step():
    cached = {name for name, found in vars(Given).items() if isinstance(found, cached_property)}
    handed_out = {field.name for field in fields(Given)} - {"locate", "locate_lookups", "params"} | cached
    assert handed_out == GIVEN - {"params", "features", "seed", "warm_start"}


@pytest.mark.parametrize(("step", "section"), [("validate", "validate_"), ("tune", "tune"), ("analyse", "evaluate")])
def test_step_is_given_its_own_section(given, params, step, section):
    artifacts = dict.fromkeys(ARTIFACTS, TRAIN)
    assert steps.arguments(step, given, artifacts)["params"] is getattr(params, section)


def test_step_is_given_artifacts_and_what_the_project_has_by_their_names(given, contract, params):
    lookups, best = FolderRef(uri="lookups", sha256="l"), {"family": "prior"}
    found = steps.arguments("train", given, {"train": TRAIN, "lookups": lookups, "best": best, "test": TRAIN})
    assert found == {
        "train": TRAIN,
        "best": best,
        "lookups": lookups,
        "contract": contract,
        "features": params.features,
        "params": params.train,
        "seed": params.seed,
        "ws": given.ws,
    }


@pytest.mark.parametrize("form", [TRAIN, TRAIN.model_dump()], ids=["reference", "json"])
def test_tuning_begins_where_the_digest_of_its_rows_says(given, form):
    found = steps.arguments("tune", given, {"train": form}, warm_start=lambda train: f"choice of {train}")
    assert found["warm_start"] == "choice of x"
    assert steps.arguments("tune", given, {"train": form})["warm_start"] is None


def test_source_is_located_once_and_only_for_the_step_that_reads_it(ws, contract, params):
    located = []

    def locate():
        located.append(1)
        return planned.SOURCE

    given = planned.given(ws, contract, params, locate=locate)
    steps.arguments("validate", given, {"raw": TRAIN})
    assert located == []
    assert steps.arguments("ingest", given, {})["source"] is steps.arguments("ingest", given, {})["source"]
    assert located == [1]


def test_lookups_are_located_for_the_features_step_alone_so_a_window_is_watched_without_their_files(
    ws, contract, params
):
    def gone():
        raise FileNotFoundError

    given = planned.given(ws, contract, params, locate_lookups=gone)
    for step, taken in STAGES.items():
        if step != "features":
            assert steps.arguments(step, given, dict.fromkeys(taken, TRAIN))
    with pytest.raises(FileNotFoundError):
        steps.arguments("features", given, {"valid": TRAIN})


def test_artifact_that_nobody_made_is_an_error_that_names_it(given):
    with pytest.raises(AttributeError, match="'best'"):
        steps.arguments("train", given, {"train": TRAIN, "lookups": TRAIN})
