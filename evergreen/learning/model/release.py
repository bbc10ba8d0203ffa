"""A release: what is served, as a folder that says so."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from evergreen.base.errors import IntegrityError
from evergreen.base.values import Value
from evergreen.learning.model.model import Model, load

RELEASE_FILE = "release.json"
MODEL_FOLDER = "model"


class Release(Value):
    """What is served: a registered version, the digest of its model folder, and the threshold of its label.

    A row of a binary model has the positive label when its probability is at or above `threshold`; other tasks have
    no use for it.
    """

    model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: Annotated[int, Field(ge=1)]
    model_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    threshold: Annotated[float, Field(ge=0, le=1)]


def load_release(bundle: Path) -> tuple[Release, Model]:
    """Return the release in a folder that holds ``release.json`` and ``model/``.

    Raises
    ------
    IntegrityError if either is damaged, or the model is not the one that the release names.
    """
    path = bundle / RELEASE_FILE
    try:
        release = Release.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            "INT008",
            f"not a release: {error.errors()[0]['msg'] if isinstance(error, ValidationError) else error.strerror}",
            where=str(path),
            next_step="Serve a folder that Evergreen packaged; package the version again if this one is damaged.",
        ) from error
    return release, load(bundle / MODEL_FOLDER, release.model_digest)
