"""A home in which versions are packaged and promoted, without a training: each with a model of its own."""

import atexit
import hashlib
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

import httpx
import psutil
import pytest
import released
import servers
import uvicorn
from projects import wait_for
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from servers import SECONDS

from evergreen.adapters import packaging
from evergreen.adapters.onnx_export.compiling import compiled
from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.package import PACKAGE_FILE
from evergreen.learning.model.release import Release
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import bentos
from serving.app import Service, create_app
from serving.listening import listen

MODEL, TOKEN = "parcels", "only-for-tests"
# Of each version: the family and the parameters of its model. Their answers to a row are far apart.
MODELS: dict[int, tuple[str, dict[str, Any]]] = {
    1: ("gradient_boosting", {"max_iter": 20, "min_samples_leaf": 10}),
    2: ("gradient_boosting", {"max_iter": 60, "min_samples_leaf": 5}),
    3: ("logistic", {}),
}


def facts(release: Release, package: str | None) -> VersionFacts:
    """Return what the ledger keeps of a version, with nothing measured."""
    return VersionFacts(
        version=release.version,
        judged=released.judged(release.model, release.version, release.model_digest),
        candidate=f"c{release.version}",
        artifact=FolderRef(uri=f"model-{release.version}", sha256=release.model_digest),
        train=TableRef(uri="t", rows=1, schema_hash="s", sha256="f"),
        data_end=None,
        threshold=release.threshold,
        run_id=f"run-{release.version}",
        bento=bentos.tag_of(release),
        package=package,
    )


@cache
def _packed(version: int, project: Path) -> tuple[Path, Release]:
    """Return the package of a version, made once for all tests of a process."""
    family, chosen = MODELS[1 + (version - 1) % len(MODELS)]
    folder = Path(mkdtemp(prefix="packed-")) / "package"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    made_of: dict[str, Any] = {"contract": released.CONTRACT, "features": released.FEATURES}
    pipeline = released.fitted(family, **chosen)
    served = compiled(pipeline, released.table(), **made_of, lookups={}, seed=7)
    ref = models.save(
        Workspace.beside(folder / "src"),
        "model",
        pipeline,
        **made_of,
        about={"seed": 7, "family": family, "compiled": served.about},
        compiled=served.files,
    )
    release = Release(model=MODEL, version=version, model_digest=ref.sha256, threshold=0.5)
    (folder / "src" / "release.json").write_text(release.model_dump_json())
    released.pack(folder / "src", project)
    return folder, release


def package(home: Path, version: int, project: Path) -> VersionFacts:
    """Put the package of a version where the service looks for it, and return the facts of the version."""
    packed, release = _packed(version, project)
    place = bentos.path_of(release, home)
    if not place.exists():
        shutil.copytree(packed, place)
    return facts(release, sha256((place / PACKAGE_FILE).read_bytes()))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def release_at(bundle: Path) -> Release:
    return Release.model_validate_json((bundle / "release.json").read_bytes())


def path_of(known: VersionFacts, home: Path) -> Path:
    """Return the folder of a version's package."""
    return bentos.path_of(bentos.release_of(known), home)


def promote(settings: Settings, known: VersionFacts, kind: Literal["promotion", "rollback"] = "promotion") -> None:
    """Make a version champion in the ledger of the settings."""
    ledger = Ledger.open(settings)
    champion = ledger.champion(known.judged.model)
    epoch = champion.epoch if champion else 0
    ledger.promote(known.judged.model, known.version, known.model_dump(mode="json"), expected_epoch=epoch, kind=kind)


def expected(version: int, rows: int) -> list[float]:
    """Return what the pipeline of a version says of the first rows of the table: the oracle of its answers."""
    family, chosen = MODELS[1 + (version - 1) % len(MODELS)]
    inputs = features.inputs(released.CONTRACT, released.FEATURES)
    built = features.build(released.table().head(rows), released.CONTRACT, released.FEATURES)[inputs.names]
    probabilities: list[float] = released.fitted(family, **chosen).predict_proba(built)[:, 1].tolist()
    return probabilities


