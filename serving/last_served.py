"""What was served last, kept beside the state: the copy to start from while the ledger does not answer."""

import logging
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.learning.model.release import Release

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
