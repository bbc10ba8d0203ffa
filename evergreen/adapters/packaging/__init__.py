"""BentoML: a release becomes a bento, which holds everything that the service runs from."""

from evergreen.adapters.packaging.building import build, restore
from evergreen.adapters.packaging.containers import Origin
from evergreen.adapters.packaging.contents import SERVED_BY, packages
from evergreen.adapters.packaging.starting import command
from evergreen.record.registry.bentos import Bento, check, is_missing, release_of, require_unchanged, whole

__all__ = [
    "SERVED_BY",
    "Bento",
    "Origin",
    "build",
    "check",
    "command",
    "is_missing",
    "packages",
    "release_of",
    "require_unchanged",
    "restore",
    "whole",
]
