"""dvc.yaml says what the stages are: the same order, arguments, parameters, code and artifacts, and nothing else."""

from importlib import import_module
from typing import get_type_hints

import pytest
import yaml

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.config.params.params import Params
from evergreen.project import Project
from evergreen.record.plan import identity
from evergreen.record.plan.steps import STAGES
from tasks.stages import pipeline

# What a step takes, and the parameters that it is.
SECTIONS = {"params": None, "features": "features", "seed": "seed", "declared": "train.baseline"}
# What it takes from the project: the source itself, and what lies in files under configs/. `today` is of a section or
# of the clock, and `warm_start` of the champion, which DVC does not look at; `lookup_files` are named in params.yaml.
PROJECT = {
    "source": None,
    "contract": "contract.yaml",
    "expectations": "expectations.json",
    "today": None,
    "warm_start": None,
    "lookup_files": None,
    # Where steps work, which decides no result.
    "ws": None,
    "datasets": None,
    "storage": None,
}


@pytest.fixture(scope="module")
def stages(project):
    return yaml.safe_load((project / "dvc.yaml").read_text())["stages"]


def section(step):
    """Return the section of a step's own parameters: an analysis is part of what is evaluated."""
    return "evaluate" if step == "analyse" else step


def hints(step):
    return get_type_hints(getattr(import_module(f"tasks.{step}"), step).fn)


def file_of(name, kind):
    """Return the file under data/ that holds an artifact of that name and kind."""
    return f"data/{name}" + {TableRef: ".parquet", FolderRef: "", DatasetRef: ""}.get(kind, ".json")


def made_by(step):
    return {file_of(name, field.annotation) for name, field in hints(step)["return"].model_fields.items()}


def taken_by(step):
    """Return the artifacts that a step takes from earlier ones."""
    return {file_of(name, hints(step)[name]) for name in STAGES[step] if name not in {*SECTIONS, *PROJECT}}


def configured_by(step, dataset):
    """Return what a step reads under configs/: a file, or the folder where one that may be missing is read too."""
    files = [file for name, file in PROJECT.items() if file and name in {*STAGES[step], "contract"}]
    return {f"configs/{dataset}/{files[0]}" if len(files) == 1 else f"configs/{dataset}"}


def test_dvc_yaml_is_what_make_stages_writes(project):
    assert (project / "dvc.yaml").read_text() == pipeline(Project.open())


def test_stages_are_the_steps_of_the_plan_in_their_order_and_the_analysis(stages):
    assert list(stages) == list(STAGES)


@pytest.mark.parametrize("step", STAGES)
def test_stage_runs_its_step_and_says_what_it_does(step, stages):
    assert stages[step]["cmd"] == f".venv/bin/python -m tasks {step}"
    assert stages[step]["desc"]


@pytest.mark.parametrize("step", STAGES)
def test_stage_depends_on_the_code_that_its_step_reaches_and_on_its_inputs(step, stages, params):
    code = {path.relative_to(identity.PROJECT).as_posix() for path in identity.reached_files(f"tasks.{step}")}
    inputs = {"requirements.lock"} | configured_by(step, params.dataset) | taken_by(step)
    if "lookup_files" in STAGES[step]:
        inputs |= {lookup.file for lookup in params.features.lookups.values()}

    listed = stages[step]["deps"]

    assert sorted(listed) == sorted(code | inputs)  # sorted lists, so that a line that stands twice shows


@pytest.mark.parametrize("step", STAGES)
def test_stage_leaves_the_artifacts_that_its_step_returns(step, stages):
    metrics = [name for metric in stages[step].get("metrics", []) for name in metric]

    assert sorted(stages[step]["outs"] + metrics) == sorted(made_by(step))


@pytest.mark.parametrize("step", STAGES)
def test_stage_declares_the_parameters_that_its_step_takes(step, stages):
    own = {"analyse": "evaluate"}.get(step, step)  # an analysis is part of what is evaluated
    taken = {SECTIONS[name] or own for name in STAGES[step] if name in SECTIONS}

    assert sorted(stages[step]["params"]) == sorted(taken)
    assert {name.partition(".")[0] for name in taken} <= {
        field.alias or name for name, field in Params.model_fields.items()
    }


def test_every_file_that_a_stage_takes_exists_or_is_left_by_an_earlier_one(stages, project):
    left = set()
    for step, stage in stages.items():
        missing = [name for name in stage["deps"] if name not in left and not (project / name).exists()]
        assert missing == [], step
        left |= made_by(step)


def test_metrics_are_those_of_the_report_and_kept_in_git(stages):
    assert stages["evaluate"]["metrics"] == [{"data/report.json": {"cache": False}}]
    assert not [step for step in stages if step != "evaluate" and "metrics" in stages[step]]


def test_what_a_stage_leaves_is_not_what_another_leaves(stages):
    made = [name for step in stages for name in made_by(step)]

    assert len(made) == len(set(made)) == 17