@contextmanager
def answering(app: Any) -> Iterator[httpx.Client]:
    """Yield a client of an application that a thread of this process serves."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive(), "the service listens or has given up")
        assert server.started, "the service ended before it listened"
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(SECONDS)


@dataclass(frozen=True)
class Serving:
    """A service of version 1, which follows the ledger of `settings`, and a client of it."""

    service: Service
    settings: Settings
    client: httpx.Client
    project: Path

    def package(self, version: int) -> VersionFacts:
        return package(self.settings.home, version, self.project)

    def promote(self, version: int, kind: Literal["promotion", "rollback"] = "promotion") -> None:
        promote(self.settings, self.package(version), kind)

    def answered(self) -> int:
        """Return the version that answers, whose answers are its model's and nobody else's."""
        n = 5
        response = self.client.post("/predict", json={"rows": released.requests(n)})
        assert response.status_code == 200, response.text
        answer = response.json()
        version: int = answer["version"]
        assert response.headers["x-model-version"] == str(version)
        probabilities = [each["probability"] for each in answer["predictions"]]
        assert probabilities == pytest.approx(expected(version, n), abs=1e-5)
        return version

    def reload(self) -> dict[str, Any]:
        """Ask for the champion as an administrator does, and return what came of it."""
        response = self.client.post("/admin/reload", headers={"Authorization": f"Bearer {TOKEN}"})
        outcome: dict[str, Any] = response.json()
        assert response.status_code == (200 if outcome["outcome"] in ("swapped", "unchanged") else 409), outcome
        return outcome

    def ready(self) -> dict[str, Any]:
        response = self.client.get("/readyz")
        assert response.status_code == 200, response.text
        page: dict[str, Any] = response.json()
        return page

    def counted(self, outcome: str) -> float:
        """Return how many swaps had an outcome."""
        families = text_string_to_metric_families(self.client.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "evergreen_model_swaps_total" and sample.labels == {"outcome": outcome}
        )


@contextmanager
def serving(home: Path, project: Path, **more: Any) -> Iterator[Serving]:
    """Yield a service of version 1, which is champion, in a thread of this process."""
    settings = Settings(home=home, follow_champion=True, admin_token=SecretStr(TOKEN), **more)
    known = package(home, 1, project)
    promote(settings, known)
    settings = settings.model_copy(update={"package_digest": known.package})
    app = create_app(path_of(known, home) / "src", settings, source="ledger")
    with answering(app) as client:
        yield Serving(app.service, settings, client, project)


@dataclass(frozen=True)
class Running:
    """A service of version 1 as processes of their own, which follow the ledger of `settings`."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    settings: Settings
    project: Path
    log: Path

    @property
    def url(self) -> str:
        return str(self.client.base_url)

    def promote(self, version: int) -> None:
        promote(self.settings, package(self.settings.home, version, self.project))

    def reload(self) -> str:
        response = self.client.post("/admin/reload", headers={"Authorization": f"Bearer {TOKEN}"})
        outcome: str = response.json()["outcome"]
        return outcome

    def workers(self) -> list[int]:
        """Return the processes that answer, without one that is dead or not ready."""
        began = {int(pid) for pid in re.findall(r"worker (\d+) answers", self.log.read_text())}
        return [child.pid for child in psutil.Process(self.process.pid).children() if child.pid in began]


@contextmanager
def running(home: Path, project: Path, **more: Any) -> Iterator[Running]:
    """Start the packaged service of version 1, which is champion, as `evergreen serve` does."""
    known = package(home, 1, project)
    settings = Settings(home=home, follow_champion=True, serve_port=servers.free_port(), **more)
    promote(settings, known)
    argv, env = packaging.command(path_of(known, home), settings, digest=known.package)
    env = {**env, "EVERGREEN_ADMIN_TOKEN": TOKEN}
    with servers.running([*argv, "--source=ledger"], env, home, settings.serve_port) as (process, client):
        log = home / f"{settings.serve_port}.log"
        found = Running(process, client, settings, project, log)
        wait_for(lambda: settings.serve_workers in (1, len(found.workers())), "all workers answer")
        yield found
