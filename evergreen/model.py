"""The model artifact: a fitted pipeline as skops, what it needs to be asked, and a manifest that is verified first."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from evergreen.artifacts import FolderRef, Value, Workspace, read_folder
from evergreen.contract import Contract
from evergreen.errors import IntegrityError
from evergreen.estimates import Estimates
from evergreen.params import FeatureParams

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

RELEASE_FILE = "release.json"
MODEL_FOLDER = "model"

# Types that a model of ours holds beyond skops' own defaults. A file that names any other is refused.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)


class Release(Value):
    """What is served: a registered version, the digest of its model folder, and the threshold of its label.

    A row of a binary model has the positive label when its probability is at or above `threshold`; other tasks have
    no use for it.
    """

    model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: Annotated[int, Field(ge=1)]
    model_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    threshold: Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Model:
    """A verified model in memory."""

    digest: str
    contract: Contract
    features: FeatureParams
    pipeline: "Pipeline"
    manifest: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass model, in the order of its probabilities; empty for other tasks."""
        return tuple(map(str, self.pipeline.classes_)) if self.contract.task == "multiclass" else ()

    def predict(self, rows: "pd.DataFrame") -> Estimates:
        """Return the estimates for rows, at least one, with the contract's request columns.

        The columns may come in any order; others are ignored.
        """
        from evergreen import features

        inputs, task = features.build(rows, self.contract, self.features), self.contract.task
        if task == "regression":
            return Estimates(task, self.pipeline.predict(inputs))
        probabilities = self.pipeline.predict_proba(inputs)
        return Estimates(task, probabilities[:, 1] if task == "binary" else probabilities, self.classes)


def save(
    ws: Workspace,
    name: str,
    pipeline: "Pipeline",
    contract: Contract,
    features: FeatureParams,
    about: Mapping[str, Any],
) -> FolderRef:
    """Write a fitted pipeline with its contract and feature parameters; equal fits give equal digests."""
    files = {
        "model.skops": to_bytes(pipeline),
        "contract.json": contract.model_dump_json().encode(),
        "features.json": features.model_dump_json().encode(),
    }
    return ws.write_folder(name, files, about)


def load(path: Path, sha256: str) -> Model:
    """Return the model in a folder.

    Raises
    ------
    IntegrityError if a digest does not match or the file holds a type that is not on our list.
    """
    manifest, files = read_folder(path, sha256)
    return Model(
        digest=sha256,
        contract=Contract.model_validate_json(files["contract.json"]),
        features=FeatureParams.model_validate_json(files["features.json"]),
        pipeline=from_bytes(files["model.skops"], where=str(path)),
        manifest=manifest,
    )


def load_release(bundle: Path) -> tuple[Release, Model]:
    """Return the release in a folder that holds ``release.json`` and ``model/``.

    Raises
    ------
    IntegrityError if either is damaged, or the model is not the one that the release names.
    """
    path = bundle / RELEASE_FILE
    try:
        release = Release.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            "INT008",
            f"not a release: {error.errors()[0]['msg'] if isinstance(error, ValidationError) else error.strerror}",
            where=str(path),
            next_step="Serve a folder that Evergreen packaged; package the version again if this one is damaged.",
        ) from error
    return release, load(bundle / MODEL_FOLDER, release.model_digest)


def to_bytes(pipeline: "Pipeline") -> bytes:
    """Return a pipeline in the skops format, free of what differs between equal fits.

    skops numbers objects and names files by memory address and stamps its archive with the time. Here files are named
    by their content, and the numbers are left out: an object met twice is written, and read back, twice.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    names = {
        name: f"{hashlib.sha256(content).hexdigest()[:32]}{Path(name).suffix}" for name, content in members.items()
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(_without_addresses(schema, names)))
        for name, content in sorted({names[name]: content for name, content in members.items()}.items()):
            archive.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


def _without_addresses(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names[value] if key == "file" and isinstance(value, str) else _without_addresses(value, names)
            for key, value in node.items()
            if key != "__id__"
        }
    return [_without_addresses(item, names) for item in node] if isinstance(node, list) else node


def from_bytes(content: bytes, *, where: str = "") -> "Pipeline":
    """Return the pipeline in skops bytes; nothing beyond TRUSTED_TYPES and skops' defaults is ever constructed."""
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
    if unknown:
        raise IntegrityError(
            "INT004",
            f"the model holds types that are not allowed: {', '.join(unknown)}",
            where=where,
            next_step="Do not use this file. If the type is ours, add it to model.TRUSTED_TYPES.",
        )
    pipeline: Pipeline = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
    return pipeline
