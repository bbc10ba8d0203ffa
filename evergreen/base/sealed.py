"""JSON that carries the digest of what it says: a byte that changed later is seen."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "seal"


def sealed(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said with its digest.

    Examples
    --------
    >>> unsealed(sealed({"rows": 3}))
    {'rows': 3}
    >>> unsealed({**sealed({"rows": 3}), "rows": 4})
    """
    return {**said, SEAL: _digest(said)}


def unsealed(read: Any) -> dict[str, Any] | None:
    """Return what was said; None if it is not sealed, or is not what was sealed."""
    if not isinstance(read, Mapping):
        return None
    said = {name: value for name, value in read.items() if name != SEAL}
    return said if read.get(SEAL) == _digest(said) else None


def _digest(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
