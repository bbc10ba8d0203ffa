"""What was begun and not ended: `evergreen run` notes its arguments, and `evergreen resume` runs them again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.base.files import write_bytes
from evergreen.base.processes import Mark, mark
from evergreen.base.values import Value, digest_of
from evergreen.config.settings import Settings
from evergreen.project import Asked, Project

log = logging.getLogger(__name__)


class UnfinishedRun(Value):
    """A run as it was asked for. `params_digest` is of every parameter, `process` the one that runs it."""

    model: str
    asked: Asked
    reason: str | None
    params_digest: str
    at: datetime
    process: Mark


@contextmanager
def noted(project: Project, *, reason: str | None) -> Iterator[None]:
    """Keep a note of a run until it has ended, with an outcome or with an error that it explains.

    A run that ends replaces the notes of earlier ones of its model. A kill or Ctrl-C leaves the note.
    """
    run = UnfinishedRun(
        model=project.name,
        asked=project.asked.model_copy(update={"allow_dirty": project.settings.allow_dirty}),
        reason=reason,
        params_digest=digest_of(project.params),
        at=datetime.now(UTC),
        process=mark(),
    )
    note = project.settings.unfinished / f"{uuid4().hex}.json"
    write_bytes(note, run.model_dump_json().encode())
    try:
        yield
    except EvergreenError:
        note.unlink(missing_ok=True)
        raise
    for path, earlier in _left(project.settings):
        if earlier.model == project.name:
            path.unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def last(settings: Settings) -> UnfinishedRun:
    """Return the run that was interrupted last.

    Raises
    ------
    ConfigError if there is none.
    """
    left = [run for _, run in _left(settings)]
    if not left:
        raise ConfigError(
            "STA002",
            "no run was interrupted",
            where=str(settings.home),
            next_step="Start one: evergreen run",
        )
    run = max(left, key=lambda run: run.at)
    asked = "".join(f" --set {override}" for override in run.asked.overrides)
    begun = f"{run.at:%Y-%m-%d %H:%M} UTC with --params {run.asked.params_file}{asked}"
    log.info("resume: %s, begun at %s", run.model, begun)
    return run


def open_again(run: UnfinishedRun) -> Project:
    """Return the project of an interrupted run.

    Raises
    ------
    ConfigError if its parameters are others now.
    """
    project = Project.open(**dict(run.asked))
    if digest_of(project.params) != run.params_digest:
        raise ConfigError(
            "STA003",
            f"the parameters have changed since the run of '{run.model}' at {run.at:%Y-%m-%d %H:%M} UTC began",
            where=run.asked.params_file,
            next_step="Take the change back, or train with it: evergreen run",
        )
    return project


def _left(settings: Settings) -> list[tuple[Path, UnfinishedRun]]:
    """Return the notes of runs whose process is gone."""
    left = []
    for path in sorted(settings.unfinished.glob("*.json")):
        try:
            run = UnfinishedRun.model_validate_json(path.read_bytes())
        except ValueError:
            path.unlink(missing_ok=True)  # of another version
            continue
        if not run.process.is_running:
            left.append((path, run))
    return left
