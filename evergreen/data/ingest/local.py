"""Files on this machine: one, a folder of them, or a glob, and never one outside the declared root."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.sources import FileSource, Format
from evergreen.data.ingest.folders import LEFT_OUT, is_no_data, values_of
from evergreen.data.ingest.items import absent, item_of, unreadable
from evergreen.data.ingest.streams import open_bytes

MAGIC = frozenset("*?[")
DVC = ".dvc"
MOST_HOLLOW = 128  # bytes of a compressed file that may hold nothing


def find(source: FileSource, *, project: Path) -> tuple[Item, ...]:
    """Return the files of a source, by name, hashed.

    In a folder, and where a glob does not ask for them, names that begin with a dot or an underscore are left out; so
    are, of several files, those without a byte and those that are documents by their name, as `besides` says.

    Raises
    ------
    DataError if there is none, one cannot be read, or one lies outside the root, also by way of a link (DQ027).
    ConfigError if a name does not tell the format and the source does not either.
    """
    root = (project / source.root).resolve()
    return find_under(root, source.path, format=source.format)


def find_under(root: Path, path: str, *, format: Format) -> tuple[Item, ...]:
    """Return the files that `path` names below an absolute and resolved `root`."""
    if "://" in path or path.startswith("file:"):
        raise _leads_out(path, root)
    wanted = Path(path)
    if wanted.is_absolute() and not wanted.is_relative_to(root):
        raise _leads_out(path, root)
    relative = wanted.relative_to(root) if wanted.is_absolute() else wanted
    if ".." in relative.parts:
        raise _leads_out(path, root)
    try:
        files = sorted(_inside(file, root) for file in _named(root, relative))
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        raise unreadable(getattr(error, "filename", None) or root / relative, error) from error
    except ValueError as error:
        raise absent(repr(path)) from error
    if not files:
        raise absent(root / relative)
    rows = _rows(files)
    items = [
        item_of(file.resolve(), name=name, format=format, values=values_of(name))
        for file in dict.fromkeys(rows)
        for name in [file.relative_to(root).as_posix()]
    ]
    whole = [item for item in items if not _is_hollow(item)] if len(items) > 1 else items
    return tuple(sorted(whole or items, key=lambda item: item.name))


def besides(source: FileSource, *, project: Path) -> tuple[str, ...]:
    """Return the names of the files in a source's folder, or among its glob's, that are left out for they hold no row.

    Those whose names begin with a dot or an underscore are not counted.
    """
    root = (project / source.root).resolve()
    files = sorted(_named(root, Path(source.path)))
    kept = set(_rows(files))
    return tuple(file.relative_to(root).as_posix() for file in files if file not in kept)


def _rows(files: Sequence[Path]) -> list[Path]:
    """Return the files that may hold rows; all, where none of them does by its name and size."""
    if len(files) == 1:
        return list(files)
    return [file for file in files if not is_no_data(file.name) and file.stat().st_size] or list(files)


def _is_hollow(item: Item) -> bool:
    """Return whether a compressed part holds no byte, as writers leave some of many."""
    if item.compression not in ("gzip", "zstd") or item.size > MOST_HOLLOW:
        return False
    try:
        with open_bytes(item) as file:
            return not file.read(1)
    except (OSError, EOFError, zlib.error):  # the reader says what that is
        return False


def _named(root: Path, relative: Path) -> Iterator[Path]:
    start = root / relative
    if _is_there(start):
        _inside(start, root)
        yield from _below(start, root, frozenset()) if start.is_dir() else [start]
    elif MAGIC & set(str(relative)):
        asked = set(relative.parts)
        for path in root.glob(str(relative)):
            parts = path.relative_to(root).parts
            if not path.is_dir() and not any(part.startswith(LEFT_OUT) and part not in asked for part in parts):
                yield path


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _below(folder: Path, root: Path, above: frozenset[Path]) -> Iterator[Path]:
    resolved = folder.resolve()
    if resolved in above:  # a link to a folder that holds it
        return
    for path in folder.iterdir():
        if path.name.startswith(LEFT_OUT) or path.suffix == DVC:
            continue
        if _inside(path, root).is_dir():
            yield from _below(path, root, above | {resolved})
        else:
            yield path


def _inside(path: Path, root: Path) -> Path:
    if not path.resolve().is_relative_to(root):
        raise _leads_out(path.relative_to(root).as_posix(), root)
    return path


def _leads_out(path: str, root: Path) -> DataError:
    return DataError(
        "DQ027",
        f"'{path}' leads out of the declared root",
        where=str(root),
        next_step="Put the file under the root, or set source.root in the contract to a folder that holds it.",
    )
