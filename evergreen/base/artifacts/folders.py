"""Folders that are published whole, with a manifest that is verified first."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evergreen.base.errors import MENDS, IntegrityError, explain_os_errors
from evergreen.base.temporaries import temporary

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 10_000_000


def read_folder(path: Path, sha256: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a folder's manifest and files, each verified before anybody parses it.

    Only listed files are read: others may lie beside them, such as a cache of the system, and are never returned.

    Raises
    ------
    IntegrityError if the manifest's digest is not `sha256`, or a listed file is missing, changed, or not inside `path`.
    """

    def damaged(what: str) -> IntegrityError:
        return IntegrityError("INT003", what, where=str(path), next_step=f"Do not use this copy. {MENDS}")

    try:
        raw = _read(path / MANIFEST, at_most=MAX_MANIFEST_BYTES)
    except OSError as error:
        raise damaged(f"no manifest: {error.strerror}") from error
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise damaged(f"the manifest is not the one of digest {sha256[:12]}")
    try:
        manifest: dict[str, Any] = json.loads(raw.decode())
        listed = [(str(entry["path"]), int(entry["size"]), entry["sha256"]) for entry in manifest["files"]]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise damaged("the manifest does not list files") from error
    files: dict[str, bytes] = {}
    for name, size, digest in listed:
        if not is_inside(name):
            raise damaged(f"path '{name}' leads out of the folder")
        if name in files:
            raise damaged(f"file '{name}' is listed twice")
        try:
            content = _read(path / name, at_most=size)
        except (OSError, ValueError) as error:  # ValueError: of a path with a null character
            why = error.strerror if isinstance(error, OSError) else error
            raise damaged(f"file '{name}' cannot be read: {why}") from error
        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
            raise damaged(f"file '{name}' is not the one that was written")
        files[name] = content
    return manifest, files


def _read(path: Path, *, at_most: int) -> bytes:
    """Return a file's bytes, and of one that is larger, one byte too many."""
    with path.open("rb") as file:
        return file.read(max(at_most, 0) + 1)


def publish(target: Path, *, fill: Callable[[Path], None], is_whole: Callable[[], bool]) -> None:
    """Put a folder in place whole: filled under another name, then renamed. Readers never find it absent.

    Parameters
    ----------
    fill : writes the content into a folder that is not there yet.
    is_whole : whether `target` holds that content, undamaged; it is left as it is then, whoever put it there.
    """
    if is_whole():
        return
    unfinished, aside = temporary(target), temporary(target)
    with explain_os_errors(target):
        try:
            fill(unfinished)
            try:
                unfinished.rename(target)
            except OSError:
                if is_whole():  # another process has published the same content meanwhile
                    return
                target.rename(aside)
                unfinished.rename(target)
        except OSError:
            if not is_whole():
                raise
        finally:
            if aside.exists() and not target.exists():
                aside.rename(target)
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)


def is_inside(path: str) -> bool:
    """Return whether a relative path names a file below its folder, on any system."""
    return bool(path) and not any(part in ("", ".", "..") or ":" in part for part in path.replace("\\", "/").split("/"))


def is_whole(path: Path, sha256: str) -> bool:
    """Return whether a folder is there with the manifest of that digest and every file that it lists."""
    try:
        read_folder(path, sha256)
    except IntegrityError:
        return False
    return True
