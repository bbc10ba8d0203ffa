"""A registry of its own: a ledger, MLflow's real store beside it, and versions that are only said to be registered."""

import shutil
from pathlib import Path

from mlflow import MlflowClient
from released import judged

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.tracker import Run

MODEL = "parcels"
TAGS = {"dirty": "false", "commit": "a1b2", "data_digest": "d"}


def settings_in(folder: Path, prepared: Path) -> Settings:
    """Return settings whose home holds an empty store of MLflow; copied because migrating one takes seconds."""
    (folder / "mlflow").mkdir(parents=True)
    shutil.copy(prepared / "mlflow" / "mlflow.db", folder / "mlflow" / "mlflow.db")
    return Settings(home=folder)


def store_of(settings: Settings) -> MlflowClient:
    return MlflowClient(tracking_uri=settings.tracking_uri(), registry_uri=settings.tracking_uri())


def known_to_mlflow(settings: Settings, *versions: int) -> MlflowClient:
    """Register versions in an empty MLflow, from the first on, and return its client."""
    store = store_of(settings)
    store.create_registered_model(MODEL)
    for number in versions:
        store.create_model_version(MODEL, "file:///x", f"run-c{number}", tags={"candidate": f"c{number}"})
    return store


def run_of(candidate: str) -> Run:
    return Run(run_id=f"run-{candidate}", uri=f"file:///runs/{candidate}")


def facts(version: int, candidate: str | None = None) -> VersionFacts:
    """Return the facts of a version of the model; its candidate is named after its number."""
    candidate = candidate or f"c{version}"
    return VersionFacts(
        version=version,
        judged=judged(MODEL, version, f"m{version}").model_copy(update={"reason": f"gain of {version}"}),
        candidate=candidate,
        artifact=FolderRef(uri=f"model-{version}", sha256="e"),
        train=TableRef(uri="t", rows=1, schema_hash="s", sha256="f"),
        data_end=None,
        threshold=0.5,
        run_id=f"run-{candidate}",
        bento="bento",
    )


def change(ledger: Ledger, version: int, kind: str = "promotion", candidate: str | None = None) -> None:
    """Make a version champion in the ledger."""
    champion = ledger.champion(MODEL)
    payload = facts(version, candidate).model_dump(mode="json")
    ledger.promote(MODEL, version, payload, expected_epoch=champion.epoch if champion else 0, kind=kind)  # type: ignore[arg-type]


def shown(settings: Settings) -> dict[str, int]:
    """Return where MLflow's aliases point."""
    return {alias: int(found) for alias, found in store_of(settings).get_registered_model(MODEL).aliases.items()}


def numbers(settings: Settings) -> dict[int, str | None]:
    """Return the candidate of each version in MLflow."""
    found = store_of(settings).search_model_versions(f"name = '{MODEL}'")
    return {int(version.version): version.tags.get("candidate") for version in sorted(found, key=lambda v: v.version)}
