"""Whether the code that runs may answer with another package's model: it is the same code, or golden rows prove it."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from evergreen.learning.model.package import PackageManifest

PACKED_IN, LOCK_FILE = "src/", "requirements.lock"
PACKAGES = ("evergreen", "serving")
RUNNING = Path(__file__).parents[1]


def differences(package: Path, manifest: PackageManifest) -> str:
    """Return what a package has that does not run here, such as "numpy==2.4.5"; empty if there is nothing.

    Parameters
    ----------
    package : a folder that was verified against `manifest`.
    """
    packed = {file.path.removeprefix(PACKED_IN): file.sha256 for file in manifest.files}
    code = {path: digest for path, digest in packed.items() if path.partition("/")[0] in PACKAGES}
    others = [path for path, digest in code.items() if running(path) != digest]
    said = [f"other code in {len(others)} files, such as {others[0]}"] if others else []
    if LOCK_FILE in packed:
        pinned = (package / PACKED_IN / LOCK_FILE).read_text().splitlines()
        said += [line.split()[0] for line in pinned if "==" in line and not _is_installed(line)]
    return ", ".join(said[:4])


@cache
def running(path: str) -> str | None:
    """Return the digest of a file of the code that runs, read once; None if it does not have it."""
    try:
        return hashlib.sha256((RUNNING / path).read_bytes()).hexdigest()
    except OSError:
        return None


def _is_installed(line: str) -> bool:
    name, _, version = line.split()[0].partition("==")
    try:
        return metadata.version(name) == version.rstrip(";")
    except metadata.PackageNotFoundError:
        return False
