"""Bundles for the edge, as `evergreen package` makes them of a bento, and how they are run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import released
from servers import SECONDS

from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.adapters.packaging import Bento, contents, edge
from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.model import model as models
from evergreen.learning.model.release import Release
from evergreen.record.plan.requirements import hashed


class Made(NamedTuple):
    """A bundle, the bento and the release that it is of, and the model with its pipeline."""

    bundle: edge.Bundle
    bento: Bento
    release: Release
    model: models.Model


def bento(folder: Path, project: Path, *, with_compiled: bool = True) -> tuple[Bento, Release]:
    """Write a folder laid out as a bento's, sealed, with the compiled form of its model or with why there is none."""
    source = folder / "src"
    source.mkdir(parents=True)
    pipeline = released.fitted("gradient_boosting", max_iter=20, min_samples_leaf=10)
    declared: dict[str, Any] = {"contract": released.CONTRACT, "features": released.FEATURES}
    made = compiled(pipeline, released.table(), lookups={}, seed=7, **declared)
    about = {"seed": 7, "compiled": made.about if with_compiled else {"why_not": "it is too odd"}}
    files = made.files if with_compiled else {}
    ref = models.save(Workspace.beside(source), "model", pipeline, about=about, compiled=files, **declared)
    release = Release(model="parcels", version=3, model_digest=ref.sha256, threshold=0.5)
    (source / "release.json").write_text(release.model_dump_json())
    lock = (project / "requirements.lock").read_text()
    (source / "requirements.lock").write_text(hashed(lock, (*contents.SERVED_BY, *edge.NEEDS)))
    return Bento(tag="parcels:v3", path=folder, digest=released.pack(source, project)), release


def made(folder: Path, project: Path) -> Made:
    """Write a bundle below a folder, at ``edge``, and what it is of."""
    packed, release = bento(folder / "bento", project)
    model = models.load(packed.path / "src" / "model", release.model_digest)
    return Made(edge.write(packed, release, folder / "edge"), packed, release, model)


def run(
    bundle: Path, *arguments: object, python: Path | str = sys.executable, **given: Any
) -> subprocess.CompletedProcess[str]:
    """Run a bundle's command in a folder of nobody's, with the environment of nobody."""
    options: dict[str, Any] = {"cwd": "/", "env": {}, "capture_output": True, "text": True, "timeout": SECONDS}
    command = [str(python), str(bundle / "predict.py"), *map(str, arguments)]
    return subprocess.run(command, check=False, **{**options, **given})


def answers(text: str) -> list[dict[str, Any]]:
    """Return what a bundle said, an object a line."""
    return [json.loads(line) for line in text.splitlines()]


def lines(rows: list[dict[str, Any]]) -> str:
    """Return rows as lines of JSON."""
    return "".join(json.dumps(row) + "\n" for row in rows)
