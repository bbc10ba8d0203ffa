"""Step: a registered version -> a bento that serves it."""

from prefect import task

from evergreen.adapters import packaging
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from tasks.engine import RETRIED


class Packaged(Value):
    """A package that is there: the bento's tag, and the digest of its package manifest."""

    tag: str
    digest: str


@task(name="package", timeout_seconds=600, **RETRIED)
def package(
    model: FolderRef, *, name: str, version: int, threshold: float, ws: Workspace, settings: Settings
) -> Packaged:
    """Build the bento of a version, unless it is there and whole, and sign it where a key is configured."""
    release = Release(model=name, version=version, model_digest=model.sha256, threshold=threshold)
    bento = packaging.build(
        ws.path(model.uri),
        release,
        project=settings.project,
        home=settings.home,
        signing_key=settings.signing_key,
        trusted_keys=settings.trusted_keys,
    )
    return Packaged(tag=bento.tag, digest=bento.digest)
