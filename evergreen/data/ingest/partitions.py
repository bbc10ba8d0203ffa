"""The files that a path names for scoring: one, those of a folder, or of a glob; and what their folders say of them."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import Field

from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.config.contract.sources import Format
from evergreen.data.ingest.folders import LEFT_OUT, is_no_data, values_of
from evergreen.data.ingest.items import COMPRESSIONS, SUFFIXES, nameless
from evergreen.data.ingest.local import MAGIC


class Partition(Value):
    """A file of rows. `name`: relative to the folder that was named. `uri`: the absolute path.

    `values`: by column, what folders named column=value above it, as the path names them, say of all its rows; None
    where they have none.
    """

    name: str
    uri: str
    values: dict[str, str | None] = Field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name without what tells format and compression, and whether it was text with separators."""
        path = PurePosixPath(self.name)
        return str(path.with_name(_bare(path).stem))

    @property
    def is_delimited(self) -> bool:
        return SUFFIXES.get(_bare(PurePosixPath(self.name)).suffix.lower()) in ("csv", "tsv")


class Found(Value):
    """What a path names: one file (`single`), or those of a folder or glob, by name. `root`: what names begin at."""

    single: bool
    root: str
    partitions: tuple[Partition, ...]


def find(source: str, *, otherwise: Format = "auto") -> Found:
    """Return the files that a path names.

    In folders, names that begin with a dot or an underscore are left out; so are, of several files, those without a
    byte and those that are documents by their name.

    Parameters
    ----------
    otherwise : what a file is whose name does not tell.

    Raises
    ------
    DataError if there is none. ConfigError if a file's name does not tell its format.
    """
    path = Path(source)
    if path.is_file():
        return Found(single=True, root=str(path.parent.resolve()), partitions=(_partition(path, path.parent),))
    if path.is_dir():
        root, files = path, list(_below(path))
    else:
        root, pattern = _split(path)
        matched = root.glob(pattern) if pattern else iter(())
        asked = set(PurePosixPath(pattern).parts)
        files = [file for match in matched if _is_asked(match, root, asked)
                 for file in (_below(match) if match.is_dir() else [match])]  # fmt: skip
    if not files:
        raise DataError("DQ000", "no file there", where=source, next_step="Name a file, a folder or a glob of files.")
    kept = [file for file in files if not is_no_data(file.name) and file.stat().st_size] or files
    partitions = sorted((_partition(file, root) for file in set(kept)), key=lambda partition: partition.name)
    unknown = [one.name for one in partitions if _bare(PurePosixPath(one.name)).suffix.lower() not in SUFFIXES]
    if unknown and otherwise == "auto":
        error = nameless(unknown[0])
        error.next_step = "Take the file out of the folder, or name a glob that leaves it out."
        raise error
    return Found(single=False, root=str(root.resolve()), partitions=tuple(partitions))


def _partition(file: Path, root: Path) -> Partition:
    return Partition(name=file.relative_to(root).as_posix(), uri=str(file.resolve()), values=values_of(file.as_posix()))


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(LEFT_OUT):
            continue
        if path.is_dir():
            yield from () if path.is_symlink() else _below(path)
        else:
            yield path


def _split(path: Path) -> tuple[Path, str]:
    """Return the folder before the first part of a glob that matches more than itself, and the rest."""
    for at, part in enumerate(path.parts):
        if MAGIC & set(part):
            return Path(*path.parts[:at]), str(PurePosixPath(*path.parts[at:]))
    return path.parent, ""


def _is_asked(match: Path, root: Path, asked: set[str]) -> bool:
    return not any(part.startswith(LEFT_OUT) and part not in asked for part in match.relative_to(root).parts)


def _bare(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(path.stem) if path.suffix.lower() in COMPRESSIONS else path
