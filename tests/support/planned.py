"""Records of the training steps as the engine leaves them, with artifacts that exist."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evergreen.base.artifacts.refs import Item, SourceRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.files import file_digest
from evergreen.base.sealed import sealed
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.data.datasets import Manifest, digest, publish, reference
from evergreen.record.plan import identity, steps
from evergreen.record.plan.records import ABOUT
from evergreen.record.plan.steps import Given

MADE = {
    "ingest": ["raw"],
    "validate": ["valid", "quarantine", "docs"],
    "features": ["train", "test", "split", "lookups"],
    "tune": ["best", "out_of_fold"],
    "train": ["model", "baseline"],
    "evaluate": ["scores"],
}


def source(
    sha256: str = "a" * 64, *, name: str = "flights.csv", uri: str = "/data/flights.csv", **item: Any
) -> SourceRef:
    """Return a source of one file."""
    about = {"name": name, "uri": uri, "size": 1, "sha256": sha256, "format": "csv", **item}
    return SourceRef(items=(Item.model_validate(about),))


SOURCE = source()


def given(ws: Workspace, contract: Contract, params: Params, **changed: Any) -> Given:
    """Return what a project in a folder hands to its steps."""
    usual: dict[str, Any] = {
        "contract": contract,
        "params": params,
        "locate": lambda: SOURCE,
        "expectations": (),
        "locate_lookups": lambda: (),
        "today": None,
        "ws": ws,
        "datasets": ws.root / "datasets",
        "storage": "sqlite:///studies.db",
    }
    return Given(**{**usual, **changed})


def record(step: str, given: Given, artifacts: dict[str, Any], records: Path) -> Path:
    """Record a step after those that made `artifacts`, which then hold its own, and return the record's path."""
    ws = given.ws
    ws.root.mkdir(exist_ok=True)
    found = {name: artifact(name, ws) for name in MADE[step]}
    key = identity.record_key(step, steps.arguments(step, given, artifacts))
    artifacts.update(found)
    return write_record(records / key, found)


def write_record(path: Path, found: Mapping[str, Any]) -> Path:
    """Write a record of a step that answered `found`, as the engine does."""
    result = json.dumps(sealed({"__class__": "tasks.x.X", "data": found}))
    metadata = {**ABOUT, "storage_key": str(path), "prefect_version": "3"}
    path.write_text(json.dumps({"metadata": metadata, "result": result}))
    return path


def artifact(name: str, ws: Workspace) -> Mapping[str, Any]:
    """Write an artifact of a step, and return its reference, or the value that it is."""
    if name == "best":
        return {"family": "logistic", "params": {"C": 1.0}}
    if name == "split":
        return {"end": "2013-03-01", "rule": None, "gate_digest": "test"}
    if name == "raw":
        manifest = Manifest(
            name=name,
            digest=digest({}, ()),
            rows=0,
            types={},
            items=(),
            fragments=(),
            source="file",
            made_with="",
            ingested_at=datetime(2024, 1, 1, tzinfo=UTC),
        )
        publish(ws.root / name, manifest, {})
        return reference(ws.root, name).model_dump()
    if name in ("model", "baseline", "docs", "lookups"):
        return ws.write_folder(name, {"x": name.encode()}, {}).model_dump()
    (ws.root / name).write_text(name)
    return TableRef(uri=name, rows=1, schema_hash="s", sha256=file_digest(ws.root / name)).model_dump()
