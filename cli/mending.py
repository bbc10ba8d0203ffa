"""What a champion needs and is damaged or gone, put back from where the same bytes are kept or can be made again."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from evergreen.base import temporaries
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import MENDS, ConfigError, DataError, IntegrityError, Unavailable
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.data import datasets
from evergreen.learning.model.release import MODEL_FOLDER
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import bentos
from evergreen.record.registry import proof as proofs

REFUSED = (ConfigError, DataError, IntegrityError, Unavailable)


class Damaged(Value):
    """Something of a version that is not as it was written. `mended`: from where it was put back, empty if it was not.

    `next_step`: what puts it back where this did not.
    """

    name: str
    where: str
    code: str
    what: str
    mended: str = ""
    next_step: str = ""


def look(version: VersionFacts, settings: Settings, *, mend: bool) -> Iterator[Damaged]:
    """Yield what of a version is damaged or gone, put back if told so and it can be at once.

    Its model lies in its package too, and its proof beside its run in MLflow. Its reference is made again of its model,
    rows and proof.
    """
    ws = Workspace(root=settings.workspace)
    again = f"evergreen reproduce {version.version} makes it again, and puts back what comes out the same."
    copy = "Restore it from what evergreen export wrote, or begin anew: evergreen promote --new-lineage --reason TEXT"
    parts = {
        "model": (version.artifact, "its package", lambda: _from_package(version, version.artifact, settings), again),
        "model that the gate measured": (version.as_judged, "", None, again),
        "train table": (version.train, "", None, again),
        "proof": (version.proof, "its run in MLflow", lambda: _from_run(version, settings), copy),
        "reference": (version.reference, "its rows", lambda: _reference(version, settings), again),
    }
    for name, (ref, source, put_back, otherwise) in parts.items():
        if ref is None:
            continue
        try:
            ws.require(ref)
            continue
        except IntegrityError as error:
            found = Damaged(name=name, where=error.where, code=error.code, what=error.what, next_step=otherwise)
        if put_back and _possible(put_back, mend=mend):
            found = found.model_copy(update={"mended": source if mend else "", "next_step": "evergreen doctor"})
        yield found


def put_back(candidate: Candidate, ws: Workspace, made: Path) -> tuple[str, ...]:
    """Bring what was made again of a candidate into the workspace where it is not whole there; return its names.

    Parameters
    ----------
    made : the folder in which it lies under its plain names; what came out otherwise is left there.
    """
    mended = []
    for name, was in candidate:
        again = made / (f"{name}.parquet" if isinstance(was, TableRef) else name)
        with suppress(IntegrityError):
            if isinstance(was, (TableRef, FolderRef)):
                mended += [name] if ws.bring(was, again) else []
            elif isinstance(was, DatasetRef):
                mended += [name] if _dataset_back(ws.path(was.uri), was, again) else []
    return tuple(mended)


def _dataset_back(target: Path, was: DatasetRef, made: Path) -> bool:
    """Return whether a dataset version was not whole; raises IntegrityError if what was made is another one."""
    try:
        datasets.require(target, was)
    except IntegrityError:
        datasets.require(made, was)
        manifest = datasets.read_manifest(made)
        datasets.publish(target, manifest, {part.path: made / part.path for part in manifest.fragments})
        return True
    return False


def _possible(put_back: Callable[[], None], *, mend: bool) -> bool:
    """Return whether something was put back, or might be where nothing is to be changed."""
    if not mend:
        return True
    try:
        put_back()
    except REFUSED:
        return False
    return True


def _from_package(version: VersionFacts, model: FolderRef, settings: Settings) -> None:
    """Put a model back from its package, byte by byte the one that the ledger names, or raise IntegrityError."""
    packed = bentos.path_of(bentos.release_of(version), settings.home) / "src" / MODEL_FOLDER
    Workspace(root=settings.workspace).bring(model, packed)


def _from_run(version: VersionFacts, settings: Settings) -> None:
    """Put a proof back from the run of its version; raises IntegrityError if what lies there is not the one it was."""
    from evergreen.adapters import tracking  # which brings MLflow
    from tasks.describe import PROOF_COPY

    assert version.proof is not None
    with temporaries.folder(settings.home / "tmp" / "proof") as scratch:
        copied = tracking.fetch(settings.tracking_uri(), version.run_id, PROOF_COPY, scratch)
        Workspace(root=settings.workspace).bring(version.proof, copied)


def _reference(version: VersionFacts, settings: Settings) -> None:
    """Make a reference again of what it was made of; raises IntegrityError if that is damaged, or gives another one."""
    from tasks.reference import reference  # which brings Prefect

    ws = Workspace(root=settings.workspace)
    assert version.reference is not None
    if version.proof is None:
        raise IntegrityError(
            "INT003", "nobody knows by which parameters it was made", where=version.reference.uri, next_step=MENDS
        )
    proof, _ = proofs.read(ws.path(version.proof.uri), version.proof.sha256)
    reference.fn(
        version.artifact,
        train=version.train,
        proof=version.proof,
        threshold=version.threshold,
        ws=ws,
        params=proof.params.drift,
        seed=proof.params.seed,
    )
    ws.require(version.reference)
