"""What was served last, kept beside the state: the copy to start from while the ledger does not answer."""

import logging
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from evergreen.base.errors import IntegrityError
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.learning.model.release import RELEASE_FILE, Release
from evergreen.record.registry import bentos

log = logging.getLogger(__name__)


class LastServed(Value):
    """A release that answered, and the digest of its package's manifest."""

    kind: Literal["last served"] = "last served"
    release: Release
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


def place(home: Path, model: str) -> Path:
    """Return the file that says what was served last of a model."""
    return home / "serving" / f"{model}.json"


def write(home: Path, release: Release, digest: str) -> None:
    """Keep what is served now; readers see the whole of it, or what was kept before.

    Raises
    ------
    ResourceError if it cannot be written.
    """
    kept = LastServed(release=release, digest=digest)
    if read(home, release.model) != kept:
        write_bytes(place(home, release.model), (kept.model_dump_json(indent=1) + "\n").encode())


def read(home: Path, model: str) -> LastServed | None:
    """Return what was served last of a model; None if nothing was, or the file does not say it."""
    path = place(home, model)
    try:
        kept = LastServed.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("what was served last is not known: %s: %s", path, " ".join(str(error).split())[:200])
        return None
    return kept if kept.release.model == model else None


def resume(bundle: Path, settings: Settings) -> tuple[Path, Settings]:
    """Return the bundle that was served last of the model of `bundle`, checked, and the settings for serving it.

    They are those given where nothing else was served last, or it is damaged by now.
    """
    model = Release.model_validate_json((bundle / RELEASE_FILE).read_bytes()).model
    last = read(settings.home, model)
    if last is None or last.digest == settings.package_digest:
        return bundle, settings
    try:
        bento = bentos.check(last.release, settings.home, last.digest, trusted_keys=settings.trusted_keys)
    except IntegrityError as error:
        log.warning("what was served last cannot be: %s", error)
        return bundle, settings
    return bento.path / bundle.name, settings.model_copy(update={"package_digest": last.digest})
