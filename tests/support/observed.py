"""Services that were really asked, so that each of their metrics has something to show."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import released
from servers import free_port, running

from evergreen.adapters import packaging
from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.release import Release
from evergreen.learning.tuning import families


def number_bundle(folder: Path) -> Release:
    """Write the bundle of a model that estimates how late a parcel is, in hours."""
    data = released.CONTRACT.model_dump(mode="json", exclude_unset=True)
    data["columns"][-1] = {"name": "late", "type": "number", "role": "target", "unit": "h"}
    contract = Contract.model_validate(data)
    rows = released.table()
    rows["late"] = rows["copy"] * 2 + np.random.default_rng(3).normal(size=len(rows))
    inputs = features.inputs(contract, released.FEATURES)
    pipeline = families.build("linear", {}, task="regression", inputs=inputs, features=released.FEATURES, seed=7)
    pipeline.fit(features.build(rows, contract, released.FEATURES)[inputs.names], rows["late"].to_numpy())
    files = compiled(pipeline, rows, contract=contract, features=released.FEATURES, lookups={}, seed=7).files
    ref = models.save(
        *(Workspace.beside(folder), "model", pipeline),
        contract=contract,
        features=released.FEATURES,
        about={},
        compiled=dict(files),
    )
    release = Release(model="hours", version=1, model_digest=ref.sha256, threshold=0.5)
    (folder / "release.json").write_text(release.model_dump_json())
    return release


@contextmanager
def service(package: Path, home: Path, **settings: object) -> Iterator[httpx.Client]:
    """Serve a package from a process of its own, with its state in `home`."""
    told = Settings.model_validate({"home": home, "serve_port": free_port(), **settings})
    home.mkdir(parents=True, exist_ok=True)
    argv, env = packaging.command(package, told)
    with running(argv, env, home, told.serve_port) as (_, client):
        yield client


def ask(client: httpx.Client) -> None:
    """Ask for a little of everything: what is right, what is missing, what is unseen, what is wrong."""
    rows = released.requests(20)
    for row in rows[::4]:
        row["weight"] = None
    rows[1]["carrier"] = "by rail"
    assert client.post("/predict", json={"rows": rows}).status_code == 200
    for row in rows:
        assert client.post("/predict", json={"rows": [row]}).status_code == 200
    assert client.post("/predict", json={"rows": []}).status_code == 422
    assert client.post("/predict", content=b"not JSON").status_code == 415
    assert client.get("/no/such/path").status_code == 404
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert client.get(path).status_code == 200


def asked(bundle: Path, number: Path, home: Path) -> list[str]:
    """Return the pages of two services that were asked: of a class, and of a number."""
    pages = []
    for name, package in (("parcels", bundle.parent), ("hours", number.parent)):
        with service(package, home / name) as client:
            ask(client)
            pages.append(client.get("/metrics").text)
    return pages


def samples(page: str) -> dict[str, float]:
    """Return the numbers of a page by sample and labels, as it spells them."""
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: json.loads(line.rpartition(" ")[2].replace("+Inf", "Infinity")) for line in lines}
