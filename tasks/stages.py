"""`python -m tasks.stages`: write dvc.yaml from the steps: their order, inputs, parameters, code and artifacts.

What a step takes and returns stands in `STAGES` and in its signature; the code that it reaches is what decides its
identity. So a stage of DVC runs again when, and only when, `evergreen run` runs its step again.
"""

import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.files import write_bytes
from evergreen.config.params.params import SECTION_OF
from evergreen.project import Project
from evergreen.record.plan.identity import PROJECT, reached_files
from evergreen.record.plan.steps import ARTIFACTS, STAGES

HEADER = """\
# The training pipeline for `dvc repro`: the same steps as `evergreen run` up to the gate, and the analysis.
# Written by `make stages` from the steps themselves; a test says whether it is fresh.
stages:
"""
SECTIONS = {"features": "features", "seed": "seed", "declared": "train.baseline"}  # besides a step's own
# What a step reads under configs/. `today` is of a section or of the clock, and `warm_start` of the champion, which DVC
# does not look at; the files of `lookup_files` are named in params.yaml.
CONFIGURED = {"contract": "contract.yaml", "expectations": "expectations.json"}
KEPT_IN_GIT = ("report",)


def pipeline(project: Project) -> str:
    """Return the text of dvc.yaml."""
    return HEADER + "".join(line + "\n" for name in STAGES for line in _stage(name, project))


def _stage(name: str, project: Project) -> Iterator[str]:
    module = import_module(f"tasks.{name}")
    hints = get_type_hints(getattr(module, name).fn)
    taken = STAGES[name]
    described = (inspect.getdoc(module) or "").partition("\n")[0].removeprefix("Step: ").rstrip(".")
    yield f"  {name}:"
    yield f"    desc: {json.dumps(described)}"
    yield f"    cmd: .venv/bin/python -m tasks {name}"
    sections = [SECTION_OF.get(name, name), *(section for argument, section in SECTIONS.items() if argument in taken)]
    if not project.params.train.baseline:  # DVC does not take a parameter that is not there
        sections = [section for section in sections if section != SECTIONS["declared"]]
    yield f"    params: [{', '.join(sections)}]"
    yield "    deps:"
    yield from _items(
        [
            *(_file(argument, hints[argument]) for argument in taken if argument in ARTIFACTS),
            "requirements.lock",
            *_configured(taken, project.params.dataset),
            *(lookup.file for lookup in project.params.features.lookups.values() if "lookup_files" in taken),
            *(path.relative_to(PROJECT).as_posix() for path in reached_files(f"tasks.{name}")),
        ]
    )
    made = {field: _file(field, about.annotation) for field, about in hints["return"].model_fields.items()}
    yield "    outs:"
    yield from _items(file for field, file in made.items() if field not in KEPT_IN_GIT)
    if shown := [file for field, file in made.items() if field in KEPT_IN_GIT]:
        yield "    metrics:"
        yield from (f"      - {file}: {{cache: false}}" for file in shown)


def _items(files: Iterable[str]) -> Iterator[str]:
    return (f"      - {file}" for file in files)


def _file(name: str, kind: Any) -> str:
    """Return the file under data/ that holds an artifact of that name and kind."""
    return f"data/{name}" + {TableRef: ".parquet", FolderRef: "", DatasetRef: ""}.get(kind, ".json")


def _configured(taken: Iterable[str], dataset: str) -> list[str]:
    """Return what a step reads under configs/: a file, or the folder where one that may be missing is read too."""
    files = [file for name, file in CONFIGURED.items() if name in {*taken, "contract"}]
    return [f"configs/{dataset}/{files[0]}" if len(files) == 1 else f"configs/{dataset}"]


def main() -> int:
    """Write dvc.yaml of the project in this folder."""
    project = Project.open()
    write_bytes(Path(project.settings.project, "dvc.yaml"), pipeline(project).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
