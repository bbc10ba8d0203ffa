"""Errors a user can act on: one block with code, what, where and next step, and the exit code of its kind."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Of what lies in a workspace: a step whose artifact is not whole runs again; what no step of the command makes is a
# version's.
MENDS = (
    "Run the command again: a step that made it makes it anew. If it is refused again: evergreen doctor mends it, or "
    "says what does."
)


DAMAGED = ("file is not a database", "image is malformed", "malformed database schema", "unsupported file format")


class EvergreenError(Exception):
    """Base of every error that Evergreen raises on purpose.

    Parameters
    ----------
    code : stable identifier such as ``DQ004``; docs and tests cite it.
    what : what was expected and what arrived.
    where : the file, line, column, address or process concerned; empty when it is the command itself.
    next_step : what the reader should do now.

    Examples
    --------
    >>> print(ConfigError("CFG001", "no key 'trails'", where="params.yaml:12", next_step="Write 'trials'.").block())
    CFG001: no key 'trails'
      where: params.yaml:12
      next:  Write 'trials'.
    """

    exit_code = 9

    def __init__(self, code: str, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(code, what, where, next_step)
        self.code, self.what, self.where, self.next_step = code, what, where, next_step

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.code, self.what, self.where, self.next_step)

    def __str__(self) -> str:
        return f"{self.code}: {self.what}"

    def block(self) -> str:
        """Return the error as it is printed: up to three lines, ending without a newline.

        What a terminal would act on, such as an escape sequence in the name of a file, is spelled out.
        """
        lines = [f"{self.code}: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(map(printable, lines))


def printable(text: str) -> str:
    """Return text on one line, with every character that does not print spelled out.

    Examples
    --------
    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _rebuild(kind: type[EvergreenError], code: str, what: str, where: str, next_step: str) -> EvergreenError:
    return kind(code, what, where=where, next_step=next_step)


class ConfigError(EvergreenError):
    """Usage or configuration: a misspelt key, a bad value, a missing file of ours."""

    exit_code = 2


class DataError(EvergreenError):
    """The data breaks its contract."""

    exit_code = 3


class GateRefused(EvergreenError):  # noqa: N818  an outcome, not a fault
    """The candidate was judged and not promoted."""

    exit_code = 4


class Unavailable(EvergreenError):  # noqa: N818  names the state of the dependency
    """A dependency does not answer; trying again later may help."""

    exit_code = 5


class LostRace(EvergreenError):  # noqa: N818  an outcome, not a fault
    """Somebody else holds the lease or promoted first."""

    exit_code = 6


class IntegrityError(EvergreenError):
    """Bytes are not what their digest says, or a chain is broken."""

    exit_code = 7


class ResourceError(EvergreenError):
    """Disk, memory or permission is lacking."""

    exit_code = 8


def is_of_damage(error: BaseException) -> bool:
    """Return whether SQLite says, below an error, that a file of its own is damaged.

    Examples
    --------
    >>> is_of_damage(ValueError("file is not a database"))
    True
    """
    chain = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None and below not in chain:
        chain.append(below)
    return any(said in str(one) for one in chain for said in DAMAGED)


@contextmanager
def explain_os_errors(path: os.PathLike[str] | str) -> Iterator[None]:
    """Turn a full disk or a read-only folder met while writing `path` into one clear block."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ResourceError(
                "RES002",
                f"may not write: {error.strerror}",
                where=str(path),
                next_step="Give this user write access, or set EVERGREEN_HOME to a folder that can be written.",
            ) from error
        raise ResourceError(
            "RES001",
            f"could not write: {error.strerror or error}",
            where=str(path),
            next_step="Free space or choose another EVERGREEN_HOME, then run the same command again.",
        ) from error
