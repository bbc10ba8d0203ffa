"""A version that the ledger names, in memory: its package is checked and its golden rows are asked first."""

from dataclasses import dataclass
from typing import Literal

from evergreen.base.errors import EvergreenError, IntegrityError
from evergreen.config.settings import Settings
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.package import verify_package
from evergreen.learning.model.release import Release
from evergreen.record.registry import bentos
from serving import fitting
from serving.served import Served

AGAIN = "It is read again within seconds; if this stays so, delete its folder: it is built again then."
Why = Literal["waiting", "refused", "restart"]


@dataclass(frozen=True)
class Loaded:
    """A release in memory, and the digest of its package. `other`: what its package has that does not run here."""

    served: Served
    digest: str
    other: str


class NotLoaded(Exception):  # noqa: N818  an answer of `load`, which its callers tell on
    """A version cannot answer: "waiting" while its package is not here, "restart" if it needs other code than runs."""

    def __init__(self, outcome: Why, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


def load(release: Release, package: str | None, settings: Settings) -> Loaded:
    """Return a version in memory that answers its golden rows as it should.

    Parameters
    ----------
    package : the digest of its package, as the ledger keeps it; None of a version from before it was kept.

    Raises
    ------
    NotLoaded if it must not answer, or cannot.
    """
    home = settings.home
    if bentos.is_missing(release, home, package):
        raise NotLoaded("waiting", f"its package is not at {bentos.path_of(release, home)}")
    try:
        bento = bentos.check(release, home, package, trusted_keys=settings.trusted_keys)
        other = fitting.differences(bento.path, verify_package(bento.path, bento.digest))
    except EvergreenError as error:
        raise NotLoaded("refused", line(error)) from error
    try:
        served = Served.load(bento.path / "src", max_rows=settings.max_rows)
        _require(served, release, where=str(bento.path / "src"), proof=bool(other))
    except Exception as error:
        if other:
            raise NotLoaded("restart", f"it needs {other}: {line(error)}") from error
        raise NotLoaded("refused", line(error)) from error
    return Loaded(served, bento.digest, other)


def _require(served: Served, release: Release, *, where: str, proof: bool) -> None:
    if served.release != release:
        raise IntegrityError("INT018", "the package changed while it was read", where=where, next_step=AGAIN)
    if proof and not served.model.golden:
        what = "it has no golden rows to prove that this code answers as its own would"
        raise IntegrityError("SRV032", what, where=where, next_step="Restart the service.")
    golden.require(served.model, where=where)


def line(error: Exception) -> str:
    """Return an error on one line, in the form of ours."""
    if isinstance(error, EvergreenError):
        return f"{error}{f' ({error.where})' if error.where else ''}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
