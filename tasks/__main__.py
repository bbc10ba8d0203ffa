"""`python -m tasks <stage>`: run one step on data/, for dvc.yaml. No engine, no server."""

import logging
import os
import sys
from dataclasses import replace
from typing import Any, get_type_hints

from pydantic import ValidationError

from evergreen.base import memory, temporaries
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, EvergreenError, IntegrityError
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.project import Project
from evergreen.record.candidate import Repair
from evergreen.record.plan.steps import ARTIFACTS, STAGES, arguments


def run_stage(name: str) -> None:
    """Run a step on the artifacts under data/ and leave its own there; a step's inputs are found by their names.

    ``repair`` stands in the place of tune and train where ``repair.json`` says how a version came of another.
    """
    project = Project.open()
    os.environ.update(project.settings.environment())  # before Prefect is imported, which makes its folder then
    (project.settings.home / "tmp").mkdir(parents=True, exist_ok=True)
    ws = Workspace.beside(project.settings.project / "data")
    temporaries.delete(temporaries.left_in(ws.root))
    given = replace(project.given, ws=ws)
    if name == "repair":
        asked = find(ws, "repair", Repair)
        keep(ws, find_step(name)(**asked.arguments(given, ws.table("train"))))
        return
    if name not in STAGES:
        raise ConfigError(
            "CFG013", f"no stage '{name}'", where="python -m tasks", next_step=f"Known: {', '.join(STAGES)}."
        )
    step = find_step(name)
    made = {argument: kind for argument, kind in get_type_hints(step).items() if argument in ARTIFACTS}
    artifacts = {argument: find(ws, argument, kind) for argument, kind in made.items()}
    keep(ws, step(**arguments(name, given, artifacts, warm_start=project.keep_warm_start)))


def find_step(name: str) -> Any:
    """Return the plain function of a step."""
    from importlib import import_module

    return getattr(import_module(f"tasks.{name}"), name).fn


def find(ws: Workspace, name: str, kind: Any) -> Any:
    """Return an artifact that an earlier stage left under its name.

    Raises
    ------
    IntegrityError if there is none, or it is not whole.
    """
    if kind is TableRef:
        return ws.table(name)
    if kind is DatasetRef:
        from evergreen.data import datasets

        return datasets.reference(ws.root, name)
    if kind is FolderRef:
        return ws.folder(name)
    path = ws.path(f"{name}.json")
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise IntegrityError(
            "INT001",
            "an artifact is gone" if missing else f"an artifact cannot be read as {kind.__name__}",
            where=str(path),
            next_step="Run the stage that makes it again: dvc repro --force",
        ) from error


def keep(ws: Workspace, artifacts: Value) -> None:
    """Write the artifacts that are values, not references to files, as JSON under their names."""
    for name, value in artifacts:
        if not isinstance(value, (TableRef, DatasetRef, FolderRef)):
            write_bytes(ws.path(f"{name}.json"), value.model_dump_json(indent=1).encode())


def main() -> int:
    """Run the stage named on the command line and return its exit code."""
    memory.collect_rarely()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    for name in ("evergreen", "tasks"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        run_stage(sys.argv[1] if len(sys.argv) == 2 else "")
    except EvergreenError as error:
        sys.stderr.write(f"{error.block()}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
