"""A home in which versions are packaged and promoted, without a training: each with a model of its own."""

import hashlib
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

import released

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.learning.model import model as models
from evergreen.learning.model.package import PACKAGE_FILE
from evergreen.learning.model.release import Release
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import bentos

MODEL = "parcels"
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
    (folder / "src").mkdir(parents=True)
    ref = models.save(
        Workspace.beside(folder / "src"),
        "model",
        released.fitted(family, **chosen),
        contract=released.CONTRACT,
        features=released.FEATURES,
        about={"seed": 7, "family": family},
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
    return facts(release, hashlib.sha256((place / PACKAGE_FILE).read_bytes()).hexdigest())


def path_of(known: VersionFacts, home: Path) -> Path:
    """Return the folder of a version's package."""
    return bentos.path_of(bentos.release_of(known), home)


def promote(settings: Settings, known: VersionFacts, kind: Literal["promotion", "rollback"] = "promotion") -> None:
    """Make a version champion in the ledger of the settings."""
    ledger = Ledger.open(settings)
    champion = ledger.champion(known.judged.model)
    epoch = champion.epoch if champion else 0
    ledger.promote(known.judged.model, known.version, known.model_dump(mode="json"), expected_epoch=epoch, kind=kind)
