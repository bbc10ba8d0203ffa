"""The check of the package that this code lies in, made before any other module of it is imported."""

import os
import sys
from pathlib import Path

from evergreen.base.errors import EvergreenError
from evergreen.learning.model.package import verify_package

PACKED_IN, RELEASE = "src", "release.json"


def require_unchanged(bundle: Path = Path(__file__).parents[1]) -> None:
    """End the process with one block and the exit code 7 unless the package around a bundle is as it was sealed.

    A checkout, and a bundle that is being packed, have no package around them: there nothing is checked, and the
    service refuses to start from them.

    What a container or BentoML writes beside the bundle, and bytecode where this interpreter writes some, are passed
    over. EVERGREEN_PACKAGE_DIGEST and EVERGREEN_TRUSTED_KEYS say which package it has to be, and whose.
    """
    if bundle.name != PACKED_IN or not (bundle / RELEASE).exists():
        return
    trusted = os.environ.get("EVERGREEN_TRUSTED_KEYS")
    try:
        verify_package(
            bundle.parent,
            os.environ.get("EVERGREEN_PACKAGE_DIGEST"),
            trusted_keys=Path(trusted) if trusted else None,
            below=bundle.name,
            bytecode=not sys.dont_write_bytecode,
        )
    except EvergreenError as error:
        print(error.block(), file=sys.stderr)  # noqa: T201  for whoever started it, before anything can log
        sys.exit(error.exit_code)
