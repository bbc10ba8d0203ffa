"""Folders that are published whole, with a manifest that is verified first."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from evergreen.base.errors import IntegrityError, explain_os_errors

MANIFEST = "manifest.json"


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
        if not is_inside(entry["path"]):
            raise damaged(f"path '{entry['path']}' leads out of the folder")
        try:
            content = (path / entry["path"]).read_bytes()
        except OSError as error:
            raise damaged(f"file '{entry['path']}' cannot be read: {error.strerror}") from error
        if len(content) != entry["size"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise damaged(f"file '{entry['path']}' is not the one that was written")
        files[entry["path"]] = content
    return manifest, files


def publish(target: Path, *, fill: Callable[[Path], None], is_whole: Callable[[], bool]) -> None:
    """Put a folder in place whole: filled under another name, then renamed. Readers never find it absent.

    Parameters
    ----------
    fill : writes the content into a folder that is not there yet.
    is_whole : whether `target` holds that content, undamaged; it is left as it is then, whoever put it there.
    """
    if is_whole():
        return
    temporary, aside = (target.with_name(f".{target.name}.{uuid4().hex[:8]}") for _ in range(2))
    with explain_os_errors(target):
        try:
            fill(temporary)
            try:
                temporary.rename(target)
            except OSError:
                if is_whole():  # another process has published the same content meanwhile
                    return
                target.rename(aside)
                temporary.rename(target)
        except OSError:
            if not is_whole():
                raise
        finally:
            if aside.exists() and not target.exists():
                aside.rename(target)
            shutil.rmtree(temporary, ignore_errors=True)
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
