"""What DVC tracks: present, and the bytes that its .dvc file names."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.sources import DvcSource
from evergreen.data.ingest.local import find_under

FOLDER = ".dir"


def find(source: DvcSource, *, project: Path) -> tuple[Item, ...]:
    """Return the file, or the files of the folder, that `path`.dvc tracks; neither DVC nor its remote is asked.

    Raises
    ------
    DataError if the .dvc file is missing or names no single output, or the data is not what it names.
    """
    root = project.resolve()
    path = root / source.path
    tracked = path.with_name(f"{path.name}.dvc")
    md5 = _md5(tracked, path.name)
    if not path.exists():
        raise _not_pulled("the tracked data is not here", path)
    items = find_under(root, source.path, format=source.format)
    if not md5.endswith(FOLDER):
        differing = [] if _file_md5(path) == md5 else [path.name]
    else:
        listed = _listed(root, md5)
        here = {Path(item.uri).relative_to(path.resolve()).as_posix(): item for item in items}
        gone = sorted(name for name in listed if not (path / name).is_file())
        differing = gone or [name for name, item in here.items() if listed.get(name) != _file_md5(Path(item.uri))]
    if differing:
        raise _not_pulled(f"the tracked data is not what {tracked.name} names: {differing[0]}", path)
    return items


def _md5(tracked: Path, name: str) -> str:
    try:
        document: Any = yaml.safe_load(tracked.read_text(encoding="utf-8"))
        (out,) = document["outs"]
        if out["path"] != name or out.get("hash", "md5") != "md5":
            raise ValueError(f"its output is {out['path']}")
        return str(out["md5"])
    except FileNotFoundError as error:
        raise DataError(
            "DQ000",
            "no .dvc file lies beside the source",
            where=str(tracked),
            next_step=f"Run dvc add {name} in that folder, or make it a source of kind file.",
        ) from error
    except (OSError, ValueError, TypeError, LookupError, yaml.YAMLError) as error:
        raise DataError(
            "DQ000",
            f"the .dvc file does not name '{name}' and its md5: {str(error).partition(chr(10))[0]}",
            where=str(tracked),
            next_step=f"Run dvc add {name} in that folder.",
        ) from error


def _listed(root: Path, md5: str) -> dict[str, str]:
    """Return the md5 of each file of a tracked folder, from the list that DVC keeps in its cache."""
    cache = root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    try:
        raw = cache.read_bytes()
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != md5.removesuffix(FOLDER):
            raise ValueError("its bytes are not those of its name")
        return {entry["relpath"]: entry["md5"] for entry in json.loads(raw)}
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise _not_pulled("DVC's list of the folder's files is not in its cache", cache) from error


def _file_md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _not_pulled(what: str, path: Path) -> DataError:
    return DataError("DQ000", what, where=str(path), next_step="Run dvc pull, or dvc add if the change was meant.")
