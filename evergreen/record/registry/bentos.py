"""A version's bento: its name, its place, and whether every byte of it is as it was packaged."""

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.errors import IntegrityError, explain_os_errors
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.learning.model.package import PACKAGE_FILE, verify_package
from evergreen.learning.model.release import RELEASE_FILE, Release

if TYPE_CHECKING:  # it brings the ledger, which a service reads only once it answers
    from evergreen.record.outcomes import VersionFacts

log = logging.getLogger(__name__)


class Bento(Value):
    """A built bento. `path` is its folder; the service runs straight from the ``src`` in it.

    `digest` is that of its package manifest, which lists every file of it.
    """

    tag: str
    path: Path
    digest: str


def release_of(facts: "VersionFacts") -> Release:
    """Return what is served of a version."""
    return Release(
        model=facts.judged.model,
        version=facts.version,
        model_digest=facts.artifact.sha256,
        threshold=facts.threshold,
    )


def path_of(release: Release, home: Path) -> Path:
    """Return where the bento of a release lies, or will."""
    name = f"v{release.version}-{release.model_digest[:8]}"
    return home / "bentoml" / "bentos" / release.model / name


def tag_of(release: Release) -> str:
    """Return BentoML's name of the bento of a release."""
    return f"{release.model}:{path_of(release, Path()).name}"


def check(release: Release, home: Path, digest: str | None, *, trusted_keys: Path | None = None) -> Bento:
    """Return the bento of a release, every byte of which is as it was packaged.

    Parameters
    ----------
    digest : of its package manifest, as the ledger keeps it; None of a version from before it was kept. Its bento is
        compared with its own manifest then, and with the release.
    trusted_keys : public keys in PEM, one of which must have signed it.

    Raises
    ------
    IntegrityError if it is damaged, not signed by a trusted key, or not there.
    """
    path = path_of(release, home)
    verify_package(path, digest, trusted_keys=trusted_keys)
    with explain_os_errors(path):
        made = hashlib.sha256((path / PACKAGE_FILE).read_bytes()).hexdigest()
        packed = (path / "src" / RELEASE_FILE).read_bytes()
    if packed != release.model_dump_json().encode():
        raise IntegrityError(
            "INT018",
            f"the package is not of version {release.version} with threshold {release.threshold:g}",
            where=str(path / "src" / RELEASE_FILE),
            next_step="Do not use this copy. Delete its folder: it is built again then.",
        )
    return Bento(tag=tag_of(release), path=path, digest=made)


def whole(release: Release, home: Path, digest: str | None, *, trusted_keys: Path | None = None) -> bool:
    """Return whether `check` would return the bento of a release; if not, and it is there, the log says why."""
    try:
        check(release, home, digest, trusted_keys=trusted_keys)
    except IntegrityError as error:
        if os.path.lexists(error.where):
            log.warning("package: %s: %s", error.where, error)
        return False
    return True


def require_unchanged(facts: "VersionFacts", settings: Settings) -> None:
    """Raise IntegrityError if the package of a version is there, and is not the one that was registered."""
    release = release_of(facts)
    if not is_missing(release, settings.home, facts.package):
        check(release, settings.home, facts.package, trusted_keys=settings.trusted_keys)


def is_missing(release: Release, home: Path, digest: str | None) -> bool:
    """Return whether there is no bento of a release, or one from before packages had a manifest, and it need not."""
    path = path_of(release, home)
    return not os.path.lexists(path if digest else path / PACKAGE_FILE)
