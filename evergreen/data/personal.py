"""Personal values: what stands instead of them where rows are stored, logged or shown.

It stands on the standard library alone, because an edge bundle logs with it too.
"""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.errors import IntegrityError, ResourceError, explain_os_errors
from evergreen.base.files import write_bytes
from evergreen.base.temporaries import temporary

if TYPE_CHECKING:
    import pandas as pd

    from evergreen.config.contract.contract import Contract

LETTERS_AND_DIGITS = re.compile(r"[^\W_]")
BLOCK_BYTES = 64  # of SHA-256
KEY_FILE = "pii.key"  # in the state folder
CHECK = ".check"  # what is put behind the key's name for the file that says which key it is


def key(path: Path) -> bytes:
    """Return the key that personal values are hashed under; made, for its owner alone, where there is none.

    Raises
    ------
    IntegrityError if it is gone, or not the one that was used here before: hashes would change unseen.
    """
    check = path.with_name(path.name + CHECK)
    with explain_os_errors(path):
        known = check.read_text(errors="replace") if check.exists() else None
        if known is None and not path.exists():
            _make(path)
        secret = path.read_bytes() if path.exists() else None
        if known is not None and (secret is None or known != _fingerprint(secret)):
            raise IntegrityError(
                "INT022",
                f"the key of personal values {'is gone' if secret is None else 'is not the one that was used here'}",
                where=str(path),
                next_step=f"Put back the {path.name} that there was. If there is no copy, delete {check.name} too, or, "
                f"if this key is meant, {check.name} alone: hashes then differ from those before.",
            )
        assert secret is not None
        if known is None:
            with suppress(ResourceError):  # a place that can only be read has nothing new hashed for it
                write_bytes(check, _fingerprint(secret).encode())
        return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = temporary(path)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # the first one is everybody's
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _fingerprint(secret: bytes) -> str:
    """Return what tells a key from others, and nothing of it."""
    return hashlib.sha256(b"the key of personal values\0" + secret).hexdigest()


def hasher(secret: bytes) -> Callable[[str], str]:
    """Return what gives the text that stands for another: HMAC-SHA-256 under `secret`, 32 hex digits.

    Equal texts have equal hashes. What depends on the key alone is done once: half of the time of `hmac.digest`.
    """
    block = (secret if len(secret) <= BLOCK_BYTES else hashlib.sha256(secret).digest()).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))  # RFC 2104

    def hashed(text: str) -> str:
        first, second = inner.copy(), outer.copy()
        first.update(text.encode())
        second.update(first.digest())
        return second.hexdigest()[:32]

    return hashed


def hashed(text: str, secret: bytes) -> str:
    """Return what stands for one text under a key, as `hasher` gives it."""
    return hasher(secret)(text)


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
