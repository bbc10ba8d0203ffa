"""Dataset versions in a store: put in place whole, checked when they are read, found by digest."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base.artifacts import folders
from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.artifacts.refs import DatasetRef
from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.base.errors import DataError, IntegrityError
from evergreen.base.files import file_digest, write_bytes
from evergreen.base.sealed import SEAL, sealed, unsealed
from evergreen.data.datasets.manifest import Fragment, Manifest, digest


def publish(path: Path, manifest: Manifest, files: Mapping[str, Path]) -> Manifest:
    """Put a dataset version in place whole, from files that stay where they are, and return what it says.

    Parameters
    ----------
    path : the version's folder. One that already holds these rows, read from a source alike, is left as it is.
    files : by the path of their fragment; linked where the file system can, copied otherwise.
    """

    def fill(folder: Path) -> None:
        for name, file in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file, folder / name)
            except OSError:
                shutil.copyfile(file, folder / name)
        write_bytes(folder / MANIFEST, json.dumps(sealed(manifest.model_dump(mode="json")), indent=1).encode())

    folders.publish(path, fill=fill, is_whole=lambda: _kept(path, manifest) is not None)
    return _kept(path, manifest) or manifest


def _kept(path: Path, wanted: Manifest) -> Manifest | None:
    try:
        manifest = read_manifest(path, wanted.digest)
        for fragment in manifest.fragments:
            _verify(path, fragment)
    except IntegrityError:
        return None
    return manifest if manifest.facts == wanted.facts else None


def read_manifest(path: Path, sha256: str | None = None) -> Manifest:
    """Return what the version in a folder says of itself.

    Raises
    ------
    IntegrityError if there is none, it does not add up, or it is not the one of digest `sha256`.
    """
    try:
        manifest = Manifest.model_validate(_said((path / MANIFEST).read_bytes()))
        actual = digest(manifest.types, manifest.fragments)
    except (OSError, ValueError) as error:
        raise _damaged(path, f"no manifest: {error}") from error
    if actual != manifest.digest or (sha256 is not None and actual != sha256):
        raise _damaged(path, f"the manifest is not the one of digest {(sha256 or manifest.digest)[:12]}")
    return manifest


def _said(content: bytes) -> Any:
    """Return what a manifest says; raises ValueError if it is not what was sealed. One of before was not sealed."""
    read = json.loads(content)
    if isinstance(read, dict) and SEAL in read and (read := unsealed(read)) is None:
        raise ValueError("it is not what was written")
    return read


def reference(root: Path, uri: str) -> DatasetRef:
    """Return the reference of the version in the folder `uri` below `root`; raises as `read_manifest` does."""
    manifest = read_manifest(root / uri)
    return DatasetRef(uri=uri, rows=manifest.rows, facts=manifest.facts, sha256=manifest.digest)


def batches(
    path: Path, ref: DatasetRef, *, columns: Sequence[str] | None = None, max_rows: int = ROWS_PER_GROUP
) -> Iterator[tuple[Fragment, pa.RecordBatch]]:
    """Yield a version's rows, with the fragment they lie in, in the same order each time; only `columns` if given.

    Raises
    ------
    IntegrityError if a file is missing or its bytes are not those that were written, before any row is given.
    """
    fragments = read_manifest(path, ref.sha256).fragments
    for fragment in fragments:
        _verify(path, fragment)
    for fragment in fragments:
        with pq.ParquetFile(path / fragment.path) as file:
            for batch in file.iter_batches(max_rows, columns=list(columns) if columns is not None else None):
                yield fragment, batch


def require(path: Path, ref: DatasetRef) -> None:
    """Raise IntegrityError unless a version is here, and every byte of it is as it was written."""
    manifest = read_manifest(path, ref.sha256)
    if manifest.facts != ref.facts:
        raise _damaged(path, "the manifest does not say of the source what it did")
    for fragment in manifest.fragments:
        _verify(path, fragment)


def scan(path: Path, ref: DatasetRef, names: Sequence[str], *, max_rows: int) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield some columns of a version's rows, with the partition that they lie in."""
    for fragment, batch in batches(path, ref, columns=names, max_rows=max_rows):
        yield fragment.partition, batch


def is_whole(path: Path, fragment: Fragment) -> bool:
    """Return whether a fragment's file is there with the bytes that were written."""
    try:
        _verify(path, fragment)
    except IntegrityError:
        return False
    return True


def _verify(path: Path, fragment: Fragment) -> None:
    try:
        whole = file_digest(path / fragment.path) == fragment.sha256
    except OSError as error:
        raise _damaged(path, f"file '{fragment.path}' cannot be read: {error.strerror}") from error
    if not whole:
        raise _damaged(path, f"file '{fragment.path}' is not the one that was written")


def _damaged(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        "INT009", what, where=str(path), next_step="Run the command again: it is made anew of the source."
    )


def versions(store: Path) -> list[tuple[Path, Manifest]]:
    """Return the versions in a store, oldest first; a folder that is not a whole version is left out."""
    known = []
    for path in sorted(store.glob(f"[!.]*/{MANIFEST}")):
        try:
            known.append((path.parent, read_manifest(path.parent)))
        except IntegrityError:
            continue
    return sorted(known, key=lambda version: (version[1].ingested_at, version[1].digest))


def find(store: Path, wanted: str) -> tuple[Path, Manifest]:
    """Return the version whose digest begins with `wanted`; ``latest`` names the newest.

    Raises
    ------
    DataError if there is none, or more than one.
    """
    known = versions(store)
    matches = (
        known[-1:] if wanted == "latest" else [version for version in known if version[1].digest.startswith(wanted)]
    )
    if len(matches) != 1:
        raise DataError(
            "DQ026",
            f"{len(matches) or 'no'} dataset versions" + (f" begin with '{wanted}'" if known else ""),
            where=str(store),
            next_step="evergreen data ls names them.",
        )
    return matches[0]
