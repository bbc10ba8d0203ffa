"""The package manifest: every file of a package by size and SHA-256, checked before any of them is parsed or run.

It needs nothing but Python: a service and a bundle for the edge check themselves with it before they import the rest.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

from evergreen.base import signature
from evergreen.base.artifacts.folders import is_inside
from evergreen.base.errors import IntegrityError

PACKAGE_FILE = "package.json"
SIGNATURE_FILE = "package.sig"
BYTECODE = "__pycache__"
KIND = "package"
MAX_MANIFEST_BYTES = 10_000_000
MAX_PATH = 1024
MAX_FILE_BYTES = 2**50
CHUNK_BYTES = 1 << 20
# Neither waits for a pipe nor follows a link that somebody put there after the folder was listed.
OPENED = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class PackedFile:
    """A file of a package; `path` is relative to the package's folder, with ``/``."""

    path: str
    size: int
    sha256: str

    @classmethod
    def parse(cls, entry: Any) -> "PackedFile":
        """Return what an entry of a manifest says; ValueError if it is not one."""
        if not isinstance(entry, dict) or entry.keys() != {"path", "size", "sha256"}:
            raise ValueError("not an entry of a manifest")
        path, size, sha256 = entry["path"], entry["size"], entry["sha256"]
        if not isinstance(path, str) or not 1 <= len(path) <= MAX_PATH:
            raise ValueError("not a path")
        if type(size) is not int or not 0 <= size <= MAX_FILE_BYTES:
            raise ValueError("not a size")
        if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ValueError("not a digest")
        return cls(path=path, size=size, sha256=sha256)


@dataclass(frozen=True)
class PackageManifest:
    """Every file of a package but its manifest and its signature, by path."""

    files: tuple[PackedFile, ...]

    def to_bytes(self) -> bytes:
        """Return the one way to write it; a manifest that is written in another is refused."""
        return (json.dumps({"kind": KIND, **asdict(self)}, indent=1, sort_keys=True) + "\n").encode()

    @property
    def digest(self) -> str:
        """That of the package."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def parse(cls, content: bytes) -> "PackageManifest":
        """Return the manifest in bytes; ValueError if they hold none."""
        said = json.loads(content.decode())
        if not isinstance(said, dict) or said.keys() != {"kind", "files"} or said["kind"] != KIND:
            raise ValueError("not a package manifest")
        if not isinstance(said["files"], list):
            raise ValueError("not a list of files")
        return cls(files=tuple(map(PackedFile.parse, said["files"])))


def manifest_of(files: Mapping[str, bytes]) -> PackageManifest:
    """Return the manifest of a package that holds files, by their paths."""
    listed = ((path, len(content), hashlib.sha256(content).hexdigest()) for path, content in sorted(files.items()))
    return PackageManifest(tuple(PackedFile(path, size, sha256) for path, size, sha256 in listed))


def read_manifest(folder: Path) -> PackageManifest:
    """Return what a package's manifest lists, compared with nothing; IntegrityError if it is not one."""
    return _parse(_read(folder, PACKAGE_FILE, at_most=MAX_MANIFEST_BYTES), folder)


def seal_package(folder: Path, *, signing_key: Path | None = None) -> str:
    """Write the manifest of a folder that holds a whole package, and return its digest: that of the package.

    Parameters
    ----------
    signing_key : an Ed25519 key in PEM, whose signature of the manifest's bytes is put beside it.

    Raises
    ------
    IntegrityError if the folder holds anything but files and folders. ConfigError if the key cannot be used.
    """
    files = [PackedFile(path=path, size=size, sha256=_digest(folder, path, size)) for path, size in _found(folder)]
    content = PackageManifest(files=tuple(sorted(files, key=lambda file: file.path))).to_bytes()
    (folder / PACKAGE_FILE).write_bytes(content)
    if signing_key:
        (folder / SIGNATURE_FILE).write_bytes(signature.sign(content, signing_key))
    return hashlib.sha256(content).hexdigest()


