"""A small release: a contract with every column type, a model fitted on it, and the bundle that the service reads."""

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.package import seal_package
from evergreen.learning.model.release import Release
from evergreen.learning.tuning import families
from evergreen.record.outcomes import Judgement

CONTRACT = Contract.model_validate(
    {
        "name": "parcels",
        "description": "Will a parcel arrive late?",
        "source": {"kind": "file", "path": "parcels.csv"},
        "timezone": "Europe/Paris",
        "key": ["parcel"],
        "label_delay_days": 2,
        "columns": [
            {"name": "handed_in", "type": "timestamp", "role": "time"},
            {"name": "parcel", "type": "integer", "role": "key"},
            {"name": "carrier", "type": "category", "role": "feature", "description": "open set"},
            {"name": "size", "type": "category", "role": "feature", "nullable": True, "categories": ["S", "M", "L"]},
            {
                "name": "weight",
                "type": "number",
                "role": "feature",
                "nullable": True,
                "min": 0,
                "max": 30,
                "unit": "kg",
            },
            {"name": "stops", "type": "integer", "role": "feature", "nullable": True, "min": 0, "max": 9},
            {"name": "insured", "type": "boolean", "role": "feature"},
            {"name": "copy", "type": "number", "role": "feature"},
            {"name": "arrival", "type": "number", "role": "leakage"},
            {"name": "late", "type": "boolean", "role": "target"},
        ],
    }
)
FEATURES = FeatureParams(calendar=("hour", "weekday"), rare_category=5, test_days=7, embargo_days=1)


def table(n: int = 600, seed: int = 7) -> pd.DataFrame:
    """Return rows that keep the contract, missing values included."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "handed_in": pd.date_range("2024-03-01", periods=n, freq="37min", tz="UTC"),
            "parcel": np.arange(n),
            "carrier": rng.choice(["north", "south", "sea", "air"], n),
            "size": rng.choice(np.array(["S", "M", "L", None], dtype=object), n),
            "weight": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 30, n)),
            "stops": pd.array(rng.integers(0, 10, n), dtype="Int64"),
            "insured": rng.random(n) < 0.5,
            "copy": rng.normal(size=n),
            "arrival": rng.normal(size=n),
        }
    )
    frame.loc[frame.index % 13 == 0, "stops"] = pd.NA
    frame["late"] = rng.random(n) < 1 / (
        1 + np.exp(-frame["copy"] - 0.3 * (frame["stops"].fillna(4) - 4).astype(float))
    )
    return frame


@functools.cache
def fitted(family: str, **chosen: Any) -> Pipeline:
    """Return a pipeline of a family, fitted on the table; shared, so do not fit it again."""
    rows = table()
    inputs = features.inputs(CONTRACT, FEATURES)
    pipeline = families.build(
        family,
        chosen,
        task="binary",
        inputs=inputs,
        features=FEATURES,
        seed=7,
    )
    with threadpool_limits(1):  # as the train step does
        return pipeline.fit(features.build(rows, CONTRACT, FEATURES)[inputs.names], rows["late"].to_numpy())


@functools.cache
def compiled_form() -> dict[str, bytes]:
    """Return the files of the bundle's model beside its pipeline: compiled form, profile and golden rows."""
    pipeline = fitted("gradient_boosting", max_iter=20, min_samples_leaf=10)
    return dict(compiled(pipeline, table(), contract=CONTRACT, features=FEATURES, lookups={}, seed=7).files)


def bundle(folder: Path, *, threshold: float = 0.5, version: int = 3, compiles: bool = True) -> Release:
    """Write a bundle, ``model/`` and ``release.json``, and return its release."""
    pipeline = fitted("gradient_boosting", max_iter=20, min_samples_leaf=10)
    files = compiled_form() if compiles else {}
    ref = models.save(
        *(Workspace.beside(folder), "model", pipeline),
        contract=CONTRACT,
        features=FEATURES,
        about={"seed": 7},
        compiled=files,
    )
    release = Release(model="parcels", version=version, model_digest=ref.sha256, threshold=threshold)
    (folder / "release.json").write_text(release.model_dump_json())
    return release


def pack(folder: Path, project: Path) -> str:
    """Put the code that serves beside a bundle, seal the package around both, and return its digest.

    As BentoML does, only files are copied: a folder that moved away may leave its bytecode behind.
    """
    for package in ("evergreen", "serving"):
        for file in (path for path in (project / package).rglob("*") if path.is_file() and path.suffix != ".pyc"):
            target = folder / file.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return seal_package(folder.parent)


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_request(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as a caller sends it."""
    sent = {column.name: row[column.name] for column in CONTRACT.request_columns}
    sent = {name: None if pd.isna(value) else value for name, value in sent.items()}
    return {**sent, "handed_in": sent["handed_in"].isoformat(), "insured": bool(sent["insured"])}


def requests(n: int = 5) -> list[dict[str, Any]]:
    """Return the first rows of the table as a caller sends them."""
    return [as_request(row) for row in table().head(n).to_dict("records")]


def judged(model: str, version: int, digest: str) -> Judgement:
    """Return what was said of a version when it was promoted, with nothing measured."""
    return Judgement(
        model=model,
        version=version,
        model_digest=digest,
        data_digest="d",
        code_digest="c",
        params_digest="p",
        verdict="promoted",
        metrics={},
        baseline_metrics={},
        promoted_at=None,
        reason="",
        checks=(),
    )
