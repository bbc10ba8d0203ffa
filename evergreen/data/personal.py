"""Personal values: what stands instead of them where rows are stored, logged or shown.

It stands on the standard library alone, because an edge bundle logs with it too.
"""

import hmac
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from evergreen.base.errors import explain_os_errors

if TYPE_CHECKING:
    import pandas as pd

    from evergreen.config.contract.contract import Contract

LETTERS_AND_DIGITS = re.compile(r"[^\W_]")
KEY_FILE = "pii.key"  # in the state folder


def key(path: Path) -> bytes:
    """Return the key that personal values are hashed under; made, for its owner alone, where there is none."""
    with explain_os_errors(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(os.urandom(32))
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(FileExistsError):  # the first one is everybody's
                    os.link(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        return path.read_bytes()


def hashed(text: str, secret: bytes) -> str:
    """Return what stands for a text: HMAC-SHA-256 under `secret`, 32 hex digits; equal for equal texts."""
    return hmac.digest(secret, text.encode(), "sha256").hex()[:32]


def masked(text: str) -> str:
    """Return a text with an x for each letter and digit.

    Examples
    --------
    >>> masked("Ann O'Hara, 1977")
    "xxx x'xxxx, xxxx"
    """
    return LETTERS_AND_DIGITS.sub("x", text)


def without_personal(rows: "pd.DataFrame", contract: "Contract") -> "pd.DataFrame":
    """Return rows of the same types, with one made-up value in each column that holds personal ones."""
    import pandas as pd

    personal = [column for column in contract.columns if column.pii and column.name in rows]
    made_up = {"number": 0.0, "integer": 0, "boolean": False}
    return rows.assign(
        **{
            column.name: pd.Series(made_up.get(column.type, "personal"), index=rows.index).astype(
                rows[column.name].dtype
            )
            for column in personal
        }
    )
