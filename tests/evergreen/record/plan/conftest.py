"""Fixtures of the plan's tests: a workspace, the folder of records, and what a project hands to its steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import planned
import pytest

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.record.plan import plan
from evergreen.record.plan.steps import Given

Look = Callable[..., dict[str, plan.PlannedStep]]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    return folder


@pytest.fixture
def given(ws: Workspace, contract: Contract, params: Params) -> Given:
    return planned.given(ws, contract, params)


@pytest.fixture
def look(ws: Workspace, records: Path, contract: Contract, params: Params) -> Look:
    """Return a function that gives the plan's lines by step, for the usual project or one that differs from it."""

    def look(*, params: Params = params, **changed: Any) -> dict[str, plan.PlannedStep]:
        lines, _ = plan.plan(planned.given(ws, contract, params, **changed), records=records)
        return {step.name: step for step in lines}

    return look


@pytest.fixture
def record(given: Given, records: Path) -> Callable[[str], Path]:
    """Record a step as the engine does, with artifacts that exist, and return the record's path."""
    artifacts: dict[str, Any] = {}
    return lambda step: planned.record(step, given, artifacts, records)
