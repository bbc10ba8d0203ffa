"""The CI workflow: nothing in it that does not also run here, least rights, and no training before the tests."""

import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# Majors that exist; a later one is looked up before it is written here.
ACTIONS = {"actions/checkout": "v5", "actions/setup-python": "v6"}


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "pipeline.yml").read_text())
    return found


@pytest.fixture(scope="module")
def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_every_command_is_a_make_target_that_exists(steps: list[dict[str, Any]]) -> None:
    commands = [shlex.split(step["run"]) for step in steps if "run" in step]
    assert {command[0] for command in commands} == {"make"}
    assert {tuple(command[1:]) for command in commands} == {("check",), ("test",), ("train",)}
    assert {command[1] for command in commands} <= targets()


def test_pushes_and_pull_requests_are_checked(workflow: dict[str, Any]) -> None:
    assert workflow[True].keys() == {"push", "pull_request"}  # YAML reads the key `on` as true
    assert workflow[True]["push"] is None, "every branch"


def test_training_waits_for_checks_and_tests_and_runs_on_main_only(workflow: dict[str, Any]) -> None:
    train = workflow["jobs"]["train"]
    assert set(train["needs"]) == {"check", "test"}
    assert train["if"] == "github.ref == 'refs/heads/main' && github.event_name == 'push'"
    assert all("if" not in workflow["jobs"][name] for name in ("check", "test"))


def test_a_failure_is_a_failure(workflow: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    assert not any("continue-on-error" in part for part in [*workflow["jobs"].values(), *steps])


def test_rights_are_read_only(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())


def test_no_secret_is_used() -> None:
    assert "secrets." not in (ROOT / ".github" / "workflows" / "pipeline.yml").read_text()


def test_actions_are_pinned_to_a_major_that_exists(steps: list[dict[str, Any]]) -> None:
    used = {step["uses"].partition("@")[::2] for step in steps if "uses" in step}
    assert dict(used) == ACTIONS
    assert len(used) == len(ACTIONS), "one version of each"


def test_every_job_ends_in_time(workflow: dict[str, Any]) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_python_is_the_oldest_that_we_support(steps: list[dict[str, Any]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = {step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")}
    assert {f">={version}" for version in versions} == {project["requires-python"]}


def test_ci_run_checks_then_tests_and_stops_at_the_first_failure() -> None:
    path = ROOT / ".ci" / "run"
    commands = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert os.access(path, os.X_OK)
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make check", "make test"]
