"""Folders that are handed on: sealed as a package is, put in place whole, and never over somebody's own files."""

import os
from collections.abc import Mapping
from pathlib import Path

from evergreen.base.artifacts.folders import publish
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.learning.model.package import (
    PACKAGE_FILE,
    SIGNATURE_FILE,
    manifest_of,
    read_manifest,
    seal_package,
    verify_package,
)

READABLE, SEARCHABLE = 0o644, 0o755  # whatever the umask says: a container's user is another one


def hand_on(files: Mapping[str, bytes], target: Path, *, signing_key: Path | None = None) -> str:
    """Write files into a folder with the manifest that lists them, and return its digest; equal files, equal bytes.

    A folder that holds them already is left as it is, and one that was written before is replaced whole.

    Parameters
    ----------
    files : by their paths in the folder, with ``/``.
    signing_key : an Ed25519 key in PEM, whose signature of the manifest is put beside it.

    Raises
    ------
    ConfigError if the folder is a file or a link, or holds anything that was not handed on. ResourceError if it cannot
    be written.
    """
    _require_ours(target)
    digest = manifest_of(files).digest

    def fill(folder: Path) -> None:
        folder.mkdir(parents=True, mode=SEARCHABLE)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        seal_package(folder, signing_key=signing_key)
        for path in (folder, *folder.rglob("*")):
            path.chmod(SEARCHABLE if path.is_dir() else READABLE)

    def is_whole() -> bool:
        try:
            verify_package(target, digest)
        except IntegrityError:
            return False
        return (target / SIGNATURE_FILE).exists() == bool(signing_key)

    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    publish(target, fill=fill, is_whole=is_whole)
    return digest


def _require_ours(target: Path) -> None:
    """Raise ConfigError if a folder holds what its own manifest does not list: it would be lost with it."""
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise _not_ours(target, "it is not a folder")
    there = {
        path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    try:
        listed = {file.path for file in read_manifest(target).files}
    except IntegrityError:
        listed = set()
    if foreign := sorted(there - listed - ({PACKAGE_FILE, SIGNATURE_FILE} if listed else set())):
        raise _not_ours(target, f"it holds '{foreign[0]}', which was not handed on")


def _not_ours(target: Path, what: str) -> ConfigError:
    return ConfigError(
        "PKG003",
        f"the folder is not one to write into: {what}",
        where=str(target),
        next_step="Name a folder that is not there yet, or is empty.",
    )
