"""What steps hand to each other: references to whole files, never dataframes, and the workspace that keeps them."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from evergreen.errors import IntegrityError, explain_os_errors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MANIFEST = "manifest.json"
ROWS_PER_GROUP = 131_072


class Value(BaseModel):
    """Base of everything that travels between steps: frozen and JSON-sized."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TableRef(Value):
    """A Parquet file. `uri` is relative to the workspace; `sha256` is of the file's bytes."""

    uri: str
    rows: int
    schema_hash: str
    sha256: str


class FolderRef(Value):
    """A folder with a manifest. `sha256` is of the manifest, which holds the digest of every file."""

    uri: str
    sha256: str


class Item(Value):
    """One file of a source, or the local copy of an object or a query's rows.

    `name`: as the user knows it, without secrets. `uri`: the absolute local path. `sha256`: of the bytes. `stamp` says
    which state of the file was hashed; it stays in this process, and no digest and no JSON holds it.
    """

    name: str
    uri: str
    size: int
    sha256: str
    format: Literal["csv", "tsv", "parquet", "jsonl"]
    compression: Literal["", "gzip", "zip"] = ""
    stamp: str = Field(default="", exclude=True, repr=False)


class SourceRef(Value):
    """What a dataset is read from, found but not read: the items of its source, and those of each joined source."""

    items: tuple[Item, ...]
    joined: tuple[tuple[Item, ...], ...] = ()


class DatasetRef(Value):
    """A dataset version: a folder of Parquet files by month, and a manifest.

    `sha256` is of its rows and schema, `facts` of what else the manifest knows of the source and rules look at.
    """

    uri: str
    rows: int
    facts: str
    sha256: str


def digest_of(value: Any) -> str:
    """Return the sha256 of a JSON-sized value; where something lies (`uri`) does not count, what it is does.

    Examples
    --------
    >>> a = TableRef(uri="a.parquet", rows=1, schema_hash="s", sha256="x")
    >>> digest_of(a) == digest_of(a.model_copy(update={"uri": "elsewhere.parquet"}))
    True
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if key != "uri"}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):  # their order differs from process to process
        return sorted(json.dumps(_plain(item), sort_keys=True, default=str) for item in value)
    return value


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in place whole: temporary name, fsync, rename."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


class TableWriter:
    """A Parquet file (zstd) in the making, in row groups of at most ROWS_PER_GROUP."""

    def __init__(self, temporary: Path, schema: "pa.Schema") -> None:
        import pyarrow.parquet as pq

        self._temporary = temporary
        self._rows = self._n_waiting = 0
        self._waiting: list[pa.Table] = []
        self.ref = TableRef(uri="", rows=0, schema_hash="", sha256="")
        with explain_os_errors(temporary.parent):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._file = pq.ParquetWriter(temporary, schema, compression="zstd")
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise

    def add(self, rows: "pa.Table | pa.RecordBatch") -> None:
        """Take rows of the schema; small pieces are gathered, so that groups do not depend on their sizes."""
        import pyarrow as pa

        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        self._rows += table.num_rows
        self._n_waiting += table.num_rows
        self._waiting.append(table)
        if self._n_waiting >= ROWS_PER_GROUP:
            together = pa.concat_tables(self._waiting)
            whole = together.num_rows // ROWS_PER_GROUP * ROWS_PER_GROUP
            for begin in range(0, whole, ROWS_PER_GROUP):
                self._write(together.slice(begin, ROWS_PER_GROUP))
            self._waiting = [together.slice(whole)]
            self._n_waiting = together.num_rows - whole

    def finish(self, root: Path, named: Callable[[str], str]) -> None:
        """Put the file in place under the name that `named` makes of its digest, and set `ref`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._n_waiting:
            self._write(pa.concat_tables(self._waiting))
        with explain_os_errors(root):
            self._file.close()
            with self._temporary.open("rb") as file:
                os.fsync(file.fileno())
            sha256, schema = file_digest(self._temporary), pq.read_schema(self._temporary)  # as stored, not as given
            uri = f"{named(sha256)}.parquet"
            self._temporary.replace(root / uri)
        self.ref = TableRef(uri=uri, rows=self._rows, schema_hash=schema_hash(schema), sha256=sha256)

    def discard(self) -> None:
        """Delete what is not finished."""
        if self._temporary.exists():
            with suppress(OSError):  # its end does not fit on the disk either
                self._file.close()
            self._temporary.unlink(missing_ok=True)

    def _write(self, group: "pa.Table") -> None:
        with explain_os_errors(self._temporary.parent):
            self._file.write_table(group.combine_chunks())  # pages end where chunks do


