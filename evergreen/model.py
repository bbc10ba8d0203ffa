"""The model artifact: a fitted pipeline as skops, what it needs to be asked, and a manifest that is verified first."""

import hashlib
import importlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from evergreen import declared, own_code
from evergreen.artifacts import FolderRef, Value, Workspace, read_folder
from evergreen.contract import Column, Contract
from evergreen.errors import IntegrityError
from evergreen.estimates import Estimates
from evergreen.params import FeatureParams

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

RELEASE_FILE = "release.json"
MODEL_FOLDER = "model"
LOOKUPS = "lookups/"

# Types that a model of ours holds beyond skops' own defaults. A file that names any other is refused.
# Estimators of a team's own, in evergreen.own, are trusted beside these, for they ship with the code that loads them.
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "evergreen.tuning.boosting.NamedXGBClassifier",
    "evergreen.tuning.calibration.CalibratedPipeline",
    "evergreen.tuning.encoders.HashedCategories",
    "evergreen.tuning.encoders.Words",
    "evergreen.tuning.encoders.bounded",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBRegressor",
)
OWN = "evergreen.own."


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
    lookups: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)

    @property
    def given(self) -> tuple[Column, ...]:
        """The features of the past, which a caller may send beside the contract's request columns."""
        return declared.history(self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass model, in the order of its probabilities; empty for other tasks."""
        return tuple(map(str, self.pipeline.classes_)) if self.contract.task == "multiclass" else ()

    def predict(self, rows: "pd.DataFrame") -> Estimates:
        """Return the estimates for rows, at least one, with the contract's request columns and what is `given`.

        The columns may come in any order; others are ignored. A feature of the past that is not there is missing.
        """
        from evergreen import features

        inputs, task = features.build(rows, self.contract, self.features, self.lookups), self.contract.task
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
    *,
    lookups: "Mapping[str, pd.DataFrame] | None" = None,
) -> FolderRef:
    """Write a fitted pipeline with its contract, feature parameters and lookups; equal fits give equal digests."""
    from evergreen.features import lookups as tables

    files = {
        "model.skops": to_bytes(pipeline),
        "contract.json": contract.model_dump_json().encode(),
        "features.json": features.model_dump_json().encode(),
        **{f"{LOOKUPS}{path}": content for path, content in tables.to_files(lookups or {}).items()},
    }
    return ws.write_folder(name, files, about)


def load(path: Path, sha256: str) -> Model:
    """Return the model in a folder.

    Raises
    ------
    IntegrityError if a digest does not match or the file holds a type that is not on our list. ConfigError if a
    function of the user's own, which it needs, is not here.
    """
    from evergreen.features import lookups as tables

    manifest, files = read_folder(path, sha256)
    contract, features = _asked(files)
    for function in features.functions:  # a model without them would answer nothing
        own_code.load_function(function)
    looked_up = {name.removeprefix(LOOKUPS): content for name, content in files.items() if name.startswith(LOOKUPS)}
    return Model(
        digest=sha256,
        contract=contract,
        features=features,
        pipeline=from_bytes(files["model.skops"], where=str(path)),
        manifest=manifest,
        lookups=tables.from_files(looked_up),
    )


def asked(path: Path, sha256: str) -> tuple[Contract, FeatureParams]:
    """Return what the model in a folder is asked with, verified as `load` does, without the model itself."""
    return _asked(read_folder(path, sha256)[1])


def _asked(files: Mapping[str, bytes]) -> tuple[Contract, FeatureParams]:
    contract = Contract.model_validate_json(files["contract.json"])
    return contract, FeatureParams.model_validate_json(files["features.json"])


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
    by their content, and the numbers are left out: an object met twice is written, and read back, twice. What lies
    between the fields of an array, which nobody writes, becomes 0.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        members = {name: _without_padding(archive.read(name)) for name in archive.namelist()}
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


def _without_padding(content: bytes) -> bytes:
    import numpy as np

    if not content.startswith(np.lib.format.MAGIC_PREFIX):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.fields is None:
        return content
    written = np.zeros(array.dtype.itemsize, dtype=bool)
    for kind, start, *_ in array.dtype.fields.values():
        written[start : start + kind.itemsize] = True
    begin = len(content) - array.nbytes
    records = np.frombuffer(content, np.uint8, offset=begin).reshape(-1, array.dtype.itemsize)
    return content[:begin] + np.where(written, records, np.uint8(0)).tobytes()


def _without_addresses(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names[value] if key == "file" and isinstance(value, str) else _without_addresses(value, names)
            for key, value in node.items()
            if key != "__id__"
        }
    return [_without_addresses(item, names) for item in node] if isinstance(node, list) else node


def from_bytes(content: bytes, *, where: str = "") -> "Pipeline":
    """Return the pipeline in skops bytes.

    Nothing is ever constructed beyond skops' defaults, TRUSTED_TYPES, and classes that a module of evergreen.own
    defines.
    """
    import skops.io

    held = set(skops.io.get_untrusted_types(data=content))
    own = {name for name in held if _is_own(name)}
    if unknown := sorted(held - own - set(TRUSTED_TYPES)):
        raise IntegrityError(
            "INT004",
            f"the model holds types that are not allowed: {', '.join(unknown)}",
            where=where,
            next_step="Do not use this file. If the types are your team's, or of a package that it trusts, add them to "
            "TRUSTED_TYPES in evergreen/model.py.",
        )
    pipeline: Pipeline = skops.io.loads(content, trusted=[*TRUSTED_TYPES, *own])
    return pipeline


def held_types(content: bytes) -> list[str]:
    """Return the types in skops bytes that skops does not trust by itself."""
    import skops.io

    return sorted(skops.io.get_untrusted_types(data=content))


def _is_own(name: str) -> bool:
    """Whether a module of evergreen.own defines this class; one that it only imports is not its own."""
    module, _, attribute = name.rpartition(".")
    if not name.startswith(OWN) or module + "." == OWN:
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__ == module
