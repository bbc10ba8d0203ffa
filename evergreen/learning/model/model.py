"""The model artifact: a fitted pipeline as skops, what it needs to be asked, and a manifest that is verified first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen import own_code
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.config import derived
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.model.skops_file import from_bytes, to_bytes

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

LOOKUPS = "lookups/"


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
        return derived.history(self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass model, in the order of its probabilities; empty for other tasks."""
        return tuple(map(str, self.pipeline.classes_)) if self.contract.task == "multiclass" else ()

    def predict(self, rows: "pd.DataFrame") -> Estimates:
        """Return the estimates for rows, at least one, with the contract's request columns and what is `given`.

        The columns may come in any order; others are ignored. A feature of the past that is not there is missing.
        """
        from evergreen.learning import features

        inputs = features.build(rows, self.contract, self.features, self.lookups)
        return estimate(self.pipeline, inputs, task=self.contract.task, classes=self.classes)


def save(
    ws: Workspace,
    name: str,
    pipeline: "Pipeline",
    *,
    contract: Contract,
    features: FeatureParams,
    about: Mapping[str, Any],
    lookups: "Mapping[str, pd.DataFrame] | None" = None,
) -> FolderRef:
    """Write a fitted pipeline with its contract, feature parameters and lookups; equal fits give equal digests."""
    from evergreen.learning.features import lookups as tables

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
    from evergreen.learning.features import lookups as tables

    manifest, files = read_folder(path, sha256)
    contract, features = _asked(files, path)
    with _explained(path):
        looked_up = {name.removeprefix(LOOKUPS): content for name, content in files.items() if name.startswith(LOOKUPS)}
        pipeline, lookups = files["model.skops"], tables.from_files(looked_up)
    model = Model(
        digest=sha256,
        contract=contract,
        features=features,
        pipeline=from_bytes(pipeline, where=str(path)),
        manifest=manifest,
        lookups=lookups,
    )
    for function in features.functions:  # a model without them would answer nothing
        if not own_code.is_known(function.rpartition(".")[0]):
            raise IntegrityError(
                "INT004",
                f"the model names a function outside evergreen.own: {function}",
                where=str(path),
                next_step="Do not use this file. The place of your team's functions is evergreen/own/<module>.py.",
            )
        own_code.load_function(function)
    return model


def asked(path: Path, sha256: str) -> tuple[Contract, FeatureParams]:
    """Return what the model in a folder is asked with, verified as `load` does, without the model itself."""
    return _asked(read_folder(path, sha256)[1], path)


def _asked(files: Mapping[str, bytes], path: Path) -> tuple[Contract, FeatureParams]:
    with _explained(path):
        contract = Contract.model_validate_json(files["contract.json"])
        return contract, FeatureParams.model_validate_json(files["features.json"])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what is wrong with files that are as they were written, but that no model of ours holds, into one block."""
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:300]
        raise IntegrityError(
            "INT003",
            f"not a model folder of ours: {what}",
            where=str(path),
            next_step="Do not use this copy. Run the command that made it again.",
        ) from error
