"""A candidate becomes a registered version, of exactly the number that the ledger gave it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen.adapters.tracking.store import (
    CANDIDATE_TAG,
    client,
    explain_failure,
    if_there,
    without_password,
)
from evergreen.base import failpoints
from evergreen.base.errors import Unavailable
from evergreen.record.registry.projection import Version
from evergreen.record.tracker import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

HIGHEST_TAG = "evergreen.highest"  # the last number that this registry gave: it does not list what was deleted
PLACEHOLDER_TAG = "evergreen.placeholder"
RESTORED = {"restored": "from the ledger"}
NEWEST = 100
TRIES = 5


def register(
    uri: str,
    name: str,
    run: Run,
    *,
    candidate: str,
    tags: Mapping[str, str],
    give: Callable[[Collection[int]], int],
    known: Mapping[int, Version],
    workspace: Path,
    description: str = "",
) -> int:
    """Return the number of a candidate's version, which is the ledger's, registering it once.

    One process at a time does this for a model. MLflow counts for itself: where it lags behind the ledger, because its
    database was lost, the versions that it lacks are registered again first, and numbers that never became a version
    are skipped; where it is ahead, because somebody registered by hand, the ledger gives a larger number.

    Parameters
    ----------
    give : returns the candidate's number in the ledger, which is none of those that somebody else has in MLflow.
    known : the versions of the ledger, by number.
    workspace : the folder that their artifacts lie in.

    Raises
    ------
    Unavailable if MLflow does not work, or somebody keeps registering by hand meanwhile.
    """
    import mlflow

    with explain_failure(uri):
        mlflow.set_tracking_uri(uri)  # which MLflow asks for the model that a version is made of
        mlflow.set_registry_uri(uri)
        store = client(uri)
        ensure_model(store, name)
        taken: set[int] = {
            int(version.version) for version in newest(store, name) if not _is_of(version, candidate, run.run_id)
        }
        for _ in range(TRIES):
            number = give(taken)
            failpoints.reach("register.numbered")
            if version := find(store, name, number):
                if _is_of(version, candidate, run.run_id):
                    _remove(store, name, (other for other in _of(store, name, candidate) if other != number), known)
                    return number
                taken.add(number)
                continue
            last = highest(store, name)
            if last >= number:  # it was here, and was deleted
                taken.update(range(number, last + 1))
                continue
            if not fill(store, uri, name, number - 1, known=known, workspace=workspace):
                continue
            created = store.create_model_version(
                name,
                source=run.uri,
                run_id=run.run_id,
                tags={**tags, CANDIDATE_TAG: candidate},
                description=description or None,
            )
            failpoints.reach("register.versioned")
            got = int(created.version)
            _note(store, name, got)
            if got > number:  # somebody else has registered, or has deleted what they registered
                taken.update(range(number, got))
                number = give(taken)
            if got == number:
                _remove(store, name, (other for other in _of(store, name, candidate) if other != number), known)
                return number
            store.delete_model_version(name, str(got))
            taken.add(got)
    raise Unavailable(
        "REG003",
        f"version {number} of '{name}' could not be registered under its number: somebody registers by hand meanwhile",
        where=without_password(uri),
        next_step="Run the same command again.",
    )


def ensure_model(store: "MlflowClient", name: str) -> None:
    """Make the registered model, if there is none."""
    if find_model(store, name) is None:
        store.create_registered_model(name)


def find_model(store: "MlflowClient", name: str) -> "RegisteredModel | None":
    """Return the registered model of a name, if there is one."""
    return if_there(lambda: store.get_registered_model(name))


def find(store: "MlflowClient", name: str, number: int) -> "ModelVersion | None":
    """Return a version, if it is there and was not deleted."""
    return if_there(lambda: store.get_model_version(name, str(number)))


def newest(store: "MlflowClient", name: str, *, at_most: int = NEWEST) -> "list[ModelVersion]":
    """Return the versions of the largest numbers."""
    return list(store.search_model_versions(f"name = '{name}'", max_results=at_most, order_by=["version_number DESC"]))


def highest(store: "MlflowClient", name: str) -> int:
    """Return the largest number that MLflow gave, as far as can be known: that of a deleted one is kept in a tag."""
    model = find_model(store, name)
    noted = str(model.tags.get(HIGHEST_TAG, "")) if model else ""
    seen = [int(version.version) for version in newest(store, name, at_most=1)]
    return max([0, *seen, int(noted) if noted.isdecimal() else 0])


def fill(
    store: "MlflowClient", uri: str, name: str, last: int, *, known: Mapping[int, Version], workspace: Path
) -> bool:
    """Let MLflow's numbers reach `last`, restoring what the ledger knows; False if somebody registered meanwhile."""
    for number in range(highest(store, name) + 1, last + 1):
        version = known.get(number)
        created = store.create_model_version(
            name, **(_restored(uri, version, workspace) if version else _placeholder())
        )
        got = int(created.version)
        _note(store, name, got)
        if version is None or got != number:
            store.delete_model_version(name, str(got))
        if got != number:
            return False
    for version in newest(store, name):
        if PLACEHOLDER_TAG in version.tags:  # whose process was killed
            store.delete_model_version(name, version.version)
    return True


def _restored(uri: str, version: Version, workspace: Path) -> dict[str, Any]:
    """Return what a version is registered with again: its folder in the workspace takes the place of the lost upload.

    A server takes no local path that is not a run's, so it is told the path under a scheme of ours.
    """
    folder = (workspace / version.artifact).resolve()
    source = f"evergreen://{folder}" if uri.startswith("http") else folder.as_uri()
    return {"source": source, "run_id": version.run_id, "tags": {**version.tags, **RESTORED}}


def _placeholder() -> dict[str, Any]:
    return {"source": "evergreen:///never-completed", "tags": {PLACEHOLDER_TAG: "number that never became a version"}}


def note_highest(store: "MlflowClient", name: str) -> None:
    """Keep the largest number that is seen, for when its version is deleted."""
    model, number = find_model(store, name), highest(store, name)
    if model and number and model.tags.get(HIGHEST_TAG) != str(number):
        _note(store, name, number)


def _note(store: "MlflowClient", name: str, number: int) -> None:
    store.set_registered_model_tag(name, HIGHEST_TAG, str(number))


def _is_of(version: "ModelVersion", candidate: str, run_id: str) -> bool:
    """Return whether a version is a candidate's: by its tag, or by its run if somebody took the tag away."""
    tag = version.tags.get(CANDIDATE_TAG)
    return bool(tag == candidate or (tag is None and version.run_id == run_id))


def _of(store: "MlflowClient", name: str, candidate: str) -> list[int]:
    found = store.search_model_versions(f"name = '{name}' and tags.{CANDIDATE_TAG} = '{candidate}'", max_results=NEWEST)
    return [int(version.version) for version in found]


def _remove(store: "MlflowClient", name: str, numbers: Iterable[int], known: Mapping[int, Version]) -> None:
    """Delete versions of numbers that the ledger gave to nobody: a process was killed between the two."""
    for number in numbers:
        if number not in known:
            store.delete_model_version(name, str(number))
