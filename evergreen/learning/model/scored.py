"""What batch scoring says of itself: file by file, as it goes on, and at its end."""

from collections.abc import Sequence
from typing import NamedTuple

from evergreen.base.errors import EvergreenError
from evergreen.base.values import Value

MOST_LISTED = 100  # files of an outcome


class Progress(NamedTuple):
    """Files that are done, how many there are, rows so far, and how much of the file at hand is done, from 0 to 1."""

    done: int
    of: int
    rows: int
    share: float


class Failure(Value):
    """An error that ended a file: the block that people see, and the exit code of its kind."""

    block: str
    exit_code: int

    @classmethod
    def of(cls, error: EvergreenError) -> "Failure":
        return cls(block=error.block(), exit_code=error.exit_code)


class ScoredFile(Value):
    """One file: its name as it was found, where its output lies, and how many of its rows were refused.

    `skipped`: the output was there, made of the same rows by the same model. `logged`: rows that this run has logged.
    """

    name: str
    output: str
    rows: int = 0
    refused: int = 0
    skipped: bool = False
    logged: int = 0
    failure: Failure | None = None


class ScoringOutcome(Value):
    """All of it: counts over every file, and of the files those that failed, then others, MOST_LISTED at most."""

    model: str
    version: int
    rows: int
    scored: int
    refused: int
    logged: int
    files: int
    skipped: int
    failed: int
    output: str
    listed: tuple[ScoredFile, ...]

    @classmethod
    def of(cls, files: Sequence[ScoredFile], *, model: str, version: int, output: str) -> "ScoringOutcome":
        rows, refused = sum(file.rows for file in files), sum(file.refused for file in files)
        failed = [file for file in files if file.failure]
        others = [file for file in files if not file.failure]
        return cls(
            model=model,
            version=version,
            rows=rows,
            scored=rows - refused,
            refused=refused,
            logged=sum(file.logged for file in files),
            files=len(files),
            skipped=sum(file.skipped for file in files),
            failed=len(failed),
            output=output,
            listed=tuple([*failed, *others][:MOST_LISTED]),
        )

    @property
    def exit_code(self) -> int:
        """That of the first failure; 0 without one."""
        return next((file.failure.exit_code for file in self.listed if file.failure), 0)
