"""What git says of a project: the commit that a training comes from, and whether it is all of it."""

import subprocess
from pathlib import Path

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value

# What decides a training; notes, tests and documents may change.
DECIDING = (
    "evergreen",
    "tasks",
    "flows",
    "serving",
    "cli",
    "configs",
    "params.yaml",
    "requirements.lock",
    "pyproject.toml",
    "dvc.yaml",
)
UNKNOWN = "unknown"
MOST_NAMED = 5


class Commit(Value):
    """The commit of a project, `changed` since then; "unknown" where the project is not a git checkout.

    `why_unknown`: why git could not tell, although there is a checkout.
    """

    sha: str
    changed: tuple[str, ...] = ()
    why_unknown: str = ""

    @property
    def dirty(self) -> bool:
        return bool(self.changed or self.why_unknown)

    def require_clean(self, project: Path) -> None:
        """Raise ConfigError where the commit alone does not say what is trained."""
        if not self.dirty:
            return
        named = ", ".join(self.changed[:MOST_NAMED])
        more = f" and {len(self.changed) - MOST_NAMED} more (git status)" if len(self.changed) > MOST_NAMED else ""
        raise ConfigError(
            "REG001",
            f"git cannot say what has changed: {self.why_unknown}"
            if self.why_unknown
            else f"changes are not committed: {named}{more}; no version may come from code that nobody can find again",
            where=str(project),
            next_step="Commit them, or allow it: --allow-dirty, or EVERGREEN_ALLOW_DIRTY=true. The version is tagged.",
        )


def read(project: Path) -> Commit:
    """Return the commit of a project's folder, and which of the files that decide a training differ from it."""
    if not any((folder / ".git").exists() for folder in (project, *project.parents)):
        return Commit(sha=UNKNOWN)
    try:
        # New files are asked for, because a user's own settings may hide them.
        status = _git(project, "status", "--porcelain", "--no-renames", "--untracked-files=normal", "--", *DECIDING)
        if not status and not _git(project, "ls-files", "--", *DECIDING):
            return Commit(sha=UNKNOWN)  # a folder that the checkout around it ignores
        sha = _git(project, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True).strip()
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or "").strip() or str(error)
        return Commit(sha=UNKNOWN, why_unknown=said.splitlines()[0])
    return Commit(sha=sha or UNKNOWN, changed=tuple(line[3:] for line in status.splitlines()))


def author(project: Path) -> str | None:
    """Return who wrote the commit of a project's folder, as ``Name <address>``; None where git does not know."""
    if read(project).sha == UNKNOWN:
        return None
    try:
        return _git(project, "log", "-1", "--format=%an <%ae>", may_fail=True).strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def commit_of(project: Path, file: Path) -> str:
    """Return the commit that last changed a file of a project's checkout.

    Raises
    ------
    ConfigError unless the file is there as it was committed.
    """
    path = file.resolve()

    def fault(what: str, next_step: str = "Commit it, and have it reviewed and merged.") -> ConfigError:
        return ConfigError("CFG072", what, where=str(file), next_step=next_step)

    if not path.is_file():
        raise fault("file not found", "Write it: evergreen approve V --write-file")
    if not path.is_relative_to(project.resolve()):
        raise fault("the file lies outside the project", "Put it below configs/, and commit it.")
    name = f"./{path.relative_to(project.resolve()).as_posix()}"
    try:
        committed = _git(project, "rev-parse", "--verify", "--quiet", f"HEAD:{name}", may_fail=True).strip()
        if not committed:
            raise fault("git does not know the file: it is not committed")
        if _git(project, "hash-object", "--", name).strip() != committed:
            raise fault("the file was changed since it was committed")
        return _git(project, "log", "-1", "--format=%H", "--", name).strip()
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or "").strip() or str(error)
        raise fault(f"git cannot say whether the file is committed: {said.splitlines()[0]}") from error


def _git(project: Path, *arguments: str, may_fail: bool = False) -> str:
    done = subprocess.run(  # noqa: S603  arguments of ours alone
        ["git", "--no-optional-locks", "-c", "core.quotePath=false", "-C", str(project), *arguments],  # noqa: S607  the user's own git, wherever it is
        capture_output=True,
        encoding="utf-8",
        errors="replace",  # a file's name may be of any bytes
        timeout=60,
        check=not may_fail,
    )
    return done.stdout
