"""Step: a registered version -> a bento that serves it."""

from prefect import task

from evergreen.adapters import packaging
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from tasks.engine import RETRIED


@task(name="package", timeout_seconds=600, **RETRIED)
def package(model: FolderRef, *, name: str, version: int, threshold: float, ws: Workspace, settings: Settings) -> str:
    """Build the bento of a version, once, and return its tag."""
    release = Release(model=name, version=version, model_digest=model.sha256, threshold=threshold)
    return packaging.build(ws.path(model.uri), release, project=settings.project, home=settings.home).tag
