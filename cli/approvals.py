"""Approval by pull request: a file that says who approves a version and why, reviewed and merged in git."""

from pathlib import Path

from evergreen.base import documents
from evergreen.base.errors import ConfigError
from evergreen.base.files import write_bytes
from evergreen.config.section import Section
from evergreen.project import Project
from evergreen.record.plan import commits
from evergreen.record.registry import people
from evergreen.record.registry.people import Person


class Approval(Section):
    """What the file says. `model_digest`: of the version's model, so that nobody approves another one by its number."""

    version: int
    model_digest: str
    by: str
    reason: str


def path_of(project: Project, version: int) -> Path:
    """Return where the approval of a version is kept in the project."""
    return project.settings.project / "configs" / project.params.dataset / "approvals" / f"{version}.yaml"


def write(project: Project, version: int) -> Path:
    """Write the file to fill in and return its path.

    Raises
    ------
    ConfigError if there is no such version, or such a file already.
    """
    facts = people.require_version(project.ledger(), project.name, version)
    path = path_of(project, version)
    if path.exists():
        raise ConfigError(
            "CFG072",
            "there is such a file already",
            where=str(path),
            next_step=f"Commit it and approve: evergreen approve {version} --file {path}",
        )
    text = (
        f"version: {version}\n"
        f"model_digest: {facts.artifact.sha256}\n"
        'by: ""                    # who approves\n'
        'reason: ""                # why\n'
    )
    write_bytes(path, text.encode())
    return path


def read(project: Project, version: int, file: Path) -> Person:
    """Return who approves a version and why, as a committed file says.

    Raises
    ------
    ConfigError if the file is not as it was committed, or is about another version or another model.
    """
    commit = commits.commit_of(project.settings.project, file)
    data, lines = documents.read(file)
    said = documents.check(Approval, data, source=str(file), lines=lines)
    facts = people.require_version(project.ledger(), project.name, version)
    if (said.version, said.model_digest) != (version, facts.artifact.sha256):
        raise ConfigError(
            "CFG072",
            f"the file approves version {said.version} of model {said.model_digest[:12]}; version {version} is model "
            f"{facts.artifact.sha256[:12]}",
            where=str(file),
            next_step="Write the file anew, and have it reviewed: evergreen approve V --write-file",
        )
    return people.person(said.by, said.reason, door="git", commit=commit, where=str(file))
