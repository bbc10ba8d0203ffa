"""Whether what a step made is still there, every byte of it: that a file exists says nothing of what is in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import MENDS, IntegrityError

Reference = TableRef | FolderRef | DatasetRef


def holds(ws: Workspace, value: Any) -> bool:
    """Return whether everything that `value` (a reference, or something that contains some) names is here and whole."""
    try:
        for reference in references(value):
            if isinstance(reference, DatasetRef):
                from evergreen.data import datasets  # they bring pandas, which no status needs

                datasets.require(ws.path(reference.uri), reference)
            else:
                ws.require(reference)
    except IntegrityError:
        return False
    return True


def references(value: Any) -> Iterator[Reference]:
    """Yield the artifacts that a value names, however deep.

    Raises
    ------
    IntegrityError for what names one in no way that is known.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        if {"uri", "sha256"} <= value.keys():
            yield _reference(value)
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from references(inner)


def _reference(value: Mapping[str, Any]) -> Reference:
    for kind in (TableRef, FolderRef, DatasetRef):
        try:
            return kind.model_validate(value)
        except ValidationError:
            continue
    raise IntegrityError("INT001", "what it names is no artifact", where=str(value["uri"]), next_step=MENDS)
