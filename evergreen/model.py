"""The model artifact: a fitted pipeline as skops, what it needs to be asked, and a manifest that is verified first."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.artifacts import FolderRef, Workspace, read_folder
from evergreen.contract import Contract
from evergreen.errors import IntegrityError
from evergreen.params import FeatureParams

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

# Types that a model of ours may hold beyond skops' own defaults. A file that names any other is refused.
TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)


@dataclass(frozen=True)
class Model:
    """A verified model in memory."""

    digest: str
    contract: Contract
    features: FeatureParams
    pipeline: "Pipeline"
    manifest: Mapping[str, Any]

    def probabilities(self, rows: "pd.DataFrame") -> "np.ndarray[Any, Any]":
        """Return the probability of the positive label, shape (n,), for rows with the contract's request columns.

        The columns may come in any order; others are ignored.
        """
        from evergreen import features

        scores: np.ndarray[Any, Any] = self.pipeline.predict_proba(features.build(rows, self.contract, self.features))
        return scores[:, 1]


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


def to_bytes(pipeline: "Pipeline") -> bytes:
    """Return a pipeline in the skops format, free of what differs between equal fits.

    skops names objects by memory address and stamps its archive with the time; both are replaced by order.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    ids: dict[int, int] = {}
    names: dict[str, str] = {}
    _renumber(schema, ids, names)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema, sort_keys=True))
        for old, new in sorted(names.items(), key=lambda pair: pair[1]):
            archive.writestr(zipfile.ZipInfo(new), members[old])
    return target.getvalue()


def _renumber(node: Any, ids: dict[int, int], names: dict[str, str]) -> None:
    if isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if isinstance(node.get("file"), str):
            stem, dot, ending = node["file"].partition(".")
            node["file"] = names.setdefault(node["file"], f"{len(names):06d}{dot}{ending}")
        for value in node.values():
            _renumber(value, ids, names)
    elif isinstance(node, list):
        for value in node:
            _renumber(value, ids, names)


def from_bytes(content: bytes, *, where: str = "", trusted: Sequence[str] = TRUSTED_TYPES) -> "Pipeline":
    """Return the pipeline in skops bytes; nothing beyond `trusted` and skops' defaults is ever constructed."""
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(trusted))
    if unknown:
        raise IntegrityError(
            "INT004",
            f"the model holds types that are not allowed: {', '.join(unknown)}",
            where=where,
            next_step="Do not use this file. If the type is ours, add it to model.TRUSTED_TYPES.",
        )
    pipeline: Pipeline = skops.io.loads(content, trusted=list(trusted))
    return pipeline
