"""Files: their digests, and writing that is never seen half done."""

import hashlib
import os
from pathlib import Path
from uuid import uuid4

from evergreen.base.errors import explain_os_errors


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for its owner and group alone; raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)


def write_bytes(path: Path, content: bytes, *, temporary: Path | None = None) -> None:
    """Put a file in place whole: temporary name, fsync, rename."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary or path.with_name(f".{path.name}.{uuid4().hex[:8]}")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