class Workspace(Value):
    """A folder of artifacts. A reader sees a whole artifact or none.

    With `by_content` the digest is part of the name, so nothing is ever overwritten (flows); without it an
    artifact's name is its file name, which is what DVC tracks under ``data/``.
    """

    root: Path
    by_content: bool = True

    def path(self, uri: str) -> Path:
        """Return where a reference of this workspace lies."""
        return self.root / uri

    def write(self, name: str, table: "pd.DataFrame") -> TableRef:
        """Write a table as Parquet (zstd, no index) and return its reference."""
        import pyarrow as pa

        arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
        with self.writer(name, arrow.schema) as writer:
            writer.add(arrow)
        return writer.ref

    @contextmanager
    def writer(self, name: str, schema: "pa.Schema") -> Iterator[TableWriter]:
        """Write a table piece by piece; it is there when the block has ended, and its reference in `ref`.

        Nothing is left of it when the block raises.
        """
        writer = TableWriter(self.root / f".{name}.{uuid4().hex[:8]}", schema)
        try:
            yield writer
            writer.finish(self.root, lambda sha256: f"{name}-{sha256[:16]}" if self.by_content else name)
        finally:
            writer.discard()

    def read(self, ref: TableRef, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """Return a table, only `columns` of it if given.

        Raises
        ------
        IntegrityError if the file is gone, cannot be read, or its bytes are not those of the reference.
        """
        import io

        import pyarrow.parquet as pq

        path = self.path(ref.uri)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _gone(path, error) from error
        _require_digest(path, hashlib.sha256(content).hexdigest(), ref)
        table = pq.read_table(io.BytesIO(content), columns=list(columns) if columns is not None else None)
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def verified(self, ref: TableRef) -> Path:
        """Return where a table lies, for readers that take it piece by piece; its bytes are those of the reference.

        Raises
        ------
        IntegrityError if the file is gone, cannot be read, or its bytes are others.
        """
        path = self.path(ref.uri)
        try:
            _require_digest(path, file_digest(path), ref)
        except OSError as error:
            raise _gone(path, error) from error
        return path

    def table(self, name: str) -> TableRef:
        """Return the reference of a table that lies under its plain name, reading the file.

        Raises
        ------
        IntegrityError if there is none, or it is not whole.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(f"{name}.parquet")
        try:
            schema, rows = pq.read_schema(path), pq.read_metadata(path).num_rows
            return TableRef(uri=path.name, rows=rows, schema_hash=schema_hash(schema), sha256=file_digest(path))
        except (OSError, pa.ArrowException) as error:
            raise _gone(path, error) from error

    def write_folder(self, name: str, files: Mapping[str, bytes], about: Mapping[str, Any]) -> FolderRef:
        """Publish a folder whole, with a manifest of its files (path, size, sha256) and of what it is `about`.

        The manifest holds no time, host or path, so equal content has an equal digest everywhere. A folder that already
        holds this content, undamaged, is left as it is: readers never find it absent.
        """
        if MANIFEST in files or "files" in about or not all(map(_is_inside, files)):
            raise ValueError(f"not paths inside the folder, or names kept for the manifest: {sorted(files)}")
        listed = [
            {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(files.items())
        ]
        manifest = json.dumps({"files": listed, **about}, sort_keys=True, indent=1).encode()
        sha256 = hashlib.sha256(manifest).hexdigest()
        ref = FolderRef(uri=f"{name}-{sha256[:16]}" if self.by_content else name, sha256=sha256)
        target = self.path(ref.uri)
        if _is_whole(target, sha256):
            return ref
        temporary, aside = (target.with_name(f".{target.name}.{uuid4().hex[:8]}") for _ in range(2))
        with explain_os_errors(target):
            try:
                temporary.mkdir(parents=True)
                for path, content in {**files, MANIFEST: manifest}.items():
                    write_bytes(temporary / path, content)
                try:
                    temporary.rename(target)
                except OSError:
                    if _is_whole(target, sha256):  # another process has published the same content meanwhile
                        return ref
                    target.rename(aside)
                    temporary.rename(target)
            except OSError:
                if not _is_whole(target, sha256):
                    raise
            finally:
                if aside.exists() and not target.exists():
                    aside.rename(target)
                shutil.rmtree(temporary, ignore_errors=True)
                shutil.rmtree(aside, ignore_errors=True)
        return ref

    def folder(self, name: str) -> FolderRef:
        """Return the reference of a folder that lies under its plain name.

        Raises
        ------
        IntegrityError if there is none.
        """
        path = self.path(name) / MANIFEST
        try:
            return FolderRef(uri=name, sha256=file_digest(path))
        except OSError as error:
            raise _gone(path, error) from error

    def holds(self, value: Any) -> bool:
        """Return whether everything that `value` (a reference, or something that contains some) names is here."""
        if isinstance(value, BaseModel):
            return self.holds(value.model_dump(mode="json"))
        if isinstance(value, Mapping):
            own = not {"uri", "sha256"} <= value.keys() or self.path(str(value["uri"])).exists()
            return own and all(self.holds(item) for item in value.values())
        return all(self.holds(item) for item in value) if isinstance(value, (list, tuple)) else True

    @classmethod
    def beside(cls, folder: Path) -> Self:
        """Return a workspace whose names are plain: the one that DVC tracks."""
        return cls(root=folder, by_content=False)


def read_folder(path: Path, sha256: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a folder's manifest and files, each verified before anybody parses it.

    Only listed files are read: others may lie beside them, such as a cache of the system, and are never returned.

    Raises
    ------
    IntegrityError if the manifest's digest is not `sha256`, or a listed file is missing, changed, or not inside `path`.
    """

    def damaged(what: str) -> IntegrityError:
        return IntegrityError(
            "INT003", what, where=str(path), next_step="Do not use this copy. Run the command that made it again."
        )

    try:
        raw = (path / MANIFEST).read_bytes()
    except OSError as error:
        raise damaged(f"no manifest: {error.strerror}") from error
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise damaged(f"the manifest is not the one of digest {sha256[:12]}")
    manifest: dict[str, Any] = json.loads(raw)
    files: dict[str, bytes] = {}
    for entry in manifest["files"]:
        if not _is_inside(entry["path"]):
            raise damaged(f"path '{entry['path']}' leads out of the folder")
        try:
            content = (path / entry["path"]).read_bytes()
        except OSError as error:
            raise damaged(f"file '{entry['path']}' cannot be read: {error.strerror}") from error
        if len(content) != entry["size"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise damaged(f"file '{entry['path']}' is not the one that was written")
        files[entry["path"]] = content
    return manifest, files


def _is_inside(path: str) -> bool:
    """Return whether a relative path names a file below its folder, on any system."""
    return bool(path) and not any(part in ("", ".", "..") or ":" in part for part in path.replace("\\", "/").split("/"))


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        read_folder(path, sha256)
    except IntegrityError:
        return False
    return True


def _require_digest(path: Path, sha256: str, ref: TableRef) -> None:
    if sha256 != ref.sha256:
        raise IntegrityError(
            "INT002",
            "an artifact's bytes are not those that were written",
            where=str(path),
            next_step="Delete the file and run the command again.",
        )


def _gone(path: Path, error: Exception) -> IntegrityError:
    missing = isinstance(error, FileNotFoundError)
    return IntegrityError(
        "INT001",
        "an artifact is gone" if missing else f"an artifact cannot be read: {error}",
        where=str(path),
        next_step="Run the command again: the step that makes it will run."
        if missing
        else "Delete it and run the command again.",
    )


def schema_hash(schema: Any) -> str:
    """Return the digest of an Arrow schema: names and types, in order."""
    fields = [(field.name, str(field.type)) for field in schema]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:16]