def verify_package(
    folder: Path, digest: str | None, *, trusted_keys: Path | None = None, below: str = "", bytecode: bool = False
) -> PackageManifest:
    """Check that a package holds the files of its manifest and nothing else; nothing of them is parsed.

    Whoever writes into the folder after this has returned is not seen.

    Parameters
    ----------
    digest : of the manifest, as the ledger keeps it. Without one the package is only compared with itself.
    trusted_keys : a folder of public keys, one of which must have signed the manifest.
    below : the folder of it that is looked at, such as ``src``; all of it by default.
    bytecode : pass over ``__pycache__``, which an interpreter that runs from the folder may have written.

    Raises
    ------
    IntegrityError naming the first file that is missing, changed or too many; or the manifest, if its digest is another
    one, no trusted key signed it, or it is not as `PackageManifest.to_bytes` writes one. ConfigError if a trusted key
    cannot be used.
    """
    if folder.is_symlink() or not folder.is_dir():
        _damaged(folder, "there is no such folder, or it is a link")
    content = _read(folder, PACKAGE_FILE, at_most=MAX_MANIFEST_BYTES)
    if digest and hashlib.sha256(content).hexdigest() != digest:
        _damaged(folder / PACKAGE_FILE, f"the package manifest is not the one of digest {digest[:12]}")
    if trusted_keys:
        signed = b""
        if os.path.lexists(folder / SIGNATURE_FILE):
            signed = _read(folder, SIGNATURE_FILE, at_most=signature.N_BYTES)
        signature.verify(content, signed, trusted_keys, where=str(folder / PACKAGE_FILE))
    manifest = _parse(content, folder)
    found = dict(_found(folder, below=below, bytecode=bytecode))
    for file in manifest.files:
        if below and not file.path.startswith(f"{below}/"):
            continue
        if file.path not in found:
            _damaged(folder / file.path, f"file '{file.path}' of the package is missing")
        if found.pop(file.path) != file.size or _digest(folder, file.path, file.size) != file.sha256:
            _damaged(folder / file.path, f"file '{file.path}' is not the one that was packaged")
    for path in sorted(found):
        _damaged(folder / path, f"file '{path}' does not belong to the package")
    return manifest


def _parse(content: bytes, folder: Path) -> PackageManifest:
    try:
        manifest = PackageManifest.parse(content)
        written = manifest.to_bytes()
    except (ValueError, RecursionError):
        _damaged(folder / PACKAGE_FILE, "not a package manifest")
    paths = [file.path for file in manifest.files]
    if written != content or paths != sorted(set(paths)):
        _damaged(folder / PACKAGE_FILE, "the package manifest is not written as one is")
    for path in paths:
        if not _is_plain(path):
            _damaged(folder / PACKAGE_FILE, f"path '{path}' leads out of the package, or is not a plain one")
    return manifest


def _is_plain(path: str) -> bool:
    return is_inside(path) and "\\" not in path and path.isprintable() and path not in (PACKAGE_FILE, SIGNATURE_FILE)


def _found(folder: Path, *, below: str = "", bytecode: bool = False) -> Iterator[tuple[str, int]]:
    """Yield the path and the size of every file but the manifest and its signature, following no link."""
    folders = [below]
    while folders:
        below = folders.pop()
        with _explained(folder / below), os.scandir(folder / below) as entries:
            listed = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        if below and not listed:
            _damaged(folder / below, f"folder '{below}' does not belong to the package: it is empty")
        for name, status in listed:
            path = f"{below}/{name}" if below else name
            if stat.S_ISDIR(status.st_mode):
                folders += [] if bytecode and name == BYTECODE else [path]
            elif not stat.S_ISREG(status.st_mode):
                _damaged(folder / path, f"'{path}' is neither a file nor a folder")
            elif path not in (PACKAGE_FILE, SIGNATURE_FILE):
                yield path, status.st_size


def _read(folder: Path, name: str, *, at_most: int) -> bytes:
    with _opened(folder / name) as file:
        content = file.read(at_most + 1)
    if len(content) > at_most:
        _damaged(folder / name, f"'{name}' has more than {at_most} bytes")
    return content


def _digest(folder: Path, path: str, size: int) -> str:
    """Return the SHA-256 of a file; one that has grown beyond `size` is read one byte further, and differs."""
    hashed, n_read = hashlib.sha256(), 0
    with _opened(folder / path) as file:
        while chunk := file.read(min(CHUNK_BYTES, size + 1 - n_read)):
            hashed.update(chunk)
            n_read += len(chunk)
    return hashed.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    with _explained(path), os.fdopen(os.open(path, OPENED), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            _damaged(path, f"'{path.name}' is not a file")
        yield file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _damaged(path, f"'{path.name}' cannot be read: {error.strerror}", error)


def _damaged(where: Path, what: str, cause: Exception | None = None) -> NoReturn:
    raise IntegrityError(
        "INT018",
        what,
        where=str(where),
        next_step="Do not use this copy. Find out who changed it, and delete its folder: it is built again then.",
    ) from cause
