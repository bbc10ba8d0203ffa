"""The workspace: where artifacts are written and read, whole or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from evergreen.base.artifacts.folders import MANIFEST, is_inside, is_whole, publish, read_folder
from evergreen.base.artifacts.refs import FolderRef, TableRef, schema_hash
from evergreen.base.artifacts.tables import TableWriter
from evergreen.base.errors import MENDS, IntegrityError, explain_os_errors
from evergreen.base.files import file_digest, write_bytes
from evergreen.base.temporaries import temporary
from evergreen.base.values import Value

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


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
        writer = TableWriter(temporary(self.root / name), schema)
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
        if MANIFEST in files or "files" in about or not all(map(is_inside, files)):
            raise ValueError(f"not paths inside the folder, or names kept for the manifest: {sorted(files)}")
        listed = [
            {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(files.items())
        ]
        manifest = json.dumps({"files": listed, **about}, sort_keys=True, indent=1).encode()
        sha256 = hashlib.sha256(manifest).hexdigest()
        ref = FolderRef(uri=f"{name}-{sha256[:16]}" if self.by_content else name, sha256=sha256)
        target = self.path(ref.uri)

        _publish(target, {**files, MANIFEST: manifest}, sha256)
        return ref

    def require(self, ref: TableRef | FolderRef) -> None:
        """Raise IntegrityError unless an artifact is here, and every byte of it is as it was written."""
        if isinstance(ref, TableRef):
            self.verified(ref)
        else:
            read_folder(self.path(ref.uri), ref.sha256)

    def take(self, ref: TableRef | FolderRef, other: "Workspace") -> None:
        """Bring an artifact of another workspace here under the same reference, unless it is here and whole.

        Raises
        ------
        IntegrityError if it is gone there or damaged; nothing is here then that was not before.
        """
        self.bring(ref, other.path(ref.uri))

    def bring(self, ref: TableRef | FolderRef, source: Path) -> bool:
        """Put an artifact that lies elsewhere here, unless it is here and whole; return whether it was not.

        Raises
        ------
        IntegrityError if what lies there is gone, or is not the one of the reference; nothing is here then that was not
        before.
        """
        target = self.path(ref.uri)
        try:
            self.require(ref)
        except IntegrityError:
            pass
        else:
            return False
        if isinstance(ref, FolderRef):
            _, files = read_folder(source, ref.sha256)
            _publish(target, {**files, MANIFEST: (source / MANIFEST).read_bytes()}, ref.sha256)
        else:
            _copy(source, target, ref)
        return True

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

    @classmethod
    def beside(cls, folder: Path) -> Self:
        """Return a workspace whose names are plain: the one that DVC tracks."""
        return cls(root=folder, by_content=False)


def _publish(target: Path, files: Mapping[str, bytes], sha256: str) -> None:
    def fill(folder: Path) -> None:
        for path, content in files.items():
            write_bytes(folder / path, content)

    publish(target, fill=fill, is_whole=lambda: is_whole(target, sha256))


def _copy(source: Path, target: Path, ref: TableRef) -> None:
    """Put a table in place by a rename, after its copy was found to have the digest of the reference."""
    unfinished = temporary(target)
    with explain_os_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _opened(source) as read, unfinished.open("wb") as written:
                shutil.copyfileobj(read, written)
                written.flush()
                os.fsync(written.fileno())
            _require_digest(source, file_digest(unfinished), ref)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _gone(path, error) from error


def _require_digest(path: Path, sha256: str, ref: TableRef) -> None:
    if sha256 != ref.sha256:
        raise IntegrityError(
            "INT002",
            "an artifact's bytes are not those that were written",
            where=str(path),
            next_step=MENDS,
        )


def _gone(path: Path, error: Exception) -> IntegrityError:
    missing = isinstance(error, FileNotFoundError)
    return IntegrityError(
        "INT001",
        "an artifact is gone" if missing else f"an artifact cannot be read: {error}",
        where=str(path),
        next_step=MENDS,
    )
