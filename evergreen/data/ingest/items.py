"""The files that a source comes down to: named, measured, and known by the sha256 of their bytes."""

import hashlib
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract import sources

Format = Literal["csv", "tsv", "parquet", "jsonl", "json", "xlsx"]
Compression = Literal["", "gzip", "zip", "zstd"]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".xlsx": "xlsx",
}  # fmt: skip
COMPRESSIONS: dict[str, Compression] = {
    ".gz": "gzip", ".gzip": "gzip", ".zip": "zip", ".zst": "zstd", ".zstd": "zstd",
}  # fmt: skip
MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}


def item_of(
    path: Path, *, name: str, format: sources.Format = "auto", otherwise: sources.Format = "auto",
    values: dict[str, str | None] | None = None,
) -> Item:  # fmt: skip
    """Hash a file and say what it is.

    Parameters
    ----------
    format : what it is, whatever its name says.
    otherwise : what it is if neither its name nor its bytes tell.
    values : what its folders say of its rows.

    Raises
    ------
    DataError if it is gone, cannot be read, is no regular file, or changes under the reader's hands twice.
    ConfigError if `format` is auto and the name does not tell it.
    """
    try:
        for _ in range(2):
            sha256, size, before, magic = _hashed(path)
            if before == _stamp(path.stat()):
                break
        else:
            raise changed(name)
    except FileNotFoundError as error:
        raise absent(path) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    known, compression = _known(name, magic)
    if format != "auto":
        known = format
    elif known is None and compression == "zip":
        known = _format_of_member(path)
    if known is None and otherwise != "auto":
        known = otherwise
    if known is None:
        raise nameless(name)
    return Item(
        name=name, uri=str(path), size=size, sha256=sha256, format=known, stamp=before, values=values or {},
        compression="" if known == "xlsx" and compression == "zip" else compression,
    )  # fmt: skip


def nameless(name: str) -> ConfigError:
    """Return what is said of a file whose name does not tell its format."""
    return ConfigError(
        "CFG028",
        f"the name does not tell the format; known endings: {', '.join(SUFFIXES)}, each also with "
        f"{', '.join(COMPRESSIONS)}",
        where=name,
        next_step=setting("format", f"one of {', '.join(get_args(Format))}"),
    )


def setting(key: str, value: str) -> str:
    """Return the advice to set a key of the contract's source; `cli.init` says it as an option."""
    return f"Set source.{key} in the contract to {value}."


def check_unchanged(item: Item) -> None:
    """Raise DataError if the file no longer has the bytes that were hashed; called once everything has been read."""
    path = Path(item.uri)
    try:  # another state of the file, or an item that has travelled through JSON, may still be the same bytes
        same = _stamp(path.stat()) == item.stamp or _hashed(path)[0] == item.sha256
    except OSError:
        same = False
    if not same:
        raise changed(item.name)


def changed(name: str) -> DataError:
    return DataError(
        "DQ028",
        "changed while it was read",
        where=name,
        next_step="Run the command again once nothing writes to it; write a new file and rename it into place.",
    )


def absent(path: Path | str) -> DataError:
    return DataError(
        "DQ000",
        "the source file does not exist",
        where=str(path),
        next_step="Correct source.path in the contract, or put the file there.",
    )


def unreadable(path: Path | str, error: Exception) -> DataError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DataError(
        "DQ000",
        f"the source file cannot be read: {reason}",
        where=str(path),
        next_step="Give this user read access to it.",
    )


def _hashed(path: Path) -> tuple[str, int, str, bytes]:
    # Opening a pipe for reading would wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise DataError(
                "DQ000",
                "the source is not a regular file",
                where=str(path),
                next_step="Name a file, a folder of files or a glob in source.path.",
            )
        magic = file.read(4)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest(), state.st_size, _stamp(state), magic


def _stamp(state: os.stat_result) -> str:
    return f"{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"


def _known(name: str, magic: bytes) -> tuple[Format | None, Compression]:
    path = PurePosixPath(name.lower())
    by_name: Compression = COMPRESSIONS.get(path.suffix, "")
    suffix = PurePosixPath(path.stem).suffix if by_name else path.suffix
    by_bytes: Compression = next((kind for start, kind in MAGIC.items() if magic.startswith(start)), "")
    return SUFFIXES.get(suffix), by_name or by_bytes


def _format_of_member(path: Path) -> Format | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return None
    return SUFFIXES.get(PurePosixPath(names[0].lower()).suffix) if len(names) == 1 else None
