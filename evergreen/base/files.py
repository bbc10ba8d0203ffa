"""Files: their digests, and writing that is never seen half done."""

import hashlib
import os
from pathlib import Path

from evergreen.base.errors import explain_os_errors
from evergreen.base.temporaries import temporary


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for its owner and group alone; raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o750, exist_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in place whole: temporary name, fsync, rename."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = temporary(path)
        try:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
