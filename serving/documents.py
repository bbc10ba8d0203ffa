"""The OpenAPI document of a release, which equals its contract, and the contract's columns as a page."""

from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from serving.answers import to_json
from serving.decoding import Decoder


def beginning(release: Release) -> bytes:
    """Return how the JSON of every answer begins: all up to its predictions."""
    head = to_json({"model": release.model, "version": release.version})
    return head[:-1] + b',"predictions":'


def openapi(release: Release, model: Model, decoder: Decoder) -> bytes:
    return b"{}"


def schema(release: Release, model: Model, decoder: Decoder) -> bytes:
    return b"{}"
